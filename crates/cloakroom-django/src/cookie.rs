//! The cookie of the engine `signed_cookies`.

use std::time::Duration;

use bytes::Bytes;
use cloakroom_core::{Portable, Result, SessionFormat, Timestamp};

use crate::corrupt::corrupt;
use crate::{Signed, Site};

/// Sessions that are cookies: as [`Signed`], under a salt of their own and with an age.
#[derive(Clone, Debug)]
pub struct Cookie(Signed);

impl Cookie {
    /// Under Django's salt.
    pub fn new(site: Site) -> Self {
        Self(Signed::salted(site, "django.contrib.sessions.backends.signed_cookies"))
    }

    /// When a cookie's value was signed, which is its last change: it counts until it is older than `max_age`
    /// (`SESSION_COOKIE_AGE`), whatever expiry it bears. One from the future counts.
    ///
    /// # Errors
    ///
    /// `Corrupt` if it does not count: too old, or signed by somebody else.
    pub fn verify(&self, value: &[u8], now: Timestamp, max_age: Duration) -> Result<Timestamp> {
        let said = self.0.signer.verified(value)?;
        let age = i128::from(now.millis()) - i128::from(said.at) * 1_000;
        if age > i128::try_from(max_age.as_millis()).unwrap_or(i128::MAX) {
            return Err(corrupt("its cookie is too old"));
        }
        Ok(said.moment())
    }

    /// What a value says, as [`Signed::json`], however old it is.
    ///
    /// # Errors
    ///
    /// `Corrupt` if it is not signed, or is no JSON that Python reads.
    pub fn json(&self, value: &[u8]) -> Result<String> {
        self.0.json(value)
    }
}

impl SessionFormat for Cookie {
    fn encode(&self, session: &Portable, now: Timestamp, limit: usize) -> Result<Bytes> {
        self.0.encode(session, now, limit)
    }

    /// Its age is not looked at: see [`Cookie::verify`].
    fn decode(&self, payload: &Bytes) -> Result<Portable> {
        self.0.decode(payload)
    }

    fn proofs(&self, user: &str, proof: &str) -> Vec<String> {
        self.0.proofs(user, proof)
    }
}
