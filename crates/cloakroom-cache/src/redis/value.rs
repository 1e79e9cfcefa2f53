//! Records and copies of records as bytes. The scripts read the same ones: change the two together.

use bytes::{Buf, Bytes};
use cloakroom_core::{Error, ErrorKind, Record, Result, Revision, Stamp, Stored, Timestamp};

/// In front of a record: bytes that no text begins with, so that what others stored is known.
const RECORD: u8 = 193;
const COPY: u8 = 197;
const FENCE: u8 = 198;
/// How long a record is before its owner and its payload.
pub(super) const HEAD: usize = 33;

/// A moment in 6 bytes, enough for every year that a [`Timestamp`] has.
pub(super) fn moment(at: Timestamp) -> [u8; 6] {
    bytes_of(at.millis())
}

pub(super) fn bytes_of(millis: u64) -> [u8; 6] {
    let [_, _, bytes @ ..] = millis.to_be_bytes();
    bytes
}

/// `record`, shown in its owner's index until `listed_until` in milliseconds.
///
/// # Errors
///
/// `TooLarge` for an owner of 4 GiB.
pub(super) fn record(record: &Record, listed_until: u64) -> Result<Vec<u8>> {
    let mut value =
        Vec::with_capacity(HEAD + record.payload.len() + record.owner.as_ref().map_or(0, String::len));
    push_record(&mut value, record, listed_until)?;
    Ok(value)
}

fn push_record(value: &mut Vec<u8>, record: &Record, listed_until: u64) -> Result<()> {
    value.push(RECORD);
    value.extend_from_slice(&moment(record.expires_at));
    value.extend_from_slice(&bytes_of(listed_until));
    value.extend_from_slice(&record.stamp.to_bytes());
    let owner = record.owner.as_deref();
    // One more than its length; of nobody it is zero.
    let length = u32::try_from(owner.map_or(0, |owner| owner.len() + 1))
        .map_err(|_| Error::new(ErrorKind::TooLarge, "an owner's name this long can't be stored"))?;
    value.extend_from_slice(&length.to_be_bytes());
    value.extend_from_slice(owner.unwrap_or_default().as_bytes());
    value.extend_from_slice(&record.payload);
    Ok(())
}

/// What [`record`] wrote.
///
/// # Errors
///
/// `Corrupt` for anything else.
pub(super) fn stored(value: impl Into<Bytes>) -> Result<Stored> {
    let value = value.into();
    let (deadline, stamp) = head(&value)?;
    read_tail(value, deadline, stamp).ok_or_else(foreign)
}

fn read_tail(mut value: Bytes, deadline: Timestamp, stamp: Stamp) -> Option<Stored> {
    value.advance(HEAD - 4);
    let owner = match usize::try_from(value.try_get_u32().ok()?).ok()? {
        0 => None,
        longer if longer <= value.len() + 1 => {
            let owner = value.split_to(longer - 1);
            Some(std::str::from_utf8(&owner).ok()?.to_owned())
        }
        _ => return None,
    };
    Some(Stored::stamped(Record::new(value, deadline, owner, stamp)))
}

/// A record's deadline and stamp, from its first [`HEAD`] bytes.
///
/// # Errors
///
/// `Corrupt` for anything else.
pub(super) fn head(value: &[u8]) -> Result<(Timestamp, Stamp)> {
    read_head(value).ok_or_else(foreign)
}

fn read_head(value: &[u8]) -> Option<(Timestamp, Stamp)> {
    let head = value.first_chunk::<HEAD>().filter(|head| head[0] == RECORD)?;
    let deadline = number(&head[1..7]);
    let stamp = Stamp::from_bytes(head[13..29].try_into().ok()?);
    (deadline <= Timestamp::MAX.millis()).then(|| (Timestamp::from_millis(deadline), stamp))
}

/// The number that these bytes are, the first the highest.
pub(super) fn number(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// A copy of `copied` whose lease ends then. Of a revision that is no stamp there is none.
///
/// # Errors
///
/// `TooLarge` for an owner of 4 GiB.
pub(super) fn copy(copied: &Stored, until: Timestamp) -> Result<Option<Vec<u8>>> {
    if copied.revision != Revision::from(copied.record.stamp) {
        return Ok(None);
    }
    let mut value = vec![COPY];
    value.extend_from_slice(&moment(until));
    push_record(&mut value, &copied.record, 0)?;
    Ok(Some(value))
}

/// What stands for a session of which nothing is to be remembered until then.
pub(super) fn fence(until: Timestamp) -> Vec<u8> {
    [&[FENCE], moment(until).as_slice()].concat()
}

/// What is remembered under an id, and until when.
///
/// # Errors
///
/// `Corrupt` for what neither [`copy`] nor [`fence`] wrote.
pub(super) fn remembered(value: Vec<u8>) -> Result<(Option<Stored>, Timestamp)> {
    let mut value = Bytes::from(value);
    let (kind, until) = match value.first_chunk::<7>() {
        Some([kind, until @ ..]) => (*kind, Timestamp::from_millis(number(until))),
        None => return Err(foreign()),
    };
    value.advance(7);
    match kind {
        FENCE => Ok((None, until)),
        COPY => Ok((Some(stored(value)?), until)),
        _ => Err(foreign()),
    }
}

/// The value is none of ours.
pub(super) fn foreign() -> Error {
    Error::new(ErrorKind::Corrupt, "a value in the session cache was not written by this library")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn a_record(owner: Option<&str>, payload: &[u8]) -> Record {
        let stamp = Stamp { sequence: 1 << 60, nonce: u64::MAX };
        Record::new(Bytes::copy_from_slice(payload), Timestamp::MAX, owner.map(str::to_owned), stamp)
    }

    #[test]
    fn a_record_survives_its_bytes() {
        for owner in [None, Some(""), Some("алиса")] {
            for payload in [&b""[..], &[0, 193, 255]] {
                let written = a_record(owner, payload);
                let value = record(&written, 7).unwrap();
                assert_eq!(stored(value).unwrap(), Stored::stamped(written));
            }
        }
    }

    #[test]
    fn what_was_cut_or_is_none_of_ours_is_corrupt_and_not_a_panic() {
        let whole = record(&a_record(Some("alice"), b""), 7).unwrap();
        for length in 0..whole.len() {
            let cut = stored(whole[..length].to_vec());
            assert_eq!(cut.unwrap_err().kind(), ErrorKind::Corrupt, "{length} bytes");
        }
        let mut long_owner = whole.clone();
        long_owner[29..33].fill(255);
        let mut late = whole.clone();
        late[1] = 255;
        let mut no_text = whole;
        no_text[33] = 255;
        for value in [long_owner, late, no_text, vec![b'{'; 100]] {
            assert_eq!(stored(value).unwrap_err().kind(), ErrorKind::Corrupt);
        }
    }

    #[test]
    fn a_copy_and_a_fence_survive_their_bytes() {
        let copied = Stored::stamped(a_record(Some("bob"), b"data"));
        let until = Timestamp::from_millis(1 << 41);
        let value = copy(&copied, until).unwrap().unwrap();
        assert_eq!(remembered(value).unwrap(), (Some(copied), until));
        assert_eq!(remembered(fence(until)).unwrap(), (None, until));
        assert_eq!(remembered(b"text of somebody else's".to_vec()).unwrap_err().kind(), ErrorKind::Corrupt);
    }
}
