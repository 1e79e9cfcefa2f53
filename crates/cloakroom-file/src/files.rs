//! The steps in which files are read and changed. No path is anything but this crate's own names, and none is
//! taken through a link, whichever part of it that stands for.

use std::ffi::CStr;
use std::fs::File;
#[cfg(target_os = "linux")]
use std::io::IoSliceMut;
use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
#[cfg(target_os = "linux")]
use std::sync::atomic::Ordering;

use cloakroom_core::Timestamp;
use rustix::fs::{AtFlags, Dir, Mode, OFlags, fsync, futimens, mkdirat, openat, renameat, statat, unlinkat};
use rustix::io::Errno;
#[cfg(target_os = "linux")]
use rustix::{
    fs::{ResolveFlags, openat2},
    io::{ReadWriteFlags, preadv2},
};

use crate::hint::Hint;
use crate::root::Root;

const PRIVATE_FILE: Mode = Mode::from_raw_mode(0o600);
pub(crate) const PRIVATE_FOLDER: Mode = Mode::from_raw_mode(0o700);
const ALWAYS: OFlags = OFlags::CLOEXEC.union(OFlags::NOFOLLOW);
pub(crate) const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(ALWAYS);
/// Without NONBLOCK a pipe in a file's place would be waited for.
const READ: OFlags = OFlags::RDONLY.union(OFlags::NONBLOCK).union(ALWAYS);
/// What is being written has one name in each folder: a leftover is replaced, and they never add up.
pub(crate) const DRAFT: &str = "draft";

/// Reading.
impl Root {
    /// Opens a file; nothing if there is none.
    pub(crate) fn read(&self, path: &str) -> io::Result<Option<File>> {
        found(self.within(path, |folder, name| openat(folder, name, READ, Mode::empty())).map(File::from))
    }

    /// What a file begins with, if the system has it in memory: then it is read at once, whatever the disk
    /// is busy with. Nothing if not, or if the system can't tell.
    #[cfg(target_os = "linux")]
    pub(crate) fn peek(&self, path: &str, buffer: &mut [u8]) -> Option<usize> {
        if self.never_peeks.load(Ordering::Relaxed) {
            return None;
        }
        let at_once = ResolveFlags::CACHED | ResolveFlags::NO_SYMLINKS;
        let file = openat2(&self.folder, path, READ, Mode::empty(), at_once);
        let read =
            file.and_then(|file| preadv2(file, &mut [IoSliceMut::new(buffer)], 0, ReadWriteFlags::NOWAIT));
        // An older kernel, another file system, a sandbox: it is not tried again.
        let unable = matches!(read, Err(Errno::NOSYS | Errno::INVAL | Errno::OPNOTSUPP | Errno::PERM));
        self.never_peeks.fetch_or(unable, Ordering::Relaxed);
        read.ok()
    }

    /// Elsewhere no read promises not to wait.
    #[cfg(not(target_os = "linux"))]
    pub(crate) fn peek(&self, _: &str, _: &mut [u8]) -> Option<usize> {
        None
    }

    /// What a file says of its session without being opened; nothing if there is none.
    pub(crate) fn hint(&self, path: &str) -> io::Result<Option<Hint>> {
        let stat = |folder: BorrowedFd<'_>, name: &str| statat(folder, name, AtFlags::SYMLINK_NOFOLLOW);
        found(self.within(path, stat).map(|stat| Hint::of(&stat)))
    }

    /// The names in a folder, in no order; none if there is no such folder.
    pub(crate) fn names(&self, folder: &str) -> io::Result<Vec<String>> {
        let Some(folder) = found(self.open_folder(folder))? else {
            return Ok(Vec::new());
        };
        let text = |name: &CStr| name.to_str().ok().map(str::to_owned);
        Dir::new(folder)?
            .filter_map(|entry| {
                entry.map(|entry| text(entry.file_name())).map_err(io::Error::from).transpose()
            })
            .collect()
    }
}

