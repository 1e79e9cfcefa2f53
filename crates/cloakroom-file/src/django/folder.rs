//! The site's folder: names in it, and the single steps that change it.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::path::Path;
use std::time::Instant;

use bytes::Bytes;
use cloakroom_core::{Error, ErrorKind, Result, SessionId, Timestamp};
use rustix::fs::{AtFlags, OFlags, Stat, Timespec, Timestamps, UTIME_OMIT, fstat, futimens, statat};
use rustix::io::Errno;

use super::Config;
use crate::error::{foreign, while_reading};
use crate::file_system::is_shared;
use crate::lock::Lock;
use crate::root::{OPENING, Root, kind_of};

/// What Django puts between a session's name and a random end while it writes: its `clearsessions` takes no such file for a session.
const DRAFT: &str = "_out_";
/// Nothing of ours is longer.
const LONGEST: usize = 17 << 20;

/// An open folder, and what the names of its sessions begin with.
#[derive(Debug)]
pub(super) struct Folder {
    root: Root,
    prefix: String,
}

/// A session's name, and that of its draft. Who has the lock has all drafts of this crate.
pub(super) struct Names {
    pub(super) own: String,
    pub(super) draft: String,
}

/// A session's file as it was opened: what is renamed over it or swapped with it does not change it.
pub(super) struct Kept {
    pub(super) payload: Bytes,
    pub(super) modified: Timestamp,
    pub(super) file: File,
}

