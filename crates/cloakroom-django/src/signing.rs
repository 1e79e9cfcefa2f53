//! `django.core.signing`: a payload, the seconds it was signed in, and who signed both.

use std::fmt;

use cloakroom_core::{Result, Timestamp};
use ring::hmac::{Key, sign};
use subtle::ConstantTimeEq as _;

use crate::corrupt::corrupt;
use crate::{Secrets, base62, base64};

/// Signs under one salt, with the secret; knows the signatures of the fallbacks as well.
#[derive(Clone)]
pub(crate) struct Signer(Vec<Key>);

/// What a signed text says.
#[derive(Debug)]
pub(crate) struct Said<'t> {
    pub(crate) payload: &'t [u8],
    /// Seconds since 1970.
    pub(crate) at: i64,
}

impl Said<'_> {
    /// When it was signed, no earlier and no later than core's moments are.
    pub(crate) fn moment(&self) -> Timestamp {
        Timestamp::from_millis(u64::try_from(self.at).unwrap_or_default().saturating_mul(1_000))
    }
}

impl Signer {
    pub(crate) fn new(secrets: &Secrets, salt: &str) -> Self {
        Self(secrets.salted(&format!("{salt}signer")))
    }

    /// `payload`, the second it is, and the signature.
    pub(crate) fn sign(&self, payload: &str, now: Timestamp) -> String {
        let seconds = i64::try_from(now.millis() / 1_000).unwrap_or(i64::MAX);
        let mut text = format!("{payload}:{}", base62::encode(seconds));
        // There is a first key: secrets are not made without.
        let signature = self.0.first().map(|key| signature(key, text.as_bytes())).unwrap_or_default();
        text.push(':');
        text.push_str(&signature);
        text
    }

    /// What `text` says, if one of the keys has signed it.
    ///
    /// # Errors
    ///
    /// `Corrupt` otherwise.
    pub(crate) fn verified<'t>(&self, text: &'t [u8]) -> Result<Said<'t>> {
        let (said, claimed) = split(text).ok_or_else(|| corrupt("it is not signed"))?;
        // The texts are compared: their last character holds two bits that decoding would ignore.
        let is_of = |key: &Key| bool::from(signature(key, said).as_bytes().ct_eq(claimed));
        if !self.0.iter().any(is_of) {
            return Err(corrupt("none of the secret keys has signed it"));
        }
        let (payload, seconds) = split(said).ok_or_else(|| corrupt("it has no time"))?;
        let at = base62::decode(seconds).ok_or_else(|| corrupt("its time is no number"))?;
        Ok(Said { payload, at })
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({} redacted)", self.0.len())
    }
}

fn signature(key: &Key, text: &[u8]) -> String {
    base64::encode(sign(key, text).as_ref())
}

/// What is before the last colon, and what is behind it.
fn split(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = text.iter().rposition(|byte| *byte == b':')?;
    Some((&text[..colon], &text[colon + 1..]))
}
