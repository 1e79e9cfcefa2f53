//! A folder that is shared with Django: what it finds there, and what happens when it writes at the same time.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::HashSet;
use std::fs::{self, File, FileTimes};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use cloakroom_conformance::PlainFormat;
use cloakroom_core::{
    Clock, Deleted, ErrorKind, Expiry, ManualClock, Portable, Read, Record, Revision, Saved, SessionBackend,
    SessionFormat, SessionId, SessionKey, Sessions, Stamp, SystemClock, Touched,
};
use cloakroom_file::django::{Backend, Config};
use rustix::fs::{CWD, RenameFlags, renameat_with};
use tempfile::TempDir;

const HOUR: Duration = Duration::from_hours(1);
const KEY: &str = "abcdefgh";

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn config(folder: &TempDir) -> Config {
    Config::new(folder.path(), Arc::new(PlainFormat))
}

async fn open(folder: &TempDir) -> Backend {
    config(folder).open().await.unwrap()
}

fn id(text: &str) -> SessionId {
    SessionId::parse(text).unwrap()
}

fn payload(name: &str, expiry: Expiry) -> Bytes {
    let mut session = Portable::default();
    session.entries = vec![(name.to_owned(), Bytes::from_static(b"1"))];
    session.expiry = expiry;
    PlainFormat.encode(&session, SystemClock.now(), usize::MAX).unwrap()
}

/// A record of a session with this name in it, for an hour.
fn record(name: &str) -> Record {
    let stamp = Stamp { sequence: 1, nonce: 7 };
    Record::new(payload(name, Expiry::After(HOUR)), SystemClock.now().plus(HOUR), None, stamp)
}

fn revision(record: &Record) -> Revision {
    Revision::opaque(record.payload.clone())
}

fn file(folder: &TempDir, key: &str) -> PathBuf {
    folder.path().join(format!("sessionid{key}"))
}

/// What is in the folder, but for the lock.
fn names(folder: &TempDir) -> Vec<String> {
    let entries = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<_> = entries.map(|name| name.into_string().unwrap()).collect();
    names.retain(|name| name != ".cloakroom-sessionid-lock");
    names.sort();
    names
}

/// Django's way of saving: a file beside the old one gets its name, whatever that is by now. What that was is kept, for the count.
fn django_saves(path: &Path, content: &[u8]) -> Bytes {
    let beside = path.with_file_name(format!("sessionid{KEY}_out_x7f3kq2z"));
    fs::write(&beside, content).unwrap();
    renameat_with(CWD, &beside, CWD, path, RenameFlags::EXCHANGE).unwrap();
    let replaced = fs::read(&beside).unwrap();
    fs::remove_file(beside).unwrap();
    replaced.into()
}

async fn stored(backend: &Backend, key: &str) -> Option<Bytes> {
    backend.load(&id(key), Read::Latest).await.unwrap().map(|stored| stored.record.payload)
}

#[tokio::test]
async fn a_session_is_a_file_that_django_finds_with_its_text_and_nothing_else() {
    let folder = folder();
    let backend = open(&folder).await;
    let first = record("first");
    assert!(matches!(backend.create(&id(KEY), &first).await.unwrap(), Saved::Written(_)));
    let second = record("second");
    backend.save(&id(KEY), &second, &revision(&first)).await.unwrap();
    assert_eq!(names(&folder), [format!("sessionid{KEY}")]);
    assert_eq!(fs::read(file(&folder, KEY)).unwrap(), second.payload);
    assert_eq!(fs::metadata(file(&folder, KEY)).unwrap().permissions().mode() & 0o7777, 0o600);
}

