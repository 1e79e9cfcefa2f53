//! What is sealed opens where it was sealed and unchanged, or not at all.

use std::sync::Arc;

use cloakroom_core::{Memory, SealKeys, Sealed, SessionBackend};

use crate::kept::{clock, key, measured, places, ready, record, sessions};

const PLACE: &[u8] = b"here";
const ABOUT: &[u8] = b"alice's";

/// Bytes that are to be opened, and that are sealed.
pub fn sealed(data: &[u8]) -> bool {
    let keys = SealKeys::new([[2; 32], [1; 32]]).unwrap();
    let (opened, cost) = measured(|| keys.open(PLACE, ABOUT, data));
    let most = 3 * data.len() as u64 + 1024;
    assert!(cost.bytes_max <= most, "{} bytes in use for {}", cost.bytes_max, data.len());
    if opened.is_some() {
        nothing_else_opens(&keys, data);
    }

    let shut = keys.seal(PLACE, ABOUT, data).unwrap();
    assert_eq!(shut.len(), data.len() + SealKeys::OVERHEAD);
    assert_eq!(keys.open(PLACE, ABOUT, &shut).as_deref(), Some(data));
    nothing_else_opens(&keys, &shut);

    // As an engine's, it is a session or nothing.
    let memory = Arc::new(Memory::with_clock(clock()));
    ready(memory.create(&key().id(), &record(data, 1))).unwrap();
    let sessions = sessions(Sealed::new(memory, keys));
    let session = ready(sessions.load(Some(key()))).unwrap();
    let is_one = session.key().is_some();
    if is_one {
        session.insert("n", 1).unwrap();
        ready(session.save()).unwrap();
        let again = ready(sessions.load(session.key())).unwrap();
        assert_eq!(again.names(), session.names());
    }
    is_one || opened.is_some()
}

fn nothing_else_opens(keys: &SealKeys, shut: &[u8]) {
    assert_eq!(keys.open(b"there", ABOUT, shut), None);
    assert_eq!(keys.open(PLACE, b"bob's", shut), None);
    for at in places(shut.len()) {
        let mut changed = shut.to_vec();
        changed[at] ^= 1 << (at % 8);
        assert_eq!(keys.open(PLACE, ABOUT, &changed), None, "changed at {at}");
        assert_eq!(keys.open(PLACE, ABOUT, &shut[..at]), None, "cut at {at}");
    }
}