impl Folder {
    /// Opens it, and sees that it is what it must be.
    pub(super) fn open(config: &Config) -> Result<Self> {
        let wrong = |what: &str| format!("the session folder {:?} {what}", config.path.display());
        let refused = |what: &str| Error::new(ErrorKind::Misconfigured, wrong(what));
        let failed = |what: &str, source: io::Error| Error::caused(kind_of(&source), wrong(what), source);

        if !CAN_SWAP {
            let message =
                wrong("can't be shared with Django on this system: it does not swap names in one step");
            return Err(Error::new(ErrorKind::Unsupported, message));
        }
        let root = Root::found(Path::new(&config.path), config.power_safe)
            .map_err(|error| failed("is missing, or is no folder, or can't be opened", error))?;
        if !config.network_file_system && is_shared(&root.folder) {
            return Err(refused(
                "is on a network file system, whose locks may lock nothing: use a disk of this host, or allow it",
            ));
        }
        let folder = Self { root, prefix: config.cookie_name.clone() };
        let lock = folder.lock(Instant::now() + OPENING).map_err(|error| {
            let kind = if error.kind() == ErrorKind::Unavailable && is_busy(&error) {
                ErrorKind::Unavailable
            } else {
                ErrorKind::Misconfigured
            };
            Error::caused(kind, wrong("can't be written to and locked"), error)
        })?;
        folder.try_out().map_err(|error| match Errno::from_io_error(&error) {
            Some(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => failed(
                "is on a file system that does not swap names in one step, so it can't be shared",
                error,
            ),
            _ => failed("can't be written to", error),
        })?;
        drop(lock);
        Ok(folder)
    }

    /// Does once what every writer does.
    fn try_out(&self) -> io::Result<()> {
        let [one, other] = ["one", "other"].map(|which| self.hidden(which));
        let tried = || {
            self.draft(&one, b"?", Timestamp::MIN)?;
            self.draft(&other, b"?", Timestamp::MIN)?;
            self.swap(&one, &other)?;
            self.move_to_free(&one, &other).map(drop)
        };
        let tried = tried();
        for name in [&one, &other] {
            self.discard(name);
        }
        tried
    }

    /// A name that begins as no session's does.
    fn hidden(&self, what: &str) -> String {
        format!(".cloakroom-{}-{what}", self.prefix)
    }

    /// Waits for the right to write.
    ///
    /// # Errors
    ///
    /// `Unavailable` if somebody else still has it at `until`, or the system refuses.
    pub(super) fn lock(&self, until: Instant) -> Result<Lock> {
        self.root.lock_file(".", &self.hidden("lock"), until)
    }

    /// Where a session is. Nothing for ids that are no keys of Django's: no path is made of these.
    pub(super) fn names_of(&self, id: &SessionId) -> Option<Names> {
        let id = id.expose();
        let plain = id.len() <= 40 && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
        plain.then(|| {
            let own = format!("{}{id}", self.prefix);
            Names { draft: format!("{own}{DRAFT}cloakroom"), own }
        })
    }

    /// The session that a file is, by its name.
    pub(super) fn id_of(&self, name: &str) -> Option<SessionId> {
        let id = SessionId::parse(name.strip_prefix(&self.prefix)?)?;
        self.names_of(&id).map(|_| id)
    }

    /// Whether a writer has left, or is writing, this.
    pub(super) fn is_draft(&self, name: &str) -> bool {
        name.strip_prefix(&self.prefix).is_some_and(|rest| rest.contains(DRAFT))
    }

    /// All names, in order.
    pub(super) fn names(&self) -> io::Result<Vec<String>> {
        let mut names = self.root.names(".")?;
        names.sort_unstable();
        Ok(names)
    }

    /// What is in a file; nothing if there is none.
    ///
    /// # Errors
    ///
    /// `Corrupt` for what is no file, or longer than any session, `Unavailable` if it can't be read.
    pub(super) fn look(&self, name: &str) -> Result<Option<Kept>> {
        let Some(mut file) = self.root.read(name).map_err(while_reading)? else { return Ok(None) };
        let stat = fstat(&file).map_err(|errno| while_reading(errno.into()))?;
        let mut payload = Vec::with_capacity(usize::try_from(stat.st_size).unwrap_or(0).min(LONGEST));
        let length = (&mut file).take(LONGEST as u64).read_to_end(&mut payload).map_err(while_reading)?;
        if length == LONGEST {
            return Err(foreign());
        }
        Ok(Some(Kept { payload: payload.into(), modified: moment(&stat, false), file }))
    }

    /// When a file was last changed or renamed, by the system's clock; nothing if there is none.
    pub(super) fn changed(&self, name: &str) -> io::Result<Option<Timestamp>> {
        match statat(&self.root.folder, name, AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => Ok(None),
            stat => Ok(Some(moment(&stat?, true))),
        }
    }

    /// Whether a name is that of this open file.
    pub(super) fn is(&self, name: &str, file: &File) -> io::Result<bool> {
        let there = match statat(&self.root.folder, name, AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => return Ok(false),
            stat => stat?,
        };
        let own = fstat(file)?;
        Ok((there.st_dev, there.st_ino) == (own.st_dev, own.st_ino))
    }

    /// Writes a file beside the others. With the lock: what is there was left by somebody who died.
    pub(super) fn draft(&self, name: &str, content: &[u8], modified: Timestamp) -> io::Result<File> {
        self.discard(name);
        let mut file: File =
            self.root.open_to_write(".", name, OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL)?.into();
        let mut write = || {
            file.write_all(content)?;
            touch(&file, modified)?;
            if self.root.power_safe { file.sync_all() } else { Ok(()) }
        };
        let written = write();
        if written.is_err() {
            self.discard(name);
        }
        written.map(|()| file)
    }

    /// Swaps two files' names in one step; `false` if either is not there.
    pub(super) fn swap(&self, one: &str, other: &str) -> io::Result<bool> {
        match swap(&self.root, one, other) {
            Err(Errno::NOENT) => Ok(false),
            swapped => Ok(swapped.map(|()| true)?),
        }
    }

    /// Gives a file another name.
    pub(super) fn move_to_free(&self, from: &str, to: &str) -> io::Result<Moved> {
        match move_to_free(&self.root, from, to) {
            Err(Errno::EXIST) => Ok(Moved::Taken),
            Err(Errno::NOENT) => Ok(Moved::Gone),
            moved => Ok(moved.map(|()| Moved::Done)?),
        }
    }

    /// Gives a file a name that is another's, which is gone then; `false` if it is not there.
    pub(super) fn move_over(&self, from: &str, to: &str) -> io::Result<bool> {
        match self.root.rename(from, to) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            moved => moved.map(|()| true),
        }
    }

