//! Others who write the same rows at the same time.

use std::error::Error as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cloakroom_core::{ErrorKind, Read, Saved, SessionBackend};
use cloakroom_db::Config;
use tokio::task::JoinSet;

use crate::database::{Database, Stranger, id, migrated, open, put, record, table, written};

on_each! {
    a_lock_that_somebody_holds_is_a_sure_no_in_time
    the_victim_of_a_deadlock_has_surely_done_nothing
    racing_rotations_to_one_id_are_conflicts
}

async fn a_lock_that_somebody_holds_is_a_sure_no_in_time(database: Database) {
    let table = table();
    let backend = migrated(Config::new(database.url()).table(&table)).await;
    let id = id();
    let seen = put(&backend, &id, &record("first", 1)).await;
    let mut stranger = Stranger::at(&database.url()).await;
    stranger.run("BEGIN").await;
    stranger.run(format!("SELECT 1 FROM {table} FOR UPDATE")).await;
    let start = Instant::now();
    let second = record("second", 2);
    let (saved, deleted, swept) = tokio::join!(
        backend.save(&id, &second, &seen),
        backend.delete(&id, None),
        // It passes over what is locked.
        backend.clear_expired(second.expires_at, 10),
    );
    assert_eq!(saved.unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(deleted.unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(swept.unwrap().removed, 0);
    assert!(start.elapsed() < Duration::from_millis(4_900), "{:?}", start.elapsed());
    // Reading waits for nobody.
    let there = backend.load(&id, Read::Latest).await.unwrap().unwrap();
    assert_eq!(there.record.payload, "first");
    stranger.run("ROLLBACK").await;
    let there = backend.load(&id, Read::Latest).await.unwrap().unwrap();
    assert_eq!(there.record.payload, "first", "it was surely not done");
    written(backend.save(&id, &second, &seen).await.unwrap());
}

/// The engine's statement has changed one row and waits for another; who holds that one wants the first.
async fn the_victim_of_a_deadlock_has_surely_done_nothing(database: Database) {
    let server = database.start();
    let table = table();
    let mut stranger = Stranger::at(&server.url()).await;
    if database == Database::Postgres {
        // Who looks for a deadlock first is its victim.
        stranger
            .run("ALTER ROLE cloakroom SET deadlock_timeout = '1500ms'; SET deadlock_timeout = '20s'")
            .await;
    }
    let backend = migrated(Config::new(server.url()).table(&table)).await;
    let (from, to) = (id(), id());
    let seen = put(&backend, &from, &record("first", 1)).await;
    stranger.run("BEGIN").await;
    // Many, so that undoing the other's work is less.
    for n in 0..50 {
        let id = if n == 0 { to.expose().to_owned() } else { format!("other{n}") };
        stranger.run(format!("INSERT INTO {table} VALUES ('{id}', '', 1, NULL, '0123456789abcdef')")).await;
    }
    let rotated = tokio::spawn({
        let (from, to, seen) = (from.clone(), to.clone(), seen.clone());
        let new = record("second", 2);
        async move {
            let rotated = backend.rotate(&from, &to, &new, &seen).await;
            (backend, rotated)
        }
    });
    let waiting = match database {
        Database::Postgres => "SELECT 'yes' FROM pg_locks WHERE NOT granted",
        Database::MariaDb => {
            "SELECT 'yes' FROM information_schema.global_status \
             WHERE variable_name = 'INNODB_ROW_LOCK_CURRENT_WAITS' AND variable_value > 0"
        }
    };
    let mut watcher = Stranger::at(&server.url()).await;
    while watcher.texts(waiting).await.is_empty() && !rotated.is_finished() {}
    let update = format!("UPDATE {table} SET expires_at = expires_at + 1 WHERE id = '{}'", from.expose());
    let strangers = stranger.try_run(update).await;
    let (backend, rotated) = rotated.await.unwrap();
    assert!(strangers.is_ok(), "the engine's is the smaller one, and was waiting first: {strangers:?}");
    let error = rotated.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    let why = error.source().unwrap().to_string().to_lowercase();
    // On a machine that is slow enough the time limit comes first.
    assert!(why.contains("deadlock") || why.contains("timeout"), "{why}");
    stranger.run("ROLLBACK").await;
    assert!(backend.load(&from, Read::Latest).await.unwrap().is_some());
    assert!(backend.load(&to, Read::Latest).await.unwrap().is_none());
}

async fn racing_rotations_to_one_id_are_conflicts(database: Database) {
    let backend = Arc::new(open(&database.url()).await);
    for _ in 0..20 {
        let to = id();
        let mut rotations = JoinSet::new();
        for n in 0..4_u64 {
            let from = id();
            let seen = put(&backend, &from, &record(n.to_string(), n)).await;
            let (backend, to) = (Arc::clone(&backend), to.clone());
            rotations.spawn(async move {
                match backend.rotate(&from, &to, &record(n.to_string(), n + 10), &seen).await.unwrap() {
                    Saved::Written(_) => true,
                    Saved::Conflict(there) => {
                        assert_eq!(there.revision, seen);
                        false
                    }
                    Saved::Gone => panic!("it is alive"),
                }
            });
        }
        let won = rotations.join_all().await;
        assert_eq!(won.iter().filter(|won| **won).count(), 1, "{won:?}");
    }
}
