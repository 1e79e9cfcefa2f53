//! A visit whose handler has not answered.

use cloakroom_core::{Result, Session};
use tokio::runtime::Handle;
use tracing::warn;

use crate::task::Task;
use crate::{UserAgent, Visit};

/// Holds a visit while its handler is at work. If that panics or the visitor leaves now, this is dropped with the visit:
/// a logout that was already made still ends the session, and no new key can be told any more.
#[derive(Debug)]
pub struct Ending<Agent: UserAgent>(Option<Visit<Agent>>);

impl<Agent: UserAgent> Ending<Agent> {
    /// None where there is nothing to do after the handler.
    pub fn of(visit: Option<Visit<Agent>>) -> Self {
        Self(visit)
    }

    /// The handler has answered.
    pub fn answered(&mut self) -> Option<Visit<Agent>> {
        self.0.take()
    }
}

impl<Agent: UserAgent> Drop for Ending<Agent> {
    fn drop(&mut self) {
        let Some(visit) = &self.0 else { return };
        visit.headers_left();
        let Some(session) = visit.loaded() else { return };
        if !session.activity().ending {
            return;
        }
        let session = session.clone();
        let home = visit.rules().home.clone();
        if let Some(here) = Handle::try_current().ok().or_else(|| home.clone()) {
            drop(Task::begin(&here, home, move || end(session.clone())));
        } else {
            warn!(
                name: "session.logout_fails", target: "cloakroom",
                "a logout could not be stored: its runtime has ended"
            );
        }
    }
}

async fn end(session: Session) -> Result<()> {
    if let Err(error) = session.finish().await {
        warn!(
            name: "session.logout_fails", target: "cloakroom",
            error = &error as &dyn std::error::Error,
            "a logout could not be stored"
        );
    }
    Ok(())
}
