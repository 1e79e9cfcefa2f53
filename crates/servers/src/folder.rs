//! A temporary folder, and the watchdog that ends what runs in it when its owner is gone.

use std::{
    fs,
    os::unix::{fs::chown, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
};

use tempfile::TempDir;

use crate::{Result, error::during, user, user::User};

/// All that a server keeps, and the list of its processes.
///
/// The watchdog is a process of its own. It ends the others and removes the folder when this value is dropped, and
/// when the process that holds it ends in whatever way: it sees its standard input close.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    user: Option<User>,
    watchdog: Child,
    owner: Option<ChildStdin>,
}

impl Folder {
    /// A folder that belongs to us.
    pub(crate) fn new() -> Result<Self> {
        Self::made(|_| Ok(None))
    }

    /// A folder that belongs to the named user if we are root, and to us otherwise.
    pub(crate) fn of(name: &str) -> Result<Self> {
        Self::made(|path| user::instead_of_root(name, path))
    }

    fn made(user: impl FnOnce(&Path) -> Result<Option<User>>) -> Result<Self> {
        // Not TMPDIR: the path of a Unix socket has about a hundred bytes, and other users must get there.
        let made = tempfile::Builder::new().prefix("cloakroom-").tempdir_in("/tmp");
        let made: TempDir = made.map_err(during("no folder can be made in /tmp"))?;
        let running = running(made.path());
        fs::create_dir(&running).map_err(during("a new folder is not writable"))?;
        let user = user(made.path())?;
        if let Some(user) = user {
            for path in [made.path(), &running] {
                chown(path, Some(user.uid), Some(user.gid)).map_err(during("a new folder is not ours"))?;
            }
        }
        let mut watchdog = watch(made.path())?;
        let owner = watchdog.stdin.take();
        // From here on the watchdog removes it.
        Ok(Self { path: made.keep(), user, watchdog, owner })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    pub(crate) fn user(&self) -> Option<User> {
        self.user
    }

    /// One file per process, by its number.
    pub(crate) fn running(&self) -> PathBuf {
        running(&self.path)
    }

    /// Writes a file that the server's user can read.
    pub(crate) fn write(&self, name: &str, text: &str) -> Result<PathBuf> {
        let path = self.join(name);
        fs::write(&path, text).map_err(during("a server's folder is not writable"))?;
        if let Some(user) = self.user {
            chown(&path, Some(user.uid), Some(user.gid)).map_err(during("a server's file is not ours"))?;
        }
        Ok(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(self.owner.take());
        // The script's waits are bounded. A failure here leaves nothing to be done.
        let _ = self.watchdog.wait();
    }
}

fn running(folder: &Path) -> PathBuf {
    folder.join("running")
}

fn watch(folder: &Path) -> Result<Child> {
    Command::new("/bin/sh")
        .args(["-c", include_str!("watchdog.sh"), "cloakroom-watchdog"])
        .arg(folder)
        .stdin(Stdio::piped())
        // Whoever reads the owner's output must not wait for the watchdog.
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        // Ctrl-C goes to a whole group.
        .process_group(0)
        .spawn()
        .map_err(during("/bin/sh cannot be started"))
}
