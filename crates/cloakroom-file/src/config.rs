//! Where the sessions are, and how they are kept there.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use cloakroom_core::{Clock, Error, ErrorKind, Result, SystemClock};

use crate::Backend;
use crate::backend::hop;
use crate::root::Root;

/// How to open a folder of sessions.
///
/// ```
/// let config = cloakroom_file::Config::new("/var/lib/shop/sessions").power_safe(true);
/// ```
#[must_use = "it opens nothing until it is told to"]
#[derive(Clone)]
pub struct Config {
    pub(crate) path: PathBuf,
    pub(crate) power_safe: bool,
    pub(crate) network_file_system: bool,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Config {
    /// The folder at `path`. It is made if it is missing, the one that it is in is not.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            power_safe: false,
            network_file_system: false,
            clock: Arc::new(SystemClock),
        }
    }

    /// Whether a write is acknowledged only when it would survive a power cut, at the price of waits for
    /// the disk (`fsync` of the file and of its folder). Off: it survives the death of the process.
    pub fn power_safe(mut self, power_safe: bool) -> Self {
        self.power_safe = power_safe;
        self
    }

    /// Whether the folder may be on a file system that other hosts can write to, or that a program of its
    /// own keeps (NFS, SMB, FUSE and the like). Off: such a one is refused, since its locks may lock
    /// nothing, and updates would be lost. It is recognised on Linux; elsewhere nothing is refused.
    pub fn network_file_system(mut self, allowed: bool) -> Self {
        self.network_file_system = allowed;
        self
    }

    /// What tells the time that deadlines are compared with: the same as its sessions' does
    /// ([`SessionOptions::clock`](cloakroom_core::SessionOptions::clock)).
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Opens the folder, and sees that it can be written to and locked.
    ///
    /// # Errors
    ///
    /// `Misconfigured` for a path without a name at its end, the root say; for a folder that is missing and can't be made, is no folder or a symbolic link,
    /// can't be written to, belongs to somebody else, may be written to by others, or is on a network
    /// file system that was not allowed; `Unavailable` if the disk is full or another process keeps the
    /// folder locked. The text names the path.
    pub async fn open(self) -> Result<Backend> {
        if self.path.file_name().is_none() {
            let message = format!("\"{}\" names no folder of its own", self.path.display());
            return Err(Error::new(ErrorKind::Misconfigured, message));
        }
        hop(move || Ok(Backend::new(Root::open(&self)?, self))).await
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("path", &self.path)
            .field("power_safe", &self.power_safe)
            .field("network_file_system", &self.network_file_system)
            .finish_non_exhaustive()
    }
}
