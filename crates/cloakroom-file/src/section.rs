//! What is in a session's file: a section for each id that the file may be found under.
//!
//! That is one. Only while a session moves to another id there are two, the new one first: the rename that
//! gives the file its new name then ends the one and starts the other in a single step.
//!
//! ```text
//!  0   8  "cloakrm" and the version, 1
//!  8  16  the first half of the SHA-256 of all that follows in the section
//! 24   8  deadline, milliseconds since 1970
//! 32  16  stamp
//! 48   4  length of the id
//! 52   4  length of the owner and one more; 0: nobody's
//! 56   4  length of the payload
//! 60      id, owner, payload
//! ```
//!
//! Numbers are big-endian. The checksum tells a section that a power cut has torn; against a person who
//! writes to the disk there is sealing.

use std::ops::Range;

use bytes::Bytes;
use cloakroom_core::{Error, ErrorKind, Record, Result, SessionId, Stamp, Timestamp};
use ring::digest::{SHA256, digest};

const MAGIC: [u8; 8] = *b"cloakrm\x01";
const HEAD: usize = 60;
const CHECKED: usize = 24;
/// Nothing of ours is longer: 16 MiB of payload, and enough for an id and an owner.
const LONGEST: usize = (16 << 20) + (1 << 16);

/// Adds the section of a record to a file.
///
/// # Errors
///
/// `TooLarge` if it could not be read again.
pub(crate) fn append(file: &mut Vec<u8>, id: &SessionId, record: &Record) -> Result<()> {
    let owner = record.owner.as_deref();
    let length = HEAD + id.as_bytes().len() + owner.unwrap_or_default().len() + record.payload.len();
    if length > LONGEST {
        return Err(Error::new(ErrorKind::TooLarge, "a session in a file has 16 MiB at most"));
    }
    let start = file.len();
    file.reserve(length);
    file.extend_from_slice(&MAGIC);
    file.extend_from_slice(&[0; CHECKED - MAGIC.len()]);
    file.extend_from_slice(&record.expires_at.millis().to_be_bytes());
    file.extend_from_slice(&record.stamp.to_bytes());
    file.extend_from_slice(&length_field(id.as_bytes().len()));
    file.extend_from_slice(&length_field(owner.map_or(0, |owner| owner.len() + 1)));
    file.extend_from_slice(&length_field(record.payload.len()));
    file.extend_from_slice(id.as_bytes());
    file.extend_from_slice(owner.unwrap_or_default().as_bytes());
    file.extend_from_slice(&record.payload);
    let checksum = checksum(&file[start..]);
    file[start + MAGIC.len()..start + CHECKED].copy_from_slice(&checksum);
    Ok(())
}

/// What the beginning of a file says about the section that is looked for.
pub(crate) enum Search {
    /// It is there.
    Found(Box<Found>),
    /// That many bytes of the file are needed to tell.
    Needs(usize),
    /// It is no file of ours, or damaged.
    Foreign,
}

/// A section.
pub(crate) struct Found {
    /// Whose it is.
    pub(crate) id: SessionId,
    /// The record, without its payload.
    record: Record,
    /// Where that is in the file.
    payload: Range<usize>,
}

impl Found {
    /// The whole record, out of the file that this was found in.
    pub(crate) fn record(self, mut file: Vec<u8>) -> Record {
        // A request may hold it for long.
        file.truncate(self.payload.end);
        file.shrink_to_fit();
        let mut record = self.record;
        record.payload = Bytes::from(file).slice(self.payload);
        record
    }
}

/// Looks for the section of the id that is `wanted`.
pub(crate) fn find(file: &[u8], wanted: impl Fn(&[u8]) -> bool) -> Search {
    let mut start = 0;
    // Two sections are all that a file ever has.
    for _ in 0..2 {
        let Some(head) = file[start..].first_chunk() else { return Search::Needs(start + HEAD) };
        let Some(parts) = Parts::of(head, start) else { return Search::Foreign };
        let Some(section) = file.get(start..parts.payload.end) else {
            return Search::Needs(parts.payload.end);
        };
        if wanted(&file[parts.id.clone()]) {
            let intact = section[MAGIC.len()..CHECKED] == checksum(section);
            let found = intact.then(|| parts.found(file, head)).flatten();
            return found.map_or(Search::Foreign, |found| Search::Found(Box::new(found)));
        }
        start = parts.payload.end;
    }
    Search::Foreign
}

/// Where the parts of a section are in a file.
struct Parts {
    id: Range<usize>,
    owner: Option<Range<usize>>,
    payload: Range<usize>,
}

impl Parts {
    fn of(head: &[u8; HEAD], start: usize) -> Option<Self> {
        let length = |at: usize| u32::from_be_bytes(field(head, at)) as usize;
        let (id, owner, payload) = (length(48), length(52), length(56));
        let whole = [id, owner, payload].iter().fold(HEAD, |sum, length| sum.saturating_add(*length));
        // No more is read on a damaged file's word.
        if head[..MAGIC.len()] != MAGIC || whole > LONGEST + 1 {
            return None;
        }
        let id = start + HEAD..start + HEAD + id;
        let owner_end = id.end + owner.saturating_sub(1);
        let payload = owner_end..owner_end + payload;
        Some(Self { owner: (owner > 0).then_some(id.end..owner_end), id, payload })
    }

    fn found(self, file: &[u8], head: &[u8; HEAD]) -> Option<Found> {
        let text = |range: Range<usize>| str::from_utf8(&file[range]).ok();
        let owner = match self.owner {
            Some(range) => Some(text(range)?.to_owned()),
            None => None,
        };
        let deadline = Timestamp::from_millis(u64::from_be_bytes(field(head, 24)));
        let stamp = Stamp::from_bytes(field(head, 32));
        let record = Record::new(Bytes::new(), deadline, owner, stamp);
        Some(Found { id: SessionId::parse(text(self.id)?)?, record, payload: self.payload })
    }
}

/// `N` bytes of a head. Every field is inside.
fn field<const N: usize>(head: &[u8; HEAD], at: usize) -> [u8; N] {
    head[at..].first_chunk().copied().unwrap_or([0; N])
}

fn checksum(section: &[u8]) -> [u8; CHECKED - MAGIC.len()] {
    let digest = digest(&SHA256, &section[CHECKED..]);
    digest.as_ref().first_chunk().copied().unwrap_or_default()
}

/// Lengths were seen to be short enough.
fn length_field(length: usize) -> [u8; 4] {
    u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file that begins with these lengths of an id, an owner and a payload.
    fn head(lengths: [u32; 3]) -> Vec<u8> {
        [MAGIC.as_slice(), &[0; 40], &lengths.map(u32::to_be_bytes).concat()].concat()
    }

    #[test]
    fn what_is_longer_than_any_session_is_not_read() {
        let longest = u32::try_from(LONGEST - HEAD).unwrap();
        assert!(matches!(find(&head([0, 1, longest]), |_| true), Search::Needs(LONGEST)));
        for lengths in [[0, 1, longest + 1], [longest, longest, 0], [longest, 0, longest], [u32::MAX; 3]] {
            assert!(matches!(find(&head(lengths), |_| true), Search::Foreign), "{lengths:?}");
        }
    }
}
