//! Lines that break, and answers that do not come.

use std::sync::Arc;
use std::time::{Duration, Instant};

use cloakroom_core::{ErrorKind, Read, Result, Revision, SessionBackend, SessionId, Stamp};
use cloakroom_db::{Backend, Config};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::database::{Database, id, migrated, put, record, table, written};
use crate::wire::Wire;

on_each! {
    reads_survive_that_every_connection_was_cut
    a_write_after_a_silence_survives_that_every_connection_was_cut
    a_write_that_meets_a_cut_is_unknown_and_known_when_it_is_sent_again
    what_is_dropped_is_done_and_leaves_no_answer_for_the_next
    a_server_that_does_not_answer_is_given_up_in_time
    closing_waits_for_what_is_under_way
    a_host_that_can_not_be_reached_is_unavailable_in_time
}

/// Longer than any call may take: core waits for 5 seconds.
const LIMIT: Duration = Duration::from_millis(4_950);

/// Fails if it takes too long.
pub(crate) async fn timely<T>(call: impl Future<Output = T>) -> T {
    timeout(LIMIT, call).await.expect("the engine answers before core gives up")
}

pub(crate) async fn load(backend: &Backend, id: &SessionId) -> Result<Option<Vec<u8>>> {
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
        assert_eq!(backend.walk().unwrap().page(None, 10).await.unwrap().found.len(), 1);
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
