//! A server's process, or a tool's: ended by the watchdog of its folder at the latest.

use std::{
    fs::{self, File},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};

use crate::{Error, Result, error::during, folder::Folder, patience::Patience, programs};

/// How long a server may take to end by itself before it is killed.
const FAREWELL: Duration = Duration::from_secs(5);
/// How long a start may take, on a busy machine and after a crash.
const START: Duration = Duration::from_secs(30);
/// How long a tool may take, on a busy machine.
const TOOL: Duration = Duration::from_mins(1);

/// A running process. Dropping it ends it.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    paused: bool,
    ending: Ending,
    entry: PathBuf,
    log: PathBuf,
}

/// What ends a process for good.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Ending {
    /// Nothing that it leaves outlives its folder.
    Kill,
    /// PostgreSQL's immediate shutdown: no checkpoint, but it frees its shared memory.
    Quit,
}

impl Process {
    /// Starts a program in a folder, as the folder's user, writing to the named log there.
    pub(crate) fn start(
        folder: &Folder,
        log: &str,
        program: &Path,
        arguments: &[&str],
        ending: Ending,
    ) -> Result<Self> {
        let log = folder.join(log);
        let out =
            File::options().create(true).append(true).open(&log).map_err(during("a log is not writable"))?;
        let err = out.try_clone().map_err(during("a log is not writable"))?;
        let signal = match ending {
            Ending::Kill => "KILL",
            Ending::Quit => "QUIT",
        };
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", include_str!("enter.sh"), "cloakroom-enter", signal])
            .arg(folder.running())
            .arg(program)
            .args(arguments)
            .current_dir(folder.path())
            // The settings of the user's own databases are none of ours.
            .env_clear()
            .env("PATH", programs::path()?)
            .env("LC_ALL", "C")
            .env("TMPDIR", folder.path())
            // Who has none takes the one of the user whom it runs as, and leaves something there.
            .env("HOME", folder.path())
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(err)
            // Ctrl-C goes to a whole group, and the watchdog kills by group.
            .process_group(0);
        if let Some(user) = folder.user() {
            command.uid(user.uid).gid(user.gid);
        }
        let child = command.spawn().map_err(during("/bin/sh cannot be started"))?;
        let entry = folder.running().join(child.id().to_string());
        Ok(Self { child, paused: false, ending, entry, log })
    }

    /// Runs a tool to its end.
    ///
    /// # Errors
    ///
    /// `Server` with what it printed, if it fails or takes too long.
    pub(crate) fn run(folder: &Folder, program: &Path, arguments: &[&str]) -> Result<()> {
        let mut tool = Self::start(folder, "tool.log", program, arguments, Ending::Kill)?;
        let name = program.display();
        let mut patience = Patience::of(TOOL);
        loop {
            match tool.ended()? {
                Some(status) if status.success() => return Ok(()),
                Some(status) => return Err(tool.failure(&format!("{name} failed ({status})"))),
                None if patience.wait() => {}
                None => return Err(tool.failure(&format!("{name} took over {} s", TOOL.as_secs()))),
            }
        }
    }

    /// Waits until a server is ready, by a question that is asked again and again.
    ///
    /// # Errors
    ///
    /// `Server` with its log if it ends meanwhile or takes too long.
    pub(crate) fn ready(&mut self, name: &str, is: impl Fn(&Self) -> bool) -> Result<()> {
        let mut patience = Patience::of(START);
        while !is(self) {
            if self.ended()?.is_some() {
                return Err(self.failure(&format!("{name} ended instead of starting")));
            }
            if !patience.wait() {
                return Err(self.failure(&format!("{name} was not ready after {} s", START.as_secs())));
            }
        }
        Ok(())
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// How it ended, if it has.
    pub(crate) fn ended(&mut self) -> Result<Option<ExitStatus>> {
        let status = self.child.try_wait().map_err(during("a child process is not ours"))?;
        if status.is_some() {
            self.leave();
        }
        Ok(status)
    }

    /// Ends it and its children at once, as a crash of the machine would, and waits until it is gone.
    pub(crate) fn kill(&mut self) -> Result<()> {
        if self.ended()?.is_some() {
            return Ok(());
        }
        // Once the parent has stopped, it gets no more children.
        signal("STOP", &[self.itself()])?;
        let children = self.children();
        signal("KILL", &[&children[..], &[self.group()]].concat())?;
        self.child.wait().map_err(during("a child process is not ours"))?;
        self.leave();
        // What they held, PostgreSQL's shared memory say, is in the way of who starts next until they are gone.
        let mut patience = Patience::of(FAREWELL);
        while children.iter().any(|child| Path::new("/proc").join(child).exists()) && patience.wait() {}
        Ok(())
    }

    /// Stops it and its children where they are; nobody who talks to it is told.
    pub(crate) fn pause(&mut self) -> Result<()> {
        self.paused = true;
        signal("STOP", &[self.itself()])?;
        signal("STOP", &self.children())
    }

    /// Lets it go on.
    pub(crate) fn resume(&mut self) -> Result<()> {
        self.paused = false;
        signal("CONT", &self.children())?;
        signal("CONT", &[self.itself()])
    }

    pub(crate) fn paused(&self) -> bool {
        self.paused
    }

    /// An error that tells what happened and quotes the end of the log.
    pub(crate) fn failure(&self, what: &str) -> Error {
        Error::Server(format!("{what}\n{}", self.log()))
    }

    /// The end of its log.
    pub(crate) fn log(&self) -> String {
        let log = fs::read(&self.log).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }

    fn stop(&mut self) -> Result<()> {
        if self.ending == Ending::Quit && self.ended()?.is_none() {
            signal("QUIT", &[self.itself()])?;
            self.resume()?;
            let mut patience = Patience::of(FAREWELL);
            while self.ended()?.is_none() && patience.wait() {}
        }
        self.kill()
    }

    /// A number that is free again must not be ended by the watchdog.
    fn leave(&self) {
        let _ = fs::remove_file(&self.entry);
    }

    fn itself(&self) -> String {
        self.id().to_string()
    }

    /// With all children but PostgreSQL's, which have groups of their own.
    fn group(&self) -> String {
        format!("-{}", self.id())
    }

    fn children(&self) -> Vec<String> {
        let id = self.id();
        let list = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap_or_default();
        list.split_whitespace().map(str::to_owned).collect()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // What is still there then is left to the watchdog.
        let _ = self.stop();
    }
}

/// The standard library sends no signal but one, and every shell has the command built in.
fn signal(signal: &str, processes: &[String]) -> Result<()> {
    if processes.is_empty() {
        return Ok(());
    }
    // One that has just ended by itself is no failure.
    Command::new("/bin/sh")
        .args(["-c", "signal=$1; shift; kill -s $signal -- \"$@\"", "cloakroom-signal", signal])
        .args(processes)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .map(drop)
        .map_err(during("/bin/sh cannot be started"))
}
