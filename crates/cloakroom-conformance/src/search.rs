//! Histories that are drawn at random and played on an engine, each explained by a model of what sessions are, or made
//! small and shown.

mod calls;
pub mod histories;
mod hunt;
mod log;
mod order;
mod requests;
mod stage;
mod steps;

pub use hunt::{Counterexample, Effort, Searched};
pub use steps::Faults;

pub(crate) use stage::Gates;

use crate::Engine;

/// What is searched.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Search {
    /// Calls to the engine, one after the other.
    CallsInTurn,
    /// Calls that get in each other's way, and whose futures are dropped.
    CallsAtOnce,
    /// Requests, one after the other.
    RequestsInTurn,
    /// Requests that get in each other's way, and what goes wrong with them.
    RequestsAtOnce(Faults),
}

/// Searches an engine for a history that can't be explained.
///
/// # Errors
///
/// That history.
pub async fn search(engine: Engine, what: Search, effort: Effort) -> Result<Searched, Counterexample> {
    begin(engine, what, None, effort).await
}

async fn search_amid<E: FnOnce() -> usize + 'static>(
    engine: Engine,
    trouble: impl Fn() -> E + Send + Sync + 'static,
    effort: Effort,
) -> Result<Searched, Counterexample> {
    let outside: Box<requests::Outside> = Box::new(move || Box::new(trouble()));
    begin(engine, Search::RequestsAtOnce(Faults::Cuts), Some(outside), effort).await
}

async fn begin(
    engine: Engine,
    what: Search,
    outside: Option<Box<requests::Outside>>,
    effort: Effort,
) -> Result<Searched, Counterexample> {
    let runtime = tokio::runtime::Handle::current();
    // What histories are drawn from can't be sent to another thread, so it stays on one of its own.
    let searching = tokio::task::spawn_blocking(move || {
        runtime.block_on(async {
            match what {
                Search::CallsInTurn => calls::search(&engine, None, effort).await,
                Search::CallsAtOnce => calls::search(&engine, Some(Faults::Cuts), effort).await,
                Search::RequestsInTurn => requests::search(&engine, None, None, effort).await,
                Search::RequestsAtOnce(faults) => {
                    requests::search(&engine, Some(faults), outside.as_deref(), effort).await
                }
            }
        })
    });
    match searching.await {
        Ok(came_to) => came_to,
        // A search is not cancelled: it has panicked, and whoever asked for it shows how.
        Err(failed) => std::panic::resume_unwind(failed.into_panic()),
    }
}
