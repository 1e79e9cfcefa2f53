//! A session as bytes, and back.
//!
//! One version byte; then, in bincode's standard encoding, the framework's notes and the length of
//! every text; then all texts in one run: proof, user agent, address, and each name with its JSON value.
//! Version 2 is version 1 behind its length, as an LZ4 block. Values stay text until somebody asks
//! for one: decoding costs two allocations, however many there are.

use bincode::config;
use bytes::{BufMut, Bytes, BytesMut};
use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::content::{Content, Head, bytes};
use crate::data::{Data, Entry, MOST_NAMES, Piece};
use crate::{BrowserEnd, Error, ErrorKind, Expiry, Result, Timestamp};

const PLAIN: u8 = 1;
const PACKED: u8 = 2;
/// Below this, packing costs more time than the bytes are worth.
const WORTH_PACKING: usize = 8 * 1024;
/// Nothing larger is ever decoded, whatever the limit for new payloads is.
pub(crate) const LARGEST: usize = 16 * 1024 * 1024;

/// The notes as they are written. Moments after `created_at` are kept as distances from it: most
/// fit a few bytes then.
#[derive(Serialize, Deserialize)]
struct Notes<L> {
    created_at: u64,
    saved_after: u64,
    authenticated_after: Option<u64>,
    keyed_after: u64,
    expiry: WrittenExpiry,
    told: Option<WrittenEnd>,
    proof: Option<u32>,
    user_agent: Option<u32>,
    address: Option<u32>,
    lengths: L,
}

#[derive(Serialize, Deserialize)]
enum WrittenExpiry {
    Default,
    BrowserClose,
    AfterMillis(u64),
    At(u64),
}

#[derive(Serialize, Deserialize)]
enum WrittenEnd {
    Close,
    At(u64),
}

/// The payload of `content`, at most `limit` bytes before packing.
///
/// # Errors
///
/// `TooLarge` if it is more.
pub(crate) fn encode(content: &Content, limit: usize) -> Result<Bytes> {
    let Content { head, data, .. } = content;
    // What could not be read back is not written.
    let limit = limit.min(LARGEST);
    if data.entries.len() > MOST_NAMES {
        return Err(too_many_names());
    }
    let text: usize = data.pieces().map(|(name, value)| name.len() + value.len()).sum();
    if text > limit {
        return Err(too_large(text, limit));
    }
    let length = |piece: &Option<Piece>| piece.as_ref().map(|piece| size(piece.bytes(&data.text)));
    let notes = Notes {
        created_at: head.created_at.millis(),
        saved_after: after(head, head.saved_at),
        authenticated_after: head.authenticated_at.map(|moment| after(head, moment)),
        keyed_after: after(head, head.keyed_at),
        expiry: match head.expiry {
            Expiry::Default => WrittenExpiry::Default,
            Expiry::BrowserClose => WrittenExpiry::BrowserClose,
            Expiry::After(span) => WrittenExpiry::AfterMillis(Timestamp::MIN.plus(span).millis()),
            Expiry::At(moment) => WrittenExpiry::At(moment.millis()),
        },
        told: head.told.map(|told| match told {
            BrowserEnd::Close => WrittenEnd::Close,
            BrowserEnd::At(moment) => WrittenEnd::At(after(head, moment)),
        }),
        proof: length(&head.proof),
        user_agent: length(&head.user_agent),
        address: length(&head.address),
        lengths: data.pieces().map(|(name, value)| (size(name), size(value))).collect::<Vec<(u32, u32)>>(),
    };
    let mut writer = BytesMut::with_capacity(text + data.entries.len() * 4 + 320).writer();
    writer.get_mut().put_u8(PLAIN);
    bincode::serde::encode_into_std_write(&notes, &mut writer, config::standard())
        .map_err(|source| Error::caused(ErrorKind::Invalid, "the session does not encode", source))?;
    let mut plain = writer.into_inner();
    plain.put_slice(bytes(head.proof.as_ref(), &data.text));
    plain.put_slice(bytes(head.user_agent.as_ref(), &data.text));
    plain.put_slice(bytes(head.address.as_ref(), &data.text));
    for (name, value) in data.pieces() {
        plain.put_slice(name);
        plain.put_slice(value);
    }
    if plain.len() > limit {
        return Err(too_large(plain.len(), limit));
    }
    Ok(if plain.len() < WORTH_PACKING { plain.freeze() } else { packed(&plain) })
}

