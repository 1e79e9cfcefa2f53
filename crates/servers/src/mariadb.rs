//! A MariaDB server with small buffers and durable commits.

use std::{
    io::Read,
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    time::Duration,
};

use crate::{
    Result,
    folder::Folder,
    port,
    process::{Ending, Process},
    programs,
};

/// Refuses to run as root, so root runs it as this user.
const USER: &str = "mysql";
/// Run at each start, before the first client is let in.
const INIT: &str = "CREATE DATABASE IF NOT EXISTS cloakroom;
CREATE USER IF NOT EXISTS cloakroom@'127.0.0.1' IDENTIFIED BY 'sesame';
GRANT ALL ON *.* TO cloakroom@'127.0.0.1';
";

/// A MariaDB server of one's own, with its own settings but for where it listens, small buffers and how many
/// connections it takes (300): it syncs every commit. Dropping it ends it and removes what it kept.
#[derive(Debug)]
pub struct MariaDb {
    port: u16,
    // Before the folder, which waits for what is left in it.
    process: Option<Process>,
    folder: Folder,
}

impl MariaDb {
    /// What it needs to start.
    pub const PROGRAMS: &[&'static str] = &["mariadbd", "mariadb-install-db"];

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
        folder.write("init.sql", INIT)?;
        let data = format!("--datadir={}", folder.join("data").display());
        Process::run(
            &folder,
            &programs::find("mariadb-install-db")?,
            &[
                "--no-defaults",
                &data,
                "--auth-root-authentication-method=socket",
                "--skip-test-db",
                "--skip-name-resolve",
                "--innodb-log-file-size=16M",
            ],
        )?;
        let mut server = Self { port: port::free()?, process: None, folder };
        server.launch()?;
        Ok(server)
    }

    /// `mysql://USER:PASSWORD@127.0.0.1:PORT/DATABASE`, for a user who may use all databases and make new ones.
    pub fn url(&self) -> String {
        format!("mysql://cloakroom:sesame@127.0.0.1:{}/cloakroom", self.port)
    }

    /// The number of the process, if it runs.
    pub fn id(&self) -> Option<u32> {
        self.process.as_ref().map(Process::id)
    }

    /// Ends the server at once, by SIGKILL.
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

    /// Stops the process where it is, by SIGSTOP: connections stay open, nothing is answered.
    ///
    /// # Errors
    ///
    /// `Io` if the operating system refuses.
    pub fn pause(&mut self) -> Result<()> {
        self.process.as_mut().map_or(Ok(()), Process::pause)
    }

    /// Lets it go on.
    ///
    /// # Errors
    ///
    /// `Io` if the operating system refuses.
    pub fn resume(&mut self) -> Result<()> {
        self.process.as_mut().map_or(Ok(()), Process::resume)
    }

    fn launch(&mut self) -> Result<()> {
        let socket = self.folder.join("mariadb.sock");
        let path = |option: &str, path: PathBuf| format!("--{option}={}", path.display());
        let arguments = [
            "--no-defaults".to_owned(),
            path("datadir", self.folder.join("data")),
            path("socket", socket.clone()),
            path("pid-file", self.folder.join("pid")),
            path("init-file", self.folder.join("init.sql")),
            path("tmpdir", self.folder.path().to_owned()),
            format!("--port={}", self.port),
            "--bind-address=127.0.0.1".to_owned(),
            "--skip-name-resolve".to_owned(),
            "--max-connections=300".to_owned(),
            "--innodb-buffer-pool-size=32M".to_owned(),
            "--innodb-log-file-size=16M".to_owned(),
            "--aria-pagecache-buffer-size=8M".to_owned(),
            "--key-buffer-size=1M".to_owned(),
        ];
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        let program = programs::find("mariadbd")?;
        let mut process = Process::start(&self.folder, "mariadb.log", &program, &arguments, Ending::Kill)?;
        process.ready("mariadbd", |_| greets(&socket))?;
        self.process = Some(process);
        Ok(())
    }
}

/// The server speaks first. It has its port before it makes its socket.
fn greets(socket: &Path) -> bool {
    let Ok(mut stream) = UnixStream::connect(socket) else { return false };
    stream.set_read_timeout(Some(Duration::from_secs(2))).is_ok() && stream.read_exact(&mut [0; 5]).is_ok()
}
