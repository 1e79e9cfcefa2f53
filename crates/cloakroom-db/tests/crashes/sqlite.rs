//! Processes that are killed over one file.

use std::path::Path;

use cloakroom_conformance::crashes::{Killed, Part};
use cloakroom_db::{Backend, Config};

async fn open(url: &str) -> Backend {
    crate::migrated(Config::new(url)).await
}

/// What the sessions of a test are opened by.
fn store_in(folder: &Path) -> String {
    format!("sqlite:{}/sessions.sqlite3", folder.display())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_is_killed_loses_nothing() {
    if Part::played(open).await {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let store = store_in(folder.path());
    let test = "sqlite::a_process_that_is_killed_loses_nothing";
    let killed = Killed::new("SQLite, a process killed", test, &store);
    killed.one(open).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_on_one_file_lose_nothing() {
    if Part::played(open).await {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let store = store_in(folder.path());
    let test = "sqlite::two_processes_on_one_file_lose_nothing";
    let killed = Killed::new("SQLite, two processes", test, &store);
    killed.none_of_two(open).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_two_processes_on_one_file_is_killed_and_the_other_goes_on() {
    if Part::played(open).await {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let store = store_in(folder.path());
    let test = "sqlite::one_of_two_processes_on_one_file_is_killed_and_the_other_goes_on";
    let killed = Killed::new("SQLite, one of two processes killed", test, &store);
    killed.one_of_two(open).await;
}
