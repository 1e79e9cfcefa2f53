//! What only files can show: modes, links, damage, leftovers.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use cloakroom_conformance::storage::walk::walked;
use cloakroom_core::{
    Clock, Deleted, Durability, ErrorKind, ManualClock, Read, Record, Saved, SessionBackend, SessionId,
    Stamp, SystemClock, Timestamp, Touched,
};
use cloakroom_file::{Backend, Config};
use tempfile::TempDir;
use tokio::task::JoinSet;

const HOUR: Duration = Duration::from_hours(1);

/// A folder for one test, and where the sessions are in it.
fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sessions");
    (folder, path)
}

async fn open(path: &Path) -> Backend {
    Config::new(path).open().await.unwrap()
}

fn record(payload: &'static str) -> Record {
    let end = SystemClock.now().plus(HOUR);
    Record::new(Bytes::from_static(payload.as_bytes()), end, None, stamp())
}

fn alices(payload: &'static str) -> Record {
    let mut record = record(payload);
    record.owner = Some("alice".into());
    record
}

fn stamp() -> Stamp {
    Stamp { sequence: 1, nonce: 7 }
}

fn id(text: &str) -> SessionId {
    SessionId::parse(text).unwrap()
}

/// Where the session under a short id is.
fn file_of(path: &Path, id: &str) -> PathBuf {
    let name = id.bytes().fold(String::new(), |name, byte| format!("{name}{byte:02x}"));
    path.join(&id[..2]).join(name)
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

async fn payload(backend: &Backend, text: &str) -> Option<Bytes> {
    backend.load(&id(text), Read::Latest).await.unwrap().map(|stored| stored.record.payload)
}

async fn refusal(path: &Path) -> String {
    let error = Config::new(path).open().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Misconfigured, "{error}");
    let path = path.display().to_string();
    assert!(error.to_string().contains(path.trim_end_matches('/')), "{error}");
    error.to_string()
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_reopening() {
    let (_folder, path) = folder();
    let backend = open(&path).await;
    assert!(matches!(backend.create(&id("abc"), &record("kept")).await.unwrap(), Saved::Written(_)));
    backend.close().await.unwrap();
    assert_eq!(payload(&open(&path).await, "abc").await.unwrap(), "kept");
}

#[tokio::test]
async fn everything_that_is_made_is_for_its_user_alone() {
    let (_folder, path) = folder();
    let backend = open(&path).await;
    backend.create(&id("abc"), &alices("secret")).await.unwrap();
    let mut folders = vec![path];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        assert_eq!(mode(&folder), 0o700, "{folder:?}");
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
            } else {
                assert_eq!(mode(&entry.path()), 0o600, "{entry:?}");
                files += 1;
            }
        }
    }
    assert_eq!(files, 4, "two locks, a session, and the mark of its owner");
}

#[tokio::test]
async fn a_folder_that_others_may_write_to_is_refused() {
    let (_folder, path) = folder();
    fs::create_dir(&path).unwrap();
    for mode in [0o777, 0o770, 0o707, 0o1777] {
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        assert!(refusal(&path).await.contains("chmod go-w"), "{mode:o}");
    }
    fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
    open(&path).await;
}

#[tokio::test]
async fn a_path_that_names_no_folder_of_its_own_is_refused() {
    for path in ["", "/", "/tmp/.."] {
        let error = Config::new(path).open().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Misconfigured, "{path}");
    }
}

#[tokio::test]
async fn a_folder_of_somebody_else_is_refused() {
    let (_folder, path) = folder();
    fs::create_dir(&path).unwrap();
    // Only root can give one away; and for all others there are root's.
    let given = chown(&path, Some(65_534), None).is_ok();
    let path = if given { path } else { PathBuf::from("/usr") };
    assert!(refusal(&path).await.contains("another user"));
}

#[tokio::test]
async fn a_link_in_the_place_of_the_folder_is_not_followed() {
    let (folder, path) = folder();
    let elsewhere = folder.path().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    fs::set_permissions(&elsewhere, Permissions::from_mode(0o700)).unwrap();
    symlink(&elsewhere, &path).unwrap();
    for ending in ["", "/", "/."] {
        refusal(Path::new(&format!("{}{ending}", path.display()))).await;
    }
    assert_eq!(fs::read_dir(elsewhere).unwrap().count(), 0);
}

