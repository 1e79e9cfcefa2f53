//! What a value says, as bytes: a record, and when it was issued.

use bytes::Bytes;
use cloakroom_core::{Record, Stamp, Timestamp};

/// A moment in milliseconds: 48 bits last until the year 10889.
const MOMENT: usize = 6;
/// Two moments, the stamp, and the owner's length.
const FIXED: usize = 2 * MOMENT + 16 + 2;

/// A record that was handed out.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Token {
    pub(crate) issued_at: Timestamp,
    pub(crate) record: Record,
}

impl Token {
    /// The length of its bytes.
    pub(crate) fn len(record: &Record) -> usize {
        FIXED + record.owner.as_ref().map_or(0, String::len) + record.payload.len()
    }

    /// Behind what is there: when it was issued, until when it lives, its stamp, the owner behind their
    /// length, the payload. All numbers are big-endian; the owner's length is one more than it is, and 0
    /// stands for nobody.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        let Record { payload, expires_at, owner, stamp, .. } = &self.record;
        for moment in [self.issued_at, *expires_at] {
            out.extend_from_slice(&moment.millis().to_be_bytes()[8 - MOMENT..]);
        }
        out.extend_from_slice(&stamp.to_bytes());
        let owner = owner.as_deref();
        // A longer one makes a value that fits no cookie: it is refused by its length.
        let length = owner.map_or(0, |owner| u16::try_from(owner.len() + 1).unwrap_or(u16::MAX));
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(owner.unwrap_or_default().as_bytes());
        out.extend_from_slice(payload);
    }

    /// What [`write`](Token::write) wrote; its payload is not copied.
    pub(crate) fn read(bytes: &Bytes) -> Option<Self> {
        let (issued_at, rest) = moment(bytes)?;
        let (expires_at, rest) = moment(rest)?;
        let (stamp, rest) = rest.split_first_chunk()?;
        let (length, rest) = rest.split_first_chunk()?;
        let (owner, payload) = match u16::from_be_bytes(*length).checked_sub(1) {
            None => (None, rest),
            Some(length) => {
                let (owner, payload) = rest.split_at_checked(length.into())?;
                (Some(std::str::from_utf8(owner).ok()?.to_owned()), payload)
            }
        };
        let record = Record::new(bytes.slice_ref(payload), expires_at, owner, Stamp::from_bytes(*stamp));
        Some(Self { issued_at, record })
    }
}

fn moment(bytes: &[u8]) -> Option<(Timestamp, &[u8])> {
    let (moment, rest) = bytes.split_first_chunk::<MOMENT>()?;
    let mut millis = [0; 8];
    millis[8 - MOMENT..].copy_from_slice(moment);
    Some((Timestamp::from_millis(u64::from_be_bytes(millis)), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(owner: Option<&str>, payload: &'static [u8]) -> Token {
        let stamp = Stamp { sequence: 7, nonce: u64::MAX - 1 };
        let record =
            Record::new(Bytes::from_static(payload), Timestamp::MAX, owner.map(str::to_owned), stamp);
        Token { issued_at: Timestamp::from_millis(1_800_000_000_123), record }
    }

    fn written(token: &Token) -> Bytes {
        let mut bytes = Vec::new();
        token.write(&mut bytes);
        bytes.into()
    }

    #[test]
    fn a_token_survives_its_bytes_and_is_as_long_as_promised() {
        for owner in [None, Some(""), Some("alice"), Some("Zoë 😀")] {
            for payload in [b"".as_slice(), b"\xff\x00data"] {
                let token = token(owner, payload);
                assert_eq!(Token::read(&written(&token)).as_ref(), Some(&token));
                assert_eq!(written(&token).len(), Token::len(&token.record));
            }
        }
    }

    #[test]
    fn bytes_that_end_too_soon_are_no_token() {
        let bytes = written(&token(Some("alice"), b""));
        for end in 0..bytes.len() {
            assert_eq!(Token::read(&bytes.slice(..end)), None, "{end}");
        }
    }
}
