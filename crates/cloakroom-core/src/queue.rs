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
        Turn { latest: slot.lock_owned().await, id: id.clone(), queues: self }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<SessionId, Slot>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to write, until it is dropped.
#[derive(Debug)]
pub(crate) struct Turn<'q> {
    pub(crate) latest: OwnedMutexGuard<Option<Stored>>,
    id: SessionId,
    queues: &'q Queues,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut queues = self.queues.lock();
        // The map and this guard hold one each; whoever waits holds another.
        if Arc::strong_count(OwnedMutexGuard::mutex(&self.latest)) == 2 {
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
}