#[tokio::test]
async fn a_folder_that_can_not_be_made_or_written_to_is_refused() {
    let (folder, path) = folder();
    fs::write(&path, "a file").unwrap();
    refusal(&path).await;
    refusal(&folder.path().join("missing/sessions")).await;
    refusal(Path::new("")).await;
    // A draft that can't be replaced would refuse every write.
    let path = folder.path().join("used");
    fs::create_dir_all(path.join("draft/anything")).unwrap();
    refusal(&path).await;
    // Nobody, not even root, makes files there.
    #[cfg(target_os = "linux")]
    refusal(Path::new("/proc/self/fd")).await;
}

#[tokio::test]
async fn a_link_in_the_place_of_a_session_is_not_followed() {
    let (folder, path) = folder();
    let backend = open(&path).await;
    backend.create(&id("abc"), &record("data")).await.unwrap();
    let elsewhere = folder.path().join("elsewhere");
    fs::rename(file_of(&path, "abc"), &elsewhere).unwrap();
    symlink(&elsewhere, file_of(&path, "abc")).unwrap();
    let error = backend.load(&id("abc"), Read::Latest).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert_eq!(backend.delete(&id("abc"), None).await.unwrap(), Deleted::Absent);
    assert!(elsewhere.exists() && !file_of(&path, "abc").is_symlink());
}

#[tokio::test]
async fn a_link_in_the_place_of_a_draft_is_not_written_through() {
    let (folder, path) = folder();
    let backend = open(&path).await;
    backend.delete(&id("abc"), None).await.unwrap();
    let elsewhere = folder.path().join("elsewhere");
    fs::write(&elsewhere, "untouched").unwrap();
    symlink(&elsewhere, path.join("ab/draft")).unwrap();
    backend.create(&id("abc"), &record("data")).await.unwrap();
    assert_eq!(payload(&backend, "abc").await.unwrap(), "data");
    assert_eq!(fs::read(&elsewhere).unwrap(), b"untouched");
    assert_eq!(mode(&file_of(&path, "abc")), 0o600);
}

/// All there is in a folder, links not followed: paths, and what files hold.
fn everything(folder: &Path) -> Vec<(PathBuf, Option<Vec<u8>>)> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let (path, kind) = (entry.path(), entry.file_type().unwrap());
        all.push((path.clone(), kind.is_file().then(|| fs::read(&path).unwrap())));
        if kind.is_dir() {
            all.extend(everything(&path));
        }
    }
    all.sort();
    all
}

/// Everything that can be done to a session, done to one under this id. It may fail.
async fn do_everything(backend: &Backend, of: &SessionId) {
    let other = id("zzz");
    let seen = |nonce| Stamp { sequence: 1, nonce }.into();
    let next = |nonce| {
        let mut record = alices("data");
        record.stamp.nonce = nonce;
        record
    };
    let _ = backend.load(of, Read::Latest).await;
    let _ = backend.load(of, Read::Any).await;
    let _ = backend.revision(of).await;
    let _ = backend.create(of, &next(1)).await;
    let _ = backend.save(of, &next(2), &seen(1)).await;
    let _ = backend.touch(of, SystemClock.now().plus(HOUR * 2), &seen(2)).await;
    let _ = backend.rotate(of, &other, &next(3), &seen(2)).await;
    let _ = backend.rotate(&other, of, &next(4), &seen(3)).await;
    let _ = backend.index().unwrap().of("alice", None, 10).await;
    let _ = backend.walk().unwrap().page(None, 10).await;
    let _ = backend.delete(of, None).await;
    let _ = backend.create(of, &next(5)).await;
    let _ = backend.clear_expired(SystemClock.now().plus(HOUR * 9), 100).await;
}

#[tokio::test]
async fn no_id_leads_out_of_its_folder_and_none_is_a_files_name() {
    let (folder, path) = folder();
    for name in ["secret", "etc/passwd"] {
        let bystander = folder.path().join(name);
        fs::create_dir_all(bystander.parent().unwrap()).unwrap();
        fs::write(bystander, "untouched").unwrap();
    }
    let bystanders = everything(folder.path());
    let backend = open(&path).await;
    let own = [path.join("lock"), path.clone()];
    let long = "../".repeat(1_365);
    for text in [
        "..",
        ".",
        "/",
        "../secret",
        "../../etc/passwd",
        "..\\..\\secret",
        "/etc/passwd",
        "ab/../../../secret",
        "ab/lock",
        "lock",
        "draft",
        "owners",
        "C:nul",
        "%2e%2e%2fsecret",
        "~/secret",
        &folder.path().join("secret").display().to_string(),
        &long,
    ] {
        do_everything(&backend, &id(text)).await;
        backend.create(&id(text), &alices("kept")).await.unwrap();
        assert_eq!(payload(&backend, text).await.unwrap(), "kept");
        let now = everything(folder.path());
        let outside: Vec<_> = now.iter().filter(|(at, _)| !at.starts_with(&path)).cloned().collect();
        assert_eq!(outside, bystanders, "{text:?}");
        for (at, _) in now.iter().filter(|(at, _)| at.starts_with(&path) && !own.contains(at)) {
            let inside = at.strip_prefix(&path).unwrap().to_str().unwrap();
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-');
            assert!(inside.bytes().all(plain), "{text:?} made {inside:?}");
        }
        backend.delete(&id(text), None).await.unwrap();
    }
}