#[tokio::test]
async fn what_django_has_written_is_found_and_changed() {
    let folder = folder();
    let sessions = Sessions::new(config(&folder).cookie_name("sid").open().await.unwrap());
    let path = folder.path().join(format!("sid{KEY}"));
    fs::write(&path, payload("cart", Expiry::Default)).unwrap();
    let key = SessionKey::parse(KEY, cloakroom_core::Addressing::Verbatim);
    let session = sessions.load(key).await.unwrap();
    assert_eq!(session.get::<i64>("cart").unwrap(), Some(1));
    session.insert("more", 2).unwrap();
    session.save().await.unwrap();
    let there = PlainFormat.decode(&fs::read(&path).unwrap().into()).unwrap();
    assert_eq!(there.entries.len(), 2);
}

#[tokio::test]
async fn a_session_of_djangos_ends_so_long_after_its_file_was_modified_or_when_it_says() {
    let folder = folder();
    let now = SystemClock.now();
    let clock = ManualClock::at(now);
    let backend = config(&folder).age(HOUR * 2).clock(Arc::new(clock.clone())).open().await.unwrap();
    let moment = now.plus(HOUR * 9);
    for (key, expiry, ends) in [
        ("aaaaaaaa", Expiry::Default, now.plus(HOUR * 2)),
        ("bbbbbbbb", Expiry::BrowserClose, now.plus(HOUR * 2)),
        ("cccccccc", Expiry::After(HOUR), now.plus(HOUR)),
        ("dddddddd", Expiry::At(moment), moment),
    ] {
        let file = File::create(file(&folder, key)).unwrap();
        fs::write(folder.path().join(format!("sessionid{key}")), payload("n", expiry)).unwrap();
        file.set_times(FileTimes::new().set_modified(SystemTime::from(now))).unwrap();
        let there = backend.load(&id(key), Read::Any).await.unwrap().unwrap();
        assert_eq!(there.record.expires_at, ends, "{expiry:?}");
    }
    clock.advance(HOUR * 2);
    assert_eq!(backend.clear_expired(clock.now(), 10).await.unwrap().removed, 3);
    assert_eq!(names(&folder), ["sessioniddddddddd"]);
    assert_eq!(
        backend
            .touch(
                &id("dddddddd"),
                moment.plus(HOUR),
                &Revision::opaque(fs::read(file(&folder, "dddddddd")).unwrap().into())
            )
            .await
            .unwrap(),
        Touched::Skipped,
        "its end is in its text"
    );
}

#[tokio::test]
async fn no_id_leads_out_of_the_folder() {
    let folder = folder();
    let backend = open(&folder).await;
    for hostile in ["../../etc/passwd", "..", "a/b", "abc_out_def", ".", &"a".repeat(41)] {
        assert_eq!(backend.create(&id(hostile), &record("n")).await.unwrap(), Saved::Gone, "{hostile}");
        assert_eq!(backend.load(&id(hostile), Read::Any).await.unwrap(), None);
        assert_eq!(backend.delete(&id(hostile), None).await.unwrap(), Deleted::Absent);
    }
    assert_eq!(names(&folder), [""; 0]);
}

#[tokio::test]
async fn a_folder_that_is_missing_or_none_is_refused_by_name() {
    let folder = folder();
    let missing = folder.path().join("missing");
    let none = folder.path().join("none");
    fs::write(&none, "").unwrap();
    for path in [missing, none] {
        let error = Config::new(&path, Arc::new(PlainFormat)).open().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Misconfigured);
        assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
    }
}

#[tokio::test]
async fn a_folder_that_can_not_be_written_to_is_refused_by_name() {
    // Root may write anywhere, but not there.
    let error =
        Config::new("/proc", Arc::new(PlainFormat)).network_file_system(true).open().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Misconfigured);
    assert!(error.to_string().contains("/proc"), "{error}");
}

#[tokio::test]
async fn a_cookies_name_that_no_file_can_begin_with_is_refused() {
    let folder = folder();
    for name in ["", "../x", "a b", ".hidden", &"x".repeat(65)] {
        let error = config(&folder).cookie_name(name).open().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Misconfigured, "{name}");
    }
}

