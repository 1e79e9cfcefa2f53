//! Where handlers wait for each other, so that requests overlap whatever the machine is doing.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{Notify, watch},
    time::timeout,
};

/// The query of a request whose handler is to wait.
const WAIT: &str = "wait";

/// Longer than any handler needs to get here. One that is kept out, since its library lets requests take turns, would
/// not come before the others have left.
const PATIENCE: Duration = Duration::from_secs(20);

/// Handlers of requests that ask for it wait here, with their sessions loaded and not yet changed, until it is opened.
#[derive(Clone, Default)]
pub(crate) struct Gate(Arc<Inner>);

#[derive(Default)]
struct Inner {
    waiting: watch::Sender<usize>,
    opened: Notify,
}

impl Gate {
    /// Waits, if the request's query asks for that.
    pub(crate) async fn pass(&self, query: Option<&str>) {
        if query == Some(WAIT) {
            // Hears an opening from here on, so that none comes between the next two lines.
            let opened = self.0.opened.notified();
            self.0.waiting.send_modify(|waiting| *waiting += 1);
            opened.await;
        }
    }

    /// Whether so many wait; answers when they do.
    pub(crate) async fn is_reached_by(&self, number: usize) -> bool {
        let mut waiting = self.0.waiting.subscribe();
        let reached = waiting.wait_for(|waiting| *waiting >= number);
        timeout(PATIENCE, reached).await.is_ok_and(|reached| reached.is_ok())
    }

    /// Lets all go on who wait.
    pub(crate) fn open(&self) {
        self.0.waiting.send_replace(0);
        self.0.opened.notify_waiters();
    }
}