/// Nobody can make one, an application's own code neither.
#[test]
fn no_id_holds_what_no_path_can() {
    for text in ["", "a\0b", "\0", "a\nb", "a b", "\u{202e}", "é", &"a".repeat(4_097)] {
        assert!(SessionId::parse(text).is_none(), "{text:?}");
    }
}

/// In the place of a session, a draft, a lock, or a folder with any of these.
#[tokio::test]
async fn a_link_that_somebody_planted_is_neither_read_through_nor_written_through() {
    for place in ["ab/616263", "ab/draft", "ab/lock", "ab", "owners", "zz"] {
        for inside in ["a file", "a folder"] {
            let (folder, path) = folder();
            let backend = open(&path).await;
            // Somebody's whole store, which is as good as ours, and not ours.
            let theirs = folder.path().join("theirs");
            let foreign = open(&theirs).await;
            foreign.create(&id("abc"), &alices("theirs")).await.unwrap();
            foreign.create(&id("zzz"), &alices("theirs")).await.unwrap();
            let target = if inside == "a file" { file_of(&theirs, "abc") } else { theirs.join(place) };
            let target = if target.exists() { target } else { theirs.join("ab") };
            let before = everything(&theirs);
            let link = path.join(place);
            fs::create_dir_all(link.parent().unwrap()).unwrap();
            let _ = fs::remove_file(&link);
            symlink(&target, &link).unwrap();
            let found = backend.load(&id("abc"), Read::Latest).await;
            assert!(!matches!(&found, Ok(Some(_))), "{place} to {inside}: {found:?}");
            let found = backend.load(&id("abc"), Read::Any).await;
            assert!(!matches!(&found, Ok(Some(_))), "{place} to {inside}: {found:?}");
            do_everything(&backend, &id("abc")).await;
            assert!(everything(&theirs) == before, "{place} to {inside} was written through");
        }
    }
}

#[tokio::test]
async fn what_is_not_whole_is_corrupt_and_never_a_session() {
    let (_folder, path) = folder();
    let backend = open(&path).await;
    backend.create(&id("abc"), &alices("data")).await.unwrap();
    let file = file_of(&path, "abc");
    let whole = fs::read(&file).unwrap();
    let mut damaged: Vec<Vec<u8>> = (0..whole.len()).map(|length| whole[..length].to_vec()).collect();
    for at in 0..whole.len() {
        for change in [1, 0x80, 0xff] {
            let mut changed = whole.clone();
            changed[at] ^= change;
            damaged.push(changed);
        }
    }
    damaged.push(vec![0; whole.len()]);
    damaged.push(vec![0xff; 1 << 17]);
    for bytes in damaged {
        fs::write(&file, &bytes).unwrap();
        let error = backend.load(&id("abc"), Read::Latest).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{bytes:?}");
    }
}

#[tokio::test]
async fn what_is_no_file_is_corrupt_and_is_not_waited_for() {
    let (_folder, path) = folder();
    let backend = open(&path).await;
    let file = file_of(&path, "abc");
    fs::create_dir_all(&file).unwrap();
    let error = backend.load(&id("abc"), Read::Latest).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    fs::remove_dir(&file).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(&file).status().unwrap().success());
    let error = backend.load(&id("abc"), Read::Latest).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
}

#[tokio::test]
async fn a_file_under_another_name_is_nobodys_session() {
    let (_folder, path) = folder();
    let backend = open(&path).await;
    backend.create(&id("abc"), &record("data")).await.unwrap();
    fs::copy(file_of(&path, "abc"), file_of(&path, "abd")).unwrap();
    let error = backend.load(&id("abd"), Read::Latest).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
}