#[tokio::test]
async fn one_file_that_can_not_be_read_keeps_the_sweep_from_no_other() {
    let folder = folder();
    let clock = ManualClock::at(SystemClock.now());
    let backend = config(&folder).clock(Arc::new(clock.clone())).open().await.unwrap();
    fs::create_dir(file(&folder, "aaaaaaaa")).unwrap();
    fs::write(file(&folder, "bbbbbbbb"), "\u{ff} no session").unwrap();
    backend.create(&id("cccccccc"), &record("n")).await.unwrap();
    fs::write(folder.path().join("somebody-elses"), "stays").unwrap();
    clock.advance(HOUR * 24 * 15);
    let error = backend.clear_expired(clock.now(), 10).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert_eq!(names(&folder), ["sessionidaaaaaaaa", "somebody-elses"]);
}

#[tokio::test]
async fn what_writers_left_that_died_is_swept_after_an_hour() {
    let folder = folder();
    let clock = ManualClock::at(SystemClock.now());
    let backend = config(&folder).clock(Arc::new(clock.clone())).open().await.unwrap();
    for end in ["cloakroom", "x7f3kq2z"] {
        fs::write(folder.path().join(format!("sessionid{KEY}_out_{end}")), "half").unwrap();
    }
    clock.advance(Duration::from_mins(59));
    backend.clear_expired(clock.now(), 10).await.unwrap();
    assert_eq!(names(&folder).len(), 2, "somebody may be writing");
    clock.advance(Duration::from_secs(65));
    assert_eq!(backend.clear_expired(clock.now(), 10).await.unwrap().removed, 0);
    assert_eq!(names(&folder), [""; 0]);
}

#[tokio::test]
async fn a_draft_that_a_dead_writer_left_is_in_nobodys_way() {
    let folder = folder();
    let backend = open(&folder).await;
    let draft = folder.path().join(format!("sessionid{KEY}_out_cloakroom"));
    fs::write(&draft, "a dead writer's").unwrap();
    let first = record("first");
    assert!(matches!(backend.create(&id(KEY), &first).await.unwrap(), Saved::Written(_)));
    fs::write(&draft, "a dead writer's").unwrap();
    let second = record("second");
    assert!(matches!(backend.save(&id(KEY), &second, &revision(&first)).await.unwrap(), Saved::Written(_)));
    assert_eq!((stored(&backend, KEY).await, names(&folder).len()), (Some(second.payload), 1));
}

/// The new content waits in its draft; the old content has the new name already.
#[tokio::test]
async fn a_rotation_that_died_halfway_leaves_one_of_both_alive() {
    let folder = folder();
    let backend = open(&folder).await;
    let (old, new) = (record("old"), record("new"));
    backend.create(&id(KEY), &old).await.unwrap();
    fs::write(folder.path().join("sessionidabczzzzz_out_cloakroom"), &new.payload).unwrap();
    fs::rename(file(&folder, KEY), file(&folder, "abczzzzz")).unwrap();
    assert_eq!(
        (stored(&backend, KEY).await, stored(&backend, "abczzzzz").await),
        (None, Some(old.payload.clone()))
    );
    let again = backend.rotate(&id(KEY), &id("abczzzzz"), &new, &revision(&old)).await.unwrap();
    assert_eq!(again, Saved::Gone);
}

