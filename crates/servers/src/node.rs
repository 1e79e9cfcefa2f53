//! One process of Redis: alone, in a cluster, or a sentinel.

use std::{fs, path::PathBuf};

use crate::{
    Result,
    error::during,
    folder::Folder,
    process::{Ending, Process},
    programs, resp,
};

/// What a Redis process does.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Mode {
    Server,
    Sentinel,
}

/// A Redis process and how to start it again.
#[derive(Debug)]
pub(crate) struct Node {
    port: u16,
    mode: Mode,
    password: Option<String>,
    /// Unix sockets have short paths: this one is in the folder itself.
    socket: PathBuf,
    process: Option<Process>,
}

impl Node {
    /// A node that is not started, with lines of settings beyond those that all have.
    ///
    /// They are in a file because Redis writes there what it became, a replica of another primary say.
    pub(crate) fn new(folder: &Folder, port: u16, mode: Mode, settings: &[String]) -> Result<Self> {
        let dir = folder.join(&port.to_string());
        fs::create_dir_all(&dir).map_err(during("a server's folder is not writable"))?;
        let socket = folder.join(&format!("{port}.sock"));
        let common = [
            "bind 127.0.0.1".to_owned(),
            "save \"\"".to_owned(),
            // Five seconds, so that replicas share what is sent. There is nothing to send.
            "repl-diskless-sync-delay 0".to_owned(),
            format!("dir {}", dir.display()),
            format!("unixsocket {}", socket.display()),
        ];
        folder.write(&file(port), &[&common, settings].concat().join("\n"))?;
        Ok(Self { port, mode, password: None, socket, process: None })
    }

    pub(crate) fn password(mut self, password: Option<String>) -> Self {
        self.password = password;
        self
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    pub(crate) fn id(&self) -> Option<u32> {
        self.process.as_ref().map(Process::id)
    }

    /// Starts it and waits until it answers. It then has its port, too, since it makes its socket last.
    pub(crate) fn start(&mut self, folder: &Folder) -> Result<()> {
        let program = programs::find("redis-server")?;
        let settings = folder.join(&file(self.port)).display().to_string();
        let mode: &[_] = if self.mode == Mode::Sentinel { &["--sentinel"] } else { &[] };
        let arguments = [&[settings.as_str()], mode].concat();
        let log = format!("{}.log", self.port);
        let mut process = Process::start(folder, &log, &program, &arguments, Ending::Kill)?;
        process.ready("redis-server", |_| self.command(&["PING"]).is_ok())?;
        self.process = Some(process);
        Ok(())
    }

    pub(crate) fn command(&self, command: &[&str]) -> Result<Vec<String>> {
        let authentication = self.password.as_deref().map(|password| ["AUTH", password]);
        let commands: Vec<_> = authentication.iter().map(<[_; 2]>::as_slice).chain([command]).collect();
        resp::exchange(&self.socket, &commands)
            .map_err(during(&format!("redis-server on port {}", self.port)))
    }

    /// The value of a field of `INFO` or of another answer in lines of `field:value`.
    pub(crate) fn field(&self, command: &[&str], field: &str) -> Option<String> {
        let answer = self.command(command).ok()?.concat();
        let (_, value) =
            answer.lines().filter_map(|line| line.split_once(':')).find(|(name, _)| *name == field)?;
        Some(value.trim_end().to_owned())
    }

    /// The end of its log, if it runs.
    pub(crate) fn log(&self) -> String {
        self.process.as_ref().map(Process::log).unwrap_or_default()
    }

    pub(crate) fn kill(&mut self) -> Result<()> {
        self.process.take().map_or(Ok(()), |mut process| process.kill())
    }

    pub(crate) fn restart(&mut self, folder: &Folder) -> Result<()> {
        self.kill()?;
        self.start(folder)
    }

    pub(crate) fn pause(&mut self) -> Result<()> {
        self.process.as_mut().map_or(Ok(()), Process::pause)
    }

    pub(crate) fn resume(&mut self) -> Result<()> {
        self.process.as_mut().map_or(Ok(()), Process::resume)
    }

    /// Whether it runs and can answer.
    pub(crate) fn awake(&self) -> bool {
        self.process.as_ref().is_some_and(|process| !process.paused())
    }

    /// Whether it takes writes, if it answers.
    pub(crate) fn primary(&self) -> Option<bool> {
        self.field(&["INFO", "replication"], "role").map(|role| role == "master")
    }

    /// Whether it is a replica that has what its primary has.
    pub(crate) fn follows(&self) -> bool {
        self.field(&["INFO", "replication"], "master_link_status").is_some_and(|status| status == "up")
    }
}

fn file(port: u16) -> String {
    format!("{port}.conf")
}