#[tokio::test]
async fn a_damaged_session_is_in_nobodys_way_and_is_swept_in_its_time() {
    let (_folder, path) = folder();
    let clock = ManualClock::at(SystemClock.now());
    let backend = Config::new(&path).clock(Arc::new(clock.clone())).open().await.unwrap();
    for text in ["abc", "abd", "abe"] {
        backend.create(&id(text), &alices("data")).await.unwrap();
    }
    for text in ["abc", "abe"] {
        // As a power cut does it: the name and the time are there, the content is not.
        let file = File::options().write(true).open(file_of(&path, text)).unwrap();
        let modified = file.metadata().unwrap().modified().unwrap();
        file.set_len(0).unwrap();
        file.set_modified(modified).unwrap();
    }
    let index = backend.index().unwrap();
    assert_eq!(index.of("alice", None, 10).await.unwrap().len(), 1);
    assert_eq!(backend.walk().unwrap().page(None, 10).await.unwrap().found.len(), 1);
    assert_eq!(backend.create(&id("abc"), &record("new")).await.unwrap(), Saved::Gone);
    assert_eq!(backend.delete(&id("abe"), None).await.unwrap(), Deleted::Absent);
    assert!(!file_of(&path, "abe").exists());
    // One that does not say when it ends is kept for as long as the one who sweeps keeps what has ended.
    fs::write(file_of(&path, "abf"), "damaged just now").unwrap();
    assert_eq!(backend.clear_expired(clock.now().minus(HOUR), 10).await.unwrap().removed, 0);
    clock.advance(HOUR * 3);
    assert_eq!(backend.clear_expired(clock.now().minus(HOUR), 10).await.unwrap().removed, 3);
    assert!(!file_of(&path, "abc").exists() && !file_of(&path, "abf").exists());
}

#[tokio::test]
async fn a_wrong_time_of_modification_neither_ends_a_session_nor_keeps_it() {
    let (_folder, path) = folder();
    let clock = ManualClock::at(SystemClock.now());
    let backend = Config::new(&path).clock(Arc::new(clock.clone())).open().await.unwrap();
    // As a backup that was played back would set it, and a file system that can't hold the deadline.
    for (text, modified) in
        [("abc", SystemTime::UNIX_EPOCH), ("abd", SystemTime::UNIX_EPOCH + HOUR * 24 * 365 * 80)]
    {
        backend.create(&id(text), &record("data")).await.unwrap();
        File::open(file_of(&path, text)).unwrap().set_modified(modified).unwrap();
    }
    assert_eq!(backend.clear_expired(clock.now(), 10).await.unwrap().removed, 0);
    clock.advance(HOUR * 2);
    assert_eq!(backend.clear_expired(clock.now(), 10).await.unwrap().removed, 2);
}

#[tokio::test]
async fn a_file_says_when_its_session_ends() {
    let (_folder, path) = folder();
    let backend = open(&path).await;
    let record = record("data");
    backend.create(&id("abc"), &record).await.unwrap();
    let says = || Timestamp::from(fs::metadata(file_of(&path, "abc")).unwrap().modified().unwrap());
    assert_eq!(says(), record.expires_at);
    let later = record.expires_at.plus(HOUR);
    let touched = backend.touch(&id("abc"), later, &stamp().into()).await.unwrap();
    assert!(matches!(touched, Touched::Moved(_)));
    assert_eq!(says(), later);
}

#[tokio::test]
async fn a_sweep_opens_nothing_that_says_that_it_ends_later() {
    let (_folder, path) = folder();
    let backend = open(&path).await;
    let mut ended = record("data");
    ended.expires_at = Timestamp::MIN;
    backend.create(&id("abc"), &ended).await.unwrap();
    let content = fs::read(file_of(&path, "abc")).unwrap();
    backend.create(&id("abc"), &record("data")).await.unwrap();
    // Nothing but its time tells this one from one that the next sweep takes.
    let modified = fs::metadata(file_of(&path, "abc")).unwrap().modified().unwrap();
    fs::write(file_of(&path, "abc"), content).unwrap();
    File::open(file_of(&path, "abc")).unwrap().set_modified(modified).unwrap();
    assert_eq!(backend.clear_expired(SystemClock.now(), 10).await.unwrap().removed, 0);
    File::open(file_of(&path, "abc")).unwrap().set_modified(SystemTime::UNIX_EPOCH).unwrap();
    assert_eq!(backend.clear_expired(SystemClock.now(), 10).await.unwrap().removed, 1);
}

