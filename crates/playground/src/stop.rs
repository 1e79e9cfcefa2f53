//! Being told to stop: Ctrl-C, and where there is one the signal that a service manager sends.

use std::io;

/// Listens for it from the moment it is made.
#[derive(Debug)]
pub struct Stop {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Stop {
    /// Listens.
    ///
    /// # Errors
    ///
    /// The operating system's, if it takes no handler.
    pub fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};

        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Returns when somebody asks for a stop.
    pub async fn asked(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

#[cfg(not(unix))]
impl Stop {
    /// Listens.
    ///
    /// # Errors
    ///
    /// None here.
    pub fn listen() -> io::Result<Self> {
        Ok(Self {})
    }

    /// Returns when somebody asks for a stop.
    pub async fn asked(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            // There is no way to ask: it is never asked.
            std::future::pending().await
        }
    }
}
