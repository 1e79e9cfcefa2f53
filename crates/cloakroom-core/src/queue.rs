//! Writers of one session that have met a conflict wait for each other here, instead of colliding
//! again and again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OwnedMutexGuard;

use crate::{SessionId, Stored};

/// What the last in the queue has stored, for the next to build upon without asking the engine.
type Slot = Arc<tokio::sync::Mutex<Option<Stored>>>;

/// Those who wait to write one session, and who is writing it.
#[derive(Debug, Default)]
struct Queue {
    /// Counted here, under the one lock: of two who leave at once each would find the other's share of the slot.
    writers: usize,
    slot: Slot,
}

#[derive(Debug, Default)]
pub(crate) struct Queues(Mutex<HashMap<SessionId, Queue>>);

impl Queues {
    /// Waits until it is one's turn to write the session under `id`.
    pub(crate) async fn enter(&self, id: &SessionId) -> Turn<'_> {
        let slot = {
            let mut queues = self.lock();
            let queue = queues.entry(id.clone()).or_default();
            queue.writers += 1;
            Arc::clone(&queue.slot)
        };
        // Made before the wait: who leaves while waiting leaves the queue, too.
        let place = Place { id: id.clone(), queues: self };
        Turn { latest: slot.lock_owned().await, _place: place }
    }

    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<SessionId, Queue>> {
        #[cfg(test)]
        cloakroom_interleavings::point();
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to write, until it is dropped.
#[derive(Debug)]
pub(crate) struct Turn<'q> {
    pub(crate) latest: OwnedMutexGuard<Option<Stored>>,
    _place: Place<'q>,
}

/// A place in the queue, waiting or at its head. The last to leave removes the queue.
#[derive(Debug)]
struct Place<'q> {
    id: SessionId,
    queues: &'q Queues,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut queues = self.queues.lock();
        if let Some(queue) = queues.get_mut(&self.id) {
            queue.writers -= 1;
            if queue.writers == 0 {
                queues.remove(&self.id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

    use bytes::Bytes;
    use cloakroom_interleavings::{Plan, explore, pause, run, run_or_drop};

    use super::*;
    use crate::{Record, Stamp, Timestamp};

    /// Counts those whose turn it is.
    struct Inside<'c>(&'c AtomicUsize);

    impl<'c> Inside<'c> {
        fn new(count: &'c AtomicUsize) -> Self {
            assert_eq!(count.fetch_add(1, SeqCst), 0, "two have their turn at once");
            Self(count)
        }
    }

    impl Drop for Inside<'_> {
        fn drop(&mut self) {
            self.0.fetch_sub(1, SeqCst);
        }
    }

    /// A writer like those of a session: it builds upon what the one before it has left.
    async fn write(queues: &Queues, inside: &AtomicUsize) {
        let mut turn = queues.enter(&SessionId::parse("a").unwrap()).await;
        let _inside = Inside::new(inside);
        let sequence = turn.latest.as_ref().map_or(0, |latest| latest.record.stamp.sequence);
        pause().await;
        let stamp = Stamp { sequence: sequence + 1, nonce: 0 };
        *turn.latest = Some(Stored::stamped(Record::new(Bytes::new(), Timestamp::MAX, None, stamp)));
    }

    /// So many writers that stay, and so many that may give up wherever they wait.
    fn writers(staying: usize, leaving: usize) -> Plan {
        let queues = Arc::new(Queues::default());
        let inside = Arc::new(AtomicUsize::new(0));
        let written = Arc::new(AtomicUsize::new(0));
        let mut plan = Plan::default();
        for n in 0..staying + leaving {
            let (queues, inside, written) = (Arc::clone(&queues), Arc::clone(&inside), Arc::clone(&written));
            plan = plan.task(move || {
                let write = write(&queues, &inside);
                if n < staying {
                    run(write);
                } else if run_or_drop(write).is_none() {
                    return;
                }
                written.fetch_add(1, SeqCst);
            });
        }
        plan.end(move || {
            assert!(written.load(SeqCst) >= staying);
            assert!(queues.lock().is_empty(), "a queue that everybody has left is kept");
        })
    }

    #[test]
    fn in_every_order_one_writes_at_a_time_and_nobody_waits_for_ever() {
        for (staying, leaving, preemptions) in [(2, 0, 9), (1, 1, 9), (3, 0, 2), (2, 1, 2), (1, 2, 2)] {
            let orders = explore(preemptions, || writers(staying, leaving));
            assert!(orders > 30, "{orders}");
        }
    }

    /// Of two who leave at once each has its share of the slot until it is gone.
    #[tokio::test]
    async fn a_queue_is_forgotten_whoever_still_has_a_share_of_its_slot() {
        let queues = Queues::default();
        let id = SessionId::parse("a").unwrap();
        let turn = queues.enter(&id).await;
        let leaving = queues.lock().get(&id).map(|queue| Arc::clone(&queue.slot)).unwrap();
        drop(turn);
        assert!(queues.lock().is_empty());
        drop(leaving);
    }

    #[tokio::test]
    async fn a_queue_that_everybody_has_left_is_forgotten() {
        let queues = Queues::default();
        let id = SessionId::parse("a").unwrap();
        drop(queues.enter(&id).await);
        assert!(queues.lock().is_empty());
    }

    #[tokio::test]
    async fn a_queue_in_which_somebody_waits_is_kept() {
        let queues = Queues::default();
        let id = SessionId::parse("a").unwrap();
        let first = queues.enter(&id).await;
        let mut second = std::pin::pin!(queues.enter(&id));
        assert!(
            std::future::poll_fn(|context| std::task::Poll::Ready(
                second.as_mut().poll(context).is_pending()
            ))
            .await
        );
        drop(first);
        drop(second.await);
        assert!(queues.lock().is_empty());
    }

    #[tokio::test]
    async fn a_queue_whose_last_waiter_gives_up_is_forgotten() {
        let queues = Queues::default();
        let id = SessionId::parse("a").unwrap();
        let first = queues.enter(&id).await;
        let mut second = Box::pin(queues.enter(&id));
        assert!(
            std::future::poll_fn(|context| std::task::Poll::Ready(
                second.as_mut().poll(context).is_pending()
            ))
            .await
        );
        drop(first);
        drop(second);
        assert!(queues.lock().is_empty());
    }
}
