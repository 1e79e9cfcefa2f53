//! What is told of the work, in lines that can be read again.

use std::fmt;
use std::str::FromStr;

use cloakroom_core::{Addressing, SessionKey};

/// What lines begin with, among all that a test prints.
const MARK: &str = "crash-note";

/// What stands where a key is not told.
const NO_KEY: &str = "-";

/// A step in the life of a visitor's session. Things have names of their own.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Deed {
    Comes,
    /// Something goes in, and is counted.
    Puts(String),
    /// Something goes in, and the key is another one.
    LogsIn(String),
    Leaves,
}

/// How a step stands. What is tried and never told of again may have been done.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Word {
    Tries,
    /// With the key, if it is a new one.
    Did(Option<SessionKey>),
    DidNot,
}

/// One line.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Note {
    pub(super) visitor: u32,
    pub(super) deed: Deed,
    pub(super) word: Word,
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (deed, thing) = match &self.deed {
            Deed::Comes => ("comes", "-"),
            Deed::Puts(thing) => ("puts", thing.as_str()),
            Deed::LogsIn(thing) => ("logs-in", thing.as_str()),
            Deed::Leaves => ("leaves", "-"),
        };
        let (word, key) = match &self.word {
            Word::Tries => ("tries", None),
            Word::Did(key) => ("did", key.as_ref()),
            Word::DidNot => ("did-not", None),
        };
        let key = key.map_or(NO_KEY, SessionKey::expose);
        write!(f, "{MARK} {} {deed} {thing} {word} {key} .", self.visitor)
    }
}

/// Why a line is no note.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum NoNote {
    /// It is something else, or not whole: who wrote it was killed.
    Other,
    /// It is whole, and says what no note says. To leave it out would leave a step unchecked.
    Garbled,
}

impl FromStr for Note {
    type Err = NoNote;

    fn from_str(line: &str) -> Result<Self, NoNote> {
        // The test harness may have left a beginning on the line.
        let note = &line[line.find(MARK).ok_or(NoNote::Other)?..];
        let [_, visitor, deed, thing, word, key, "."] = note.split(' ').collect::<Vec<_>>()[..] else {
            return Err(NoNote::Other);
        };
        let deed = match deed {
            "comes" => Deed::Comes,
            "puts" => Deed::Puts(thing.to_owned()),
            "logs-in" => Deed::LogsIn(thing.to_owned()),
            "leaves" => Deed::Leaves,
            _ => return Err(NoNote::Garbled),
        };
        let word = match word {
            "tries" => Word::Tries,
            "did" if key == NO_KEY => Word::Did(None),
            "did" => Word::Did(Some(SessionKey::parse(key, Addressing::Hashed).ok_or(NoNote::Garbled)?)),
            "did-not" => Word::DidNot,
            _ => return Err(NoNote::Garbled),
        };
        Ok(Self { visitor: visitor.parse().map_err(|_| NoNote::Garbled)?, deed, word })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_read_as_it_was_written_and_half_a_note_is_none() {
        let key = SessionKey::generate(Addressing::Hashed).unwrap();
        for deed in [Deed::Comes, Deed::Puts("p1".into()), Deed::LogsIn("l1".into()), Deed::Leaves] {
            for word in [Word::Tries, Word::Did(None), Word::Did(Some(key.clone())), Word::DidNot] {
                let note = Note { visitor: 7, deed: deed.clone(), word };
                let line = note.to_string();
                assert_eq!(format!("test a_test ... {line}").parse::<Note>().unwrap(), note);
                assert_eq!(line[..line.len() - 2].parse::<Note>(), Err(NoNote::Other));
            }
        }
    }

    #[test]
    fn a_note_with_another_kind_of_key_is_garbled() {
        let read = |key| format!("crash-note 7 comes - did {key} .").parse::<Note>();
        assert!(read("-").is_ok());
        for key in ["", "x", "verbatimkey"] {
            assert_eq!(read(key), Err(NoNote::Garbled), "{key}");
        }
    }
}
