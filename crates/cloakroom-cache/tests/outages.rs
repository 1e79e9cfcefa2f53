//! A server that stalls, dies or loses what it was sent, and comes back. Nothing is opened anew.

#![cfg(feature = "redis")]
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::sync::Arc;
use std::time::{Duration, Instant};

use cloakroom_cache::redis::Config;
use cloakroom_core::{Deleted, ErrorKind, Read, SessionBackend, SessionCache, Stored};
use cloakroom_servers::{Redis, RedisConfig};
use support::{Mood, eventually, get, id, ids, open, put, record, watched, written};

const HOUR: Duration = Duration::from_hours(1);

#[tokio::test]
#[ignore = "needs a server: cargo xtask test starts one"]
async fn a_write_whose_reply_was_lost_is_unknown_and_sent_again_it_is_done_once() {
    let (_redis, proxy, backend) = watched().await;
    let (from, to) = ids();
    proxy.becomes(Mood::LosesReplyTo("SET"));
    let first = record("first", Some("alice"));
    assert_eq!(backend.create(&from, &first).await.unwrap_err().kind(), ErrorKind::Unknown);
    let seen = written(backend.create(&from, &first).await.unwrap());

    proxy.becomes(Mood::LosesReplyTo("EVALSHA"));
    let second = record("second", Some("alice"));
    assert_eq!(backend.save(&from, &second, &seen).await.unwrap_err().kind(), ErrorKind::Unknown);
    let seen = written(backend.save(&from, &second, &seen).await.unwrap());
    assert_eq!(get(&backend, &from).await.unwrap().record, second);

    proxy.becomes(Mood::LosesReplyTo("EVALSHA"));
    let third = record("third", None);
    assert_eq!(backend.rotate(&from, &to, &third, &seen).await.unwrap_err().kind(), ErrorKind::Unknown);
    let seen = written(backend.rotate(&from, &to, &third, &seen).await.unwrap());
    assert_eq!((get(&backend, &from).await, get(&backend, &to).await.unwrap().record), (None, third));

    proxy.becomes(Mood::LosesReplyTo("EVALSHA"));
    assert_eq!(backend.delete(&to, Some(&seen)).await.unwrap_err().kind(), ErrorKind::Unknown);
    assert_eq!(backend.delete(&to, Some(&seen)).await.unwrap(), Deleted::Absent);
}

#[tokio::test]
#[ignore = "needs a server: cargo xtask test starts one"]
async fn a_write_is_never_sent_again_by_itself() {
    let (_redis, proxy, backend) = watched().await;
    let id = id();
    let seen = put(&backend, &id, &record("first", None)).await;
    proxy.commands();
    proxy.becomes(Mood::LosesReplyTo("EVALSHA"));
    backend.save(&id, &record("second", None), &seen).await.unwrap_err();
    assert_eq!(proxy.commands(), ["EVALSHA"]);
}

#[tokio::test]
#[ignore = "needs a server: cargo xtask test starts one"]
async fn a_read_on_a_broken_connection_is_answered_by_the_next() {
    let (_redis, proxy, backend) = watched().await;
    let id = id();
    put(&backend, &id, &record("kept", None)).await;
    proxy.becomes(Mood::LosesReplyTo("GET"));
    assert!(get(&backend, &id).await.is_some());
}

