//! Work that is not cut short.

use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::runtime::Handle;

/// Runs `work` in the caller's task, and in one of its own if the caller goes away.
///
/// A statement that has been sent is answered, wanted or not. A connection whose answer nobody has taken
/// would give it to the next who asks; closing it instead would let visitors who hang up make the server
/// accept ever more connections, while it still works off what they had asked for.
pub(crate) fn to_its_end<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
) -> impl Future<Output = T> + Send {
    Kept(Some(Box::pin(work)))
}

struct Kept<T: Send + 'static>(Option<Pin<Box<dyn Future<Output = T> + Send>>>);

impl<T: Send + 'static> Future for Kept<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        // Nobody polls what is finished.
        let Some(work) = &mut self.0 else { return Poll::Pending };
        let polled = work.as_mut().poll(context);
        if polled.is_ready() {
            self.0 = None;
        }
        polled
    }
}

impl<T: Send + 'static> Drop for Kept<T> {
    fn drop(&mut self) {
        if let (Some(work), Ok(runtime)) = (self.0.take(), Handle::try_current()) {
            runtime.spawn(work);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn what_is_dropped_is_still_done() {
        let (go, may_go) = oneshot::channel();
        let (done, is_done) = oneshot::channel();
        let mut work = Box::pin(to_its_end(async move {
            let _ = may_go.await;
            let _ = done.send(());
        }));
        let first = poll_fn(|context| Poll::Ready(work.as_mut().poll(context))).await;
        assert!(first.is_pending());
        drop(work);
        go.send(()).unwrap();
        is_done.await.unwrap();
    }
}
