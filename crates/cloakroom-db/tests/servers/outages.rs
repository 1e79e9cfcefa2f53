//! Lines that break, answers that do not come, servers that are restarted.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use cloakroom_core::{Error, ErrorKind, Read, Result, Revision, SessionBackend, SessionId, Stamp};
use cloakroom_db::{Backend, Config};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::database::{Database, Server, Stranger, id, migrated, open, put, record, table, written};
use crate::wire::Wire;

on_each! {
    reads_survive_that_every_connection_was_cut
    a_write_after_a_silence_survives_that_every_connection_was_cut
    a_write_that_meets_a_cut_is_unknown_and_known_when_it_is_sent_again
    what_is_dropped_is_done_and_leaves_no_answer_for_the_next
    a_server_that_does_not_answer_is_given_up_in_time
    closing_waits_for_what_is_under_way
    a_host_that_can_not_be_reached_is_unavailable_in_time
    a_connection_that_the_server_ends_is_replaced
    after_a_crash_of_the_server_everything_acknowledged_is_there
    a_server_that_is_stopped_where_it_is_costs_a_bounded_wait
}

/// Longer than any call may take: core waits for 5 seconds.
const LIMIT: Duration = Duration::from_millis(4_950);

/// Fails if it takes too long.
async fn timely<T>(call: impl Future<Output = T>) -> T {
    timeout(LIMIT, call).await.expect("the engine answers before core gives up")
}

async fn load(backend: &Backend, id: &SessionId) -> Result<Option<Vec<u8>>> {
    Ok(timely(backend.load(id, Read::Latest)).await?.map(|stored| stored.record.payload.to_vec()))
}

/// An engine at the end of a wire, with a session.
async fn wired(database: Database, connections: u32) -> (Wire, Arc<Backend>, SessionId, Revision) {
    let wire = Wire::to(&database.url()).await;
    let config = Config::new(wire.url()).table(table()).connections(connections);
    let backend = Arc::new(migrated(config).await);
    let id = id();
    let seen = put(&backend, &id, &record("first", 1)).await;
    (wire, backend, id, seen)
}

async fn reads_survive_that_every_connection_was_cut(database: Database) {
    let (wire, backend, id, _) = wired(database, 3).await;
    let mut readers = JoinSet::new();
    for _ in 0..3 {
        let (backend, id) = (Arc::clone(&backend), id.clone());
        readers.spawn(async move { load(&backend, &id).await.unwrap() });
    }
    readers.join_all().await;
    for _ in 0..3 {
        wire.cut();
        assert_eq!(load(&backend, &id).await.unwrap().as_deref(), Some(b"first".as_slice()));
        assert_eq!(backend.index().unwrap().all(None, 10).await.unwrap().len(), 1);
    }
}

async fn a_write_after_a_silence_survives_that_every_connection_was_cut(database: Database) {
    let (wire, backend, id, seen) = wired(database, 3).await;
    wire.cut();
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(2)).await;
    tokio::time::resume();
    let saved = timely(backend.save(&id, &record("second", 2), &seen)).await.unwrap();
    written(saved);
    assert_eq!(load(&backend, &id).await.unwrap().as_deref(), Some(b"second".as_slice()));
}

async fn a_write_that_meets_a_cut_is_unknown_and_known_when_it_is_sent_again(database: Database) {
    let (wire, backend, id, seen) = wired(database, 1).await;
    wire.hold();
    let second = record("second", 2);
    let save = tokio::spawn({
        let (backend, id, second, seen) = (Arc::clone(&backend), id.clone(), second.clone(), seen.clone());
        async move { timely(backend.save(&id, &second, &seen)).await }
    });
    wire.asked().await;
    // The server has answered by then, or it may: nobody can know.
    wire.cut();
    wire.release();
    assert_eq!(save.await.unwrap().unwrap_err().kind(), ErrorKind::Unknown);
    let again = written(timely(backend.save(&id, &second, &seen)).await.unwrap());
    assert_eq!(again, Stamp { sequence: 2, nonce: 7 }.into());
    assert_eq!(load(&backend, &id).await.unwrap().as_deref(), Some(b"second".as_slice()));
}

