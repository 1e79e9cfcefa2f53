//! Calls to an engine: its answers against a model of the contract.

mod caller;
mod model;
mod script;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use cloakroom_core::{Addressing, SessionBackend, SessionId};

use self::caller::{Caller, Counter};
use self::model::Store;
use self::script::{History, histories};
use super::hunt::{Counterexample, Effort, Played, Searched, hunt};
use super::stage::{Gates, Stage};
use super::steps::{Faults, perform};
use crate::{Engine, Faulty};

/// Draws histories of calls: by one caller, or by several at once who may be cut.
pub(super) async fn search(
    engine: &Engine,
    faults: Option<Faults>,
    effort: Effort,
) -> Result<Searched, Counterexample> {
    let rounds = AtomicU64::new(0);
    hunt(effort, histories(faults), async |history| {
        play(engine, history, rounds.fetch_add(1, Ordering::Relaxed)).await
    })
    .await
}

async fn play(engine: &Engine, history: &History, round: u64) -> Played {
    let gates = Arc::new(Gates::default());
    let backend: Arc<dyn SessionBackend> =
        Arc::new(Faulty::gated(Arc::clone(&engine.carried), Arc::clone(&gates)));
    let counter = Counter::new(engine, ids(engine), round, history.callers.len() == 1);
    let mut stage = Stage::new(Arc::clone(&gates));
    for (number, acts) in history.callers.iter().enumerate() {
        let caller = Caller::new(number, Arc::clone(&backend), &counter);
        stage.enter(Box::pin(caller.call(acts)));
    }
    let ended = perform(&mut stage, &gates, &engine.clock, &history.steps, |_| None).await;
    drop(stage);
    if let Err(stuck) = ended {
        counter.log.wrong(stuck);
    }
    Caller::new(history.callers.len(), Arc::clone(&engine.carried), &counter).look().await;
    let store = Store::empty(engine.backend.capabilities().recognises_own_write);
    let judged = counter.log.judge(&store, |event, _| vec![(event.clone(), true)]);
    Played { judged, faults: gates.faults() }
}

/// Ids in ascending order of their bytes, of which all but the last have one place, two differ in case alone; in one letter, where ids
/// are keys, which have no capitals.
fn ids(engine: &Engine) -> Vec<SessionId> {
    let (one, other) = engine.ids();
    let verbatim = engine.capabilities().addressing == Addressing::Verbatim;
    let folded = |text: &str| -> String {
        let (place, rest) = text.split_at(3);
        let swap = |letter: char| {
            if letter.is_ascii_lowercase() {
                letter.to_ascii_uppercase()
            } else {
                letter.to_ascii_lowercase()
            }
        };
        let (all, last) = rest.split_at(rest.len() - 1);
        if verbatim {
            return [place, all, if last == "a" { "b" } else { "a" }].concat();
        }
        place.chars().chain(rest.chars().map(swap)).collect()
    };
    let twin = SessionId::parse(&folded(one.expose())).unwrap();
    let mut ids = [one, twin, other];
    ids.sort();
    let last = loop {
        let id = engine.id();
        if ids.iter().all(|other| *other < id) {
            break id;
        }
    };
    ids.into_iter().chain([last]).collect()
}
