//! Calls that arrive while others are under way.

use std::sync::Arc;
use std::time::{Duration, Instant};

use cloakroom_core::{ErrorKind, Read, Revision, Saved, SessionBackend, SessionId};
use cloakroom_db::{Backend, Config};
use tokio::task::JoinSet;

use crate::database::{Database, Stranger, id, migrated, put, record, table, written};
use crate::wire::Wire;

on_each! {
    many_at_once_take_few_flights
    a_row_that_somebody_holds_holds_up_nobody_else
    saves_that_were_not_answered_are_found_or_done_when_they_are_sent_again
}

const MANY: usize = 64;
/// How long an engine waits for a lock.
const LOCK_WAIT: Duration = Duration::from_secs(2);

/// Sessions, and at which revision they are.
async fn several(backend: &Backend) -> Vec<(SessionId, Revision)> {
    let mut several = Vec::new();
    for _ in 0..MANY {
        let id = id();
        let seen = put(backend, &id, &record("first", 1)).await;
        several.push((id, seen));
    }
    several
}

async fn many_at_once_take_few_flights(database: Database) {
    let wire = Wire::to(&database.url()).await;
    let backend = Arc::new(migrated(Config::new(wire.url()).table(table())).await);
    let mut ids = several(&backend).await;
    // The second round finds everything prepared.
    for sequence in 2..4 {
        let before = wire.flights();
        let mut writers = JoinSet::new();
        for (id, seen) in std::mem::take(&mut ids) {
            let backend = Arc::clone(&backend);
            writers.spawn(async move {
                let saved = backend.save(&id, &record("next", sequence), &seen).await.unwrap();
                (id, written(saved))
            });
        }
        ids = writers.join_all().await;
        let saves = wire.flights() - before;
        let mut readers = JoinSet::new();
        for (id, _) in &ids {
            let (backend, id) = (Arc::clone(&backend), id.clone());
            readers.spawn(async move { backend.load(&id, Read::Any).await.unwrap().unwrap() });
        }
        assert!(readers.join_all().await.iter().all(|stored| stored.record.payload == "next"));
        let loads = wire.flights() - before - saves;
        assert!(sequence == 2 || saves < MANY as u64 / 2, "{saves} for {MANY} saves");
        assert!(sequence == 2 || loads < MANY as u64 / 2, "{loads} for {MANY} loads");
    }
}

async fn a_row_that_somebody_holds_holds_up_nobody_else(database: Database) {
    let table = table();
    let backend = Arc::new(migrated(Config::new(database.url()).table(&table)).await);
    let ids = several(&backend).await;
    // Where others take it along.
    let held = ids[40].0.clone();
    let mut stranger = Stranger::at(&database.url()).await;
    stranger.run("BEGIN").await;
    stranger.run(format!("SELECT 1 FROM {table} WHERE id = '{}' FOR UPDATE", held.expose())).await;
    let mut writers = JoinSet::new();
    let start = Instant::now();
    for (id, seen) in ids {
        let backend = Arc::clone(&backend);
        writers.spawn(async move {
            let saved = backend.save(&id, &record("next", 2), &seen).await;
            (id, saved, start.elapsed())
        });
    }
    for (id, saved, waited) in writers.join_all().await {
        if id == held {
            assert_eq!(saved.unwrap_err().kind(), ErrorKind::Unavailable);
        } else {
            written(saved.unwrap());
            assert!(waited < LOCK_WAIT, "it has waited for a lock that it did not want, {waited:?}");
        }
    }
    stranger.run("ROLLBACK").await;
}

async fn saves_that_were_not_answered_are_found_or_done_when_they_are_sent_again(database: Database) {
    let wire = Wire::to(&database.url()).await;
    let backend = Arc::new(migrated(Config::new(wire.url()).table(table())).await);
    let ids = several(&backend).await;
    wire.hold();
    let mut writers = JoinSet::new();
    for (id, seen) in ids.clone() {
        let backend = Arc::clone(&backend);
        writers.spawn(async move { backend.save(&id, &record("next", 2), &seen).await });
    }
    while let Some(saved) = writers.join_next().await {
        // Who was not sent is surely not done.
        let kind = saved.unwrap().unwrap_err().kind();
        assert!(matches!(kind, ErrorKind::Unknown | ErrorKind::Unavailable), "{kind:?}");
    }
    wire.release();
    for (id, seen) in ids {
        // With its own stamp it is recognised, or done now.
        let again = backend.save(&id, &record("next", 2), &seen).await.unwrap();
        assert!(matches!(again, Saved::Written(_)), "{again:?}");
    }
}
