//! A temporary folder, and the watchdog that ends what runs in it when its owner is gone.

use std::{
    fs,
    io::{BufRead, BufReader},
    os::unix::{fs::chown, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
};

use crate::{Error, Result, error::during, user, user::User};

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
        let mut watchdog = watch()?;
        let owner = watchdog.stdin.take();
        let answer = watchdog.stdout.take();
        // From here on it removes what it has made.
        let mut folder = Self { path: PathBuf::new(), user: None, watchdog, owner };
        let mut line = String::new();
        if let Some(answer) = answer {
            BufReader::new(answer).read_line(&mut line).map_err(during("a watchdog does not answer"))?;
        }
        if line.is_empty() {
            return Err(Error::Server("no folder can be made in /tmp".to_owned()));
        }
        folder.path.push(line.trim_end());
        Ok(folder)
    }

    /// A folder that belongs to the named user if we are root, and to us otherwise.
    pub(crate) fn of(name: &str) -> Result<Self> {
        let mut folder = Self::new()?;
        folder.user = user::instead_of_root(name)?;
        if let Some(user) = folder.user {
            for path in [folder.path.clone(), folder.running()] {
                chown(path, Some(user.uid), Some(user.gid)).map_err(during("a new folder is not ours"))?;
            }
        }
        Ok(folder)
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
        self.join("running")
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

fn watch() -> Result<Child> {
    Command::new("/bin/sh")
        .args(["-c", include_str!("watchdog.sh"), "cloakroom-watchdog"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        // Whoever reads the owner's output must not wait for the watchdog.
        .stderr(Stdio::null())
        // Ctrl-C goes to a whole group.
        .process_group(0)
        .spawn()
        .map_err(during("/bin/sh cannot be started"))
}
