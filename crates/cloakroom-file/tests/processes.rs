//! What only processes of their own can show: being killed, sharing a folder, limits of the system.
//!
//! A test starts itself again: the child finds its folder in the environment and plays its part.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use bytes::Bytes;
use cloakroom_core::{
    Clock, ErrorKind, Read, Record, Saved, SessionBackend, SessionId, SessionKey, Sessions, Stamp,
    SystemClock,
};
use cloakroom_file::{Backend, Config};
use tempfile::TempDir;
use tokio::task::JoinSet;

const FOLDER: &str = "CLOAKROOM_TEST_FOLDER";
const KEY: &str = "CLOAKROOM_TEST_KEY";

/// Where this process is to play the child's part, if it is one.
fn childs_folder() -> Option<PathBuf> {
    std::env::var_os(FOLDER).map(PathBuf::from)
}

/// This test, as a child.
fn child(test: &str, folder: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    as_child(&mut command, test, folder);
    command
}

/// The same, by a shell that prepares something first.
fn child_after(preparation: &str, test: &str, folder: &Path) -> Command {
    let mut command = Command::new("sh");
    command.arg("-c").arg(format!("{preparation}; exec \"$0\" \"$@\"")).arg(std::env::current_exe().unwrap());
    as_child(&mut command, test, folder);
    command
}

fn as_child(command: &mut Command, test: &str, folder: &Path) {
    command.args([test, "--exact", "--nocapture"]).env(FOLDER, folder);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
}

/// Waits until it has played its part, and fails as it fails.
fn plays(child: Child) {
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&[output.stdout, output.stderr].concat()));
}

/// Starts a child, kills it when it has acknowledged `enough`, and says what it acknowledged by then.
fn killed(test: &str, folder: &Path, enough: usize) -> Vec<String> {
    let mut child = child(test, folder).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let mut told = Vec::new();
    while told.len() < enough {
        told.extend(lines.next().unwrap().strip_prefix("done ").map(str::to_owned));
    }
    child.kill().unwrap();
    told.extend(lines.filter_map(|line| line.strip_prefix("done ").map(str::to_owned)));
    child.wait().unwrap();
    told
}

fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sessions");
    (folder, path)
}

async fn open(path: &Path) -> Backend {
    Config::new(path).open().await.unwrap()
}

fn id(text: &str) -> SessionId {
    SessionId::parse(text).unwrap()
}

fn seen(sequence: u64) -> Stamp {
    Stamp { sequence, nonce: sequence }
}

/// The `n`th record of a session, large enough that it takes a while.
fn nth(n: u64) -> Record {
    let payload = Bytes::from(n.to_string().repeat(5_000));
    Record::new(payload, SystemClock.now().plus(Duration::from_hours(1)), Some("alice".into()), seen(n))
}

/// Which record of a session is stored. It is whole, or this fails.
async fn number(backend: &Backend, id: &SessionId) -> Option<u64> {
    let stored = backend.load(id, Read::Latest).await.unwrap()?;
    let n = stored.record.stamp.sequence;
    assert_eq!(stored.record.payload, n.to_string().repeat(5_000));
    Some(n)
}

/// All files below a folder whose name is this.
fn files_named(folder: &Path, name: &str) -> usize {
    let folders = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    folders.filter(|folder| folder.join(name).exists()).count()
}

#[tokio::test]
async fn a_killed_writer_loses_nothing_that_it_had_acknowledged() {
    const TEST: &str = "a_killed_writer_loses_nothing_that_it_had_acknowledged";
    if let Some(path) = childs_folder() {
        let backend = std::sync::Arc::new(open(&path).await);
        let mut writers = JoinSet::new();
        for writer in 0..4 {
            let backend = std::sync::Arc::clone(&backend);
            writers.spawn(async move {
                let id = id(&format!("k{writer}"));
                let mut n = number(&backend, &id).await.unwrap_or(0);
                loop {
                    let saved = match n {
                        0 => backend.create(&id, &nth(1)).await,
                        n => backend.save(&id, &nth(n + 1), &seen(n).into()).await,
                    };
                    assert!(matches!(saved.unwrap(), Saved::Written(_)));
                    n += 1;
                    println!("done k{writer} {n}");
                }
            });
        }
        writers.join_all().await;
    }
    let (_folder, path) = folder();
    let mut acknowledged = [0; 4];
    for round in 0..12 {
        for told in killed(TEST, &path, 20 + round * 7) {
            let (writer, n) = told.split_once(' ').unwrap();
            acknowledged[writer[1..].parse::<usize>().unwrap()] = n.parse().unwrap();
        }
        let backend = open(&path).await;
        for (writer, acknowledged) in acknowledged.iter_mut().enumerate() {
            let stored = number(&backend, &id(&format!("k{writer}"))).await.unwrap_or(0);
            assert!((*acknowledged..=*acknowledged + 1).contains(&stored), "{stored} after {acknowledged}");
            *acknowledged = stored;
        }
        assert_eq!(backend.clear_expired(SystemClock.now(), 10).await.unwrap().removed, 0);
        assert_eq!(files_named(&path, "draft"), 0, "what it was writing is swept");
        let listed = backend.index().unwrap().of("alice", None, 10).await.unwrap().len();
        assert_eq!(listed, acknowledged.iter().filter(|n| **n > 0).count());
    }
}