/// With one connection, which the next call gets.
async fn what_is_dropped_is_done_and_leaves_no_answer_for_the_next(database: Database) {
    let (wire, backend, first, seen) = wired(database, 1).await;
    let other = id();
    put(&backend, &other, &record("other", 1)).await;
    let connections = wire.connections();
    for round in 0..10_u64 {
        // Asked once, it is sent; then nobody wants to know any more.
        wire.asked().await;
        wire.hold();
        if round % 2 == 0 {
            let dropped = backend.load(&first, Read::Latest);
            tokio::select! { biased; () = wire.asked() => {}, _ = dropped => panic!("it was held") }
        } else {
            let second = record("second", 2);
            let dropped = backend.save(&first, &second, &seen);
            tokio::select! { biased; () = wire.asked() => {}, _ = dropped => panic!("it was held") }
        }
        wire.release();
        assert_eq!(load(&backend, &other).await.unwrap().as_deref(), Some(b"other".as_slice()), "{round}");
    }
    assert_eq!(wire.connections(), connections, "visitors who hang up cost the server no new connections");
    assert_eq!(load(&backend, &first).await.unwrap().as_deref(), Some(b"second".as_slice()));
}

/// Three engines with a connection each: one reads, one writes, one has two calls.
async fn a_server_that_does_not_answer_is_given_up_in_time(database: Database) {
    let (wire_of_reads, reader, read, _) = wired(database, 1).await;
    let (wire_of_writes, writer, saved, seen) = wired(database, 1).await;
    let (wire_of_both, both, deleted, stale) = wired(database, 1).await;
    for wire in [&wire_of_reads, &wire_of_writes, &wire_of_both] {
        wire.hold();
    }
    let second = record("second", 2);
    let (loading, saving, first, next) = tokio::join!(
        load(&reader, &read),
        timely(writer.save(&saved, &second, &seen)),
        timely(both.save(&deleted, &second, &stale)),
        timely(both.delete(&deleted, None)),
    );
    assert_eq!(loading.unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(saving.unwrap_err().kind(), ErrorKind::Unknown);
    assert_eq!(first.unwrap_err().kind(), ErrorKind::Unknown);
    assert_eq!(next.unwrap_err().kind(), ErrorKind::Unavailable, "it was never sent");
    for wire in [&wire_of_reads, &wire_of_writes, &wire_of_both] {
        wire.release();
    }
    load(&reader, &read).await.unwrap().unwrap();
    written(timely(writer.save(&saved, &second, &seen)).await.unwrap());
    load(&both, &deleted).await.unwrap().expect("it was not deleted");
}

async fn closing_waits_for_what_is_under_way(database: Database) {
    let (wire, backend, id, seen) = wired(database, 2).await;
    wire.asked().await;
    wire.hold();
    let save = tokio::spawn({
        let (backend, id) = (Arc::clone(&backend), id.clone());
        async move { backend.save(&id, &record("second", 2), &seen).await }
    });
    wire.asked().await;
    let close = tokio::spawn({
        let backend = Arc::clone(&backend);
        async move { backend.close().await }
    });
    tokio::task::yield_now().await;
    assert!(!close.is_finished());
    wire.release();
    written(save.await.unwrap().unwrap());
    close.await.unwrap().unwrap();
    let error = load(&backend, &id).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.to_string().contains("closed"), "{error}");
}

/// Refused, or never answered.
async fn a_host_that_can_not_be_reached_is_unavailable_in_time(database: Database) {
    let scheme = if database == Database::Postgres { "postgres" } else { "mysql" };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent = listener.local_addr().unwrap();
    let refusing = {
        let closed = TcpListener::bind("127.0.0.1:0").await.unwrap();
        closed.local_addr().unwrap()
    };
    for address in [silent, refusing] {
        let start = Instant::now();
        let url = format!("{scheme}://me:sesame@{address}/db");
        let error = Config::new(url).open().await.unwrap_err();
        // 3 seconds, on a machine that has nothing else to do.
        assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
        assert!(error.to_string().contains(&address.to_string()), "{error}");
        assert!(!format!("{error:?}").contains("sesame"), "{error:?}");
    }
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
