//! What only SQLite can show: files, locks, plans.

#![cfg(feature = "sqlite")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::time::{Duration, Instant};

use bytes::Bytes;
use cloakroom_core::{
    Clock, Durability, ErrorKind, Read, Record, Saved, SessionBackend, SessionId, Stamp, SystemClock,
};
use cloakroom_db::{Backend, Config};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, Row, SqliteConnection};
use tempfile::TempDir;

fn folder() -> (TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}/sessions.sqlite3", folder.path().display());
    (folder, url)
}

async fn open(url: &str) -> Backend {
    let backend = Config::new(url).open().await.unwrap();
    backend.migrate().await.unwrap();
    backend
}

/// A connection of somebody else's.
async fn stranger(folder: &TempDir) -> SqliteConnection {
    SqliteConnectOptions::new().filename(folder.path().join("sessions.sqlite3")).connect().await.unwrap()
}

fn record(payload: &'static str) -> Record {
    let stamp = Stamp { sequence: 1, nonce: 7 };
    let end = SystemClock.now().plus(Duration::from_hours(1));
    Record::new(Bytes::from_static(payload.as_bytes()), end, None, stamp)
}

fn id() -> SessionId {
    SessionId::parse("abc").unwrap()
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_reopening() {
    let (_folder, url) = folder();
    let backend = open(&url).await;
    assert!(matches!(backend.create(&id(), &record("kept")).await.unwrap(), Saved::Written(_)));
    backend.close().await.unwrap();
    let stored = open(&url).await.load(&id(), Read::Latest).await.unwrap().unwrap();
    assert_eq!(stored.record.payload, "kept");
}

#[cfg(unix)]
#[tokio::test]
async fn a_new_file_and_what_is_beside_it_is_nobody_elses_to_read() {
    use std::os::unix::fs::PermissionsExt;
    let (folder, url) = folder();
    let backend = open(&url).await;
    assert!(matches!(backend.create(&id(), &record("ours")).await.unwrap(), Saved::Written(_)));
    let modes = || {
        std::fs::read_dir(folder.path())
            .unwrap()
            .map(|file| file.unwrap().metadata().unwrap().permissions().mode())
    };
    assert!(modes().count() > 1, "a log is beside it");
    assert!(modes().all(|mode| mode & 0o777 == 0o600), "{:?}", modes().collect::<Vec<_>>());
}

#[tokio::test]
async fn ten_that_migrate_at_once_all_succeed_and_again_changes_nothing() {
    let (_folder, url) = folder();
    let mut starting = tokio::task::JoinSet::new();
    for _ in 0..10 {
        let url = url.clone();
        starting.spawn(async move { open(&url).await });
    }
    let backends = starting.join_all().await;
    backends[0].create(&id(), &record("kept")).await.unwrap();
    backends[9].migrate().await.unwrap();
    assert!(backends[5].load(&id(), Read::Latest).await.unwrap().is_some());
}

#[tokio::test]
async fn a_wrong_file_is_an_error_at_the_start_that_names_it() {
    let (folder, _) = folder();
    std::fs::write(folder.path().join("garbage.sqlite3"), "this is no database, whatever its name says")
        .unwrap();
    std::fs::create_dir(folder.path().join("directory.sqlite3")).unwrap();
    for name in ["garbage.sqlite3", "missing/sessions.sqlite3", "directory.sqlite3"] {
        let url = format!("sqlite:{}/{name}", folder.path().display());
        let error = Config::new(&url).open().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Misconfigured, "{name}: {error}");
        assert!(error.to_string().contains(&url), "{name}: {error}");
    }
}

#[tokio::test]
async fn a_missing_table_says_what_to_run() {
    let (_folder, url) = folder();
    let backend = Config::new(&url).open().await.unwrap();
    let read = backend.load(&id(), Read::Any).await.unwrap_err();
    let written = backend.create(&id(), &record("never")).await.unwrap_err();
    for error in [read, written] {
        assert_eq!(error.kind(), ErrorKind::Misconfigured);
        assert!(error.to_string().contains("run migrate"), "{error}");
    }
}

#[tokio::test]
async fn a_file_that_another_process_keeps_locked_is_unavailable_in_time_and_can_still_be_read() {
    let (folder, url) = folder();
    let backend = open(&url).await;
    backend.create(&id(), &record("kept")).await.unwrap();
    let mut other = stranger(&folder).await;
    sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    let start = Instant::now();
    let error = backend.delete(&id(), None).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "surely not done: {error:?}");
    let error = backend.migrate().await.err();
    assert!(error.is_none_or(|error| error.to_string().contains(&url)));
    assert!(start.elapsed() < Duration::from_secs(10));
    assert!(backend.load(&id(), Read::Latest).await.unwrap().is_some());
    sqlx::query("ROLLBACK").execute(&mut other).await.unwrap();
    backend.delete(&id(), None).await.unwrap();
}

