//! The way from a key that was renewed to the one in its place, for requests that are on their way with the old one.
//!
//! It is a record like a session's, under an id that no key has: the hash of the old key behind a word. It holds the new key,
//! sealed under the old one. So whoever steals the store learns neither, and only who bears the old key is led on.

use std::time::Duration;

use ring::digest::{Context, SHA256};

use crate::sessions::Found;
use crate::{
    Addressing, ErrorKind, Read, Record, Result, SealKeys, SessionId, SessionKey, Sessions, Stamp, Timestamp,
    random,
};

/// How long the old key leads to the new one: as long as any request takes, and little longer.
pub(crate) const OVERLAP: Duration = Duration::from_mins(1);

/// No session's payload begins with it.
const ALIAS: u8 = 0xA1;
/// A key is older than [`OVERLAP`] when it is renewed: two aliases stand one behind the other only where clocks differ, and
/// three never do.
const MOST_STEPS: u32 = 2;

impl Sessions {
    /// The living session that a renewed key leads to, and its key.
    ///
    /// # Errors
    ///
    /// As [`Sessions::find`].
    pub(crate) async fn follow(
        &self,
        key: &SessionKey,
        read: Read,
        until: Timestamp,
    ) -> Result<Option<(SessionKey, Found)>> {
        let mut key = key.clone();
        for _ in 0..MOST_STEPS {
            let Some(next) = self.renewed(&key, until).await? else { return Ok(None) };
            if let Some(found) = self.find(&next, read, until).await? {
                return Ok(Some((next, found)));
            }
            key = next;
        }
        Ok(None)
    }

    /// The key in the place of one that was renewed.
    ///
    /// # Errors
    ///
    /// `Unavailable` if the store does not answer in time.
    pub(crate) async fn renewed(&self, key: &SessionKey, until: Timestamp) -> Result<Option<SessionKey>> {
        if self.renews_keys().is_none() {
            return Ok(None);
        }
        let id = id(key);
        let load = self.backend().load(&id, Read::Any);
        let alias = self.bounded(self.left(until), ErrorKind::Unavailable, load).await?;
        Ok(alias.and_then(|alias| open(key, &alias.record)))
    }
}

/// Where the alias of a key is kept: at the key's own place, so that a store keeps the two together.
pub(crate) fn id(key: &SessionKey) -> SessionId {
    // No key is as long, nor has a colon.
    SessionId::of(&format!("{}:alias", key.expose()), Addressing::Hashed)
}

/// A record that leads from one key to another until then.
///
/// # Errors
///
/// `Unavailable` if the operating system has no random numbers to give.
pub(crate) fn record(from: &SessionKey, to: &SessionKey, now: Timestamp) -> Result<Record> {
    let mut payload = vec![ALIAS];
    payload.extend(keys(from)?.seal(id(from).as_bytes(), b"", to.expose().as_bytes())?);
    let stamp = Stamp { sequence: 1, nonce: random::number()? };
    Ok(Record::new(payload.into(), now.plus(OVERLAP), None, stamp))
}

/// The key that an alias of `from` leads to; nothing if it is none.
pub(crate) fn open(from: &SessionKey, alias: &Record) -> Option<SessionKey> {
    let (_, sealed) = alias.payload.split_first().filter(|(first, _)| **first == ALIAS)?;
    let key = keys(from).ok()?.open(id(from).as_bytes(), b"", sealed)?;
    SessionKey::parse(std::str::from_utf8(&key).ok()?, Addressing::Hashed)
}

fn keys(from: &SessionKey) -> Result<SealKeys> {
    let mut context = Context::new(&SHA256);
    context.update(b"cloakroom alias 1\0");
    context.update(from.expose().as_bytes());
    let mut root = [0; 32];
    root.copy_from_slice(context.finish().as_ref());
    SealKeys::new([root])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alias_leads_who_bears_the_old_key_to_the_new_one_and_nobody_else() {
        let old = SessionKey::generate(Addressing::Hashed).unwrap();
        let (new, other) = (old.rotated().unwrap(), old.rotated().unwrap());
        let alias = record(&old, &new, Timestamp::MIN).unwrap();
        assert_eq!(open(&old, &alias), Some(new));
        assert_eq!(open(&other, &alias), None);
    }

    #[test]
    fn an_alias_lies_at_the_keys_place_and_under_no_keys_id() {
        let key = SessionKey::generate(Addressing::Hashed).unwrap();
        assert_ne!(id(&key), key.id());
        assert_eq!(id(&key).expose()[..3], key.expose()[..3]);
        assert_eq!(id(&key).expose().len(), key.id().expose().len());
    }

    #[test]
    fn a_stored_alias_holds_neither_key() {
        let old = SessionKey::generate(Addressing::Hashed).unwrap();
        let new = old.rotated().unwrap();
        let payload = record(&old, &new, Timestamp::MIN).unwrap().payload;
        for key in [old, new] {
            assert!(!payload.windows(8).any(|part| key.expose().as_bytes().starts_with(part)));
        }
    }
}
