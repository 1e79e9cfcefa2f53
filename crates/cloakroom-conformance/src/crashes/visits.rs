//! Visitors, each with several requests at once.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use cloakroom_core::{ErrorKind, Result, Session, SessionKey, Sessions};
use tokio::task::JoinSet;

use super::dice::Dice;
use super::note::{Deed, Note, Word};

/// Under which names a session has its visitor's number, and how many things were put in.
pub(super) const VISITOR: &str = "visitor";
pub(super) const COUNT: &str = "n";
/// What the names of things begin with that were put in; of those that came with a login.
pub(super) const PUT: &str = "p";
const LOGIN: &str = "l";

/// How many requests of a visitor run beside the one that logs in and out.
const HELPERS: u32 = 2;
/// A visitor who has put in as much leaves: what is stored should stay small.
const ENOUGH: usize = 250;
/// How often a commit whose answer was lost is asked after.
const ASKED: u32 = 5;
/// How long a call may take: core's limit, and what a busy machine adds.
const LIMIT: Duration = Duration::from_secs(7);

/// The name a visitor logs in by.
pub(super) fn user(number: u32) -> String {
    format!("visitor-{number}")
}

/// Who is to be seen to.
#[derive(Clone, Debug, Default)]
pub(super) struct Roster {
    /// How many visitors of its own there are at any time, and those that are here already.
    pub(super) own: u32,
    pub(super) here: Vec<(u32, SessionKey)>,
    /// Visitors whom other processes see to as well: they never log in.
    pub(super) shared: Vec<(u32, SessionKey)>,
    /// The first number for newcomers.
    pub(super) next: u32,
}

/// A place that visitors come to.
pub(super) struct Visits {
    sessions: Sessions,
    /// What its things are called after: no other place calls them so.
    label: String,
    tell: Box<dyn Fn(Note) + Send + Sync>,
    is_over: AtomicBool,
    next: AtomicU32,
    things: AtomicU64,
}

struct Guest {
    number: u32,
    key: Mutex<SessionKey>,
    shared: bool,
    /// A logout was acknowledged.
    left: AtomicBool,
    /// Nobody sees to this guest any more.
    over: AtomicBool,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Outcome {
    Done,
    Not,
    Unclear,
}

impl Visits {
    pub(super) fn new(
        sessions: Sessions,
        label: String,
        tell: impl Fn(Note) + Send + Sync + 'static,
    ) -> Self {
        let (is_over, next, things) = (AtomicBool::new(false), AtomicU32::new(0), AtomicU64::new(0));
        Self { sessions, label, tell: Box::new(tell), is_over, next, things }
    }

    /// Sees to visitors until it is over.
    pub(super) async fn go_on(self: Arc<Self>, roster: Roster, mut dice: Dice) {
        self.next.store(roster.next, Ordering::Relaxed);
        let mut here = roster.here.into_iter();
        let mut tasks = JoinSet::new();
        for _ in 0..roster.own {
            let first = here.next().map(|(number, key)| Guest::new(number, key));
            tasks.spawn(Arc::clone(&self).host(first, dice.another()));
        }
        for (number, key) in roster.shared {
            let guest = Arc::new(Guest { shared: true, ..Guest::new(number, key) });
            for _ in 0..HELPERS {
                tasks.spawn(Arc::clone(&self).help(Arc::clone(&guest), dice.another()));
            }
        }
        while let Some(done) = tasks.join_next().await {
            done.expect("no visit panics");
        }
    }

    /// Lets each task end what it is at, and no more.
    pub(super) fn end(&self) {
        self.is_over.store(true, Ordering::Relaxed);
    }

    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }

    /// One visitor after the other.
    async fn host(self: Arc<Self>, mut first: Option<Guest>, mut dice: Dice) {
        while !self.is_over() {
            let guest = match first.take() {
                Some(guest) => guest,
                None => match self.welcome().await {
                    Some(guest) => guest,
                    None => continue,
                },
            };
            let guest = Arc::new(guest);
            let mut helpers = JoinSet::new();
            for _ in 0..HELPERS {
                helpers.spawn(Arc::clone(&self).help(Arc::clone(&guest), dice.another()));
            }
            self.entertain(&guest, &mut dice).await;
            guest.over.store(true, Ordering::Relaxed);
            while let Some(done) = helpers.join_next().await {
                done.expect("no visit panics");
            }
        }
    }

