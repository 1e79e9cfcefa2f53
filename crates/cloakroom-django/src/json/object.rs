//! An object as names and the text of their values.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use bytes::Bytes;
use cloakroom_core::{Error, ErrorKind, Result};

use super::{Bracket, Name, Scanner, Token, normal};
use crate::corrupt::corrupt;

/// The most names, Django's own among them: core reads no more.
const MOST_NAMES: usize = 4_096;

/// The names of the object that `text` is, and their values byte for byte: slices of it. Of a name that comes twice the last
/// value counts, at the first one's place, as in a `dict`.
///
/// # Errors
///
/// `Corrupt` for anything but an object that Python reads, and for more than 4,096 names.
pub(crate) fn entries(text: &Bytes) -> Result<Vec<(String, Bytes)>> {
    let json = std::str::from_utf8(text).map_err(|_| corrupt("its JSON is no text"))?;
    let mut scanner = Scanner::over(json, 0, ErrorKind::Corrupt);
    if scanner.token()? != Some(Token::Open(Bracket::Object)) {
        return Err(corrupt("it is no object"));
    }
    let mut entries: Vec<(String, Bytes)> = Vec::new();
    let mut places = HashMap::new();
    while let Some(token) = scanner.token()? {
        let Token::Name(name) = token else { continue };
        let value = text.slice(scanner.skip_value()?);
        let name = Name::shown(name);
        match places.entry(name) {
            Entry::Occupied(place) => {
                let place: &usize = place.get();
                entries[*place].1 = value;
            }
            Entry::Vacant(_) if entries.len() == MOST_NAMES => return Err(corrupt("it has too many names")),
            Entry::Vacant(place) => {
                entries.push((place.key().clone(), value));
                place.insert(entries.len() - 1);
            }
        }
    }
    Ok(entries)
}

/// The object with these names and values, as Python writes it.
///
/// # Errors
///
/// `Invalid` if a value is no JSON, `TooLarge` for more than 4,096 names.
pub(crate) fn object<'e>(entries: impl Iterator<Item = (&'e str, &'e [u8])>) -> Result<String> {
    let mut out = String::from("{");
    for (place, (name, value)) in entries.enumerate() {
        if place == MOST_NAMES {
            return Err(Error::new(ErrorKind::TooLarge, format!("a session has {MOST_NAMES} names at most")));
        }
        if out.len() > 1 {
            out.push(',');
        }
        Name::write(name, &mut out);
        out.push(':');
        // What is no UTF-8 is no JSON either: an empty text is refused as such.
        normal(std::str::from_utf8(value).unwrap_or_default(), 1, ErrorKind::Invalid, &mut out)?;
    }
    out.push('}');
    Ok(out)
}

/// The text that Python makes of bytes: each is a character.
pub(crate) fn latin1(bytes: Bytes) -> Bytes {
    if bytes.is_ascii() {
        return bytes;
    }
    let text: String = bytes.iter().map(|byte| char::from(*byte)).collect();
    Bytes::from(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &'static str) -> Option<Vec<(String, Bytes)>> {
        entries(&Bytes::from_static(text.as_bytes())).ok()
    }

    fn pairs(pairs: &[(&str, &'static str)]) -> Vec<(String, Bytes)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), Bytes::from_static(value.as_bytes()))).collect()
    }

    #[test]
    fn values_stay_as_they_are_written() {
        let text = r#" { "a" : [1, 2.50] , "\u00e9" : "\/", "":{"x" : {}} } "#;
        let expected = pairs(&[("a", "[1, 2.50]"), ("é", r#""\/""#), ("", r#"{"x" : {}}"#)]);
        assert_eq!(read(text), Some(expected));
    }

    #[test]
    fn of_a_name_that_comes_twice_the_last_value_is_at_the_first_place() {
        assert_eq!(read(r#"{"a":1,"b":2,"\u0061":3}"#), Some(pairs(&[("a", "3"), ("b", "2")])));
    }

    #[test]
    fn what_is_no_object_is_refused() {
        for text in ["[]", "null", "1", "\"{}\"", "", "{", "{}{}", "{} x", "{\"a\":1]"] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn names_are_bounded() {
        let names: Vec<String> = (0..4_097).map(|n| format!("\"{n}\":0")).collect();
        let text = |count: usize| Bytes::from(format!("{{{}}}", names[..count].join(",")));
        let read = entries(&text(4_096)).unwrap();
        assert_eq!(
            object(read.iter().map(|(name, value)| (name.as_str(), value.as_ref()))).unwrap(),
            text(4_096)
        );
        assert_eq!(entries(&text(4_097)).unwrap_err().kind(), ErrorKind::Corrupt);
        let more =
            read.iter().map(|(name, value)| (name.as_str(), value.as_ref())).chain([("a", b"0".as_slice())]);
        assert_eq!(object(more).unwrap_err().kind(), ErrorKind::TooLarge);
    }

    #[test]
    fn an_object_that_is_written_is_no_deeper_than_one_that_is_read() {
        let deep = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        let written = |value: String| object([("a", value.as_bytes())].into_iter()).map(Bytes::from);
        assert_eq!(entries(&written(deep(989)).unwrap()).unwrap()[0].1, deep(989));
        assert_eq!(written(deep(990)).unwrap_err().kind(), ErrorKind::Invalid);
    }

    #[test]
    fn bytes_are_characters() {
        assert_eq!(latin1(Bytes::from_static(b"\xe9\xff")), "éÿ");
    }
}
