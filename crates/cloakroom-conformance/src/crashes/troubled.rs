//! Visitors of one process while something happens to the server, or to the way there.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use cloakroom_core::{SessionBackend, Sessions};

use super::dice::Dice;
use super::ledger::{Ledger, Writers};
use super::soak::Soak;
use super::suits;
use super::visits::{Roster, Visits};

/// How many visitors there are at any time.
const OWN: u32 = 6;
/// How many steps there are between two troubles, at most.
const BETWEEN: u64 = 40;
/// How many show at the end that all is well again, and how soon some are seen.
const WELL: u64 = 100;
const SOON: Duration = Duration::from_mins(1);

/// A test of an engine that lives on while its server, or the way there, is in trouble again and again.
#[derive(Clone, Debug)]
pub struct Troubled {
    engine: &'static str,
    troubles: u32,
    short: Duration,
}

impl Troubled {
    /// With what the engine is called in the last line, how many troubles there are between two looks at the store, and
    /// how long it goes on if nobody says how long.
    pub fn new(engine: &'static str, troubles: u32, short: Duration) -> Self {
        Self { engine, troubles, short }
    }

    /// Goes on for a while, and holds the store against what was acknowledged: through the engine that lived on, and
    /// at the end through one that is opened then. When `trouble` returns, all is as it should be; it says what it
    /// was, if something happened, and a test that fails tells that.
    pub async fn run<B: SessionBackend>(
        self,
        backend: impl SessionBackend,
        mut trouble: impl FnMut(&mut Dice) -> Option<&'static str> + Send + 'static,
        open: impl AsyncFn() -> B,
    ) {
        suits(&backend);
        let (mut soak, mut dice) = (Soak::of(self.engine, self.short), Dice::of_environment());
        let ledger: Arc<Mutex<Ledger>> = Arc::default();
        let backend: Arc<dyn SessionBackend> = Arc::new(backend);
        while soak.goes_on() {
            let (visits, going_on) = visit(&backend, &ledger, &mut dice);
            let mut troubles = Vec::new();
            for _ in 0..self.troubles {
                // Mostly something is under way then.
                goes_well(&ledger, dice.below(BETWEEN), &troubles).await;
                let mut its = dice.another();
                let work = tokio::task::spawn_blocking(move || (trouble(&mut its), trouble));
                let happened;
                (happened, trouble) = work.await.expect("no trouble panics");
                if let Some(what) = happened {
                    soak.fault();
                    troubles.push(what);
                }
            }
            goes_well(&ledger, WELL, &troubles).await;
            visits.end();
            going_on.await.expect("no visit panics");
            println!("troubles: {}", troubles.join(", "));
            check(&ledger, &backend, Writers::MayGoOn).await;
        }
        backend.close().await.unwrap();
        let afresh: Arc<dyn SessionBackend> = Arc::new(open().await);
        check(&ledger, &afresh, Writers::Ended).await;
        soak.operations = held(&ledger).done;
        soak.ends();
    }
}

fn visit(
    backend: &Arc<dyn SessionBackend>,
    ledger: &Arc<Mutex<Ledger>>,
    dice: &mut Dice,
) -> (Arc<Visits>, tokio::task::JoinHandle<()>) {
    let (roster, label) = {
        let ledger = held(ledger);
        (
            Roster { own: OWN, here: ledger.here(), shared: Vec::new(), next: ledger.next() },
            ledger.done.to_string(),
        )
    };
    let notes = Arc::clone(ledger);
    let tell = move |note| {
        held(&notes).note(note);
    };
    let visits = Arc::new(Visits::new(Sessions::new(Arc::clone(backend)), label, tell));
    let going_on = tokio::spawn(Arc::clone(&visits).go_on(roster, dice.another()));
    (visits, going_on)
}

/// Waits until so many more steps have succeeded.
async fn goes_well(ledger: &Mutex<Ledger>, steps: u64, troubles: &[&str]) {
    let (start, before) = (Instant::now(), held(ledger).done);
    while held(ledger).done < before + steps {
        let last = troubles.last().unwrap_or(&"nothing");
        assert!(start.elapsed() < SOON, "what was in trouble is well again, and the engine is not: {last}");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

async fn check(ledger: &Mutex<Ledger>, backend: &Arc<dyn SessionBackend>, writers: Writers) {
    // Nobody takes notes now.
    let mut taken = std::mem::take(&mut *held(ledger));
    taken.check(backend, writers).await;
    *held(ledger) = taken;
}

fn held(ledger: &Mutex<Ledger>) -> std::sync::MutexGuard<'_, Ledger> {
    ledger.lock().unwrap_or_else(PoisonError::into_inner)
}