    /// Removes a file, and says whether there was one.
    pub(super) fn remove(&self, name: &str) -> io::Result<bool> {
        self.root.remove(name)
    }

    /// Removes a draft that is of no use any more. One that stays is swept.
    pub(super) fn discard(&self, name: &str) {
        let _ = self.root.remove(name);
    }

    pub(super) fn is_power_safe(&self) -> bool {
        self.root.power_safe
    }

    /// Waits until what was done would survive a power cut, if that is asked for.
    pub(super) fn flush(&self) -> io::Result<()> {
        self.root.flush(".")
    }
}

/// What became of a move to a name that must be free.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Moved {
    Done,
    /// Somebody else has the name.
    Taken,
    /// There is nothing to move.
    Gone,
}

/// Whether a lock could not be had because somebody has it: then nothing is wrong with the folder.
fn is_busy(error: &Error) -> bool {
    std::error::Error::source(error).is_none()
}

/// Sets a file's time of modification.
pub(super) fn touch(file: &File, modified: Timestamp) -> io::Result<()> {
    let millis = i64::try_from(modified.millis()).unwrap_or(i64::MAX);
    let modified = Timespec { tv_sec: millis / 1_000, tv_nsec: millis % 1_000 * 1_000_000 };
    let unchanged = Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT };
    Ok(futimens(file, &Timestamps { last_access: unchanged, last_modification: modified })?)
}

#[allow(
    clippy::allow_attributes,
    clippy::cast_lossless,
    clippy::cast_possible_wrap,
    clippy::cast_possible_truncation,
    clippy::unnecessary_cast,
    reason = "each platform has its own types"
)]
fn moment(stat: &Stat, changed: bool) -> Timestamp {
    let (seconds, nanos) = if changed {
        (stat.st_ctime as i64, stat.st_ctime_nsec as i64)
    } else {
        (stat.st_mtime as i64, stat.st_mtime_nsec as i64)
    };
    let millis = seconds.saturating_mul(1_000).saturating_add(nanos / 1_000_000);
    Timestamp::from_millis(u64::try_from(millis).unwrap_or(0))
}

#[cfg(not(any(target_os = "linux", target_vendor = "apple")))]
use self::not_swapping::{move_to_free, swap};
#[cfg(any(target_os = "linux", target_vendor = "apple"))]
use self::swapping::{move_to_free, swap};

const CAN_SWAP: bool = cfg!(any(target_os = "linux", target_vendor = "apple"));

#[cfg(any(target_os = "linux", target_vendor = "apple"))]
mod swapping {
    use rustix::fs::{RenameFlags, renameat_with};
    use rustix::io::Result;

    use crate::root::Root;

    pub(super) fn swap(root: &Root, one: &str, other: &str) -> Result<()> {
        renameat_with(&root.folder, one, &root.folder, other, RenameFlags::EXCHANGE)
    }

    pub(super) fn move_to_free(root: &Root, from: &str, to: &str) -> Result<()> {
        renameat_with(&root.folder, from, &root.folder, to, RenameFlags::NOREPLACE)
    }
}

#[cfg(not(any(target_os = "linux", target_vendor = "apple")))]
mod not_swapping {
    use rustix::io::{Errno, Result};

    use crate::root::Root;

    pub(super) fn swap(_: &Root, _: &str, _: &str) -> Result<()> {
        Err(Errno::NOSYS)
    }

    pub(super) fn move_to_free(_: &Root, _: &str, _: &str) -> Result<()> {
        Err(Errno::NOSYS)
    }
}
