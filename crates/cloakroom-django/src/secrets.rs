//! `SECRET_KEY` and `SECRET_KEY_FALLBACKS`, and what Django derives from them.

use std::fmt;

use cloakroom_core::{Error, ErrorKind, Result};
use ring::digest::{Context, SHA256};
use ring::hmac::{HMAC_SHA256, Key};

/// The secrets of a Django site: it writes with the first, and still reads what was written with the fallbacks.
///
/// ```
/// use cloakroom_django::Secrets;
///
/// let secrets = Secrets::new("the new one")?.fallbacks(["the one before"])?;
/// assert_eq!(format!("{secrets:?}"), "Secrets(2 redacted)");
/// # Ok::<(), cloakroom_core::Error>(())
/// ```
#[derive(Clone)]
pub struct Secrets(Vec<Vec<u8>>);

impl Secrets {
    /// `SECRET_KEY`. Text counts as UTF-8, as it does for Django.
    ///
    /// # Errors
    ///
    /// `Misconfigured` if it is empty.
    pub fn new(key: impl Into<Vec<u8>>) -> Result<Self> {
        Ok(Self(vec![named(key.into(), "SECRET_KEY is empty")?]))
    }

    /// `SECRET_KEY_FALLBACKS`, in that order.
    ///
    /// # Errors
    ///
    /// `Misconfigured` if one is empty: everybody could sign with it.
    pub fn fallbacks(mut self, keys: impl IntoIterator<Item = impl Into<Vec<u8>>>) -> Result<Self> {
        for key in keys {
            self.0.push(named(key.into(), "one of SECRET_KEY_FALLBACKS is empty")?);
        }
        Ok(self)
    }

    /// The keys of `salted_hmac(salt, …)`: of the secret, then of each fallback.
    pub(crate) fn salted(&self, salt: &str) -> Vec<Key> {
        let derive = |secret: &Vec<u8>| {
            let mut digest = Context::new(&SHA256);
            digest.update(salt.as_bytes());
            digest.update(secret);
            Key::new(HMAC_SHA256, digest.finish().as_ref())
        };
        self.0.iter().map(derive).collect()
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secrets({} redacted)", self.0.len())
    }
}

fn named(key: Vec<u8>, complaint: &'static str) -> Result<Vec<u8>> {
    if key.is_empty() { Err(Error::new(ErrorKind::Misconfigured, complaint)) } else { Ok(key) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_secret_is_refused() {
        assert_eq!(Secrets::new("").unwrap_err().kind(), ErrorKind::Misconfigured);
        let fallbacks = Secrets::new("a").unwrap().fallbacks(["b", ""]);
        assert_eq!(fallbacks.unwrap_err().kind(), ErrorKind::Misconfigured);
    }
}