/// Four writers here change what they have seen, and Django writes over whatever is there. Each text that ever stood there was replaced
/// once, the last one excepted: by a writer who had seen it, or by Django. Were one of Django's overwritten unseen, it would be missing, and
/// what that writer had seen would be there twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_change_of_djangos_is_ever_overwritten_unseen() {
    let folder = folder();
    let path = file(&folder, KEY);
    let backends = [Arc::new(open(&folder).await), Arc::new(open(&folder).await)];
    let start = record("start");
    backends[0].create(&id(KEY), &start).await.unwrap();
    let done = Arc::new(AtomicBool::new(false));
    let django = std::thread::spawn({
        let done = Arc::clone(&done);
        move || {
            let (mut written, mut replaced) = (Vec::new(), Vec::new());
            while !done.load(Ordering::Relaxed) {
                let text = payload("django", Expiry::After(HOUR));
                replaced.push(django_saves(&path, &text));
                written.push(text);
                // Else there would be nothing but Django's.
                std::thread::sleep(Duration::from_micros(100));
            }
            (written, replaced)
        }
    });
    let writers: Vec<_> = (0..4)
        .map(|writer| {
            let backend = Arc::clone(&backends[writer % 2]);
            tokio::spawn(async move { write_400_times(&backend).await })
        })
        .collect();
    let mut ours = Outcome::default();
    for writer in writers {
        ours.add(writer.await.unwrap());
    }
    done.store(true, Ordering::Relaxed);
    let (djangos, mut replaced) = django.join().unwrap();
    let met = ours.replaced.iter().filter(|text| djangos.contains(text)).count();
    replaced.extend(ours.replaced);

    let once: HashSet<&Bytes> = replaced.iter().collect();
    assert_eq!(once.len(), replaced.len(), "two have replaced the same");
    let last = stored(&backends[0], KEY).await.unwrap();
    let all = [start.payload].into_iter().chain(djangos).chain(ours.written);
    let missing = all.filter(|text| *text != last && !once.contains(text)).count();
    // Where Django wrote over a change that was about to be put back, the one before it is what Django's replaced.
    assert!(missing <= ours.unknown, "{missing} were overwritten unseen, {} unknown", ours.unknown);
    assert!(met > 0 && ours.conflicts > 0, "they hardly met: {met}, {}", ours.conflicts);
    assert_eq!(names(&folder).len(), 1, "no draft is left");
}

/// What became of the writes of one.
#[derive(Default)]
struct Outcome {
    written: Vec<Bytes>,
    replaced: Vec<Bytes>,
    conflicts: usize,
    unknown: usize,
}

impl Outcome {
    fn add(&mut self, other: Self) {
        self.written.extend(other.written);
        self.replaced.extend(other.replaced);
        self.conflicts += other.conflicts;
        self.unknown += other.unknown;
    }
}

async fn write_400_times(backend: &Backend) -> Outcome {
    let mut outcome = Outcome::default();
    for _ in 0..400 {
        let there = backend.load(&id(KEY), Read::Latest).await.unwrap().unwrap();
        let new = record("ours");
        match backend.save(&id(KEY), &new, &there.revision).await {
            Ok(Saved::Written(_)) => {
                outcome.written.push(new.payload);
                outcome.replaced.push(there.record.payload);
            }
            Ok(Saved::Conflict(_)) => outcome.conflicts += 1,
            Ok(Saved::Gone) => panic!("nobody ended it"),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Unknown, "{error}");
                outcome.unknown += 1;
            }
        }
    }
    outcome
}

/// Django ends it while four writers are at it: none brings it back, and each is told.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_django_ends_while_it_is_written_stays_ended() {
    for _ in 0..50 {
        let folder = folder();
        let backend = Arc::new(open(&folder).await);
        backend.create(&id(KEY), &record("start")).await.unwrap();
        let writers: Vec<_> = (0..4)
            .map(|_| {
                let backend = Arc::clone(&backend);
                tokio::spawn(async move {
                    while let Some(there) = backend.load(&id(KEY), Read::Latest).await.unwrap() {
                        backend.save(&id(KEY), &record("ours"), &there.revision).await.unwrap();
                    }
                })
            })
            .collect();
        let path = file(&folder, KEY);
        tokio::task::spawn_blocking(move || fs::remove_file(path).unwrap()).await.unwrap();
        for writer in writers {
            writer.await.unwrap();
        }
        assert_eq!(names(&folder), [""; 0]);
    }
}