/// Changing. Whoever does so holds the folder's lock.
impl Root {
    /// Writes a file beside the others of a folder.
    pub(crate) fn draft(&self, folder: &str, content: &[u8], deadline: Timestamp) -> io::Result<File> {
        let open = || self.open_to_write(folder, DRAFT, OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL);
        let draft = match open() {
            // Only who has the lock writes here: it was left by somebody who died.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                self.discard_draft(folder);
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
        draft.write_all(content)?;
        futimens(&*draft, &Hint::times(deadline))?;
        if self.power_safe { draft.sync_all() } else { Ok(()) }
    }

    /// Gives the draft of a folder its name: from then on it is what is there.
    pub(crate) fn publish(&self, folder: &str, path: &str) -> io::Result<()> {
        // Rename is atomic only within one file system, so the draft is beside it.
        let renamed = self.rename(&inside(folder, DRAFT), path);
        if renamed.is_err() {
            self.discard_draft(folder);
        }
        renamed
    }

    /// Removes a draft that came to nothing. One that stays is replaced by the next.
    pub(crate) fn discard_draft(&self, folder: &str) {
        let _ = self.remove(&inside(folder, DRAFT));
    }

    /// Moves a file onto another, or to where none is.
    pub(crate) fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        Ok(self.within(from, |start, from| self.within(to, |end, to| renameat(start, from, end, to)))?)
    }

    /// Removes a file, and says whether there was one.
    pub(crate) fn remove(&self, path: &str) -> io::Result<bool> {
        let removed = self.within(path, |folder, name| unlinkat(folder, name, AtFlags::empty()));
        Ok(found(removed)?.is_some())
    }

    /// Makes an empty file, unless it is there already, that lasts as long as what is stored after it.
    pub(crate) fn mark(&self, folder: &str, name: &str) -> io::Result<()> {
        self.open_to_write(folder, name, OFlags::WRONLY | OFlags::CREATE)?;
        self.flush(folder)
    }

    /// Waits until what has been done in a folder would survive a power cut, if that is asked for.
    pub(crate) fn flush(&self, folder: &str) -> io::Result<()> {
        if self.power_safe {
            fsync(self.open_folder(folder)?)?;
        }
        Ok(())
    }

    /// Opens a file in a folder, which is made if it is missing.
    pub(crate) fn open_to_write(&self, folder: &str, name: &str, flags: OFlags) -> io::Result<OwnedFd> {
        let open = || openat(self.open_folder(folder)?, name, flags | ALWAYS, PRIVATE_FILE);
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
            match self.within(folder, |parent, name| mkdirat(parent, name, PRIVATE_FOLDER)) {
                Err(Errno::EXIST) => {}
                made => {
                    made?;
                    self.flush(folder.rsplit_once('/').map_or(".", |(parent, _)| parent))?;
                }
            }
        }
        Ok(())
    }
}

/// The way to a file.
impl Root {
    /// Does something to a name in the folder that a path says.
    fn within<T>(
        &self,
        path: &str,
        step: impl FnOnce(BorrowedFd<'_>, &str) -> rustix::io::Result<T>,
    ) -> rustix::io::Result<T> {
        match path.rsplit_once('/') {
            None => step(self.folder.as_fd(), path),
            Some((folder, name)) => step(self.open_folder(folder)?.as_fd(), name),
        }
    }

    /// Opens a folder, one part of its path after the other: each that is a link ends here.
    fn open_folder(&self, path: &str) -> rustix::io::Result<OwnedFd> {
        self.within(path, |parent, name| openat(parent, name, FOLDER, Mode::empty()))
    }
}

/// A name in a folder, from the root.
fn inside(folder: &str, name: &str) -> String {
    format!("{folder}/{name}")
}

fn found<T>(answer: rustix::io::Result<T>) -> io::Result<Option<T>> {
    match answer {
        Err(Errno::NOENT) => Ok(None),
        answer => Ok(Some(answer?)),
    }
}
