//! Writers of one session that have met a conflict wait for each other here, instead of colliding
//! again and again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OwnedMutexGuard;

use crate::{SessionId, Stored};

/// What the last in the queue has stored, for the next to build upon without asking the engine.
type Slot = Arc<tokio::sync::Mutex<Option<Stored>>>;

#[derive(Debug, Default)]
pub(crate) struct Queues(Mutex<HashMap<SessionId, Slot>>);

impl Queues {
    /// Waits until it is one's turn to write the session under `id`.
    pub(crate) async fn enter(&self, id: &SessionId) -> Turn<'_> {
        let slot = Arc::clone(self.lock().entry(id.clone()).or_default());
        // Made before the wait: who leaves while waiting leaves the queue, too.
        let place = Place { slot, id: id.clone(), queues: self };
        Turn { latest: Arc::clone(&place.slot).lock_owned().await, _place: place }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<SessionId, Slot>> {
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
    slot: Slot,
    id: SessionId,
    queues: &'q Queues,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut queues = self.queues.lock();
        // The map holds one, this place another; every other place holds one more.
        if Arc::strong_count(&self.slot) == 2 {
            queues.remove(&self.id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
