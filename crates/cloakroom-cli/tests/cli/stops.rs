//! Ctrl-C and SIGTERM: one line, the shell's exit code, and nothing that running it again does not finish.

use rustix::process::Signal;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, Executor as _, SqliteConnection};

use crate::{Outcome, Screen, Store};

/// Nobody else writes to the database until it is dropped: a command that wants to waits in the middle of its work.
async fn locked(store: &Store) -> SqliteConnection {
    let url = store.setting("SESSION_DB_URL");
    let options: SqliteConnectOptions = url.parse().expect("it is a URL");
    let mut lock = options.connect().await.expect("the database");
    lock.execute("BEGIN IMMEDIATE").await.expect("the lock");
    lock
}

/// How it exits, and the last line that it says, while nobody else writes to `held`.
async fn a_command_that_is_stopped(
    arguments: &[&str],
    store: &Store,
    held: &Store,
    signal: Signal,
) -> (Option<i32>, String) {
    let lock = locked(held).await;
    let screen = Screen::start(store.program().command(arguments), 120);
    // Only then it listens.
    screen.wait_for(if arguments[0] == "copy" { "copied" } else { "cleared" });
    screen.signal(signal);
    let (status, text) = screen.ended();
    lock.close().await.expect("it is unlocked");
    let last = text.trim_end().lines().last().unwrap_or_default();
    let from = last.find("cloakroom:").unwrap_or(0);
    (status.code(), last[from..].replace("\u{1b}[0m", ""))
}

#[tokio::test]
async fn a_sweep_that_is_stopped_says_so_and_the_next_one_finishes_it() {
    let store = Store::sqlite().migrated().await;
    store.expired().await;
    for (signal, code, name) in [(Signal::INT, 130, "interrupted"), (Signal::TERM, 143, "terminated")] {
        let stopped = a_command_that_is_stopped(&["clear-expired"], &store, &store, signal).await;
        let line = format!("cloakroom: {name}; what was cleared stays so, and running it again goes on");
        assert_eq!(stopped, (Some(code), line));
    }
    assert_eq!(store.run(&["clear-expired"]), Outcome::done("cleared\t1\n"));
}

#[tokio::test]
async fn a_copy_that_is_terminated_says_so_and_the_next_one_finishes_it() {
    let files = Store::with(&[("SESSION_ENGINE", "file")]);
    let alice = files.visit(Some("alice"), &[]).await;
    let database = Store::sqlite().migrated().await;
    let to = format!("db={}", database.setting("SESSION_DB_URL"));
    let copy = ["copy", "--from", "file", "--to", &to];
    let stopped = a_command_that_is_stopped(&copy, &files, &database, Signal::TERM).await;
    let line = "cloakroom: terminated; what was copied stays so, and running it again goes on";
    assert_eq!(stopped, (Some(143), line.into()));
    assert_eq!(files.run(&copy), Outcome::done("copied\t1\n"));
    assert_eq!(database.user_of(&alice).await.as_deref(), Some("alice"));
}
