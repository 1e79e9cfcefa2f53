//! The program itself: started on a free port and a database in a temporary folder.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection, SqliteConnection};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

use crate::{PROGRAM, Visitor};

/// Longer than a start or a stop takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// Environment variables over the tests' own.
pub(crate) type Settings<'s> = &'s [(&'s str, &'s str)];

/// A playground that runs. Dropping it kills it.
pub(crate) struct Playground {
    program: &'static str,
    folder: TempDir,
    child: Child,
    out: BufReader<ChildStdout>,
    pub(crate) address: SocketAddr,
}

impl Playground {
    /// On a database that is not there yet.
    pub(crate) async fn start() -> Self {
        Self::with(&[]).await
    }

    pub(crate) async fn with(settings: Settings<'_>) -> Self {
        Self::of(PROGRAM, settings).await
    }

    /// Another program that is a playground.
    pub(crate) async fn of(program: &'static str, settings: Settings<'_>) -> Self {
        Self::within(program, tempfile::tempdir().expect("a folder"), settings).await
    }

    async fn within(program: &'static str, folder: TempDir, settings: Settings<'_>) -> Self {
        let url = format!("sqlite:{}", database(&folder).display());
        let files = folder.path().join("sessions").display().to_string();
        let mut command = command(program, &[("SESSION_DB_URL", &url), ("SESSION_FILE_PATH", &files)]);
        let mut child = command.envs(settings.iter().copied()).spawn().expect("the playground");
        let mut out = BufReader::new(child.stdout.take().expect("its output"));
        let mut line = String::new();
        timeout(PATIENCE, out.read_line(&mut line)).await.expect("a line in time").expect("a line");
        let address = line.trim().strip_prefix("playground: http://").expect("its address");
        Self { program, address: address.parse().expect("an address"), folder, child, out }
    }

    /// Somebody who was never here.
    pub(crate) fn visitor(&self) -> Visitor {
        Visitor::of(self.address)
    }

    /// Kills it as a power cut would, and starts it on the same database.
    pub(crate) async fn killed_and_started_again(mut self) -> Self {
        self.kill().await;
        Self::within(self.program, self.folder, &[]).await
    }

    /// `kill -9`
    pub(crate) async fn kill(&mut self) {
        timeout(PATIENCE, self.child.kill()).await.expect("dead in time").expect("dead");
    }

    /// Sends a signal by its name.
    pub(crate) async fn signal(&self, name: &str) {
        let id = self.child.id().expect("it runs").to_string();
        let sent = Command::new("kill").args(["-s", name, &id]).status().await.expect("kill");
        assert!(sent.success());
    }

    /// Waits for its end: how it ended, and what else it had printed.
    pub(crate) async fn ended(mut self) -> (ExitStatus, String) {
        let mut rest = String::new();
        timeout(PATIENCE, self.out.read_to_string(&mut rest)).await.expect("an end in time").expect("output");
        let status = timeout(PATIENCE, self.child.wait()).await.expect("an end in time").expect("an end");
        (status, rest)
    }

    /// A connection to the database beside the playground's.
    pub(crate) async fn database(&self) -> SqliteConnection {
        let options = SqliteConnectOptions::new().filename(database(&self.folder));
        SqliteConnection::connect_with(&options).await.expect("the database")
    }

    /// How many sessions are stored, living or not.
    pub(crate) async fn rows(&self) -> i64 {
        let mut database = self.database().await;
        let count = sqlx::query_scalar("SELECT count(*) FROM cloakroom_sessions");
        let rows = count.fetch_one(&mut database).await.expect("a count");
        database.close().await.expect("closed");
        rows
    }
}

/// Runs a playground that can not start: its exit code and what it says of it.
pub(crate) async fn refused(settings: Settings<'_>) -> (Option<i32>, String) {
    let output = command(PROGRAM, settings).stderr(Stdio::piped()).output();
    let output = timeout(PATIENCE, output).await.expect("an end in time").expect("an end");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "", "nothing is served");
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

fn database(folder: &TempDir) -> PathBuf {
    folder.path().join("sessions.sqlite3")
}

/// The program, without the settings of whoever runs the tests.
fn command(program: &str, settings: Settings<'_>) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        let known = name.to_string_lossy();
        if ["SESSION_", "SECRET_KEY", "CLOAKROOM_"].iter().any(|prefix| known.starts_with(prefix)) {
            command.env_remove(&name);
        }
    }
    command.env("BIND", "127.0.0.1:0").envs(settings.iter().copied());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
    command
}