/// The session in `payload`, whose record belongs to `owner`.
///
/// # Errors
///
/// `Corrupt` for anything that [`encode`] did not write, in time and memory bounded by [`LARGEST`].
pub(crate) fn decode(payload: &Bytes, owner: Option<String>) -> Result<Content> {
    match payload.first() {
        Some(&PLAIN) => decode_plain(payload, owner),
        Some(&PACKED) => decode_plain(&unpacked(&payload[1..])?, owner),
        Some(_) => Err(corrupt("its version is unknown")),
        None => Err(corrupt("it is empty")),
    }
}

fn decode_plain(payload: &Bytes, owner: Option<String>) -> Result<Content> {
    if payload.len() > LARGEST {
        return Err(corrupt("it is larger than any that is written"));
    }
    let limited = config::standard().with_limit::<LARGEST>();
    let (notes, read) = bincode::serde::decode_from_slice::<Notes<Entries>, _>(&payload[1..], limited)
        .map_err(|source| Error::caused(ErrorKind::Corrupt, "a stored session does not decode", source))?;
    let text = payload.slice(1 + read..);
    if std::str::from_utf8(&text).is_err() {
        return Err(corrupt("its text is not UTF-8"));
    }
    let mut cursor = Cursor { text: &text, at: 0 };
    let proof = notes.proof.map(|len| cursor.take(len)).transpose()?;
    let user_agent = notes.user_agent.map(|len| cursor.take(len)).transpose()?;
    let address = notes.address.map(|len| cursor.take(len)).transpose()?;
    let mut entries = notes.lengths.0;
    for entry in &mut entries {
        cursor.place(&mut entry.name)?;
        cursor.place(&mut entry.value)?;
    }
    if cursor.at as usize != text.len() {
        return Err(corrupt("bytes are left over"));
    }
    let created_at = Timestamp::from_millis(notes.created_at);
    let later = |millis: u64| Timestamp::from_millis(created_at.millis().saturating_add(millis));
    let head = Head {
        created_at,
        saved_at: later(notes.saved_after),
        authenticated_at: notes.authenticated_after.map(later),
        keyed_at: later(notes.keyed_after),
        expiry: match notes.expiry {
            WrittenExpiry::Default => Expiry::Default,
            WrittenExpiry::BrowserClose => Expiry::BrowserClose,
            // No longer than any that is written.
            WrittenExpiry::AfterMillis(span) => {
                Expiry::After(Timestamp::from_millis(span).since(Timestamp::MIN))
            }
            WrittenExpiry::At(moment) => Expiry::At(Timestamp::from_millis(moment)),
        },
        told: notes.told.map(|told| match told {
            WrittenEnd::Close => BrowserEnd::Close,
            WrittenEnd::At(moment) => BrowserEnd::At(later(moment)),
        }),
        proof,
        user_agent,
        address,
    };
    Ok(Content { head, data: Data { text, entries }, owner })
}

/// Deals out consecutive pieces of a text, each at a character's border.
struct Cursor<'t> {
    text: &'t Bytes,
    at: u32,
}

impl Cursor<'_> {
    fn take(&mut self, len: u32) -> Result<Piece> {
        let start = self.at;
        let end = start.checked_add(len).filter(|end| self.is_border(*end));
        self.at = end.ok_or_else(|| corrupt("its lengths do not fit its text"))?;
        Ok(Piece::Within { start, len })
    }

    /// Gives a piece that has only a length its place.
    fn place(&mut self, piece: &mut Piece) -> Result<()> {
        if let Piece::Within { len, .. } = *piece {
            *piece = self.take(len)?;
        }
        Ok(())
    }

    /// The whole text was seen to be UTF-8, so a border is where no continuation byte stands.
    fn is_border(&self, at: u32) -> bool {
        let at = at as usize;
        at == self.text.len() || self.text.get(at).is_some_and(|byte| byte & 0b1100_0000 != 0b1000_0000)
    }
}

