//! The folder that everything is in: what it must be, and the steps by which its files are changed.
//!
//! It is opened once and checked as it was opened; every path is taken from there. So nobody who can rename
//! a folder on the way to it can put another in its place, and no link is followed out of it.

use std::ffi::CStr;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::thread;
use std::time::{Duration, Instant};

use cloakroom_core::{Error, ErrorKind, Result, Timestamp};
use rustix::fs::{
    AtFlags, CWD, Dir, FlockOperation, Mode, OFlags, chmodat, fchmod, flock, fstat, fsync, futimens, mkdirat,
    openat, renameat, statat, unlinkat,
};
use rustix::io::Errno;

use crate::Config;
use crate::error::{busy, while_preparing};
use crate::file_system;
use crate::hint::Hint;

const PRIVATE_FILE: Mode = Mode::from_raw_mode(0o600);
const PRIVATE_FOLDER: Mode = Mode::from_raw_mode(0o700);
const OTHERS_MAY_WRITE: Mode = Mode::from_raw_mode(0o022);
const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(ALWAYS);
const ALWAYS: OFlags = OFlags::CLOEXEC.union(OFlags::NOFOLLOW);
/// How long somebody else's lock is waited for before the first look, doubled each time up to the last.
const PAUSES: [Duration; 2] = [Duration::from_micros(100), Duration::from_millis(5)];
/// How long opening waits for another process that is opening.
const OPENING: Duration = Duration::from_secs(3);
const DRAFT: &str = "draft";

/// An open folder of sessions.
#[derive(Debug)]
pub(crate) struct Root {
    folder: OwnedFd,
    power_safe: bool,
}