#[tokio::test]
async fn a_session_may_end_in_the_year_9999() {
    let (_folder, path) = folder();
    let backend = open(&path).await;
    let mut far = record("data");
    far.expires_at = Timestamp::MAX;
    backend.create(&id("abc"), &far).await.unwrap();
    assert_eq!(backend.clear_expired(SystemClock.now(), 10).await.unwrap().removed, 0);
    assert_eq!(backend.load(&id("abc"), Read::Latest).await.unwrap().unwrap().record, far);
}

#[tokio::test]
async fn a_draft_that_somebody_left_is_replaced_or_swept() {
    let (_folder, path) = folder();
    let backend = open(&path).await;
    for text in ["abc", "xyz"] {
        backend.create(&id(text), &record("data")).await.unwrap();
        fs::write(path.join(&text[..2]).join("draft"), "half a sess").unwrap();
    }
    backend.create(&id("abd"), &record("data")).await.unwrap();
    assert!(!path.join("ab/draft").exists());
    assert_eq!(backend.clear_expired(Timestamp::MIN, 10).await.unwrap().removed, 0);
    assert!(!path.join("xy/draft").exists());
    assert_eq!(payload(&backend, "xyz").await.unwrap(), "data");
}

#[tokio::test]
async fn what_can_not_be_removed_is_in_the_way_of_no_sweep() {
    let (_folder, path) = folder();
    let clock = ManualClock::at(SystemClock.now());
    let backend = Config::new(&path).clock(Arc::new(clock.clone())).open().await.unwrap();
    let others: Vec<String> = (0..20).map(|n| format!("ab{n}")).collect();
    for text in &others {
        backend.create(&id(text), &record("data")).await.unwrap();
    }
    fs::create_dir(file_of(&path, "abc")).unwrap();
    clock.advance(HOUR * 3);
    backend.clear_expired(clock.now().minus(HOUR), 100).await.unwrap_err();
    assert!(others.iter().all(|text| !file_of(&path, text).exists()));
}

#[tokio::test]
async fn what_is_not_ours_is_left_alone() {
    let (_folder, path) = folder();
    let clock = ManualClock::at(SystemClock.now());
    let backend = Config::new(&path).clock(Arc::new(clock.clone())).open().await.unwrap();
    backend.create(&id("abc"), &record("data")).await.unwrap();
    let notes = ["ab/README", "NOTES", "owners/list"].map(|name| path.join(name));
    for note in &notes {
        fs::create_dir_all(note.parent().unwrap()).unwrap();
        fs::write(note, "mine").unwrap();
    }
    clock.advance(HOUR * 2);
    assert_eq!(backend.clear_expired(clock.now(), 10).await.unwrap().removed, 1);
    assert_eq!(backend.walk().unwrap().page(None, 10).await.unwrap().found, []);
    for note in &notes {
        assert_eq!(fs::read(note).unwrap(), b"mine");
    }
}