#[tokio::test]
#[ignore = "needs a server: cargo xtask test starts one"]
async fn a_server_that_stalls_is_given_up_in_time_and_answers_again_later() {
    let (_redis, proxy, backend) = watched().await;
    let id = id();
    let seen = put(&backend, &id, &record("first", Some("alice"))).await;
    proxy.becomes(Mood::Silent);
    let second = record("second", Some("alice"));
    for (operation, kind) in
        [("load", ErrorKind::Unavailable), ("save", ErrorKind::Unknown), ("of", ErrorKind::Unavailable)]
    {
        let start = Instant::now();
        let error = match operation {
            "load" => backend.load(&id, Read::Any).await.err(),
            "save" => backend.save(&id, &second, &seen).await.err(),
            _ => backend.index().unwrap().of("alice", None, 10).await.err(),
        };
        assert_eq!(error.unwrap().kind(), kind, "{operation}");
        assert!(start.elapsed() < Duration::from_secs(5), "{operation}: {:?}", start.elapsed());
    }
    proxy.becomes(Mood::Passes);
    eventually(Duration::from_secs(5), async || backend.load(&id, Read::Any).await).await.unwrap();
    backend.save(&id, &second, &seen).await.map(written).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a server: cargo xtask test starts one"]
async fn a_process_that_is_stopped_and_goes_on_is_used_again() {
    let mut redis = Redis::start().unwrap();
    let backend =
        Config::new(redis.url()).response_time_out(Duration::from_millis(200)).open().await.unwrap();
    let id = id();
    let seen = put(&backend, &id, &record("first", None)).await;
    redis.pause().unwrap();
    for _ in 0..5 {
        let start = Instant::now();
        assert_eq!(backend.load(&id, Read::Any).await.unwrap_err().kind(), ErrorKind::Unavailable);
        assert!(start.elapsed() < Duration::from_secs(2));
    }
    redis.resume().unwrap();
    eventually(Duration::from_secs(5), async || backend.save(&id, &record("second", None), &seen).await)
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a server: cargo xtask test starts one"]
async fn a_server_that_was_killed_and_comes_back_is_used_again_with_what_it_kept() {
    let mut redis = RedisConfig::new().append_only().start().unwrap();
    let backend = open(redis.url()).await;
    let id = id();
    let seen = put(&backend, &id, &record("first", Some("alice"))).await;
    redis.kill().unwrap();
    let start = Instant::now();
    assert_eq!(backend.load(&id, Read::Any).await.unwrap_err().kind(), ErrorKind::Unavailable);
    let error = backend.create(&support::id(), &record("never", None)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "it was not even sent: {error:?}");
    assert!(start.elapsed() < Duration::from_secs(5));
    redis.restart().unwrap();
    let stored = backend.load(&id, Read::Any).await.unwrap().expect("it was acknowledged");
    assert_eq!(stored.revision, seen);
    backend.save(&id, &record("second", Some("alice")), &seen).await.map(written).unwrap();
    assert_eq!(backend.index().unwrap().of("alice", None, 10).await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a server: cargo xtask test starts one"]
async fn many_who_find_no_connection_make_one_and_not_one_each() {
    let (mut redis, proxy, backend) = watched().await;
    let backend = Arc::new(backend);
    redis.kill().unwrap();
    let _ = backend.load(&id(), Read::Any).await;
    redis.restart().unwrap();
    proxy.connections();
    let mut visitors = tokio::task::JoinSet::new();
    for _ in 0..64 {
        let backend = Arc::clone(&backend);
        visitors.spawn(async move { backend.load(&id(), Read::Any).await.unwrap() });
    }
    visitors.join_all().await;
    assert_eq!(proxy.connections(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a server: cargo xtask test starts one"]
async fn who_waits_for_a_dead_host_shares_the_outcome() {
    let (_redis, proxy, backend) = watched().await;
    let backend = Arc::new(backend);
    proxy.becomes(Mood::LosesReplyTo("SET"));
    backend.create(&id(), &record("lost", None)).await.unwrap_err();
    proxy.becomes(Mood::Silent);
    proxy.connections();
    let start = Instant::now();
    let mut visitors = tokio::task::JoinSet::new();
    for _ in 0..64 {
        let backend = Arc::clone(&backend);
        visitors
            .spawn(async move { backend.create(&id(), &record("never", None)).await.unwrap_err().kind() });
    }
    let kinds = visitors.join_all().await;
    assert!(kinds.iter().all(|kind| *kind == ErrorKind::Unavailable), "{kinds:?}");
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    assert!(proxy.connections() <= 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a server: cargo xtask test starts one"]
async fn as_many_connections_as_were_asked_for_come_back_after_an_outage() {
    let redis = Redis::start().unwrap();
    let backend = Config::new(redis.url()).lanes(3).open().await.unwrap();
    for _ in 0..2 {
        for _ in 0..3 {
            assert_eq!(get(&backend, &id()).await, None);
        }
        assert_eq!(clients(&redis), 4, "and the one who asks");
        redis.command(&["CLIENT", "KILL", "TYPE", "normal"]).unwrap();
    }
}

#[test]
#[ignore = "needs a server: cargo xtask test starts one"]
fn connections_outlive_the_worker_that_made_them() {
    let redis = Redis::start().unwrap();
    let runtime =
        || tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let home = runtime();
    let backend = Arc::new(home.block_on(open(redis.url())));
    let kept = id();
    home.block_on(async { put(&backend, &kept, &record("kept", None)).await });
    redis.command(&["CLIENT", "KILL", "TYPE", "normal"]).unwrap();
    // A worker with a runtime of its own finds the connection dead, makes one, and ends.
    let worker = runtime();
    worker.block_on(async { get(&backend, &kept).await.unwrap() });
    worker.shutdown_timeout(Duration::from_secs(1));
    let used = clients(&redis);
    home.block_on(async { get(&backend, &kept).await.unwrap() });
    let after = clients(&redis);
    assert_eq!(used, after, "the worker's end cost no connection");
    // And when that runtime ends itself, another's will do.
    home.shutdown_timeout(Duration::from_secs(1));
    runtime().block_on(async { get(&backend, &kept).await.unwrap() });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a server: cargo xtask test starts one"]
async fn an_answer_that_nobody_waits_for_is_nobody_elses() {
    let redis = Redis::start().unwrap();
    let backend = Arc::new(open(redis.url()).await);
    let mut visitors = tokio::task::JoinSet::new();
    for visitor in 0..32_u32 {
        let backend = Arc::clone(&backend);
        visitors.spawn(async move {
            let id = id();
            let own = visitor.to_string();
            put(&backend, &id, &record(own.clone(), None)).await;
            for n in 0..200_u32 {
                let load = backend.load(&id, Read::Any);
                let patience = Duration::from_micros(u64::from((n * 37 + visitor) % 100));
                if let Ok(answer) = tokio::time::timeout(patience, load).await {
                    assert_eq!(answer.unwrap().unwrap().record.payload, own);
                }
            }
            assert_eq!(get(&backend, &id).await.unwrap().record.payload, own);
        });
    }
    visitors.join_all().await;
}

#[tokio::test]
#[ignore = "needs a server: cargo xtask test starts one"]
async fn a_cache_answers_within_a_second_and_is_asked_again_when_its_server_is_back() {
    let (mut redis, proxy, _) = watched().await;
    let cache = Config::new(proxy.url()).open_cache().await.unwrap();
    let (id, copy) = (id(), Stored::stamped(record("copy", None)));
    cache.put(&id, &copy, HOUR).await.unwrap();
    proxy.becomes(Mood::Silent);
    let start = Instant::now();
    assert_eq!(cache.get(&id).await.unwrap_err().kind(), ErrorKind::Unavailable);
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
    redis.kill().unwrap();
    proxy.becomes(Mood::Passes);
    // Also one that is opened while there is no server.
    let late = Config::new(redis.url()).open_cache().await.unwrap();
    late.get(&id).await.unwrap_err();
    redis.restart().unwrap();
    for cache in [cache, late] {
        eventually(Duration::from_secs(5), async || cache.put(&id, &copy, HOUR).await).await;
        assert_eq!(cache.get(&id).await.unwrap(), Some(copy.clone()));
    }
}

#[tokio::test]
#[ignore = "needs a server: cargo xtask test starts one"]
async fn who_has_closed_it_finds_it_closed() {
    let redis = Redis::start().unwrap();
    let backend = open(redis.url()).await;
    put(&backend, &id(), &record("data", None)).await;
    backend.close().await.unwrap();
    assert_eq!(backend.load(&id(), Read::Any).await.unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(
        backend.create(&id(), &record("late", None)).await.unwrap_err().kind(),
        ErrorKind::Unavailable
    );
    eventually(Duration::from_secs(5), async || match clients(&redis) {
        1 => Ok(()),
        more => Err(more),
    })
    .await;
}

/// How many are connected, with the one who asks.
fn clients(redis: &Redis) -> usize {
    redis.command(&["CLIENT", "LIST", "TYPE", "normal"]).unwrap().concat().lines().count()
}
