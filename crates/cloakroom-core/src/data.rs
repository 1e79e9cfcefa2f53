//! A session's entries: names and JSON values in the order of their insertion, unparsed.

use bytes::Bytes;

use crate::format::{LOGIN, is_reserved};

/// A piece of text: a range of the one text that was loaded, or bytes of its own.
#[derive(Clone, Debug)]
pub(crate) enum Piece {
    Within { start: u32, len: u32 },
    Own(Bytes),
}

impl Piece {
    /// Its bytes: valid UTF-8, by how it was made.
    pub(crate) fn bytes<'t>(&'t self, text: &'t Bytes) -> &'t [u8] {
        match self {
            Self::Within { start, len } => {
                let start = *start as usize;
                text.get(start..start + *len as usize).unwrap_or_default()
            }
            Self::Own(bytes) => bytes,
        }
    }

    /// The same bytes, without copying them.
    pub(crate) fn shared(&self, text: &Bytes) -> Bytes {
        match self {
            Self::Within { start, len } => {
                let start = *start as usize;
                text.slice(start..start + *len as usize)
            }
            Self::Own(bytes) => bytes.clone(),
        }
    }

    pub(crate) fn str<'t>(&'t self, text: &'t Bytes) -> &'t str {
        std::str::from_utf8(self.bytes(text)).unwrap_or_default()
    }
}

impl From<String> for Piece {
    fn from(text: String) -> Self {
        Self::Own(text.into())
    }
}

/// The most names of a session: they are searched in turn, and far fewer are used.
pub(crate) const MOST_NAMES: usize = 4_096;

#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) name: Piece,
    pub(crate) value: Piece,
}

/// Entries over the text they were loaded with. A session has a handful of names, so they are
/// searched in turn: measured faster than hashing them. In another framework's format its own notes are among them; they
/// keep their places, and nobody sees them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Data {
    pub(crate) text: Bytes,
    pub(crate) entries: Vec<Entry>,
}

impl Data {
    pub(crate) fn get(&self, name: &str) -> Option<Bytes> {
        self.position(name).map(|at| self.entries[at].value.shared(&self.text))
    }

    pub(crate) fn contains(&self, name: &str) -> bool {
        self.position(name).is_some()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.pieces().next().is_none()
    }

    /// Names and values, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.pieces().map(|(name, value)| (std::str::from_utf8(name).unwrap_or_default(), value))
    }

    /// The same for those who only move or compare them: nothing is seen to be UTF-8 once more.
    pub(crate) fn pieces(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.entries
            .iter()
            .map(|entry| (entry.name.bytes(&self.text), entry.value.bytes(&self.text)))
            .filter(|(name, _)| !is_reserved(name))
    }

    /// A known name keeps its place, a new one goes to the end.
    pub(crate) fn set(&mut self, name: &str, value: Bytes) {
        match self.position(name) {
            Some(at) => self.entries[at].value = Piece::Own(value),
            None => self.entries.push(Entry { name: name.to_owned().into(), value: Piece::Own(value) }),
        }
    }

    pub(crate) fn remove(&mut self, name: &str) {
        if let Some(at) = self.position(name) {
            self.entries.remove(at);
        }
    }

    /// What is the framework's own stays.
    pub(crate) fn clear(&mut self) {
        self.entries.retain(|entry| is_reserved(entry.name.bytes(&self.text)));
    }

    /// Whether another framework's format has noted a login, known here or not.
    pub(crate) fn tells_of_a_login(&self) -> bool {
        self.entries.iter().any(|entry| entry.name.bytes(&self.text) == LOGIN.as_bytes())
    }

    /// Nobody asks for one that is the framework's own.
    fn position(&self, name: &str) -> Option<usize> {
        let same = |entry: &Entry| entry.name.bytes(&self.text) == name.as_bytes();
        self.entries.iter().position(same).filter(|_| !is_reserved(name.as_bytes()))
    }
}

impl PartialEq for Data {
    fn eq(&self, other: &Self) -> bool {
        self.pieces().eq(other.pieces())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_keep_the_order_of_their_insertion() {
        let mut data = Data::default();
        for name in ["b", "a", "c"] {
            data.set(name, Bytes::from_static(b"1"));
        }
        data.set("b", Bytes::from_static(b"2"));
        data.remove("a");
        data.set("a", Bytes::from_static(b"3"));
        assert_eq!(data.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["b", "c", "a"]);
        assert_eq!(data.get("b").as_deref(), Some(b"2".as_slice()));
    }
}
