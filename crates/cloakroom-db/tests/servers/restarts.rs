//! Servers that are killed, stopped and started again under an engine that goes on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use cloakroom_core::{Error, ErrorKind, Revision, SessionBackend, SessionId};
use cloakroom_db::Backend;
use tokio::task::JoinSet;

use crate::database::{Database, Server, Stranger, id, open, put, record, written};
use crate::outages::{load, timely};

on_each! {
    a_connection_that_the_server_ends_is_replaced
    after_a_crash_of_the_server_everything_acknowledged_is_there
    a_server_that_is_stopped_where_it_is_costs_a_bounded_wait
}

/// As an administrator does, or a time limit: what was waiting in the connection is read as what it is.
async fn a_connection_that_the_server_ends_is_replaced(database: Database) {
    let server = database.start();
    let backend = open(&server.url()).await;
    let id = id();
    let seen = put(&backend, &id, &record("first", 1)).await;
    let mut stranger = Stranger::at(&server.url()).await;
    for round in 0..5 {
        end_all_others(&mut stranger, database).await;
        assert!(load(&backend, &id).await.unwrap().is_some(), "{round}");
    }
    end_all_others(&mut stranger, database).await;
    let second = record("second", 2);
    match timely(backend.save(&id, &second, &seen)).await {
        Ok(saved) => drop(written(saved)),
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Unknown, "{error:?}");
            written(timely(backend.save(&id, &second, &seen)).await.unwrap());
        }
    }
}

async fn end_all_others(stranger: &mut Stranger, database: Database) {
    let all = match database {
        Database::Postgres => {
            "SELECT format('SELECT pg_terminate_backend(%s)', pid) FROM pg_stat_activity \
             WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        }
        Database::MariaDb => {
            "SELECT CONCAT('KILL ', id) FROM information_schema.processlist \
             WHERE user = 'cloakroom' AND id <> CONNECTION_ID()"
        }
    };
    loop {
        let others = stranger.texts(all).await;
        if others.is_empty() {
            return;
        }
        for end in others {
            // It may be gone by now.
            let _ = stranger.try_run(end).await;
        }
    }
}

/// Writers at work all the time, the server killed and started again under them: twice.
async fn after_a_crash_of_the_server_everything_acknowledged_is_there(database: Database) {
    let mut server = database.start();
    let backend = Arc::new(open(&server.url()).await);
    let work = Arc::new(Work::default());
    let mut writers = JoinSet::new();
    for _ in 0..6 {
        let id = id();
        let seen = put(&backend, &id, &record("1", 1)).await;
        let (backend, work) = (Arc::clone(&backend), Arc::clone(&work));
        writers.spawn(async move { work.go_on(&backend, id, seen).await });
    }
    // Each wait ends when writers have been seen to go on, on the engine that was opened once.
    let server = {
        let work = Arc::clone(&work);
        tokio::task::spawn_blocking(move || {
            for _ in 0..2 {
                wait_for_more(&work.acknowledged, 50);
                server.kill();
                wait_for_more(&work.failed, 50);
                server.restart();
            }
            wait_for_more(&work.acknowledged, 50);
            server
        })
    };
    let server = server.await.unwrap();
    work.is_over.store(true, Ordering::Relaxed);
    for (id, acknowledged) in writers.join_all().await {
        let stored = load(&backend, &id).await.unwrap().unwrap();
        let stored: u64 = String::from_utf8(stored).unwrap().parse().unwrap();
        assert!(stored == acknowledged || stored == acknowledged + 1, "{acknowledged} and {stored}");
    }
    drop::<Server>(server);
}

/// What writers have done, all together.
#[derive(Default)]
struct Work {
    acknowledged: AtomicU64,
    failed: AtomicU64,
    is_over: AtomicBool,
}

impl Work {
    /// Counts up in a session of its own; the last number that was acknowledged.
    async fn go_on(&self, backend: &Backend, id: SessionId, mut seen: Revision) -> (SessionId, u64) {
        let mut acknowledged = 1;
        while !self.is_over.load(Ordering::Relaxed) {
            let next = acknowledged + 1;
            match timely(backend.save(&id, &record(next.to_string(), next), &seen)).await {
                Ok(saved) => {
                    seen = written(saved);
                    acknowledged = next;
                    self.acknowledged.fetch_add(1, Ordering::Relaxed);
                }
                Err(error) => {
                    assert!(is_outage(&error), "{error:?}");
                    self.failed.fetch_add(1, Ordering::Relaxed);
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            }
        }
        (id, acknowledged)
    }
}

fn wait_for_more(count: &AtomicU64, more: u64) {
    let (start, since) = (count.load(Ordering::Relaxed), Instant::now());
    while count.load(Ordering::Relaxed) < start + more {
        assert!(since.elapsed() < Duration::from_secs(20), "nothing goes on");
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn is_outage(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Unknown)
}

async fn a_server_that_is_stopped_where_it_is_costs_a_bounded_wait(database: Database) {
    let mut server = database.start();
    let backend = open(&server.url()).await;
    let id = id();
    let seen = put(&backend, &id, &record("first", 1)).await;
    server.pause();
    let second = record("second", 2);
    // Not all of its threads stop at once.
    let read = loop {
        if let Err(error) = load(&backend, &id).await {
            break error;
        }
    };
    let saved = timely(backend.save(&id, &second, &seen)).await;
    assert_eq!(read.kind(), ErrorKind::Unavailable);
    // What was sent may be done when it goes on; what found no connection will not.
    assert!(is_outage(&saved.unwrap_err()));
    server.resume();
    written(timely(backend.save(&id, &second, &seen)).await.unwrap());
    assert_eq!(load(&backend, &id).await.unwrap().as_deref(), Some(b"second".as_slice()));
    drop::<Server>(server);
}
