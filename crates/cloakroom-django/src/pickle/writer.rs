//! A session's JSON as the pickle of what Python's `json.loads` makes of it.

use cloakroom_core::{Error, ErrorKind, Result};

use super::integer;
use super::reader::MOST_STEPS;
use crate::json::{Bracket, Scanner, Token, Unit};

/// The pickle of the value that is this JSON, in protocol 4 or 5, in one frame. Nothing is memoised: it stands once.
///
/// # Errors
///
/// `Invalid` if it is no JSON that Python reads, `TooLarge` if it has more than half a million values.
pub(crate) fn write(json: &str, protocol: u8) -> Result<Vec<u8>> {
    let mut body = Vec::with_capacity(json.len() + 16);
    let mut scanner = Scanner::over(json, 0, ErrorKind::Invalid);
    // What could not be read back is not written: none takes more than two steps.
    let mut room = MOST_STEPS / 2 - 1;
    while let Some(token) = scanner.token()? {
        room = room.checked_sub(1).ok_or_else(too_many)?;
        match token {
            // What goes inside is put above a mark.
            Token::Open(Bracket::Array) => body.extend_from_slice(b"]("),
            Token::Open(Bracket::Object) => body.extend_from_slice(b"}("),
            Token::Close(Bracket::Array) => body.push(b'e'),
            Token::Close(Bracket::Object) => body.push(b'u'),
            Token::Name(text) | Token::Text(text) => push_text(text.units(), &mut body),
            Token::Integer(digits) => push_integer(digits, &mut body),
            Token::Float(number) => {
                body.push(b'G');
                body.extend_from_slice(&number.parse().unwrap_or(f64::NAN).to_be_bytes());
            }
            Token::Word("null") => body.push(b'N'),
            Token::Word(word) => body.push(if word == "true" { 0x88 } else { 0x89 }),
        }
    }
    body.push(b'.');
    let mut pickle = vec![0x80, protocol];
    // CPython frames what is worth it.
    if body.len() >= 4 {
        pickle.push(0x95);
        pickle.extend_from_slice(&(body.len() as u64).to_le_bytes());
    }
    pickle.append(&mut body);
    Ok(pickle)
}

fn push_text(units: impl Iterator<Item = Unit>, body: &mut Vec<u8>) {
    let mut text = Vec::new();
    for unit in units {
        match unit {
            Unit::Char(char) => text.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes()),
            Unit::Lone(half) => {
                let [high, low] = (half >> 6 & 0x3f | (half & 0x3f) << 8).to_le_bytes();
                text.extend_from_slice(&[0xed, 0x80 | high, 0x80 | low]);
            }
        }
    }
    if let Ok(length) = u8::try_from(text.len()) {
        body.extend_from_slice(&[0x8c, length]);
    } else {
        body.push(0x8d);
        body.extend_from_slice(&(text.len() as u64).to_le_bytes());
    }
    body.append(&mut text);
}

fn too_many() -> Error {
    Error::new(ErrorKind::TooLarge, "the session has too many values for a pickle")
}

fn push_integer(digits: &str, body: &mut Vec<u8>) {
    if let Ok(small) = digits.parse::<u8>() {
        body.extend_from_slice(&[b'K', small]);
    } else if let Ok(short) = digits.parse::<u16>() {
        body.push(b'M');
        body.extend_from_slice(&short.to_le_bytes());
    } else if let Ok(int) = digits.parse::<i32>() {
        body.push(b'J');
        body.extend_from_slice(&int.to_le_bytes());
    } else {
        let bytes = integer::bytes(digits);
        if let Ok(length) = u8::try_from(bytes.len()) {
            body.extend_from_slice(&[0x8a, length]);
        } else {
            body.push(0x8b);
            body.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes());
        }
        body.extend_from_slice(&bytes);
    }
}
