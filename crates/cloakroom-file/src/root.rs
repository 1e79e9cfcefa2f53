//! The folder that everything is in, and what it must be.
//!
//! It is opened once and checked as it was opened; every path is taken from there. So nobody who can rename
//! a folder on the way to it puts another in its place, and no link leads out of it.

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
#[cfg(target_os = "linux")]
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use cloakroom_core::{Error, ErrorKind, Result, Timestamp};
use rustix::fs::{CWD, Mode, OFlags, fstat, mkdirat, openat};
use rustix::io::Errno;

use crate::Config;
use crate::file_system::is_shared;
use crate::files::{FOLDER, PRIVATE_FOLDER};
use crate::lock::has_locked;

const OTHERS_MAY_WRITE: Mode = Mode::from_raw_mode(0o022);
/// How long opening waits for another process that is opening.
pub(crate) const OPENING: Duration = Duration::from_secs(3);

/// An open folder of sessions.
#[derive(Debug)]
pub(crate) struct Root {
    pub(crate) folder: OwnedFd,
    pub(crate) power_safe: bool,
    /// Whether the system can't tell what it has in memory.
    #[cfg(target_os = "linux")]
    pub(crate) never_peeks: AtomicBool,
}

impl Root {
    /// Opens it, and sees that it is what it must be.
    pub(crate) fn open(config: &Config) -> Result<Self> {
        let wrong = |what: &str| format!("the session folder {:?} {what}", config.path.display());
        let refused = |what: &str| Error::new(ErrorKind::Misconfigured, wrong(what));
        let failed = |what: &str, source: io::Error| Error::caused(kind_of(&source), wrong(what), source);

        let folder = Self::open_or_make(config)
            .map_err(|error| failed("can't be made or opened as a folder; a link is not followed", error))?;
        let stat = fstat(&folder).map_err(|errno| failed("can't be looked at", errno.into()))?;
        if stat.st_uid != rustix::process::geteuid().as_raw() {
            return Err(refused("belongs to another user than the one that this process runs as"));
        }
        if Mode::from_raw_mode(stat.st_mode).intersects(OTHERS_MAY_WRITE) {
            return Err(refused("may be written to by others: take that away with chmod go-w"));
        }
        if !config.network_file_system && is_shared(&folder) {
            return Err(refused(
                "is on a network file system, whose locks may lock nothing: use a disk of this host, or allow it",
            ));
        }
        let root = Self {
            folder,
            power_safe: config.power_safe,
            #[cfg(target_os = "linux")]
            never_peeks: AtomicBool::new(false),
        };
        let lock = root.open_lock(".").map_err(|error| failed("can't be written to", error))?;
        let locked = has_locked(&lock, Instant::now() + OPENING);
        if !locked.map_err(|error| failed("can't be locked", error))? {
            return Err(Error::new(ErrorKind::Unavailable, wrong("is kept locked by another process")));
        }
        root.try_out().map_err(|error| failed("can't be written to", error))?;
        Ok(root)
    }

    /// A folder that must be there, whoever made it.
    pub(crate) fn found(path: &Path, power_safe: bool) -> io::Result<Self> {
        Ok(Self {
            folder: openat(CWD, path, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?,
            power_safe,
            #[cfg(target_os = "linux")]
            never_peeks: AtomicBool::new(false),
        })
    }

    fn open_or_make(config: &Config) -> io::Result<OwnedFd> {
        // A slash at the end would have a link followed.
        let path = config.path.components().as_path();
        match mkdirat(CWD, path, PRIVATE_FOLDER) {
            Err(Errno::EXIST) => {}
            made => made?,
        }
        Ok(openat(CWD, path, FOLDER, Mode::empty())?)
    }

    /// Writes something, as every writer does.
    fn try_out(&self) -> io::Result<()> {
        self.draft(".", b"?", Timestamp::MIN)?;
        self.discard_draft(".");
        // Also what a process has made that died before it could say so.
        self.flush(".")
    }
}

/// What can pass by itself is unavailable; else the setting is wrong.
pub(crate) fn kind_of(source: &io::Error) -> ErrorKind {
    match Errno::from_io_error(source) {
        Some(Errno::NOSPC | Errno::DQUOT | Errno::MFILE | Errno::NFILE | Errno::NOMEM | Errno::IO) => {
            ErrorKind::Unavailable
        }
        _ => ErrorKind::Misconfigured,
    }
}
