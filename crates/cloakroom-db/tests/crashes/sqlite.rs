//! Processes that are killed over one file.

use std::path::Path;

use cloakroom_conformance::crashes::{Killed, Part};
use cloakroom_db::{Backend, Config};

async fn open(url: &str) -> Backend {
    crate::migrated(Config::new(url)).await
}

/// Plays a part, or says where the sessions of this test are to be.
async fn part(folder: &Path) -> Option<String> {
    let Some(part) = Part::of_environment() else {
        return Some(format!("sqlite:{}/sessions.sqlite3", folder.display()));
    };
    let backend = open(part.store()).await;
    part.play(backend).await;
    None
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_is_killed_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let Some(store) = part(folder.path()).await else { return };
    let test = "sqlite::a_process_that_is_killed_loses_nothing";
    let killed = Killed { engine: "SQLite, a process killed", test, store: store.clone() };
    killed.one(async || open(&store).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_on_one_file_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let Some(store) = part(folder.path()).await else { return };
    let test = "sqlite::two_processes_on_one_file_lose_nothing";
    let killed = Killed { engine: "SQLite, two processes", test, store: store.clone() };
    killed.none_of_two(async || open(&store).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_two_processes_on_one_file_is_killed_and_the_other_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let Some(store) = part(folder.path()).await else { return };
    let test = "sqlite::one_of_two_processes_on_one_file_is_killed_and_the_other_goes_on";
    let killed = Killed { engine: "SQLite, one of two processes killed", test, store: store.clone() };
    killed.one_of_two(async || open(&store).await).await;
}
