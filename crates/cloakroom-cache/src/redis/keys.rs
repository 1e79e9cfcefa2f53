//! Where in Redis things are.
//!
//! A session's key is the prefix, the first 3 characters of its id in braces, and the rest of the id. What
//! is in the braces decides a Cluster's slot, and rotation keeps it: both ids of a rotation are in one slot,
//! within reach of one script. An owner's index has a slot of its own.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use cloakroom_core::{Addressing, Error, ErrorKind, Result, SessionId, SessionKey};
use ring::digest::{SHA256, digest};

/// How much of an id survives rotation.
const PLACE: usize = 3;
const LONGEST_PREFIX: usize = 128;

#[derive(Clone, Debug)]
pub(super) struct Keys {
    prefix: String,
}

impl Keys {
    /// Keys that begin with `prefix`.
    ///
    /// # Errors
    ///
    /// `Misconfigured` for one with braces, which would decide the slot, or with anything unreadable.
    pub(super) fn new(prefix: String) -> Result<Self> {
        let plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'{' | b'}');
        if prefix.is_empty() || prefix.len() > LONGEST_PREFIX || !prefix.bytes().all(plain) {
            let message = format!(
                "the prefix {prefix:?} is not 1 to {LONGEST_PREFIX} letters, digits and signs other than braces"
            );
            return Err(Error::new(ErrorKind::Misconfigured, message));
        }
        Ok(Self { prefix })
    }

    /// Of a session's record.
    pub(super) fn session(&self, id: &SessionId) -> Vec<u8> {
        self.placed("", id)
    }

    /// Of a copy that a cache holds of a session.
    pub(super) fn copy(&self, id: &SessionId) -> Vec<u8> {
        self.placed("cache:", id)
    }

    /// Where Django looks for what it keeps under a key of its own.
    pub(super) fn verbatim(&self, id: &SessionId) -> Vec<u8> {
        [self.prefix.as_bytes(), id.as_bytes()].concat()
    }

    fn placed(&self, what: &str, id: &SessionId) -> Vec<u8> {
        let id = id.as_bytes();
        let (place, rest) = id.split_at(PLACE.min(id.len()));
        let mut key = Vec::with_capacity(self.prefix.len() + what.len() + id.len() + 2);
        key.extend_from_slice(self.prefix.as_bytes());
        key.extend_from_slice(what.as_bytes());
        key.push(b'{');
        for byte in place {
            // A brace would end the place early. Ids of keys have none; those that a person typed may.
            match byte {
                b'}' => key.extend_from_slice(b"%7D"),
                b'%' => key.extend_from_slice(b"%25"),
                byte => key.push(*byte),
            }
        }
        key.push(b'}');
        key.extend_from_slice(rest);
        key
    }

    /// Of the index of an owner's sessions. A hash: owners' names may be long, or hold anything.
    pub(super) fn index(&self, owner: &str) -> Vec<u8> {
        let hash = digest(&SHA256, owner.as_bytes());
        format!("{}owner:{{{}}}", self.prefix, BASE64_URL_SAFE_NO_PAD.encode(hash)).into_bytes()
    }

    /// What SCAN finds the records by.
    pub(super) fn pattern(&self) -> String {
        self.escaped() + "{*"
    }

    /// What SCAN finds a site's sessions by, and perhaps other things.
    pub(super) fn verbatim_pattern(&self) -> String {
        self.escaped() + "*"
    }

    /// The prefix, where no character means another.
    fn escaped(&self) -> String {
        let mut pattern = String::new();
        for letter in self.prefix.chars() {
            if matches!(letter, '*' | '?' | '[' | ']' | '^' | '\\') {
                pattern.push('\\');
            }
            pattern.push(letter);
        }
        pattern
    }

    /// Whose session a key is of, if Django would find one by it.
    pub(super) fn verbatim_id(&self, key: &[u8]) -> Option<SessionId> {
        let text = std::str::from_utf8(key).ok()?.strip_prefix(self.prefix.as_str())?;
        SessionKey::parse(text, Addressing::Verbatim).map(|key| key.id())
    }

    /// Whose record a key is of, if it is one.
    pub(super) fn id(&self, key: &[u8]) -> Option<SessionId> {
        let text = std::str::from_utf8(key).ok()?.strip_prefix(self.prefix.as_str())?;
        let (place, rest) = text.strip_prefix('{')?.split_once('}')?;
        let id = SessionId::parse(&(place.replace("%7D", "}").replace("%25", "%") + rest))?;
        // Others may write keys that look like ours.
        (self.session(&id) == key).then_some(id)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn keys() -> Keys {
        Keys::new("cloakroom:".into()).unwrap()
    }

    const IDS: [&str; 16] = [
        "abcdefghijklmnopqrstuvwxy",
        "abc",
        "ab",
        "a",
        "}",
        "{",
        "}}}",
        "{}",
        "%7D",
        "%25",
        "%257D",
        "%%%",
        "ab}c",
        "{abc}",
        "abc}",
        "a}b{c",
    ];

    #[test]
    fn different_ids_have_different_keys_that_lead_back_to_them() {
        let seen: HashSet<Vec<u8>> = IDS
            .into_iter()
            .map(|text| {
                let id = SessionId::parse(text).unwrap();
                let key = keys().session(&id);
                assert_eq!(keys().id(&key), Some(id), "{text}");
                key
            })
            .collect();
        assert_eq!(seen.len(), IDS.len());
    }

    #[test]
    fn ids_of_one_place_are_in_one_slot() {
        let slot = |key: &[u8]| redis::cluster_routing::Slot::for_key(key);
        for place in ["abc", "}}}", "{{{", "a}{", "%7D"] {
            let id = |rest| SessionId::parse(&format!("{place}{rest}")).unwrap();
            let (one, other) = (keys().session(&id("one")), keys().session(&id("}other{")));
            assert_eq!(slot(&one), slot(&other), "{place}");
            assert_eq!(slot(&one), slot(&keys().copy(&id("one"))), "{place}");
        }
    }

    #[test]
    fn keys_of_others_lead_to_no_id() {
        for key in
            ["cloakroom:abc", "cloakroom:{abc", "other:{abc}def", "cloakroom:{a}bc", "cloakroom:{}", "{"]
        {
            assert_eq!(keys().id(key.as_bytes()), None, "{key}");
        }
        assert_eq!(keys().id(&[255, 0]), None);
        assert_eq!(keys().id(&keys().index("alice")), None);
    }

    #[test]
    fn a_prefix_is_matched_as_it_is_written() {
        assert_eq!(Keys::new("a*[b]:".into()).unwrap().pattern(), "a\\*\\[b\\]:{*");
    }

    #[test]
    fn a_prefix_with_braces_is_refused_by_name() {
        for prefix in ["", "a{b}", "a b", "ä", &"x".repeat(129)] {
            let error = Keys::new(prefix.into()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Misconfigured);
            assert!(error.to_string().contains(prefix), "{error}");
        }
    }
}
