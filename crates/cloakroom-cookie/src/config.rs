//! With which keys, and under which name.

use std::fmt;
use std::sync::Arc;

use cloakroom_core::{Clock, Error, ErrorKind, Result, SealKeys, SystemClock};

use crate::signature::Signature;
use crate::value::Format;
use crate::{Backend, Epochs};

/// Less can't hold the 128 bits that make guessing hopeless, whatever it is made of.
const SHORTEST_KEY: usize = 16;

/// How to make an engine of signed cookies.
///
/// ```
/// # let [secret_key, last_years] = ["django-insecure-0123456789abcdefghijklmnopqrstuvwxyz"; 2];
/// let config = cloakroom_cookie::Config::new(secret_key).fallbacks([last_years]).cookie_name("__Host-id");
/// ```
#[must_use = "it opens nothing until it is told to"]
#[derive(Clone)]
pub struct Config {
    secret_key: Vec<u8>,
    fallbacks: Vec<Vec<u8>>,
    sealed: Option<SealKeys>,
    cookie_name: String,
    pub(crate) epochs: Option<Arc<dyn Epochs>>,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Config {
    /// Values signed with this key. Whoever knows it can be any user: take 50 random characters, as Django
    /// does. Any visitor can try out guesses at it without being noticed.
    pub fn new(secret_key: impl AsRef<[u8]>) -> Self {
        Self {
            secret_key: secret_key.as_ref().to_vec(),
            fallbacks: Vec::new(),
            sealed: None,
            cookie_name: "sessionid".into(),
            epochs: None,
            clock: Arc::new(SystemClock),
        }
    }

    /// Older keys, whose values still count; nothing is signed with them. Each session moves to the new key
    /// with its next change. None
    pub fn fallbacks(mut self, older: impl IntoIterator<Item = impl AsRef<[u8]>>) -> Self {
        self.fallbacks = older.into_iter().map(|key| key.as_ref().to_vec()).collect();
        self
    }

    /// Seals values before they are signed: nobody but this service reads them, their owner neither. From
    /// then on values that are only signed open nothing, so turning it on or off logs everybody out. Off
    pub fn sealed(mut self, keys: SealKeys) -> Self {
        self.sealed = Some(keys);
        self
    }

    /// The name of the cookie that bears the values, the same as its policy's: it counts into the 4096
    /// bytes, and no value opens under another name. `sessionid`
    pub fn cookie_name(mut self, name: impl Into<String>) -> Self {
        self.cookie_name = name.into();
        self
    }

    /// What tells which values no longer count. Nothing does
    pub fn epochs(mut self, epochs: impl Epochs) -> Self {
        self.epochs = Some(Arc::new(epochs));
        self
    }

    /// What tells the time that deadlines are compared with: the same as its sessions' does
    /// ([`SessionOptions::clock`](cloakroom_core::SessionOptions::clock)).
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Makes the engine.
    ///
    /// # Errors
    ///
    /// `Misconfigured` for a secret key, or a fallback, of less than 16 bytes.
    pub fn open(self) -> Result<Backend> {
        let secrets = || std::iter::once(&self.secret_key).chain(&self.fallbacks);
        if let Some(short) = secrets().find(|secret| secret.len() < SHORTEST_KEY) {
            let message = format!(
                "a secret key of {} bytes is no secret: it takes {SHORTEST_KEY} at least, better 50 random \
                 characters",
                short.len()
            );
            return Err(Error::new(ErrorKind::Misconfigured, message));
        }
        let signature = Signature::new(secrets().map(Vec::as_slice), &self.cookie_name)?;
        let format = Format::new(self.cookie_name.clone(), signature, self.sealed.clone());
        Ok(Backend::new(format, self))
    }
}

/// Without the keys.
impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("cookie_name", &self.cookie_name)
            .field("fallbacks", &self.fallbacks.len())
            .field("sealed", &self.sealed.is_some())
            .field("epochs", &self.epochs.is_some())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: &str = "0123456789abcdef";

    #[test]
    fn a_key_that_is_no_secret_is_refused_and_not_quoted() {
        for config in
            [Config::new(""), Config::new("hunter2hunter2h"), Config::new(LONG).fallbacks(["hunter2"])]
        {
            assert!(!format!("{config:?}").contains("hunter2"));
            let error = config.open().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Misconfigured);
            assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
        }
        assert!(Config::new(LONG).fallbacks([LONG]).open().is_ok());
    }

    #[test]
    fn an_engine_does_not_show_its_keys() {
        let sealed = Config::new(LONG).sealed(SealKeys::new([[7; 32]]).unwrap());
        let shown = format!("{:?}", sealed.open().unwrap());
        assert!(!shown.contains(LONG) && !shown.contains("7, 7"), "{shown}");
    }
}