/// The right to write in a folder. It ends when this is dropped, and when the process dies.
#[derive(Debug)]
pub(crate) struct Lock(#[expect(dead_code, reason = "it is kept open")] OwnedFd);

impl Root {
    /// Opens it, and sees that it is what it must be.
    pub(crate) fn open(config: &Config) -> Result<Self> {
        let wrong = |what: &str, source: Option<io::Error>| {
            let message = format!("the session folder {:?} {what}", config.path.display());
            match source {
                Some(source) => Error::caused(kind_at_start(&source), message, source),
                None => Error::new(ErrorKind::Misconfigured, message),
            }
        };
        let made = mkdirat(CWD, &config.path, PRIVATE_FOLDER);
        let made = made.and_then(|()| chmodat(CWD, &config.path, PRIVATE_FOLDER, AtFlags::empty()));
        match made {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(errno) => return Err(wrong("is missing and can't be made", Some(errno.into()))),
        }
        let folder = openat(CWD, &config.path, FOLDER, Mode::empty()).map_err(|errno| {
            wrong("can't be opened as a folder; a link is not followed", Some(errno.into()))
        })?;
        let stat = fstat(&folder).map_err(|errno| wrong("can't be looked at", Some(errno.into())))?;
        if stat.st_uid != rustix::process::geteuid().as_raw() {
            return Err(wrong("belongs to another user than the one that this process runs as", None));
        }
        if Mode::from_raw_mode(stat.st_mode).intersects(OTHERS_MAY_WRITE) {
            return Err(wrong("may be written to by others: take that away with chmod go-w", None));
        }
        if !config.network_file_system && file_system::is_shared(&folder) {
            let advice =
                "is on a network file system: sessions belong on this host's own disk, or in a database";
            return Err(wrong(advice, None));
        }
        let root = Self { folder, power_safe: config.power_safe };
        let lock = root.open_lock(".").map_err(|error| wrong("can't be written to", Some(error)))?;
        if !has_locked(&lock, Instant::now() + OPENING)
            .map_err(|error| wrong("can't be locked", Some(error)))?
        {
            return Err(busy().of(config.path.display()));
        }
        root.try_out().map_err(|error| wrong("can't be written to", Some(error)))?;
        Ok(root)
    }

    /// Writes something, as every writer does.
    fn try_out(&self) -> io::Result<()> {
        self.draft(".", b"?", Timestamp::MIN)?;
        self.remove(&beside(".", DRAFT))?;
        // Also what a process has made that died before it could say so.
        self.flush(".")
    }

    /// Opens a file; nothing if there is none.
    pub(crate) fn read(&self, path: &str) -> io::Result<Option<File>> {
        // Without NONBLOCK a pipe in a file's place would be waited for.
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | ALWAYS;
        found(openat(&self.folder, path, flags, Mode::empty()).map(File::from))
    }

    /// What a file says of its session without being opened; nothing if there is none.
    pub(crate) fn hint(&self, path: &str) -> io::Result<Option<Hint>> {
        found(statat(&self.folder, path, AtFlags::SYMLINK_NOFOLLOW).map(|stat| Hint::of(&stat)))
    }

    /// The names in a folder, in no order; none if there is no such folder.
    pub(crate) fn names(&self, folder: &str) -> io::Result<Vec<String>> {
        let Some(folder) = found(openat(&self.folder, folder, FOLDER, Mode::empty()))? else {
            return Ok(Vec::new());
        };
        let text = |name: &CStr| name.to_str().ok().map(str::to_owned);
        Dir::new(folder)?
            .filter_map(|entry| entry.map(|entry| text(entry.file_name())).transpose())
            .map(|name| name.map_err(io::Error::from))
            .collect()
    }

    /// Waits for the right to write in a folder, which is made if it is missing.
    ///
    /// # Errors
    ///
    /// `Unavailable` if somebody else still has it at `until`, or the system refuses.
    pub(crate) fn lock(&self, folder: &str, until: Instant) -> Result<Lock> {
        let file = self.open_lock(folder).map_err(while_preparing)?;
        if has_locked(&file, until).map_err(while_preparing)? { Ok(Lock(file)) } else { Err(busy()) }
    }

    fn open_lock(&self, folder: &str) -> io::Result<OwnedFd> {
        self.open_to_write(folder, "lock", OFlags::RDWR | OFlags::CREATE)
    }

    /// Writes a file beside the others of a folder, whose lock the caller has.
    pub(crate) fn draft(&self, folder: &str, content: &[u8], deadline: Timestamp) -> io::Result<File> {
        let open = || self.open_to_write(folder, DRAFT, OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL);
        let draft = match open() {
            // Only who has the lock writes here: it was left by somebody who died.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                self.remove(&beside(folder, DRAFT))?;
                open()?
            }
            opened => opened?,
        };
        let mut draft = File::from(draft);
        let written = self.fill(&mut draft, content, deadline);
        if written.is_err() {
            self.discard_draft(folder);
        }
        written.map(|()| draft)
    }

    fn fill(&self, draft: &mut File, content: &[u8], deadline: Timestamp) -> io::Result<()> {
        fchmod(&*draft, PRIVATE_FILE)?;
        draft.write_all(content)?;
        futimens(&*draft, &Hint::times(deadline))?;
        if self.power_safe { draft.sync_all() } else { Ok(()) }
    }

    /// Gives the draft of a folder its name: from then on it is what is there.
    pub(crate) fn publish(&self, folder: &str, path: &str) -> io::Result<()> {
        // Rename is atomic only within one file system, so the draft is beside it.
        let renamed = self.rename(&beside(folder, DRAFT), path);
        if renamed.is_err() {
            self.discard_draft(folder);
        }
        renamed
    }

    /// Moves a file onto another or to where none is.
    pub(crate) fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        Ok(renameat(&self.folder, from, &self.folder, to)?)
    }

    /// Removes a draft that came to nothing. One that stays is replaced by the next.
    pub(crate) fn discard_draft(&self, folder: &str) {
        let _ = self.remove(&beside(folder, DRAFT));
    }

    /// Removes a file, and says whether there was one.
    pub(crate) fn remove(&self, path: &str) -> io::Result<bool> {
        Ok(found(unlinkat(&self.folder, path, AtFlags::empty()))?.is_some())
    }

    /// Makes an empty file, unless it is there already, that lasts as long as what is stored after it.
    pub(crate) fn mark(&self, folder: &str, name: &str) -> io::Result<()> {
        let mark = self.open_to_write(folder, name, OFlags::WRONLY | OFlags::CREATE)?;
        drop(mark);
        self.flush(folder)
    }

    /// Waits until what has been done in a folder would survive a power cut, if that is asked for.
    pub(crate) fn flush(&self, folder: &str) -> io::Result<()> {
        if self.power_safe {
            fsync(openat(&self.folder, folder, FOLDER, Mode::empty())?)?;
        }
        Ok(())
    }

    /// Opens a file in a folder, which is made if it is missing.
    fn open_to_write(&self, folder: &str, name: &str, flags: OFlags) -> io::Result<OwnedFd> {
        let path = beside(folder, name);
        let open = || openat(&self.folder, &path, flags | ALWAYS, PRIVATE_FILE);
        match open() {
            Err(Errno::NOENT) => {
                self.make(folder)?;
                Ok(open()?)
            }
            opened => Ok(opened?),
        }
    }

    /// Makes a folder, and those that it is in. The root itself is never made anew: whoever removes that
    /// while it is in use has ended this.
    fn make(&self, folder: &str) -> io::Result<()> {
        for (end, _) in folder.match_indices('/').chain([(folder.len(), "")]) {
            let folder = &folder[..end];
            match mkdirat(&self.folder, folder, PRIVATE_FOLDER) {
                Err(Errno::EXIST) => continue,
                made => made?,
            }
            // Whatever the umask has taken away.
            chmodat(&self.folder, folder, PRIVATE_FOLDER, AtFlags::empty())?;
            self.flush(folder.rsplit_once('/').map_or(".", |(parent, _)| parent))?;
        }
        Ok(())
    }
}

/// Tries to lock a file until the time has come, and says whether it is locked.
fn has_locked(file: &OwnedFd, until: Instant) -> io::Result<bool> {
    let [mut pause, longest] = PAUSES;
    // First the time: what has waited in a queue for too long is not begun.
    while Instant::now() < until {
        match flock(file, FlockOperation::NonBlockingLockExclusive) {
            Err(Errno::WOULDBLOCK | Errno::INTR) => thread::sleep(pause),
            locked => return Ok(locked.map(|()| true)?),
        }
        pause = longest.min(pause * 2);
    }
    Ok(false)
}

/// A name in a folder, from the root.
fn beside(folder: &str, name: &str) -> String {
    format!("{folder}/{name}")
}

fn found<T>(answer: rustix::io::Result<T>) -> io::Result<Option<T>> {
    match answer {
        Err(Errno::NOENT) => Ok(None),
        answer => Ok(Some(answer?)),
    }
}

/// What can pass by itself is unavailable; else the setting is wrong.
fn kind_at_start(source: &io::Error) -> ErrorKind {
    match Errno::from_io_error(source) {
        Some(Errno::NOSPC | Errno::DQUOT | Errno::MFILE | Errno::NFILE | Errno::NOMEM | Errno::IO) => {
            ErrorKind::Unavailable
        }
        _ => ErrorKind::Misconfigured,
    }
}
