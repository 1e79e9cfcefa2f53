//! The other side: Django in a process of its own, which ends when this one does.

use std::env;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use cloakroom::Settings;
use cloakroom_servers::venv;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::{PASSWORD, Result, USER};

/// The Django project.
const SITE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../site");
/// Where the virtual environment is kept from one start to the next.
const ENVIRONMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../target/beside-django/python");

/// A Python that has Django: the one that `DJANGO_PYTHON` names, else one of its own.
///
/// # Errors
///
/// If there is no Python, or pip does not get Django.
pub(crate) fn python() -> Result<PathBuf> {
    if let Some(python) = env::var_os("DJANGO_PYTHON").filter(|python| !python.is_empty()) {
        return Ok(python.into());
    }
    Ok(venv::python(Path::new(ENVIRONMENT), include_str!("../../site/requirements.txt"))?)
}

/// Django that runs. Dropping it ends it.
#[derive(Debug)]
pub(crate) struct Django {
    address: SocketAddr,
    // With it goes the pipe that the process reads until its owner is gone, however that ended.
    _process: Child,
}

impl Django {
    /// Makes the tables and the user, and returns when Django listens.
    ///
    /// # Errors
    ///
    /// If it does not start: it has said why on standard error.
    pub(crate) async fn start(python: &Path, settings: &Settings, database: &Path) -> Result<Self> {
        let secret = settings.secret_key.as_deref().unwrap_or_default();
        let mut command = Command::new(python);
        command.args(["manage.py", "serve"]).current_dir(SITE);
        command.env("SECRET_KEY", secret).env("SITE_DATABASE", database);
        command.env("VISITOR", USER).env("VISITOR_PASSWORD", PASSWORD);
        // No compiled files beside the sources.
        command.env("PYTHONDONTWRITEBYTECODE", "1");
        // Ctrl-C goes to a whole group: this one is told by its owner's end.
        command.process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut process = command.spawn()?;
        let mut line = String::new();
        if let Some(out) = process.stdout.as_mut() {
            BufReader::new(out).read_line(&mut line).await?;
        }
        let port = line.trim().parse().map_err(|_| "Django did not start")?;
        Ok(Self { address: (Ipv4Addr::LOCALHOST, port).into(), _process: process })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}
