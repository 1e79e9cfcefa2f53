//! Processes that are killed over one folder. See `cloakroom_conformance::crashes`.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use cloakroom_conformance::crashes::{Killed, Part};
use cloakroom_core::{Clock, ManualClock, SessionBackend, SystemClock};
use cloakroom_file::{Backend, Config};

async fn open(path: &str) -> Backend {
    Config::new(path).open().await.unwrap()
}

/// What the sessions of a test are opened by.
fn store_in(folder: &Path) -> String {
    folder.join("sessions").to_str().unwrap().to_owned()
}

/// A month later a sweep takes all that is left, and then nothing is there but locks.
async fn everything_is_swept(store: &str) {
    let clock = ManualClock::at(SystemClock.now().plus(Duration::from_hours(24 * 30)));
    let later = Config::new(store).clock(Arc::new(clock.clone())).open().await.unwrap();
    while later.clear_expired(clock.now(), 1_000).await.unwrap().removed > 0 {}
    assert_eq!(files_in(Path::new(store)), [""; 0], "a sweep leaves them");
}

/// All files but the locks, which stay by design.
fn files_in(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files = entries
        .flat_map(|path| if path.is_dir() { files_in(&path) } else { vec![path.display().to_string()] });
    files.filter(|file| !file.ends_with("/lock")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_is_killed_loses_nothing_and_leaves_nothing() {
    if Part::played(open).await {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let store = store_in(folder.path());
    let test = "a_process_that_is_killed_loses_nothing_and_leaves_nothing";
    let killed = Killed::new("file, a process killed", test, &store);
    killed.one(open).await;
    everything_is_swept(&store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_on_one_folder_lose_nothing() {
    if Part::played(open).await {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let store = store_in(folder.path());
    let test = "two_processes_on_one_folder_lose_nothing";
    let killed = Killed::new("file, two processes", test, &store);
    killed.none_of_two(open).await;
    everything_is_swept(&store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_two_processes_on_one_folder_is_killed_and_the_other_goes_on() {
    if Part::played(open).await {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let store = store_in(folder.path());
    let test = "one_of_two_processes_on_one_folder_is_killed_and_the_other_goes_on";
    let killed = Killed::new("file, one of two processes killed", test, &store);
    killed.one_of_two(open).await;
    everything_is_swept(&store).await;
}
