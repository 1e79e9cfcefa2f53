//! Where the site's sessions are, and by which of its settings.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use cloakroom_core::{Clock, Error, ErrorKind, Lifetime, Result, SessionFormat, SystemClock};

use super::Backend;
use super::folder::Folder;
use super::store::Store;
use crate::backend::hop;

const LONGEST_NAME: usize = 64;

/// How to open a site's folder of sessions.
#[must_use = "it opens nothing until it is told to"]
#[derive(Clone, Debug)]
pub struct Config {
    pub(super) path: PathBuf,
    pub(super) cookie_name: String,
    pub(super) power_safe: bool,
    pub(super) network_file_system: bool,
    format: Arc<dyn SessionFormat>,
    age: Duration,
    clock: Arc<dyn Clock>,
}

impl Config {
    /// The folder at `path`, the site's `SESSION_FILE_PATH`, and how its sessions are written. Take one that is the sessions' alone: in a
    /// folder for everybody's temporary files others may stop their writers.
    pub fn new(path: impl Into<PathBuf>, format: Arc<dyn SessionFormat>) -> Self {
        Self {
            path: path.into(),
            cookie_name: "sessionid".into(),
            power_safe: false,
            network_file_system: false,
            format,
            age: Lifetime::default().age,
            clock: Arc::new(SystemClock),
        }
    }

    /// The site's `SESSION_COOKIE_NAME`: its files' names begin with it. `sessionid`
    pub fn cookie_name(mut self, name: impl Into<String>) -> Self {
        self.cookie_name = name.into();
        self
    }

    /// The site's `SESSION_COOKIE_AGE`, and that of these sessions ([`Lifetime::age`]). Two weeks
    pub fn age(mut self, age: Duration) -> Self {
        self.age = age;
        self
    }

    /// As [`crate::Config::power_safe`]. Django's own writes are not.
    pub fn power_safe(mut self, power_safe: bool) -> Self {
        self.power_safe = power_safe;
        self
    }

    /// As [`crate::Config::network_file_system`].
    pub fn network_file_system(mut self, allowed: bool) -> Self {
        self.network_file_system = allowed;
        self
    }

    /// As [`crate::Config::clock`].
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Opens the folder, and sees that it can be written to and that names can be swapped in it.
    ///
    /// # Errors
    ///
    /// `Misconfigured` for a folder that is missing, is none, can't be written to, can't swap names, or is on a network file system that was
    /// not allowed, and for a cookie's name that no file can begin with; `Unsupported` on systems other than Linux and macOS; `Unavailable`
    /// if the disk is full or another process keeps the folder locked. The text names the path.
    pub async fn open(self) -> Result<Backend> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if !(1..=LONGEST_NAME).contains(&self.cookie_name.len()) || !self.cookie_name.bytes().all(plain) {
            let message = format!(
                "the cookie's name {:?}, with which the files of Django's sessions begin, is not 1 to {LONGEST_NAME} letters, digits, \
                 hyphens and underlines",
                self.cookie_name
            );
            return Err(Error::new(ErrorKind::Misconfigured, message));
        }
        let mut lifetime = Lifetime::default();
        lifetime.age = self.age;
        hop(move || {
            let folder = Folder::open(&self)?;
            Ok(Backend::new(Store::new(folder, self.format, lifetime, self.clock), self.path))
        })
        .await
    }
}
