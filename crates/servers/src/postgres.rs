//! A PostgreSQL server, as durable as it comes.

use std::fs;

use crate::{
    Result,
    folder::Folder,
    port,
    process::{Ending, Process},
    programs,
};

/// Refuses to run as root, so root runs it as this user.
const USER: &str = "postgres";
/// Who logs in, and may do everything.
const NAME: &str = "cloakroom";
const PASSWORD: &str = "sesame";

/// A PostgreSQL server of one's own, with its own settings but for where it listens and how many connections
/// it takes (300): it syncs every commit. Dropping it ends it and removes what it kept.
#[derive(Debug)]
pub struct Postgres {
    port: u16,
    // Before the folder, which waits for what is left in it.
    process: Option<Process>,
    folder: Folder,
}

impl Postgres {
    /// What it needs to start.
    pub const PROGRAMS: &[&'static str] = &["initdb", "ipcrm"];

    /// Starts a server with an empty database and waits until it takes connections.
    ///
    /// # Errors
    ///
    /// `Missing` without its programs, `Server` with its log if it does not start.
    pub fn start() -> Result<Self> {
        port::retrying(Self::attempt)
    }

    fn attempt() -> Result<Self> {
        let folder = Folder::of(USER)?;
        folder.write("password", PASSWORD)?;
        let data = folder.join("data").display().to_string();
        // What initdb writes is in the page cache, and no crash that is tried here loses that.
        Process::run(
            &folder,
            &programs::find("initdb")?,
            &[
                "--no-sync",
                "-D",
                &data,
                "-U",
                NAME,
                "-A",
                "scram-sha-256",
                "--pwfile=password",
                "-E",
                "UTF8",
                "--locale=C",
            ],
        )?;
        let mut server = Self { port: port::free()?, process: None, folder };
        server.launch()?;
        Ok(server)
    }

    /// `postgres://USER:PASSWORD@127.0.0.1:PORT/DATABASE`, for a user who may do everything.
    pub fn url(&self) -> String {
        format!("postgres://{NAME}:{PASSWORD}@127.0.0.1:{}/postgres", self.port)
    }

    /// The number of the process, if it runs.
    pub fn id(&self) -> Option<u32> {
        self.process.as_ref().map(Process::id)
    }

    /// Ends all its processes at once, by SIGKILL.
    ///
    /// # Errors
    ///
    /// `Io` if the operating system refuses.
    pub fn kill(&mut self) -> Result<()> {
        self.process.take().map_or(Ok(()), |mut process| process.kill())
    }

    /// Starts it again on the same port, over what it kept. If it runs, it is killed first.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start); also if somebody else took the port meanwhile.
    pub fn restart(&mut self) -> Result<()> {
        self.kill()?;
        self.launch()
    }

    /// Stops its processes where they are, by SIGSTOP: connections stay open, nothing is answered.
    ///
    /// # Errors
    ///
    /// `Io` if the operating system refuses.
    pub fn pause(&mut self) -> Result<()> {
        self.process.as_mut().map_or(Ok(()), Process::pause)
    }

    /// Lets them go on.
    ///
    /// # Errors
    ///
    /// `Io` if the operating system refuses.
    pub fn resume(&mut self) -> Result<()> {
        self.process.as_mut().map_or(Ok(()), Process::resume)
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn login() -> (&'static str, &'static str) {
        (NAME, PASSWORD)
    }

    fn launch(&mut self) -> Result<()> {
        // A link in PATH leads to the folder of the same version.
        let initdb = programs::find("initdb")?;
        let program = initdb.canonicalize().unwrap_or(initdb).with_file_name("postgres");
        let port = format!("port={}", self.port);
        let sockets = format!("unix_socket_directories={}", self.folder.path().display());
        let data = self.folder.join("data").display().to_string();
        let settings = [
            "listen_addresses=127.0.0.1",
            "max_connections=300",
            // The folder's, not the machine's: it goes with the folder.
            "dynamic_shared_memory_type=mmap",
            &port,
            &sockets,
        ];
        let arguments: Vec<_> =
            ["-D", &data].into_iter().chain(settings.iter().flat_map(|setting| ["-c", setting])).collect();
        let mut process = Process::start(&self.folder, "postgres.log", &program, &arguments, Ending::Quit)?;
        let lock = self.folder.join("data/postmaster.pid");
        process.ready("postgres", |process| {
            fs::read_to_string(&lock).is_ok_and(|lock| ready(&lock, process.id()))
        })?;
        self.process = Some(process);
        Ok(())
    }
}

/// Its first line is the process, its last its state; after a crash, those of the process before.
fn ready(lock: &str, process: u32) -> bool {
    let mut lines = lock.lines();
    lines.next() == Some(&process.to_string()) && lines.next_back().map(str::trim_end) == Some("ready")
}
