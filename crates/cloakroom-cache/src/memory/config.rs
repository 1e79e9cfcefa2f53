//! How much memory sessions may take.

use std::sync::Arc;

use cloakroom_core::{Clock, SessionFormat, SystemClock};

use super::{Backend, Cache};

/// How to keep sessions in memory.
///
/// ```
/// use cloakroom_cache::memory::Config;
///
/// let backend = Config::new().capacity(256 << 20).open();
/// ```
#[must_use = "it opens nothing until it is told to"]
#[derive(Clone, Debug)]
pub struct Config {
    pub(super) capacity: u64,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) format: Option<Arc<dyn SessionFormat>>,
}

impl Config {
    /// 64 MiB, by the system's clock.
    pub fn new() -> Self {
        Self { capacity: 64 << 20, clock: Arc::new(SystemClock), format: None }
    }

    /// How many bytes the sessions may take, with what it takes to find them. When there is no room, the
    /// least recently used ones make it: a newcomer is never refused, unless it alone is too large. 64 MiB,
    /// about 80,000 small sessions
    pub fn capacity(mut self, bytes: u64) -> Self {
        self.capacity = bytes;
        self
    }

    /// What tells the time that deadlines are compared with: the same as its sessions' does
    /// ([`SessionOptions::clock`](cloakroom_core::SessionOptions::clock)).
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Keeps sessions as another framework writes them, under the visitors' keys themselves and without a list of a user's sessions: to try
    /// what such a store can do, without one. Core's own format
    pub fn format(mut self, format: Arc<dyn SessionFormat>) -> Self {
        self.format = Some(format);
        self
    }

    /// An empty store.
    pub fn open(self) -> Backend {
        Backend::with(self)
    }

    /// A cache of this process alone, for copies of sessions that another engine keeps
    /// ([`Cached`](cloakroom_core::Cached)).
    pub fn open_cache(self) -> Cache {
        Cache::with(self)
    }
}

impl Default for Config {
    fn default() -> Self {
        Self::new()
    }
}