#[tokio::test]
async fn a_session_of_more_than_16_mebibytes_is_refused_and_the_old_one_stays() {
    let (_folder, path) = folder();
    let backend = open(&path).await;
    let mut large = record("");
    large.payload = Bytes::from(vec![b'x'; 16 << 20]);
    backend.create(&id("abc"), &large).await.unwrap();
    assert_eq!(payload(&backend, "abc").await.unwrap(), large.payload);
    large.payload = Bytes::from(vec![b'x'; 17 << 20]);
    large.stamp.nonce += 1;
    let error = backend.save(&id("abc"), &large, &stamp().into()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    assert_eq!(payload(&backend, "abc").await.unwrap().len(), 16 << 20);
}

#[tokio::test]
async fn long_ids_are_listed_in_order_like_all_others() {
    let (_folder, path) = folder();
    let backend = open(&path).await;
    let mut ids: Vec<SessionId> = [99, 100, 101, 200, 4095].map(|length| id(&"k".repeat(length))).into();
    ids.extend(["!", "Z", "k", "kk", "~~", "../..", "k/../k"].map(id));
    ids.extend([b'!', b'm', b'~'].map(|last| id(&format!("{}{}", "k".repeat(4095), char::from(last)))));
    for id in &ids {
        backend.create(id, &alices("data")).await.unwrap();
    }
    ids.sort();
    let mut listed: Vec<SessionId> = Vec::new();
    for _ in &ids {
        let page = backend.index().unwrap().of("alice", listed.last(), 1).await.unwrap();
        listed.extend(page.into_iter().map(|(id, _)| id));
    }
    assert!(listed == ids, "in order");
    let met = walked(&backend, 1).await.unwrap();
    assert!(met.into_keys().eq(ids), "each of them");
}

/// The names of all marks of owners.
fn marks(path: &Path) -> Vec<String> {
    let folders = fs::read_dir(path.join("owners")).unwrap();
    let files = folders.flat_map(|folder| fs::read_dir(folder.unwrap().path()).unwrap());
    files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect()
}

#[tokio::test]
async fn a_session_has_one_mark_while_somebody_owns_it_and_none_afterwards() {
    let (_folder, path) = folder();
    let clock = ManualClock::at(SystemClock.now());
    let backend = Config::new(&path).clock(Arc::new(clock.clone())).open().await.unwrap();
    let (from, to) = (id("abc"), id("abd"));
    let next = |owner: Option<&str>, nonce| {
        let mut record = record("data");
        (record.owner, record.stamp.nonce) = (owner.map(str::to_owned), nonce);
        record
    };
    let seen = |nonce| Stamp { sequence: 1, nonce }.into();
    backend.create(&from, &next(Some("alice"), 0)).await.unwrap();
    let alices = marks(&path);
    backend.save(&from, &next(Some("alice"), 1), &seen(0)).await.unwrap();
    assert_eq!(marks(&path), alices);
    backend.save(&from, &next(Some("bob"), 2), &seen(1)).await.unwrap();
    let bobs = marks(&path);
    assert!(bobs.len() == 1 && bobs != alices);
    backend.rotate(&from, &to, &next(Some("alice"), 3), &seen(2)).await.unwrap();
    assert!(marks(&path).len() == 1 && marks(&path) != alices);
    backend.save(&to, &next(None, 4), &seen(3)).await.unwrap();
    assert_eq!(marks(&path), [""; 0]);
    backend.save(&to, &next(Some("alice"), 5), &seen(4)).await.unwrap();
    backend.delete(&to, None).await.unwrap();
    assert_eq!(marks(&path), [""; 0]);
    backend.create(&from, &next(Some("alice"), 6)).await.unwrap();
    clock.advance(HOUR * 2);
    assert_eq!(backend.clear_expired(clock.now(), 10).await.unwrap().removed, 1);
    assert_eq!(marks(&path), [""; 0]);
}

#[tokio::test]
async fn a_mark_that_somebody_left_shows_nothing_and_is_removed() {
    let (_folder, path) = folder();
    let backend = open(&path).await;
    let long = "k".repeat(4096);
    for text in ["abc", "abd", &long] {
        backend.create(&id(text), &alices("data")).await.unwrap();
    }
    let mut somebodys = alices("data");
    somebodys.owner = Some("bob".into());
    let whole = fs::read(file_of(&path, "abd")).unwrap();
    backend.delete(&id("abd"), None).await.unwrap();
    backend.create(&id("abd"), &somebodys).await.unwrap();
    let bobs = fs::read(file_of(&path, "abd")).unwrap();
    assert_ne!(whole, bobs);
    // Writers die: one after its mark, before its session; one after another's session, before that's mark.
    fs::remove_dir_all(path.join("kk")).unwrap();
    fs::write(file_of(&path, "abd"), whole).unwrap();
    assert_eq!(marks(&path).len(), 3);
    let index = backend.index().unwrap();
    assert_eq!(index.of("bob", None, 10).await.unwrap(), []);
    assert_eq!(index.of("alice", None, 10).await.unwrap().len(), 1);
    assert_eq!(marks(&path).len(), 1);
}

#[tokio::test]
async fn a_host_whose_clock_is_fast_takes_no_session_from_its_owners_list() {
    let (_folder, path) = folder();
    let backend = open(&path).await;
    backend.create(&id("abc"), &alices("data")).await.unwrap();
    let fast = ManualClock::at(SystemClock.now().plus(HOUR * 2));
    let other = Config::new(&path).clock(Arc::new(fast)).open().await.unwrap();
    assert_eq!(other.index().unwrap().of("alice", None, 10).await.unwrap(), []);
    assert_eq!(backend.index().unwrap().of("alice", None, 10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn readers_do_not_wait_for_a_lock_and_writers_are_told_a_sure_no_in_time() {
    let (_folder, path) = folder();
    let backend = open(&path).await;
    backend.create(&id("abc"), &record("kept")).await.unwrap();
    let lock = File::open(path.join("ab/lock")).unwrap();
    lock.lock().unwrap();
    let start = Instant::now();
    assert_eq!(payload(&backend, "abc").await.unwrap(), "kept");
    assert_eq!(backend.walk().unwrap().page(None, 10).await.unwrap().found.len(), 1);
    assert!(start.elapsed() < Duration::from_secs(1));
    let error = backend.delete(&id("abc"), None).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "surely not done: {error:?}");
    assert!(start.elapsed() < Duration::from_secs(5));
    lock.unlock().unwrap();
    assert_eq!(backend.delete(&id("abc"), None).await.unwrap(), Deleted::Ended);
}

/// Of the two threads for work that blocks, one waits for the lock; the other is enough for everybody else.
#[test]
fn writers_that_wait_for_one_folder_are_in_nobody_elses_way() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().max_blocking_threads(2).build();
    runtime.unwrap().block_on(async {
        let (_folder, path) = folder();
        let backend = Arc::new(open(&path).await);
        backend.create(&id("abc"), &record("kept")).await.unwrap();
        let lock = File::open(path.join("ab/lock")).unwrap();
        lock.lock().unwrap();
        let mut waiting = JoinSet::new();
        for n in 0..50 {
            let backend = Arc::clone(&backend);
            waiting.spawn(async move { backend.create(&id(&format!("ab{n}")), &record("data")).await });
        }
        tokio::task::yield_now().await;
        let start = Instant::now();
        backend.create(&id("xyz"), &record("data")).await.unwrap();
        assert_eq!(payload(&backend, "unknown").await, None);
        assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
        lock.unlock().unwrap();
        assert!(waiting.join_all().await.iter().all(Result::is_ok));
    });
}

/// The one thread for work that blocks is busy with something else.
#[test]
fn what_has_waited_too_long_for_a_thread_is_not_begun() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().max_blocking_threads(1).build();
    runtime.unwrap().block_on(async {
        let (_folder, path) = folder();
        let backend = open(&path).await;
        backend.create(&id("abc"), &record("kept")).await.unwrap();
        let busy = tokio::task::spawn_blocking(|| std::thread::sleep(Duration::from_millis(3_100)));
        let error = backend.delete(&id("abc"), None).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        busy.await.unwrap();
        assert_eq!(payload(&backend, "abc").await.unwrap(), "kept");
    });
}

#[tokio::test]
async fn a_call_that_is_dropped_while_it_waits_in_line_is_not_done() {
    let (_folder, path) = folder();
    let backend = open(&path).await;
    backend.create(&id("abc"), &record("kept")).await.unwrap();
    let lock = File::open(path.join("ab/lock")).unwrap();
    lock.lock().unwrap();
    let (one, two) = (id("abc"), id("abd"));
    let late = record("late");
    {
        let delete = backend.delete(&one, None);
        let create = backend.create(&two, &late);
        let both = async { tokio::join!(delete, create) };
        assert!(tokio::time::timeout(Duration::from_millis(50), both).await.is_err());
    }
    lock.unlock().unwrap();
    backend.close().await.unwrap();
    assert_eq!(payload(&backend, "abd").await, None, "it never had its turn");
    assert_eq!(payload(&backend, "abc").await, None, "it had, and closing waits for it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rotations_between_two_folders_may_cross() {
    let (_folder, path) = folder();
    let backend = Arc::new(open(&path).await);
    let mut crossing = JoinSet::new();
    for n in 0..60 {
        let (from, to) = if n % 2 == 0 { ("ab", "xy") } else { ("xy", "ab") };
        let (from, to) = (id(&format!("{from}{n}")), id(&format!("{to}{n}")));
        let backend = Arc::clone(&backend);
        crossing.spawn(async move {
            backend.create(&from, &record("old")).await.unwrap();
            let mut new = record("new");
            new.stamp.nonce += 1;
            let saved = backend.rotate(&from, &to, &new, &stamp().into()).await.unwrap();
            assert!(matches!(saved, Saved::Written(_)));
            assert_eq!(backend.load(&from, Read::Latest).await.unwrap(), None);
            assert_eq!(backend.load(&to, Read::Latest).await.unwrap().unwrap().record.payload, "new");
        });
    }
    crossing.join_all().await;
}

#[tokio::test]
async fn a_rotation_onto_a_damaged_session_leaves_both_as_they_are() {
    let (_folder, path) = folder();
    let backend = open(&path).await;
    backend.create(&id("abc"), &record("mine")).await.unwrap();
    fs::write(file_of(&path, "abd"), "damaged").unwrap();
    let mut new = record("new");
    new.stamp.nonce += 1;
    let saved = backend.rotate(&id("abc"), &id("abd"), &new, &stamp().into()).await.unwrap();
    assert!(matches!(saved, Saved::Conflict(_)), "{saved:?}");
    assert_eq!(payload(&backend, "abc").await.unwrap(), "mine");
    assert_eq!(fs::read(file_of(&path, "abd")).unwrap(), b"damaged");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_no_moment_are_both_ids_of_a_rotation_alive_or_neither() {
    let (_folder, path) = folder();
    let backend = Arc::new(open(&path).await);
    for n in 0..100 {
        let (from, to) = (id(&format!("abc{n}")), id(&format!("abd{n}")));
        let lives = async |id| backend.load(id, Read::Latest).await.unwrap().is_some();
        backend.create(&from, &record("old")).await.unwrap();
        let rotation = tokio::spawn({
            let (backend, from, to) = (Arc::clone(&backend), from.clone(), to.clone());
            let mut new = record("new");
            new.stamp.nonce += 1;
            async move { backend.rotate(&from, &to, &new, &stamp().into()).await.unwrap() }
        });
        // Whatever it has been, it stays: the second look tells what was true at the first.
        while !lives(&to).await {
            assert!(lives(&from).await || lives(&to).await, "neither, in round {n}");
        }
        assert!(!lives(&from).await, "both, in round {n}");
        assert!(matches!(rotation.await.unwrap(), Saved::Written(_)));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_reads_what_is_just_being_rotated_sees_it_or_nothing() {
    let (_folder, path) = folder();
    let backend = Arc::new(open(&path).await);
    let mut large = record("");
    large.payload = Bytes::from(vec![b'x'; 1 << 20]);
    backend.create(&id("abc0"), &large).await.unwrap();
    let current = Arc::new(AtomicU64::new(0));
    let reader = tokio::spawn({
        let (backend, current) = (Arc::clone(&backend), Arc::clone(&current));
        async move {
            let mut seen = 0;
            loop {
                let n = current.load(Ordering::Relaxed);
                if n == 100 {
                    return seen;
                }
                let found = backend.load(&id(&format!("abc{n}")), Read::Latest).await.unwrap();
                seen += found.map_or(0, |stored| stored.record.payload.len() >> 20);
            }
        }
    });
    for n in 0..100_u64 {
        let mut new = large.clone();
        new.stamp.nonce = stamp().nonce + n + 1;
        let seen = Stamp { sequence: 1, nonce: stamp().nonce + n }.into();
        let (from, to) = (id(&format!("abc{n}")), id(&format!("abc{}", n + 1)));
        let saved = backend.rotate(&from, &to, &new, &seen).await.unwrap();
        assert!(matches!(saved, Saved::Written(_)), "{n}: {saved:?}");
        current.store(n + 1, Ordering::Relaxed);
    }
    assert!(reader.await.unwrap() > 0);
}

#[tokio::test]
async fn a_folder_that_is_taken_away_is_unavailable_and_not_made_anew() {
    let (_folder, path) = folder();
    let backend = open(&path).await;
    backend.create(&id("abc"), &record("data")).await.unwrap();
    fs::remove_dir_all(path.join("ab")).unwrap();
    backend.create(&id("abd"), &record("data")).await.unwrap();
    fs::remove_dir_all(&path).unwrap();
    let error = backend.create(&id("abc"), &record("data")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(!path.exists());
}

#[tokio::test]
async fn it_is_as_safe_as_was_asked_for() {
    let (_folder, path) = folder();
    assert_eq!(open(&path).await.capabilities().durable_when, Durability::Crash);
    let safe = Config::new(&path).power_safe(true).open().await.unwrap();
    assert_eq!(safe.capabilities().durable_when, Durability::PowerCut);
}

#[tokio::test]
async fn ten_that_open_a_new_folder_at_once_all_succeed() {
    let (_folder, path) = folder();
    let mut opening = JoinSet::new();
    for n in 0..10 {
        let path = path.clone();
        opening.spawn(async move {
            let backend = open(&path).await;
            backend.create(&id(&format!("abc{n}")), &alices("data")).await.unwrap();
        });
    }
    opening.join_all().await;
    assert_eq!(open(&path).await.index().unwrap().of("alice", None, 20).await.unwrap().len(), 10);
}
