//! How a record says what has become of it.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

use cloakroom_core::{Record, Revision, Stamp, Timestamp};

/// What decodes to no session, should anybody else find it.
const NOTE: &[u8] = b"cloakroom: ended";

/// A record as it is taken over: at the same place in the order of writes, by a nonce that is marked.
pub(super) fn taken(record: &Record) -> Record {
    let stamp = Stamp { nonce: marked(), ..record.stamp };
    Record::new(record.payload.clone(), record.expires_at, record.owner.clone(), stamp)
}

/// Whether it was taken over and not written since. One in 4,294,967,296 of other writes says so as well,
/// and costs a look at the old engine; so does each where a revision is no stamp.
pub(super) fn is_taken(revision: &Revision) -> bool {
    revision.stamp().is_none_or(|stamp| low(stamp.nonce) == shadow(stamp.nonce))
}

/// A note that something has ended here.
pub(super) fn ended(until: Timestamp) -> Record {
    Record::new(NOTE.into(), until, None, Stamp { sequence: 1, nonce: random() })
}

pub(super) fn is_ended(record: &Record) -> bool {
    record.payload == NOTE
}

/// A nonce of no other writer, whose lower half is made of its upper half.
fn marked() -> u64 {
    let nonce = random();
    nonce & !u64::from(u32::MAX) | u64::from(shadow(nonce))
}

fn shadow(nonce: u64) -> u32 {
    (low(nonce >> 32) ^ 0x9e37_79b9).wrapping_mul(0x85eb_ca6b)
}

#[expect(clippy::cast_possible_truncation, reason = "the lower half is what is wanted")]
fn low(nonce: u64) -> u32 {
    nonce as u32
}

/// Different each time, which is all that a nonce has to be.
fn random() -> u64 {
    RandomState::new().hash_one(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_taken_over_says_so_and_other_writes_do_not() {
        let written = Record::new(NOTE.into(), Timestamp::MAX, None, Stamp { sequence: 7, nonce: 8 });
        let taken = taken(&written);
        assert!(is_taken(&taken.stamp.into()) && !is_taken(&written.stamp.into()));
        assert_eq!(taken.stamp.sequence, 7);
        assert_ne!(super::taken(&written).stamp, taken.stamp);
    }
}
