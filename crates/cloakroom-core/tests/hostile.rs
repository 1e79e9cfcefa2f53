//! Whoever writes to the store writes whatever they like: it is a session or it is nothing, and it costs little.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use cloakroom_core::{
    Addressing, Clock, Expiry, ManualClock, Memory, Read, Record, Session, SessionBackend, SessionKey,
    SessionOptions, Sessions, Stamp, Timestamp,
};
use tokio::runtime::Runtime;

const ROUNDS: u64 = 100_000;
const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);
/// What LZ4 can make of a byte at most.
const GROWTH: u64 = 255;
/// What it takes to note where 4,096 names are, which is the most.
const NAMES: u64 = 1 << 19;

/// Numbers that are the same each time: a payload that was not survived can be looked at.
struct Numbers(u64);

impl Numbers {
    /// SplitMix64.
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end.max(1) as u64).unwrap()
    }

    fn byte(&mut self) -> u8 {
        self.next().to_be_bytes()[0]
    }
}

struct Store {
    runtime: Runtime,
    memory: Arc<Memory>,
    sessions: Sessions,
    key: SessionKey,
}

impl Store {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let clock: Arc<dyn Clock> = Arc::new(ManualClock::at(NOW));
        let memory = Arc::new(Memory::with_clock(Arc::clone(&clock)));
        let mut options = SessionOptions::default();
        options.clock = clock;
        options.lifetime.idle = Some(Duration::from_mins(10));
        options.lifetime.absolute = Some(Duration::from_hours(10));
        let sessions = Sessions::with(Arc::clone(&memory), options);
        Self { runtime, memory, sessions, key: SessionKey::generate(Addressing::Hashed).unwrap() }
    }

    /// What sessions of several kinds look like: small, large and packed, logged in, with an end of their own.
    fn real(&self) -> Vec<Vec<u8>> {
        let mut payloads = Vec::new();
        for kind in 0..5 {
            self.runtime.block_on(async {
                let session = self.sessions.load(None).await.unwrap();
                session.set_user_agent("Firefox");
                session.insert("größe", kind).unwrap();
                session.insert("cart", ["tee", "grün"]).unwrap();
                match kind {
                    0 => {}
                    1 => session.login_with_proof("alice", "sha256").unwrap(),
                    2 => session.insert("log", "again and ".repeat(4_000)).unwrap(),
                    3 => (0..300).for_each(|n| session.insert(&n.to_string(), n).unwrap()),
                    _ => session.set_expiry(Expiry::At(NOW.plus(Duration::from_mins(5)))),
                }
                session.save().await.unwrap();
                let id = session.id().unwrap();
                payloads
                    .push(self.memory.load(&id, Read::Any).await.unwrap().unwrap().record.payload.to_vec());
            });
        }
        payloads
    }

    /// Stores a payload and visits it in every way; says whether it was a session, and how many bytes were in use
    /// at once to find that out.
    fn visit(&self, payload: Vec<u8>) -> (bool, u64) {
        let (key, id) = (self.key.clone(), self.key.id());
        let stamp = Stamp { sequence: 1, nonce: 1 };
        let until = NOW.plus(Duration::from_mins(9));
        let record = Record::new(Bytes::from(payload), until, Some("alice".into()), stamp);
        self.runtime.block_on(self.memory.create(&id, &record)).unwrap();
        let mut session = None;
        let used = allocation_counter::measure(|| {
            session = Some(self.runtime.block_on(self.sessions.load(Some(key.clone()))).unwrap());
        });
        let is_one = session.as_ref().is_some_and(|session| session.key().is_some());
        self.runtime.block_on(async {
            if let Some(session) = session.filter(|_| is_one) {
                use_it(&session).await;
            }
            self.memory.delete(&id, None).await.unwrap();
        });
        (is_one, used.bytes_max)
    }
}

/// Everything that can be asked of a session, and what changes it: it was read, so it can be stored.
async fn use_it(session: &Session) {
    for name in session.names().iter().take(8) {
        // A value is of the type that is asked for, or a mismatch.
        let _ = session.get::<u64>(name);
        let _ = session.get::<serde_json::Value>(name);
    }
    let _ = (
        session.user(),
        session.authenticated_within(Duration::MAX),
        session.authenticated_at(),
        session.expiry(),
    );
    let _ = (session.expiry_date(), session.expires_at_browser_close(), session.created_at());
    let _ = (session.activity(), format!("{session:?}"));
    let _ = session.touch().await;
    session.insert("n", 1).unwrap();
    // One whose end has passed by its own word is ended.
    session.save().await.unwrap();
    session.logout();
    session.save().await.unwrap();
}

fn hostile(real: &[Vec<u8>], numbers: &mut Numbers) -> Vec<u8> {
    let other = |numbers: &mut Numbers| real[numbers.below(real.len())].clone();
    let mut payload = other(numbers);
    match numbers.below(6) {
        // Noise, behind a version that is known more often than not.
        0 => {
            payload = (0..numbers.below(400)).map(|_| numbers.byte()).collect();
            if let Some(version) = payload.first_mut() {
                *version %= 4;
            }
        }
        // Cut, extended, or joined with another.
        1 => payload.truncate(numbers.below(payload.len())),
        2 => payload.extend((0..numbers.below(40)).map(|_| numbers.byte())),
        3 => {
            let other = other(numbers);
            payload.truncate(numbers.below(payload.len()));
            payload.extend_from_slice(&other[numbers.below(other.len())..]);
        }
        // Some bytes are others; at the beginning, where all lengths are, more often.
        _ => {
            for _ in 0..=numbers.below(6) {
                let end = if numbers.below(2) == 0 { 40.min(payload.len()) } else { payload.len() };
                let at = numbers.below(end);
                payload[at] = match numbers.below(4) {
                    0 => 0xff,
                    1 => 250 + numbers.byte() % 6,
                    2 => payload[at] ^ (1 << numbers.below(8)),
                    _ => numbers.byte(),
                };
            }
        }
    }
    payload
}

#[test]
fn a_hundred_thousand_hostile_payloads_are_sessions_or_nothing_and_take_little_memory() {
    let store = Store::new();
    let real = store.real();
    assert!(real.iter().all(|payload| store.visit(payload.clone()).0), "each is one as it was");
    let mut numbers = Numbers(7);
    let mut sessions = 0;
    for round in 0..ROUNDS {
        let payload = hostile(&real, &mut numbers);
        let length = payload.len() as u64;
        let (is_one, used) = store.visit(payload);
        sessions += u64::from(is_one);
        let most = length * GROWTH + NAMES;
        assert!(used <= most, "{used} bytes for {length} in round {round}");
    }
    // Changed texts and moments still are sessions: the test has been on both sides of the border.
    assert!(sessions > ROUNDS / 100 && sessions < ROUNDS / 2, "{sessions}");
}
