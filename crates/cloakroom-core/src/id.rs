//! What an engine sees in place of the visitor's key.

use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};

use crate::Addressing;
use crate::key::PLACE;
use crate::text::Text;

/// 132 bits of the hash: more than the 128 that make a collision or a guess hopeless.
const HASH: usize = 22;
/// Nobody's id is longer: a cookie is not.
const LONGEST: usize = 4096;

/// Names a session to an engine: by default the key's place and 22 characters of base64url of the
/// key's SHA-256, so that a stolen store opens no session.
///
/// Printable ASCII, 1 to 4096 bytes, to be compared byte by byte: engines must not fold case, trim
/// or interpret it. `Debug` shows nothing; [`expose`](SessionId::expose) is for storage, and for the
/// person who manages sessions.
///
/// ```
/// use cloakroom_core::{Addressing, SessionId, SessionKey};
///
/// let id = SessionKey::generate(Addressing::Hashed)?.id();
/// assert_eq!(id.expose().len(), 25);
/// assert_eq!(SessionId::parse(id.expose()), Some(id));
/// # Ok::<(), cloakroom_core::Error>(())
/// ```
#[derive(Clone, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct SessionId(Text);

impl SessionId {
    /// The id of a key that was seen to have the form of its addressing.
    pub(crate) fn of(key: &str, addressing: Addressing) -> Self {
        match addressing {
            Addressing::Verbatim | Addressing::Presented => Self(Text::new(key)),
            Addressing::Hashed => {
                let mut id = String::with_capacity(PLACE + 43);
                id.push_str(key.get(..PLACE).unwrap_or_default());
                BASE64_URL_SAFE_NO_PAD.encode_string(digest(&SHA256, key.as_bytes()), &mut id);
                id.truncate(PLACE + HASH);
                Self(Text::new(&id))
            }
        }
    }

    /// An id that was stored or that a person typed, if it has the form of one.
    pub fn parse(text: &str) -> Option<Self> {
        let accepted =
            (1..=LONGEST).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        accepted.then(|| Self(Text::new(text)))
    }

    /// The id that this one's text would have as a key where ids are hashed: where ids are live keys it names a session
    /// to a person without opening it.
    pub fn hashed(&self) -> Self {
        Self::of(self.expose(), Addressing::Hashed)
    }

    /// The id itself.
    pub fn expose(&self) -> &str {
        self.0.as_str()
    }

    /// What stays when its key is replaced.
    pub(crate) fn place(&self) -> &[u8] {
        self.as_bytes().get(..PLACE).unwrap_or_default()
    }

    /// The id itself, as engines store it.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionId(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SessionKey;

    #[test]
    fn a_hashed_id_is_the_place_and_the_start_of_the_sha256() {
        let key = SessionKey::parse("abcdefghijklmnopqrstuvwxyz012345", Addressing::Hashed).unwrap();
        // printf abcdefghijklmnopqrstuvwxyz012345 | openssl dgst -sha256 -binary | base64
        assert_eq!(key.id().expose(), "abcZTuxJF6Cj82k-lP81aPe9b");
    }

    #[test]
    fn a_live_key_is_told_by_the_id_that_it_would_have_elsewhere() {
        let text = "abcdefghijklmnopqrstuvwxyz012345";
        let key = |addressing| SessionKey::parse(text, addressing).unwrap();
        assert_eq!(key(Addressing::Verbatim).id().hashed(), key(Addressing::Hashed).id());
        let short = SessionKey::parse("eight888", Addressing::Verbatim).unwrap().id().hashed();
        assert!(!short.expose().contains("ht888"), "{}", short.expose());
    }

    #[test]
    fn neither_a_key_nor_an_id_shows_itself_in_debug() {
        let key = SessionKey::generate(Addressing::Hashed).unwrap();
        let id = key.id();
        let shown = format!("{key:?} {id:?}");
        assert!(!shown.contains(key.expose()) && !shown.contains(id.expose()));
    }
}