    async fn welcome(&self) -> Option<Guest> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let come = comes(&self.sessions, number, &self.tell).await;
        if come.is_none() {
            pause().await;
        }
        come.map(|(number, key)| Guest::new(number, key))
    }

    /// All that only one request at a time does.
    async fn entertain(&self, guest: &Guest, dice: &mut Dice) {
        let mut kept = None;
        while !self.is_over() && !guest.is_over() {
            match dice.below(30) {
                0 => self.leave(guest).await,
                1..=10 => self.log_in(guest).await,
                _ => {
                    if self.put(guest, &mut kept, dice).await >= ENOUGH {
                        self.leave(guest).await;
                    }
                }
            }
        }
    }

    /// What several requests do at once, in this process or in others.
    async fn help(self: Arc<Self>, guest: Arc<Guest>, mut dice: Dice) {
        let mut kept = None;
        while !self.is_over() && !guest.is_over() {
            let many = self.put(&guest, &mut kept, &mut dice).await;
            if guest.shared && (many >= ENOUGH || dice.one_in(500)) {
                self.leave(&guest).await;
            }
        }
        // A request that began before the logout goes on after it.
        if guest.left.load(Ordering::Relaxed) && kept.is_some() {
            self.put(&guest, &mut kept, &mut dice).await;
        }
    }

    /// Puts something in, and says how many names there were. Sometimes the session was loaded a while ago.
    async fn put(&self, guest: &Guest, kept: &mut Option<Session>, dice: &mut Dice) -> usize {
        let thing = format!("{PUT}{}-{}", self.label, self.things.fetch_add(1, Ordering::Relaxed));
        let deed = Deed::Puts(thing.clone());
        let tell = |word| self.tell(guest.number, &deed, word);
        let left = guest.left.load(Ordering::Relaxed);
        tell(Word::Tries);
        let loaded = match kept.take() {
            None => self.load(guest).await,
            kept => kept,
        };
        let Some(session) = loaded else {
            tell(Word::DidNot);
            return 0;
        };
        let many = session.names().len();
        session.insert(&thing, true).unwrap();
        let done = timely(session.update(COUNT, |n: &mut u64| *n += 1)).await;
        match outcome(done) {
            Outcome::Done => {
                assert!(!left, "a session was written to after its logout was acknowledged");
                tell(Word::Did(None));
                *kept = dice.one_in(3).then_some(session);
            }
            Outcome::Not => {
                tell(Word::DidNot);
                pause().await;
            }
            Outcome::Unclear => pause().await,
        }
        many
    }

    async fn log_in(&self, guest: &Guest) {
        let thing = format!("{LOGIN}{}-{}", self.label, self.things.fetch_add(1, Ordering::Relaxed));
        let deed = Deed::LogsIn(thing.clone());
        let tell = |word| self.tell(guest.number, &deed, word);
        let Some(session) = self.load(guest).await else { return };
        tell(Word::Tries);
        session.insert(&thing, true).unwrap();
        session.login(&user(guest.number)).unwrap();
        match commit(&session, |session| session.contains(&thing)).await {
            Outcome::Done => {
                let key = session.key().expect("what is stored has a key");
                *guest.key() = key.clone();
                tell(Word::Did(Some(key)));
            }
            Outcome::Not => tell(Word::DidNot),
            // Nobody knows the key.
            Outcome::Unclear => guest.over.store(true, Ordering::Relaxed),
        }
    }

    async fn leave(&self, guest: &Guest) {
        let tell = |word| self.tell(guest.number, &Deed::Leaves, word);
        let Some(session) = self.load(guest).await else { return };
        tell(Word::Tries);
        session.logout();
        match commit(&session, |_| true).await {
            Outcome::Done => {
                guest.left.store(true, Ordering::Relaxed);
                guest.over.store(true, Ordering::Relaxed);
                tell(Word::Did(None));
            }
            Outcome::Not => tell(Word::DidNot),
            Outcome::Unclear => guest.over.store(true, Ordering::Relaxed),
        }
    }

    /// A guest's session; nothing if the store does not answer, or if somebody else has ended it or moved it on.
    async fn load(&self, guest: &Guest) -> Option<Session> {
        let key = guest.key().clone();
        let session = match timely(self.sessions.load(Some(key.clone()))).await {
            Ok(session) => session,
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
                pause().await;
                return None;
            }
        };
        if session.key().is_some() {
            return Some(session);
        }
        if guest.shared {
            guest.over.store(true, Ordering::Relaxed);
        } else if *guest.key() == key && !guest.is_over() {
            // A login that is on its way has not told its key yet.
            pause().await;
        }
        None
    }

    fn tell(&self, visitor: u32, deed: &Deed, word: Word) {
        (self.tell)(Note { visitor, deed: deed.clone(), word });
    }
}