/// Entries of known lengths, read in place: their pieces get their starts afterwards.
struct Entries(Vec<Entry>);

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Lengths;
        impl<'de> Visitor<'de> for Lengths {
            type Value = Entries;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("the lengths of names and values")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut lengths: A) -> Result<Entries, A::Error> {
                // The hint is what the bytes claim: it earns a little memory, not what it asks for.
                let mut entries = Vec::with_capacity(lengths.size_hint().unwrap_or(0).min(64));
                while let Some((name, value)) = lengths.next_element::<(u32, u32)>()? {
                    if entries.len() == MOST_NAMES {
                        return Err(serde::de::Error::custom("more names than any session has"));
                    }
                    entries.push(Entry {
                        name: Piece::Within { start: 0, len: name },
                        value: Piece::Within { start: 0, len: value },
                    });
                }
                Ok(Entries(entries))
            }
        }
        deserializer.deserialize_seq(Lengths)
    }
}

fn packed(plain: &[u8]) -> Bytes {
    let block = lz4_flex::block::compress(&plain[1..]);
    let mut packed = BytesMut::with_capacity(5 + block.len());
    packed.put_u8(PACKED);
    packed.put_u32_le(size(&plain[1..]));
    packed.put_slice(&block);
    packed.freeze()
}

/// The plain payload, its version byte included.
fn unpacked(packed: &[u8]) -> Result<Bytes> {
    let (length, block) = packed.split_first_chunk().ok_or_else(|| corrupt("it is cut short"))?;
    let length = u32::from_le_bytes(*length) as usize;
    // LZ4 can't grow a block more than 255-fold; a larger claim is a lie that memory would pay for.
    if length > LARGEST || length / 255 > block.len() {
        return Err(corrupt("it claims to be larger than any that is written"));
    }
    let mut plain = vec![PLAIN; length + 1];
    let written = lz4_flex::block::decompress_into(block, &mut plain[1..])
        .map_err(|source| Error::caused(ErrorKind::Corrupt, "a stored session does not unpack", source))?;
    if written != length {
        return Err(corrupt("it is cut short"));
    }
    Ok(plain.into())
}

/// Lengths fit: a payload is at most [`LARGEST`] bytes.
fn size(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX)
}

fn after(head: &Head, moment: Timestamp) -> u64 {
    moment.millis().saturating_sub(head.created_at.millis())
}

fn too_large(size: usize, limit: usize) -> Error {
    Error::new(ErrorKind::TooLarge, format!("the session takes {size} bytes, and the limit is {limit}"))
}

pub(crate) fn too_many_names() -> Error {
    Error::new(ErrorKind::TooLarge, format!("a session has {MOST_NAMES} names at most"))
}

