//! The cases that search.

use super::{Counterexample, Effort, Faults, Search, Searched, search, search_amid};
use crate::{Engine, Limit};

/// One history in so many may have too many orders to try them all.
const MOST_UNDECIDED: u64 = 20;

async fn explained(engine: Engine, what: Search) {
    tell(search(engine, what, Effort::from_environment()).await);
}

fn tell(came_to: Result<Searched, Counterexample>) {
    match came_to {
        Ok(searched) => {
            println!("searched: {searched}");
            // A search that decides little has searched little.
            assert!(searched.undecided * MOST_UNDECIDED <= searched.histories, "{searched}");
        }
        Err(found) => panic!("{found}"),
    }
}

/// Each call is answered as the contract says, whatever came before it.
pub async fn calls_in_turn_are_answered_as_the_contract_says(engine: Engine) {
    if !engine.lacks(Limit::Arbitration).await {
        explained(engine, Search::CallsInTurn).await;
    }
}

/// Some order of the answered calls explains the answers, also if others were dropped.
pub async fn calls_at_once_are_answered_as_in_some_order(engine: Engine) {
    if !engine.lacks(Limit::Arbitration).await {
        explained(engine, Search::CallsAtOnce).await;
    }
}

/// Each request reads what those before it have committed, just as the model has it.
pub async fn requests_in_turn_read_what_was_committed(engine: Engine) {
    explained(engine, Search::RequestsInTurn).await;
}

async fn at_once(engine: Engine, faults: Faults) {
    if !engine.lacks(Limit::Arbitration).await {
        explained(engine, Search::RequestsAtOnce(faults)).await;
    }
}

/// Some order of the acknowledged commits explains what was read.
pub async fn requests_at_once_lose_and_revive_nothing(engine: Engine) {
    at_once(engine, Faults::None).await;
}

/// The same where the store refuses calls.
pub async fn refused_calls_lose_and_revive_nothing(engine: Engine) {
    at_once(engine, Faults::Refusals).await;
}

/// The same where calls are lost, or their answers.
pub async fn lost_calls_lose_and_revive_nothing(engine: Engine) {
    at_once(engine, Faults::Losses).await;
}

/// The same where calls never answer.
pub async fn silent_calls_lose_and_revive_nothing(engine: Engine) {
    at_once(engine, Faults::Silence).await;
}

/// The same where handlers are dropped.
pub async fn dropped_handlers_lose_and_revive_nothing(engine: Engine) {
    at_once(engine, Faults::Cuts).await;
}

/// The same where all of that happens.
pub async fn all_faults_together_lose_and_revive_nothing(engine: Engine) {
    at_once(engine, Faults::All).await;
}

/// The same while there is trouble between the engine and its store: a network that breaks, say. For those who can
/// make it: `trouble` begins it for each history, and returns what ends it and says how many faults there were. It must be over
/// as well when that is dropped.
pub async fn requests_amid_trouble_lose_and_revive_nothing<E: FnOnce() -> usize + 'static>(
    engine: Engine,
    trouble: impl Fn() -> E + Send + Sync + 'static,
) {
    tell(search_amid(engine, trouble, Effort::from_environment()).await);
}
