//! Processes that share a store and are killed: the test itself, started again to play a part.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use cloakroom_core::{Addressing, SessionBackend, SessionKey, Sessions};

use super::dice::Dice;
use super::ledger::{Ledger, Writers};
use super::note::{NoNote, Note};
use super::soak::Soak;
use super::suits;
use super::visits::{Roster, Visits};

/// Says to a process that it is to play a part, and which.
const PART: &str = "CLOAKROOM_CRASH_PART";
/// How many visitors a process has of its own, and how many if it shares some with another.
const OWN: u32 = 4;
const OWN_OF_TWO: u32 = 1;
/// How many two processes share.
const SHARED: u32 = 3;
/// How long each test goes on, if nobody says how long.
const SHORT: Duration = Duration::from_secs(4);
/// No process is silent for as long while it is well.
const SILENCE: Duration = Duration::from_secs(30);

/// What a process that was started by a test has to do.
#[derive(Debug)]
pub struct Part {
    store: String,
    label: String,
    seed: u64,
    roster: Roster,
}

impl Part {
    /// Plays the part of this process, if it was started to play one, and says whether it was: every test that starts
    /// processes begins with this, and ends where it did.
    pub async fn played<B: SessionBackend>(open: impl AsyncFn(&str) -> B) -> bool {
        let Ok(part) = std::env::var(PART) else { return false };
        let part = Self::read(&part).expect("it was written here");
        let backend = open(&part.store).await;
        part.play(backend).await;
        true
    }

    fn written(&self) -> String {
        let visitors = |visitors: &[(u32, SessionKey)]| {
            let words = visitors.iter().map(|(number, key)| format!("{number}={}", key.expose()));
            words.collect::<Vec<_>>().join(" ")
        };
        let Roster { own, here, shared, next } = &self.roster;
        let (here, shared) = (visitors(here), visitors(shared));
        format!("{}\n{}\n{}\n{own}\n{next}\n{here}\n{shared}", self.store, self.label, self.seed)
    }

    fn read(text: &str) -> Option<Self> {
        let [store, label, seed, own, next, here, shared] = text.split('\n').collect::<Vec<_>>()[..] else {
            return None;
        };
        let visitors = |text: &str| {
            let pairs = text.split_whitespace().map(|pair| {
                let (number, key) = pair.split_once('=')?;
                Some((number.parse().ok()?, SessionKey::parse(key, Addressing::Hashed)?))
            });
            pairs.collect::<Option<Vec<_>>>()
        };
        let (own, next) = (own.parse().ok()?, next.parse().ok()?);
        let roster = Roster { own, here: visitors(here)?, shared: visitors(shared)?, next };
        Some(Self { store: store.to_owned(), label: label.to_owned(), seed: seed.parse().ok()?, roster })
    }

    /// Sees to visitors, and prints what was done, until standard input ends or it is killed.
    async fn play(self, backend: impl SessionBackend) {
        let tell = |note: Note| println!("{note}");
        let visits = Arc::new(Visits::new(Sessions::new(backend), self.label, tell));
        let going_on = Arc::clone(&visits).go_on(self.roster, Dice::of(self.seed));
        thread::spawn(move || {
            let _ = std::io::stdin().read_to_end(&mut Vec::new());
            visits.end();
        });
        going_on.await;
    }
}

/// A test of processes that are killed, on a store that they can all open.
#[derive(Clone, Debug)]
pub struct Killed {
    engine: &'static str,
    test: &'static str,
    store: String,
}

impl Killed {
    /// With what the engine is called in the last line, the test's own name as the harness knows it, and what the store
    /// is opened by.
    pub fn new(engine: &'static str, test: &'static str, store: impl Into<String>) -> Self {
        Self { engine, test, store: store.into() }
    }

    /// One process, killed at any moment, and what it acknowledged: round after round over the same store.
    pub async fn one<B: SessionBackend>(&self, open: impl AsyncFn(&str) -> B) {
        let (mut soak, mut dice) = (Soak::of(self.engine, SHORT), Dice::of_environment());
        let ledger = Arc::default();
        begin(open(&self.store).await).await;
        while soak.goes_on() {
            let mut worker = self.start(&ledger, &mut dice, 0, Vec::new());
            worker.does(dice.below(100));
            worker.dies(&mut dice);
            soak.fault();
            self.check(&ledger, open(&self.store).await).await;
        }
        soak.operations = held(&ledger).done;
        soak.ends();
    }

    /// Two processes at once that end of themselves.
    pub async fn none_of_two<B: SessionBackend>(&self, open: impl AsyncFn(&str) -> B) {
        self.two(false, open).await;
    }

    /// Two processes at once, one of which is killed, and the other goes on.
    pub async fn one_of_two<B: SessionBackend>(&self, open: impl AsyncFn(&str) -> B) {
        self.two(true, open).await;
    }