#[tokio::test]
async fn the_sweep_and_the_listing_use_an_index() {
    let (folder, url) = folder();
    open(&url).await;
    let mut other = stranger(&folder).await;
    for (query, index) in [
        (
            "SELECT id FROM cloakroom_sessions WHERE expires_at <= 1 ORDER BY expires_at LIMIT 10",
            "expires_at",
        ),
        (
            "SELECT id FROM cloakroom_sessions WHERE owner = x'00' AND expires_at > 1 AND id > x'' ORDER BY id LIMIT 10",
            "owner",
        ),
    ] {
        let plan = sqlx::query(sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {query}")))
            .fetch_all(&mut other)
            .await
            .unwrap();
        let plan: Vec<String> = plan.iter().map(|row| row.get("detail")).collect();
        assert!(
            plan.iter().any(|step| step.contains(&format!("INDEX cloakroom_sessions_{index}"))),
            "{plan:?}"
        );
        assert!(!plan.iter().any(|step| step.contains("TEMP B-TREE")), "{plan:?}");
    }
}

#[tokio::test]
async fn a_row_that_somebody_else_wrote_is_corrupt_and_not_a_panic() {
    let (folder, url) = folder();
    let backend = open(&url).await;
    let mut other = stranger(&folder).await;
    let end = i64::MAX;
    for (payload, stamp) in
        [("x'00'", "x'00'"), ("x'00'", "'text of 16 bytes'"), ("1", "zeroblob(16)"), ("x'00'", "1.5")]
    {
        sqlx::query("DELETE FROM cloakroom_sessions").execute(&mut other).await.unwrap();
        let insert = format!(
            "INSERT INTO cloakroom_sessions (id, payload, expires_at, owner, stamp) \
             VALUES (CAST('abc' AS BLOB), {payload}, {end}, x'ff', {stamp})"
        );
        sqlx::query(sqlx::AssertSqlSafe(insert)).execute(&mut other).await.unwrap();
        let error = backend.load(&id(), Read::Latest).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{payload} {stamp}");
    }
}

#[tokio::test]
async fn the_file_is_in_wal_mode_and_as_safe_as_was_asked_for() {
    let (folder, url) = folder();
    let backend = open(&url).await;
    assert_eq!(backend.capabilities().durable_when, Durability::Crash);
    let mut other = stranger(&folder).await;
    let mode: String = sqlx::query("PRAGMA journal_mode").fetch_one(&mut other).await.unwrap().get(0);
    assert_eq!(mode, "wal");
    other.close().await.unwrap();
    let safe = Config::new(&url).power_safe(true).open().await.unwrap();
    assert_eq!(safe.capabilities().durable_when, Durability::PowerCut);
}

#[tokio::test]
async fn a_url_without_a_file_is_refused() {
    for url in [
        "sqlite::memory:",
        "sqlite:",
        "sqlite://",
        "sqlite://:memory:",
        "sqlite:a.db?mode=memory&cache=shared",
    ] {
        let error = Config::new(url).open().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Misconfigured, "{url}");
    }
}

#[tokio::test]
async fn a_file_that_must_be_there_is_not_made() {
    let (folder, url) = folder();
    let error = Config::new(format!("{url}?mode=rw")).open().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Misconfigured);
    assert!(!folder.path().join("sessions.sqlite3").exists());
}

#[tokio::test]
async fn a_row_that_somebody_else_wrote_hides_no_other_from_a_listing() {
    let (folder, url) = folder();
    let backend = open(&url).await;
    let mut alices = record("hers");
    alices.owner = Some("alice".into());
    backend.create(&id(), &alices).await.unwrap();
    let insert = "INSERT INTO cloakroom_sessions (id, payload, expires_at, owner, stamp) \
                  VALUES (x'00', x'00', 253402300799999, CAST('alice' AS BLOB), x'00')";
    sqlx::query(insert).execute(&mut stranger(&folder).await).await.unwrap();
    let listed = backend.index().unwrap().of("alice", None, 10).await.unwrap();
    assert_eq!(listed.len(), 1);
}

#[tokio::test]
async fn writers_that_queue_behind_another_processs_lock_are_told_a_sure_no_in_time() {
    let (folder, url) = folder();
    let backend = std::sync::Arc::new(open(&url).await);
    let mut other = stranger(&folder).await;
    sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    let mut writers = tokio::task::JoinSet::new();
    for n in 0..4 {
        let backend = std::sync::Arc::clone(&backend);
        let id = SessionId::parse(&format!("id{n}")).unwrap();
        writers.spawn(async move {
            let record = record("never");
            let create = backend.create(&id, &record);
            tokio::time::timeout(Duration::from_millis(4_900), create).await.unwrap().unwrap_err().kind()
        });
    }
    assert_eq!(writers.join_all().await, [ErrorKind::Unavailable; 4]);
}

#[tokio::test]
async fn tables_of_two_applications_do_not_meet() {
    let (folder, url) = folder();
    let backend = open(&url).await;
    let other = Config::new(&url).table("others").open().await.unwrap();
    other.migrate().await.unwrap();
    backend.create(&id(), &record("kept")).await.unwrap();
    assert!(other.load(&id(), Read::Latest).await.unwrap().is_none());
    assert!(Path::new(&folder.path().join("sessions.sqlite3")).exists());
}