impl Guest {
    fn new(number: u32, key: SessionKey) -> Self {
        let (left, over) = (AtomicBool::new(false), AtomicBool::new(false));
        Self { number, key: Mutex::new(key), shared: false, left, over }
    }

    fn key(&self) -> std::sync::MutexGuard<'_, SessionKey> {
        self.key.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }
}

/// A new visitor, if it is clear that the session is stored.
pub(super) async fn comes<T>(
    sessions: &Sessions,
    number: u32,
    tell: impl Fn(Note) -> T,
) -> Option<(u32, SessionKey)> {
    let tell = |word| tell(Note { visitor: number, deed: Deed::Comes, word });
    tell(Word::Tries);
    let session = sessions.load(None).await.unwrap();
    session.insert(VISITOR, number).unwrap();
    match commit(&session, |session| session.key().is_some()).await {
        Outcome::Done => {
            let key = session.key().expect("what is stored has a key");
            tell(Word::Did(Some(key.clone())));
            Some((number, key))
        }
        Outcome::Not => {
            tell(Word::DidNot);
            None
        }
        Outcome::Unclear => None,
    }
}

/// Saves, and asks after what became of it. What nobody can tell is given up by then, which `shows`.
async fn commit(session: &Session, shows: impl Fn(&Session) -> bool) -> Outcome {
    let first = outcome(timely(session.save()).await);
    if first != Outcome::Unclear {
        return first;
    }
    for _ in 0..ASKED {
        pause().await;
        if outcome(timely(session.save()).await) == Outcome::Done {
            return if shows(session) { Outcome::Done } else { Outcome::Unclear };
        }
    }
    Outcome::Unclear
}

/// Who was refused comes back a moment later.
async fn pause() {
    tokio::time::sleep(Duration::from_millis(2)).await;
}

fn outcome<T>(done: Result<T>) -> Outcome {
    match done.map_err(|error| (error.kind(), error)) {
        Ok(_) => Outcome::Done,
        Err((ErrorKind::Unavailable | ErrorKind::Interrupted, _)) => Outcome::Not,
        Err((ErrorKind::Unknown, _)) => Outcome::Unclear,
        Err((_, error)) => panic!("{error:?}"),
    }
}

async fn timely<T>(call: impl Future<Output = T>) -> T {
    let start = Instant::now();
    let answer = tokio::time::timeout(LIMIT * 2, call).await.expect("a call hangs");
    assert!(start.elapsed() < LIMIT, "a call took {:?}", start.elapsed());
    answer
}

#[cfg(test)]
mod tests {
    use cloakroom_core::Memory;

    use super::*;

    #[tokio::test]
    #[should_panic(expected = "a session was written to after its logout was acknowledged")]
    async fn a_visit_fails_where_a_session_outlives_its_logout() {
        let sessions = Sessions::new(Memory::new());
        let (number, key) = comes(&sessions, 1, |_| ()).await.unwrap();
        let visits = Visits::new(sessions, "a".to_owned(), |_| ());
        let guest = Guest { left: AtomicBool::new(true), ..Guest::new(number, key) };
        visits.put(&guest, &mut None, &mut Dice::of(1)).await;
    }
}