fn corrupt(why: &'static str) -> Error {
    Error::new(ErrorKind::Corrupt, format!("a stored session does not decode: {why}"))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const LIMIT: usize = 1 << 20;

    fn content() -> Content {
        let mut content = Content::new(Timestamp::from_millis(1_700_000_000_000));
        content.data.set("größe", Bytes::from_static(b"1"));
        content.data.set("cart", Bytes::from_static("{\"tee\":\"grün\"}".as_bytes()));
        content.head.saved_at = content.head.created_at.plus(Duration::from_secs(9));
        content.head.authenticated_at = Some(content.head.saved_at);
        content.head.user_agent = Some(String::from("Firefox").into());
        content.head.proof = Some(String::from("sha256").into());
        content.head.address = Some(String::from("2001:db8::1").into());
        content.head.keyed_at = content.head.saved_at;
        content.head.expiry = Expiry::After(Duration::from_mins(5));
        content.head.told = Some(BrowserEnd::At(content.head.saved_at.plus(Duration::from_mins(5))));
        content.owner = Some("alice".into());
        content
    }

    #[test]
    fn a_session_survives_its_payload() {
        let before = content();
        let after = decode(&encode(&before, LIMIT).unwrap(), before.owner.clone()).unwrap();
        assert!(after.says_the_same(&before));
        assert_eq!(after.head.created_at, before.head.created_at);
        assert_eq!(after.head.saved_at, before.head.saved_at);
        assert_eq!(after.head.told, before.head.told);
        assert_eq!(after.head.keyed_at, before.head.keyed_at);
        assert_eq!((after.user_agent(), after.address()), (Some("Firefox"), Some("2001:db8::1")));
    }

    #[test]
    fn a_decoded_session_encodes_to_the_same_bytes() {
        let payload = encode(&content(), LIMIT).unwrap();
        assert_eq!(encode(&decode(&payload, None).unwrap(), LIMIT).unwrap(), payload);
    }

    #[test]
    fn a_large_session_is_packed_and_survives_it() {
        let mut before = content();
        before.data.set("log", Bytes::from(format!("\"{}\"", "again ".repeat(10_000))));
        let payload = encode(&before, LIMIT).unwrap();
        assert!(payload.len() < 2_000, "{}", payload.len());
        assert!(decode(&payload, before.owner.clone()).unwrap().says_the_same(&before));
    }

    #[test]
    fn a_payload_over_the_limit_is_too_large() {
        let mut content = content();
        content.data.set("log", Bytes::from(vec![b'1'; LIMIT]));
        assert_eq!(encode(&content, LIMIT).unwrap_err().kind(), ErrorKind::TooLarge);
    }

    #[test]
    fn nothing_is_written_that_could_not_be_read_back() {
        let mut content = content();
        content.data.set("log", Bytes::from(vec![b'1'; LARGEST]));
        assert_eq!(encode(&content, usize::MAX).unwrap_err().kind(), ErrorKind::TooLarge);
    }

    /// A payload up to the number of its names, which is its last byte if there are none.
    fn before_lengths() -> Vec<u8> {
        let blank = encode(&Content::new(Timestamp::MIN), LIMIT).unwrap();
        assert_eq!(blank.last(), Some(&0));
        blank[..blank.len() - 1].to_vec()
    }

    #[test]
    fn a_small_block_that_unpacks_to_a_million_names_is_corrupt() {
        let names = 1_000_000_u32;
        let mut plain = before_lengths();
        plain.push(252);
        plain.extend(names.to_le_bytes());
        plain.extend(vec![0; 2 * names as usize]);
        let error = decode(&packed(&plain), None).unwrap_err();
        assert!(format!("{error:?}").contains("more names"), "{error:?}");
    }

    #[test]
    fn every_prefix_of_a_payload_is_corrupt() {
        let mut large = content();
        large.data.set("log", Bytes::from(format!("\"{}\"", "abc".repeat(4_000))));
        for payload in [encode(&content(), LIMIT).unwrap(), encode(&large, LIMIT).unwrap()] {
            for end in 0..payload.len() {
                assert!(decode(&payload.slice(..end), None).is_err(), "cut at {end} of {}", payload.len());
            }
        }
    }

    #[test]
    fn any_changed_byte_is_corrupt_or_another_session_and_never_a_panic() {
        let payload = encode(&content(), LIMIT).unwrap();
        for at in 0..payload.len() {
            for flip in [1, 0x40, 0x80, 0xff] {
                let mut bytes = payload.to_vec();
                bytes[at] ^= flip;
                let _ = decode(&bytes.into(), None).map(|content| content.data.iter().count());
            }
        }
    }

    #[test]
    fn a_claim_of_gigabytes_is_corrupt_before_any_memory_is_taken() {
        let lengths = [&before_lengths()[..], &[253, 255, 255, 255, 255, 255, 255, 255, 255]].concat();
        assert_eq!(decode(&lengths.into(), None).unwrap_err().kind(), ErrorKind::Corrupt);
        let block = [&[PACKED][..], &u32::MAX.to_le_bytes(), &[0; 8]].concat();
        assert_eq!(decode(&block.into(), None).unwrap_err().kind(), ErrorKind::Corrupt);
    }
}
