//! A single Redis server, plain or behind TLS.

use std::path::{Path, PathBuf};

use crate::{
    Result, certificates,
    folder::Folder,
    node::{Mode, Node},
    port,
};

/// How a [`Redis`] is to be. By default it is plain, has no password and keeps nothing.
///
/// ```no_run
/// # fn main() -> cloakroom_servers::Result<()> {
/// let redis = cloakroom_servers::RedisConfig::new().password("sesame").append_only().start()?;
/// println!("{}", redis.url()); // redis://:sesame@127.0.0.1:…
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct RedisConfig {
    password: Option<String>,
    append_only: bool,
    tls: bool,
}

impl RedisConfig {
    /// The default.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks clients for a password, which may have letters and digits alone: it becomes part of the URL as it is.
    pub fn password(mut self, password: impl Into<String>) -> Self {
        self.password = Some(password.into());
        self
    }

    /// Writes every command to a file, and syncs it, before it is answered: `appendfsync always`.
    pub fn append_only(mut self) -> Self {
        self.append_only = true;
        self
    }

    /// Listens for TLS alone, with a certificate for 127.0.0.1 and localhost by an authority of its own.
    pub fn tls(mut self) -> Self {
        self.tls = true;
        self
    }

    /// Starts the server and waits until it answers.
    ///
    /// # Errors
    ///
    /// `Missing` without `redis-server` (or `openssl` for TLS), `Server` with its log if it does not start.
    pub fn start(&self) -> Result<Redis> {
        port::retrying(|| self.attempt())
    }

    fn attempt(&self) -> Result<Redis> {
        let folder = Folder::new()?;
        let port = port::free()?;
        let mut settings = Vec::new();
        let mut ca = None;
        if self.tls {
            let [authority, certificate, key] = certificates::issue(&folder)?;
            settings.extend([
                "port 0".to_owned(),
                format!("tls-port {port}"),
                "tls-auth-clients no".to_owned(),
            ]);
            settings.extend([format!("tls-cert-file {certificate}"), format!("tls-key-file {key}")]);
            settings.push(format!("tls-ca-cert-file {authority}"));
            ca = Some(PathBuf::from(authority));
        } else {
            settings.push(format!("port {port}"));
        }
        if self.append_only {
            settings.extend(["appendonly yes", "appendfsync always"].map(str::to_owned));
        }
        if let Some(password) = &self.password {
            settings.push(format!("requirepass {password}"));
        }
        let mut node = Node::new(&folder, port, Mode::Server, &settings)?.password(self.password.clone());
        node.start(&folder)?;
        let scheme = if self.tls { "rediss" } else { "redis" };
        let login = self.password.as_ref().map(|password| format!(":{password}@")).unwrap_or_default();
        let url = format!("{scheme}://{login}127.0.0.1:{port}");
        Ok(Redis { url, ca, node, folder })
    }
}

/// A Redis server of one's own. Dropping it ends it and removes what it kept.
#[derive(Debug)]
pub struct Redis {
    url: String,
    ca: Option<PathBuf>,
    // Before the folder, which waits for what is left in it.
    node: Node,
    folder: Folder,
}

impl Redis {
    /// What it needs to start.
    pub const PROGRAMS: &[&'static str] = &["redis-server"];
    /// What it needs to start behind TLS.
    pub const TLS_PROGRAMS: &[&'static str] = &["redis-server", "openssl"];

    /// Starts a plain server without a password that keeps nothing.
    ///
    /// # Errors
    ///
    /// As [`RedisConfig::start`].
    pub fn start() -> Result<Self> {
        RedisConfig::new().start()
    }

    /// `redis://127.0.0.1:PORT`, with the password if there is one; `rediss://…` behind TLS.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The authority that a client of the TLS server has to trust: a PEM file.
    pub fn ca(&self) -> Option<&Path> {
        self.ca.as_deref()
    }

    /// The number of the process, if it runs.
    pub fn id(&self) -> Option<u32> {
        self.node.id()
    }

    /// Sends one command and answers with the strings and numbers of its reply; nil is none.
    ///
    /// # Errors
    ///
    /// `Io` with the server's words if it refuses, or if it does not answer within 2 s.
    pub fn command(&self, command: &[&str]) -> Result<Vec<String>> {
        self.node.command(command)
    }

    /// Ends the server at once, by SIGKILL.
    ///
    /// # Errors
    ///
    /// `Io` if the operating system refuses.
    pub fn kill(&mut self) -> Result<()> {
        self.node.kill()
    }

    /// Starts it again on the same port, over what it kept. If it runs, it is killed first.
    ///
    /// # Errors
    ///
    /// As [`RedisConfig::start`]; also if somebody else took the port meanwhile.
    pub fn restart(&mut self) -> Result<()> {
        self.node.restart(&self.folder)
    }

    /// Stops the process where it is, by SIGSTOP: connections stay open, nothing is answered.
    ///
    /// # Errors
    ///
    /// `Io` if the operating system refuses.
    pub fn pause(&mut self) -> Result<()> {
        self.node.pause()
    }

    /// Lets it go on.
    ///
    /// # Errors
    ///
    /// `Io` if the operating system refuses.
    pub fn resume(&mut self) -> Result<()> {
        self.node.resume()
    }
}
