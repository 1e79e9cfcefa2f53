//! What lies in the folder of sessions, whoever has put it there.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use cloakroom_core::{
    Cursor, Deleted, ErrorKind, Read, Record, Result, Saved, SessionBackend, SessionId, SessionWalk, Stored,
};
use ring::digest::{SHA256, digest};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::kept::{clock, record};

struct Folder {
    runtime: Runtime,
    backend: cloakroom_file::Backend,
    /// Removed at its end.
    outer: TempDir,
}

thread_local! {
    /// One for all runs: opening takes longer than a run.
    static FOLDER: Folder = Folder::new();
}

impl Folder {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let config = cloakroom_file::Config::new(folder.path().join("sessions"));
        let backend = runtime.block_on(config.clock(clock()).open()).unwrap();
        // Makes the folder that both ids are in.
        let id = id("zzfrom");
        runtime.block_on(backend.create(&id, &record(b"", 1))).unwrap();
        runtime.block_on(backend.delete(&id, None)).unwrap();
        Self { runtime, backend, outer: folder }
    }

    fn path_of(&self, id: &SessionId) -> PathBuf {
        let name = id.as_bytes().iter().fold(String::new(), |mut name, byte| {
            write!(name, "{byte:02x}").expect("memory takes it");
            name
        });
        self.outer.path().join("sessions/zz").join(name)
    }

    fn read(&self, id: &SessionId) -> Result<Option<Stored>> {
        let there = self.runtime.block_on(self.backend.load(id, Read::Latest));
        if let Err(error) = &there {
            assert_eq!(error.kind(), ErrorKind::Corrupt, "{error:?}");
        }
        there
    }
}

/// A file; or, behind a byte of its own, one or two sections of which each is given a head that begins as it should and
/// has the right checksum.
pub fn file(data: &[u8]) -> bool {
    FOLDER.with(|folder| tried(folder, data))
}

fn tried(folder: &Folder, data: &[u8]) -> bool {
    let content = match data.split_first() {
        Some((1, one)) => section(one),
        Some((2, [at, both @ ..])) => {
            let (one, two) = both.split_at(usize::from(*at).min(both.len()));
            [section(one), section(two)].concat()
        }
        _ => data.to_vec(),
    };
    let from = id("zzfrom");
    fs::write(folder.path_of(&from), &content).unwrap();
    let there = folder.read(&from);
    if let Ok(Some(there)) = &there {
        assert!(there.record.payload.len() <= content.len());
        let names_it = content.windows(from.as_bytes().len()).any(|window| window == from.as_bytes());
        assert!(names_it, "it is another's");
    }
    listed(folder, &from, &there);
    written_over(folder, &from, &there);
    moved(folder, &from, &content);
    for id in [&from, &id("zzto")] {
        // What can't be read has not lived, and goes all the same.
        folder.runtime.block_on(folder.backend.delete(id, None)).unwrap();
        assert!(!folder.path_of(id).exists());
    }
    matches!(there, Ok(Some(_)))
}

/// What the engine writes.
pub(crate) fn written(id: &SessionId, record: &Record) -> Vec<u8> {
    let folder = Folder::new();
    folder.runtime.block_on(folder.backend.create(id, record)).unwrap();
    fs::read(folder.path_of(id)).unwrap()
}

fn section(checked: &[u8]) -> Vec<u8> {
    [b"cloakrm\x01", &digest(&SHA256, checked).as_ref()[..16], checked].concat()
}

fn id(text: &str) -> SessionId {
    SessionId::parse(text).unwrap()
}

/// A listing shows what lives, and is not kept from the rest by what can't be read.
fn listed(folder: &Folder, id: &SessionId, there: &Result<Option<Stored>>) {
    // From the last folder on: walking through all takes too long.
    let all = folder
        .runtime
        .block_on(folder.backend.page(Some(&Cursor::behind(&self::id("zz"))), 10))
        .unwrap()
        .found;
    let lives = there.as_ref().ok().and_then(Option::as_ref);
    assert_eq!(all.iter().find(|(listed, _)| listed == id).map(|(_, stored)| stored), lives);
}

/// Nothing goes over a session without its revision, nor over what can't be read.
fn written_over(folder: &Folder, id: &SessionId, there: &Result<Option<Stored>>) {
    let Folder { runtime, backend, .. } = folder;
    let new = record(b"new", 7);
    let seen = record(b"", 8).stamp.into();
    let created = runtime.block_on(backend.create(id, &new)).unwrap();
    match there {
        Ok(Some(there)) if there.record.stamp != new.stamp => {
            assert!(created == Saved::Conflict(there.clone()));
            if there.revision != seen {
                let saved = runtime.block_on(backend.save(id, &new, &seen)).unwrap();
                assert!(saved == Saved::Conflict(there.clone()));
            }
        }
        Ok(_) => assert!(matches!(created, Saved::Written(_))),
        Err(_) => {
            assert_eq!(created, Saved::Gone);
            let saved = runtime.block_on(backend.save(id, &new, &seen)).unwrap_err();
            assert_eq!(saved.kind(), ErrorKind::Corrupt);
            let deleted = runtime.block_on(backend.delete(id, Some(&seen))).unwrap_err();
            assert_eq!(deleted.kind(), ErrorKind::Corrupt);
        }
    }
}

/// A session moves to another id as it is; what can't be read stays where it is.
fn moved(folder: &Folder, from: &SessionId, content: &[u8]) {
    let Folder { runtime, backend, .. } = folder;
    let to = id("zzto");
    match folder.read(from) {
        Ok(Some(there)) => {
            let mut new = there.record.clone();
            new.stamp.nonce ^= 1;
            let rotated = runtime.block_on(backend.rotate(from, &to, &new, &there.revision)).unwrap();
            assert!(matches!(rotated, Saved::Written(_)));
            assert!(matches!(folder.read(from), Ok(None)));
            assert!(folder.read(&to).unwrap().is_some_and(|moved| moved.record == new));
            let ended = runtime.block_on(backend.delete(&to, Some(&new.stamp.into()))).unwrap();
            assert_eq!(ended, Deleted::Ended);
        }
        Ok(None) => {}
        Err(_) => assert!(fs::read(folder.path_of(from)).unwrap() == content),
    }
}