    async fn two<B: SessionBackend>(&self, one_is_killed: bool, open: impl AsyncFn(&str) -> B) {
        let (mut soak, mut dice) = (Soak::of(self.engine, SHORT), Dice::of_environment());
        let ledger = Arc::default();
        begin(open(&self.store).await).await;
        while soak.goes_on() {
            let shared = newcomers(&ledger, open(&self.store).await).await;
            let mut first = self.start(&ledger, &mut dice, 1, shared.clone());
            let mut second = self.start(&ledger, &mut dice, 2, shared);
            for _ in 0..=dice.below(8) {
                first.does(50);
                second.does(50);
            }
            if one_is_killed {
                first.dies(&mut dice);
                soak.fault();
                second.does(50);
            } else {
                first.ends();
            }
            second.ends();
            self.check(&ledger, open(&self.store).await).await;
        }
        soak.operations = held(&ledger).done;
        soak.ends();
    }

    async fn check(&self, ledger: &Mutex<Ledger>, backend: impl SessionBackend) {
        let backend: Arc<dyn SessionBackend> = Arc::new(backend);
        // The processes that took notes have ended.
        let mut ledger_ = std::mem::take(&mut *held(ledger));
        ledger_.check(&backend, Writers::Ended).await;
        *held(ledger) = ledger_;
        backend.close().await.unwrap();
    }

    /// Starts a process. Those who are here without being shared are the first one's.
    fn start(
        &self,
        ledger: &Arc<Mutex<Ledger>>,
        dice: &mut Dice,
        place: u32,
        shared: Vec<(u32, SessionKey)>,
    ) -> Worker {
        let roster = {
            let ledger = held(ledger);
            let mut here = if place < 2 { ledger.here() } else { Vec::new() };
            here.retain(|(number, _)| shared.iter().all(|(other, _)| other != number));
            // Each process has numbers of its own.
            let own = if place == 0 { OWN } else { OWN_OF_TWO };
            Roster { own, here, shared, next: ledger.next() + place * 10_000 }
        };
        let label = format!("{}of{place}", held(ledger).done);
        Worker::start(
            self.test,
            &Part { store: self.store.clone(), label, seed: dice.below(u64::MAX), roster },
            ledger,
        )
    }
}

/// Looks at the engine, before any process is started over its store.
async fn begin(backend: impl SessionBackend) {
    suits(&backend);
    backend.close().await.unwrap();
}

/// Visitors for several processes.
async fn newcomers(ledger: &Mutex<Ledger>, backend: impl SessionBackend) -> Vec<(u32, SessionKey)> {
    let backend: Arc<dyn SessionBackend> = Arc::new(backend);
    let sessions = Sessions::new(Arc::clone(&backend));
    let mut all = Vec::new();
    for _ in 0..SHARED {
        let number = held(ledger).next();
        let note = |note: Note| held(ledger).note(note);
        all.extend(super::visits::comes(&sessions, number, note).await);
    }
    backend.close().await.unwrap();
    all
}

fn held(ledger: &Mutex<Ledger>) -> MutexGuard<'_, Ledger> {
    ledger.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A process that plays a part.
struct Worker {
    child: Child,
    input: Option<ChildStdin>,
    reader: Option<JoinHandle<()>>,
    /// One for each step that was acknowledged.
    done: Receiver<()>,
}

impl Worker {
    fn start(test: &str, part: &Part, ledger: &Arc<Mutex<Ledger>>) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([test, "--exact", "--nocapture", "--include-ignored"])
            .env(PART, part.written())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (input, output) = (child.stdin.take(), child.stdout.take().unwrap());
        let (sender, done) = channel();
        let ledger = Arc::clone(ledger);
        let reader = thread::spawn(move || read(output, &ledger, &sender));
        Self { child, input, reader: Some(reader), done }
    }

    /// Waits until it has done so many steps more.
    fn does(&mut self, steps: u64) {
        for _ in 0..steps {
            self.done.recv_timeout(SILENCE).expect("the process goes on");
        }
    }

    /// Kills it a moment later, in the middle of something.
    fn dies(mut self, dice: &mut Dice) {
        thread::sleep(Duration::from_micros(dice.below(4_000)));
        assert!(self.child.try_wait().unwrap().is_none(), "it ended of itself");
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.is_read();
    }

    /// Has it end what it is at.
    fn ends(mut self) {
        drop(self.input.take());
        self.is_read();
        assert!(self.child.wait().unwrap().success(), "it failed");
    }

    /// Waits until all that it told is noted.
    fn is_read(&mut self) {
        if let Some(reader) = self.reader.take() {
            reader.join().expect("the notes can be read");
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // For tests that fail. It has ended otherwise.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read(output: ChildStdout, ledger: &Mutex<Ledger>, done: &Sender<()>) {
    for line in BufReader::new(output).lines() {
        let line = line.unwrap();
        let note = match line.parse::<Note>() {
            Ok(note) => note,
            Err(NoNote::Other) => continue,
            Err(NoNote::Garbled) => panic!("a process notes what no note says"),
        };
        if held(ledger).note(note) {
            // Nobody may be waiting.
            let _ = done.send(());
        }
    }
}
