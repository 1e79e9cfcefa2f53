//! Who made a text: an HMAC under keys that are derived for one cookie.

use cloakroom_core::{Error, ErrorKind, Result};
use ring::hkdf::{HKDF_SHA256, Salt};
use ring::hmac::{HMAC_SHA256, Key, sign, verify};

/// What the derived keys are for: keys that are derived from the same secret for something else differ.
const PURPOSE: &[u8] = b"cloakroom signed cookie 1";
/// What a signature adds to a text.
pub(crate) const LENGTH: usize = 32;

/// Signs with the first of its keys, and knows the signatures of all of them.
pub(crate) struct Signature(Vec<Key>);

impl Signature {
    /// The keys for the cookie `name`: no signature of theirs counts under another name.
    ///
    /// # Errors
    ///
    /// `Misconfigured` if there is no secret to derive one from.
    pub(crate) fn new<'s>(secrets: impl Iterator<Item = &'s [u8]>, name: &str) -> Result<Self> {
        let salt = Salt::new(HKDF_SHA256, PURPOSE);
        let derive =
            |secret| Some(Key::from(salt.extract(secret).expand(&[name.as_bytes()], HMAC_SHA256).ok()?));
        let keys: Option<Vec<Key>> = secrets.map(derive).collect();
        match keys {
            Some(keys) if !keys.is_empty() => Ok(Self(keys)),
            _ => Err(Error::new(ErrorKind::Misconfigured, "there is no secret key to sign with")),
        }
    }

    /// Puts the signature of a text behind it.
    pub(crate) fn sign(&self, text: &mut Vec<u8>) {
        // There is a first key: it would not have been built without.
        if let Some(key) = self.0.first() {
            let tag = sign(key, text);
            text.extend_from_slice(tag.as_ref());
        }
    }

    /// The text before the signature, if one of the keys has made that; compared in constant time.
    pub(crate) fn verified<'t>(&self, signed: &'t [u8]) -> Option<&'t [u8]> {
        let (text, tag) = signed.split_last_chunk::<LENGTH>()?;
        self.0.iter().any(|key| verify(key, text, tag).is_ok()).then_some(text)
    }
}
