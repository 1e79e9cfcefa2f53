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

/// Plays a part, or says where the sessions of this test are to be.
async fn part(folder: &Path) -> Option<String> {
    let Some(part) = Part::of_environment() else {
        return Some(folder.join("sessions").to_str().unwrap().to_owned());
    };
    let backend = open(part.store()).await;
    part.play(backend).await;
    None
}

/// A month later a sweep takes all that is left, and then nothing is there but locks.
async fn everything_is_swept(store: &str) {
    let clock = ManualClock::at(SystemClock.now().plus(Duration::from_hours(24 * 30)));
    let later = Config::new(store).clock(Arc::new(clock.clone())).open().await.unwrap();
    while later.clear_expired(clock.now(), 1_000).await.unwrap() > 0 {}
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
    let folder = tempfile::tempdir().unwrap();
    let Some(store) = part(folder.path()).await else { return };
    let test = "a_process_that_is_killed_loses_nothing_and_leaves_nothing";
    let killed = Killed { engine: "file, a process killed", test, store: store.clone() };
    killed.one(async || open(&store).await).await;
    everything_is_swept(&store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_on_one_folder_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let Some(store) = part(folder.path()).await else { return };
    let test = "two_processes_on_one_folder_lose_nothing";
    let killed = Killed { engine: "file, two processes", test, store: store.clone() };
    killed.none_of_two(async || open(&store).await).await;
    everything_is_swept(&store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_two_processes_on_one_folder_is_killed_and_the_other_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let Some(store) = part(folder.path()).await else { return };
    let test = "one_of_two_processes_on_one_folder_is_killed_and_the_other_goes_on";
    let killed = Killed { engine: "file, one of two processes killed", test, store: store.clone() };
    killed.one_of_two(async || open(&store).await).await;
    everything_is_swept(&store).await;
}
