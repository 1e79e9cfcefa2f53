//! The right to write in a folder: `flock` on a file that is never removed, so that all lock the same one.

use std::io;
use std::os::fd::OwnedFd;
use std::thread;
use std::time::{Duration, Instant};

use cloakroom_core::Result;
use rustix::fs::{FlockOperation, OFlags, flock};
use rustix::io::Errno;

use crate::error::{busy, while_preparing};
use crate::root::Root;

const LOCK: &str = "lock";
/// The pause before another look, doubled each time.
const FIRST_PAUSE: Duration = Duration::from_micros(100);
const LONGEST_PAUSE: Duration = Duration::from_millis(5);

/// A folder's lock. It ends when this is dropped, and when the process dies.
#[derive(Debug)]
pub(crate) struct Lock(#[expect(dead_code, reason = "what locks is that it is open")] OwnedFd);

impl Root {
    /// Waits for the right to write in a folder, which is made if it is missing.
    ///
    /// # Errors
    ///
    /// `Unavailable` if somebody else still has it at `until`, or the system refuses.
    pub(crate) fn lock(&self, folder: &str, until: Instant) -> Result<Lock> {
        self.lock_file(folder, LOCK, until)
    }

    /// The same by a lock file of another name.
    ///
    /// # Errors
    ///
    /// As [`lock`](Root::lock).
    pub(crate) fn lock_file(&self, folder: &str, name: &str, until: Instant) -> Result<Lock> {
        let file =
            self.open_to_write(folder, name, OFlags::RDWR | OFlags::CREATE).map_err(while_preparing)?;
        if has_locked(&file, until).map_err(while_preparing)? { Ok(Lock(file)) } else { Err(busy()) }
    }

    pub(crate) fn open_lock(&self, folder: &str) -> io::Result<OwnedFd> {
        self.open_to_write(folder, LOCK, OFlags::RDWR | OFlags::CREATE)
    }
}

/// Tries to lock a file until the time has come, at least once, and says whether it is locked. Waiting without
/// end, as flock offers, would let one stopped process use up the threads of all others.
pub(crate) fn has_locked(file: &OwnedFd, until: Instant) -> io::Result<bool> {
    let mut pause = FIRST_PAUSE;
    loop {
        match flock(file, FlockOperation::NonBlockingLockExclusive) {
            Err(Errno::WOULDBLOCK | Errno::INTR) => {}
            locked => return Ok(locked.map(|()| true)?),
        }
        if Instant::now() >= until {
            return Ok(false);
        }
        thread::sleep(pause);
        pause = LONGEST_PAUSE.min(pause * 2);
    }
}
