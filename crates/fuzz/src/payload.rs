//! Whoever writes to the store writes whatever they like: it is a session or nothing, and what is a session can be
//! stored again and is the same.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use cloakroom_core::{ErrorKind, Memory, Read, Session, SessionBackend, Sessions};

use crate::kept::{GROWTH, NAMES, clock, key, measured, ready, record, sessions};

/// A stored payload, met by a visitor and by a commit.
pub fn payload(data: &[u8]) -> bool {
    let memory = Arc::new(Memory::with_clock(clock()));
    let sessions = sessions(Arc::clone(&memory));
    let is_one = visited(&memory, &sessions, data);
    ready(memory.delete(&key().id(), None)).unwrap();
    met_by_a_commit(&memory, &sessions, data);
    is_one
}

fn visited(memory: &Memory, sessions: &Sessions, data: &[u8]) -> bool {
    ready(memory.create(&key().id(), &record(data, 1))).unwrap();
    let (session, cost) = measured(|| ready(sessions.load(Some(key()))).unwrap());
    let most = data.len() as u64 * GROWTH + NAMES;
    assert!(cost.bytes_max <= most, "{} bytes in use for {}", cost.bytes_max, data.len());
    assert!(cost.count_total <= 64, "{} allocations to load it", cost.count_total);
    if session.key().is_none() {
        assert_eq!(session.names(), [""; 0], "what is refused leaves nothing behind");
        return false;
    }
    let (stored, cost) = measured(|| used(&session));
    assert!(cost.bytes_total <= most * 16, "{} bytes to use and store it", cost.bytes_total);
    if !stored {
        return true;
    }
    let first = there(memory);
    let again = ready(sessions.load(Some(key()))).unwrap();
    assert_eq!(said(&again), said(&session), "what was stored is what was said");
    again.mark_modified();
    ready(again.save()).unwrap();
    assert!(there(memory) == first, "storing it once more changes nothing");
    again.logout();
    ready(again.save()).unwrap();
    assert!(there(memory).is_none(), "it has ended");
    true
}

/// Asks everything, changes something, and says whether it could be stored.
fn used(session: &Session) -> bool {
    for name in session.names().iter().take(8) {
        // A value is of the type that is asked for, or a mismatch.
        let _ = (session.get::<u64>(name), session.get::<String>(name));
    }
    let _ = (session.authenticated_at(), session.authenticated_within(Duration::MAX), session.expiry_date());
    let _ = (session.expires_at_browser_close(), session.activity(), format!("{session:?}"));
    let _ = ready(session.touch());
    match session.insert("n", 1) {
        Ok(()) => {}
        Err(error) => assert_eq!(error.kind(), ErrorKind::TooLarge),
    }
    session.mark_modified();
    match ready(session.save()) {
        Ok(()) => session.key().is_some(),
        // One whose end has passed by its own word is ended.
        Err(error) => {
            assert!(matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::TooLarge), "{error:?}");
            false
        }
    }
}

/// All that a visitor hears of a session.
fn said(session: &Session) -> impl PartialEq + std::fmt::Debug + use<> {
    let entries: Vec<_> = session.iter().map(|(name, value)| (name, value.get().to_owned())).collect();
    (
        session.names(),
        entries,
        session.user(),
        session.created_at(),
        session.authenticated_at(),
        session.expiry(),
        session.expiry_date(),
    )
}

fn there(memory: &Memory) -> Option<Bytes> {
    ready(memory.load(&key().id(), Read::Latest)).unwrap().map(|stored| stored.record.payload)
}

/// It takes the place of a session that a request has loaded and changed.
fn met_by_a_commit(memory: &Arc<Memory>, sessions: &Sessions, data: &[u8]) {
    let session = ready(sessions.load(None)).unwrap();
    session.insert("n", 1).unwrap();
    ready(session.save()).unwrap();
    let id = session.id().unwrap();
    ready(memory.delete(&id, None)).unwrap();
    ready(memory.create(&id, &record(data, 9))).unwrap();
    session.insert("n", 2).unwrap();
    match ready(session.save()) {
        Ok(()) => assert_eq!(session.get::<u8>("n").unwrap(), session.key().map(|_| 2)),
        Err(error) => {
            let refused = matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::TooLarge);
            assert!(refused, "{error:?}");
            let unchanged = ready(memory.load(&id, Read::Latest)).unwrap().map(|stored| stored.record);
            assert!(unchanged.is_none_or(|record| record.payload == data), "nothing goes over it");
        }
    }
}