#[tokio::test]
async fn a_killed_rotation_leaves_exactly_one_of_the_two_alive() {
    const TEST: &str = "a_killed_rotation_leaves_exactly_one_of_the_two_alive";
    // Sometimes in one folder, sometimes from one to another.
    let nth_id = |n: u64| id(&format!("k{}-{n}", n / 2 % 3));
    if let Some(path) = childs_folder() {
        let backend = open(&path).await;
        let (alive, _) = backend.walk().unwrap().page(None, 1).await.unwrap().found.remove(0);
        let mut n = number(&backend, &alive).await.unwrap();
        loop {
            let saved = backend.rotate(&nth_id(n), &nth_id(n + 1), &nth(n + 1), &seen(n).into()).await;
            assert!(matches!(saved.unwrap(), Saved::Written(_)));
            n += 1;
            println!("done {n}");
        }
    }
    let (_folder, path) = folder();
    open(&path).await.create(&nth_id(0), &nth(0)).await.unwrap();
    for round in 0..25 {
        let told = killed(TEST, &path, 10 + round * 3);
        let last: u64 = told.last().unwrap().parse().unwrap();
        let backend = open(&path).await;
        let mut alive = Vec::new();
        for n in last - 1..last + 3 {
            alive.extend(number(&backend, &nth_id(n)).await);
        }
        assert!(alive == [last] || alive == [last + 1], "{alive:?} after {last}");
        let index = backend.index().unwrap();
        let page = backend.walk().unwrap().page(None, 10).await.unwrap();
        let all: Vec<SessionId> = page.found.into_iter().map(|(id, _)| id).collect();
        assert_eq!(all, [nth_id(alive[0])]);
        let alices: Vec<SessionId> =
            index.of("alice", None, 10).await.unwrap().into_iter().map(|(id, _)| id).collect();
        assert_eq!(alices, all);
    }
}

#[tokio::test]
async fn two_processes_count_exactly() {
    const TEST: &str = "two_processes_count_exactly";
    const EACH: i64 = 300;
    if let Some(path) = childs_folder() {
        let sessions = Sessions::new(open(&path).await);
        let key = sessions.parse_key(&std::env::var(KEY).unwrap());
        let mut tasks = JoinSet::new();
        for _ in 0..4 {
            let (sessions, key) = (sessions.clone(), key.clone());
            tasks.spawn(async move {
                for _ in 0..EACH / 4 {
                    let session = sessions.load(key.clone()).await.unwrap();
                    session.update("n", |n: &mut i64| *n += 1).await.unwrap();
                }
            });
        }
        tasks.join_all().await;
        return;
    }
    let (_folder, path) = folder();
    let sessions = Sessions::new(open(&path).await);
    let session = sessions.load(None).await.unwrap();
    session.insert("n", 0).unwrap();
    session.save().await.unwrap();
    let key: SessionKey = session.key().unwrap();
    let children = [(); 2].map(|()| child(TEST, &path).env(KEY, key.expose()).spawn().unwrap());
    children.into_iter().for_each(plays);
    let session = sessions.load(Some(key)).await.unwrap();
    assert_eq!(session.get::<i64>("n").unwrap(), Some(EACH * 2));
}

#[tokio::test]
async fn no_umask_opens_what_is_made() {
    const TEST: &str = "no_umask_opens_what_is_made";
    if let Some(path) = childs_folder() {
        let backend = open(&path).await;
        backend.create(&id("abc"), &nth(1)).await.unwrap();
        return;
    }
    for umask in ["000", "022", "077"] {
        let (_folder, path) = folder();
        plays(child_after(&format!("umask {umask}"), TEST, &path).spawn().unwrap());
        let mode = |name: &str| fs::metadata(path.join(name)).unwrap().permissions().mode() & 0o7777;
        assert_eq!(["", "ab", "owners"].map(mode), [0o700; 3], "{umask}");
        assert_eq!(["lock", "ab/lock", "ab/616263"].map(mode), [0o600; 3], "{umask}");
    }
}

/// Files may have 64 KiB there, and nothing that is longer is written.
#[tokio::test]
async fn a_write_that_the_system_refuses_is_surely_not_done_and_leaves_nothing() {
    const TEST: &str = "a_write_that_the_system_refuses_is_surely_not_done_and_leaves_nothing";
    if let Some(path) = childs_folder() {
        let backend = open(&path).await;
        let mut large = nth(2);
        large.payload = Bytes::from(vec![b'x'; 1 << 20]);
        let save = backend.save(&id("abc"), &large, &seen(1).into()).await;
        let create = backend.create(&id("abd"), &large).await;
        let rotate = backend.rotate(&id("abc"), &id("abe"), &large, &seen(1).into()).await;
        for refused in [save, create, rotate] {
            assert_eq!(refused.unwrap_err().kind(), ErrorKind::Unavailable);
        }
        assert!(!path.join("ab/draft").exists());
        assert!(matches!(backend.save(&id("abc"), &nth(3), &seen(1).into()).await, Ok(Saved::Written(_))));
        return;
    }
    let (_folder, path) = folder();
    let backend = open(&path).await;
    backend.create(&id("abc"), &nth(1)).await.unwrap();
    // The signal that comes with the limit is ignored, as a server would: then the write fails.
    plays(child_after("trap '' XFSZ; ulimit -f 128", TEST, &path).spawn().unwrap());
    assert_eq!(number(&backend, &id("abc")).await, Some(3));
    assert_eq!(backend.index().unwrap().of("alice", None, 10).await.unwrap().len(), 1);
}
