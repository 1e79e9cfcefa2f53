//! What is sent to a server, and what is kept there.

#![cfg(feature = "redis")]
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::sync::Arc;
use std::time::Duration;

use cloakroom_cache::redis::Config;
use cloakroom_conformance::storage::walk::walked;
use cloakroom_core::{
    Clock, Deleted, ErrorKind, ManualClock, Read, Saved, SessionBackend, SessionCache, SessionId, Stored,
    SystemClock, Timestamp, Touched,
};
use cloakroom_servers::Redis;
use support::{get, id, ids, open, put, record, watched, written};

const HOUR: Duration = Duration::from_hours(1);
/// Of the session `abcdef`.
const KEY: &str = "cloakroom:{abc}def";

#[tokio::test]
#[ignore = "needs a server: cargo xtask test starts one"]
async fn each_operation_is_one_request_and_an_owners_entry_one_more() {
    let (_redis, proxy, backend) = watched().await;
    let (from, to) = ids();
    let seen = put(&backend, &from, &record("first", None)).await;
    assert_eq!(proxy.commands(), ["SET"], "create");
    get(&backend, &from).await.unwrap();
    assert_eq!(proxy.commands(), ["GET"], "load");
    backend.revision(&from).await.unwrap().unwrap();
    assert_eq!(proxy.commands(), ["GETRANGE"], "revision");
    let seen = written(backend.save(&from, &record("second", None), &seen).await.unwrap());
    assert_eq!(proxy.commands(), ["EVALSHA"], "save");
    backend.touch(&from, SystemClock.now().plus(2 * HOUR), &seen).await.unwrap();
    assert_eq!(proxy.commands(), ["EVALSHA"], "touch");
    let login = record("third", Some("alice"));
    let seen = written(backend.rotate(&from, &to, &login, &seen).await.unwrap());
    assert_eq!(proxy.commands(), ["EVALSHA"; 2], "login: the index, the rotation");
    let seen = written(backend.save(&to, &record("fourth", Some("alice")), &seen).await.unwrap());
    assert_eq!(proxy.commands(), ["EVALSHA"], "save of an owned session");
    backend.touch(&to, SystemClock.now().plus(2 * HOUR), &seen).await.unwrap();
    assert_eq!(proxy.commands(), ["EVALSHA"], "touch of an owned session");
    backend.save(&to, &record("fifth", Some("bob")), &seen).await.map(written).unwrap();
    assert_eq!(proxy.commands(), ["EVALSHA"; 3], "another owner: refused, the index, the save");
    assert_eq!(backend.delete(&to, None).await.unwrap(), Deleted::Ended);
    assert_eq!(proxy.commands(), ["EVALSHA"; 2], "logout: the session, the index");
}

#[tokio::test]
#[ignore = "needs a server: cargo xtask test starts one"]
async fn requests_share_connections_and_none_is_asked_whether_it_lives() {
    let (_redis, proxy, backend) = watched().await;
    proxy.connections();
    let backend = Arc::new(backend);
    let mut visitors = tokio::task::JoinSet::new();
    for _ in 0..64 {
        let backend = Arc::clone(&backend);
        visitors.spawn(async move {
            let id = id();
            let seen = put(&backend, &id, &record("data", None)).await;
            backend.save(&id, &record("more", None), &seen).await.map(written).unwrap();
            get(&backend, &id).await.unwrap();
        });
    }
    visitors.join_all().await;
    for command in proxy.commands() {
        assert!(["EVALSHA", "GET", "MGET", "SET"].contains(&command.as_str()), "{command}");
    }
    assert_eq!(proxy.connections(), 0);
}

#[tokio::test]
#[ignore = "needs a server: cargo xtask test starts one"]
async fn a_server_that_has_forgotten_the_scripts_is_sent_them_again() {
    let (redis, proxy, backend) = watched().await;
    let id = id();
    let seen = put(&backend, &id, &record("first", None)).await;
    redis.command(&["SCRIPT", "FLUSH"]).unwrap();
    proxy.commands();
    backend.save(&id, &record("second", None), &seen).await.map(written).unwrap();
    assert_eq!(proxy.commands(), ["EVALSHA", "EVAL"]);
}

#[tokio::test]
#[ignore = "needs a server: cargo xtask test starts one"]
async fn values_of_others_under_our_keys_are_corrupt_and_stay_as_they_are() {
    let redis = Redis::start().unwrap();
    let backend = open(redis.url()).await;
    let cache = Config::new(redis.url()).open_cache().await.unwrap();
    let (id, other) = (SessionId::parse("abcdef").unwrap(), SessionId::parse("abcxyz").unwrap());
    let seen = record("seen", None).stamp.into();
    let new = record("new", None);
    for value in [
        ["SET", KEY, "text"],
        ["SET", KEY, "a text that is as long as the head of a record, and longer"],
        ["LPUSH", KEY, "an entry"],
    ] {
        redis.command(&["FLUSHALL"]).unwrap();
        redis.command(&value).unwrap();
        redis.command(&[value[0], "cloakroom:cache:{abc}def", value[2]]).unwrap();
        let before = redis.command(&["DUMP", value[1]]);
        let errors = [
            backend.load(&id, Read::Any).await.err(),
            backend.revision(&id).await.err(),
            backend.create(&id, &new).await.err(),
            backend.save(&id, &new, &seen).await.err(),
            backend.touch(&id, Timestamp::MAX, &seen).await.err(),
            backend.rotate(&id, &other, &new, &seen).await.err(),
            backend.delete(&id, Some(&seen)).await.err(),
            backend.delete(&id, None).await.err(),
            cache.get(&id).await.err(),
        ];
        let kinds = errors.map(|error| error.map(|error| error.kind()));
        assert_eq!(kinds, [Some(ErrorKind::Corrupt); 9], "{value:?}");
        assert_eq!(backend.clear_expired(Timestamp::MAX, 10).await.unwrap().removed, 0);
        assert_eq!(redis.command(&["DUMP", value[1]]).ok(), before.ok(), "{value:?}");

        put(&backend, &other, &record("hers", Some("alice"))).await;
        assert_eq!(walked(&backend, 10).await.unwrap().len(), 1, "{value:?}");
        let from = put(&backend, &support::id(), &record("data", None)).await;
        assert!(
            backend
                .rotate(&other, &id, &new, &from)
                .await
                .is_ok_and(|saved| matches!(saved, Saved::Conflict(_)))
        );
    }
}

#[tokio::test]
#[ignore = "needs a server: cargo xtask test starts one"]
async fn a_full_server_that_evicts_nothing_refuses_and_keeps_what_it_has() {
    let redis = Redis::start().unwrap();
    let backend = open(redis.url()).await;
    assert!(!backend.capabilities().may_evict);
    let (kept, other) = ids();
    let seen = put(&backend, &kept, &record("kept", None)).await;
    redis.command(&["CONFIG", "SET", "maxmemory", "1"]).unwrap();
    for error in [
        backend.create(&other, &record("never", None)).await.err(),
        backend.create(&other, &record("never", Some("alice"))).await.err(),
        backend.save(&kept, &record("never", None), &seen).await.err(),
        backend.rotate(&kept, &other, &record("never", None), &seen).await.err(),
    ] {
        let error = error.unwrap();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert!(error.to_string().contains("OOM"), "{error}");
    }
    assert_eq!(get(&backend, &kept).await.unwrap().record.payload, "kept");
    assert_eq!(backend.delete(&kept, None).await.unwrap(), Deleted::Ended, "logging out is always possible");
}

#[tokio::test]
#[ignore = "needs a server: cargo xtask test starts one"]
async fn a_server_that_may_evict_is_said_to() {
    let redis = Redis::start().unwrap();
    for (policy, may_evict) in [("noeviction", false), ("allkeys-lru", true), ("volatile-ttl", true)] {
        redis.command(&["CONFIG", "SET", "maxmemory-policy", policy]).unwrap();
        assert_eq!(open(redis.url()).await.capabilities().may_evict, may_evict, "{policy}");
    }
}

#[tokio::test]
#[ignore = "needs a server: cargo xtask test starts one"]
async fn a_record_outlives_its_deadline_by_an_hour_whatever_the_clocks_show() {
    let redis = Redis::start().unwrap();
    let clock = ManualClock::at(Timestamp::from_millis(1_000_000));
    let backend = Config::new(redis.url()).clock(Arc::new(clock.clone())).open().await.unwrap();
    let id = SessionId::parse("abcdef").unwrap();
    let mut new = record("data", None);
    let life = || {
        let left = redis.command(&["PTTL", KEY]).unwrap().concat();
        Duration::from_millis(left.parse().unwrap()).as_secs().div_ceil(60)
    };
    new.expires_at = clock.now().plus(HOUR);
    let seen = put(&backend, &id, &new).await;
    assert_eq!(life(), 120);
    backend.touch(&id, clock.now().plus(2 * HOUR), &seen).await.unwrap();
    assert_eq!(life(), 180);
    let mut late = record("dead on arrival", None);
    late.expires_at = Timestamp::MIN;
    backend.save(&id, &late, &seen).await.map(written).unwrap();
    assert_eq!(life(), 60);
    assert_eq!(get(&backend, &id).await, None);
}

#[tokio::test]
#[ignore = "needs a server: cargo xtask test starts one"]
async fn an_id_whose_record_is_dead_and_not_yet_swept_can_be_used_again() {
    let redis = Redis::start().unwrap();
    let clock = ManualClock::at(Timestamp::from_millis(1_800_000_000_000));
    let backend = Config::new(redis.url()).clock(Arc::new(clock.clone())).open().await.unwrap();
    let id = id();
    let mut first = record("first", Some("alice"));
    first.expires_at = clock.now().plus(HOUR);
    put(&backend, &id, &first).await;
    clock.advance(HOUR);
    let mut second = record("second", Some("bob"));
    second.expires_at = clock.now().plus(HOUR);
    put(&backend, &id, &second).await;
    assert_eq!(get(&backend, &id).await.unwrap().record, second);
    assert_eq!(backend.index().unwrap().of("alice", None, 10).await.unwrap().len(), 0);
    assert_eq!(backend.index().unwrap().of("bob", None, 10).await.unwrap().len(), 1);
}

#[tokio::test]
#[ignore = "needs a server: cargo xtask test starts one"]
async fn an_owners_index_lasts_as_long_as_the_session_that_lives_on_and_on() {
    let redis = Redis::start().unwrap();
    let clock = ManualClock::at(Timestamp::from_millis(1_800_000_000_000));
    let backend = Config::new(redis.url()).clock(Arc::new(clock.clone())).open().await.unwrap();
    let (saved, touched) = ids();
    let mut new = record("data", Some("alice"));
    new.expires_at = clock.now().plus(HOUR);
    let mut seen = put(&backend, &saved, &new).await;
    new = record("data", Some("alice"));
    new.expires_at = clock.now().plus(HOUR);
    let moved = put(&backend, &touched, &new).await;
    for hour in 0..72 {
        clock.advance(HOUR / 2);
        let until = clock.now().plus(HOUR);
        let mut next = record("data", Some("alice"));
        next.expires_at = until;
        seen = written(backend.save(&saved, &next, &seen).await.unwrap());
        assert!(matches!(backend.touch(&touched, until, &moved).await.unwrap(), Touched::Moved(_)));
        // Somebody else's entry drops what is outlived.
        put(&backend, &id(), &next).await;
        let listed: Vec<SessionId> = backend
            .index()
            .unwrap()
            .of("alice", None, 1_000)
            .await
            .unwrap()
            .into_iter()
            .map(|(id, _)| id)
            .collect();
        assert!(listed.contains(&saved) && listed.contains(&touched), "after {hour} half hours");
    }
    let keys = redis.command(&["KEYS", "cloakroom:owner:*"]).unwrap();
    let entries: usize = redis.command(&["ZCARD", &keys[0]]).unwrap().concat().parse().unwrap();
    assert!(entries < 60, "72 were noted, and those that are outlived are dropped: {entries}");
    let life: i64 = redis.command(&["PTTL", &keys[0]]).unwrap().concat().parse().unwrap();
    assert!(life > 24 * 3_600_000 && life < 28 * 3_600_000, "it goes when nobody has sessions: {life}");
}

#[tokio::test]
#[ignore = "needs a server: cargo xtask test starts one"]
async fn an_entry_that_was_noted_again_is_not_removed_with_the_session_before() {
    let redis = Redis::start().unwrap();
    let backend = open(redis.url()).await;
    let id = SessionId::parse("abcdef").unwrap();
    let first = record("first", Some("alice"));
    put(&backend, &id, &first).await;
    // It is ended by somebody who has yet to remove its entry when another is created under its id.
    redis.command(&["RENAME", KEY, "first"]).unwrap();
    let mut second = record("second", Some("alice"));
    second.expires_at = first.expires_at;
    put(&backend, &id, &second).await;
    redis.command(&["RENAME", KEY, "second"]).unwrap();
    redis.command(&["RENAME", "first", KEY]).unwrap();
    assert_eq!(backend.delete(&id, None).await.unwrap(), Deleted::Ended);
    redis.command(&["RENAME", "second", KEY]).unwrap();
    let listed = backend.index().unwrap().of("alice", None, 10).await.unwrap();
    assert_eq!(listed.into_iter().map(|(id, _)| id).collect::<Vec<_>>(), [id]);
}

#[tokio::test]
#[ignore = "needs a server: cargo xtask test starts one"]
async fn a_deleted_sessions_entry_is_removed_and_so_is_that_of_a_rotated_id() {
    let redis = Redis::start().unwrap();
    let backend = open(redis.url()).await;
    let entries =
        || redis.command(&["EVAL", "return #redis.call('KEYS', 'cloakroom:owner:*')", "0"]).unwrap().concat();
    let (from, to) = ids();
    let seen = put(&backend, &from, &record("first", Some("alice"))).await;
    written(backend.rotate(&from, &to, &record("second", None), &seen).await.unwrap());
    assert_eq!(entries(), "0");
    let id = id();
    put(&backend, &id, &record("first", Some("alice"))).await;
    assert_eq!(entries(), "1");
    backend.delete(&id, None).await.unwrap();
    assert_eq!(entries(), "0");
}

#[tokio::test]
#[ignore = "needs a server: cargo xtask test starts one"]
async fn applications_with_different_prefixes_do_not_meet() {
    let redis = Redis::start().unwrap();
    let [one, other] = ["one:", "on*:"].map(|prefix| Config::new(redis.url()).prefix(prefix));
    let (one, other) = (one.open().await.unwrap(), other.open().await.unwrap());
    let id = id();
    put(&one, &id, &record("data", Some("alice"))).await;
    assert_eq!(get(&other, &id).await, None);
    assert_eq!(walked(&other, 10).await.unwrap().len(), 0);
    assert_eq!(other.index().unwrap().of("alice", None, 10).await.unwrap().len(), 0);
    assert_eq!(other.clear_expired(Timestamp::MAX, 10).await.unwrap().removed, 0);
}

#[tokio::test]
#[ignore = "needs a server: cargo xtask test starts one"]
async fn a_sweep_that_was_cut_goes_on_and_sees_what_expired_meanwhile() {
    let redis = Redis::start().unwrap();
    let clock = ManualClock::at(Timestamp::from_millis(1_800_000_000_000));
    let backend = Config::new(redis.url()).clock(Arc::new(clock.clone())).open().await.unwrap();
    let dying = |payload| {
        let mut record = record(payload, None);
        record.expires_at = clock.now().plus(HOUR);
        record
    };
    for _ in 0..2_000 {
        put(&backend, &id(), &dying("early")).await;
    }
    clock.advance(HOUR);
    assert_eq!(backend.clear_expired(clock.now(), 900).await.unwrap().removed, 900);
    for _ in 0..100 {
        put(&backend, &id(), &dying("late")).await;
    }
    clock.advance(HOUR);
    let mut cleared = 0;
    loop {
        let batch = backend.clear_expired(clock.now(), 900).await.unwrap().removed;
        cleared += batch;
        if batch < 900 {
            break;
        }
    }
    assert_eq!(cleared, 1_200);
    assert_eq!(redis.command(&["DBSIZE"]).unwrap().concat(), "0");
}

#[tokio::test]
#[ignore = "needs a server: cargo xtask test starts one"]
async fn what_a_cache_remembers_goes_by_itself_when_its_lease_ends() {
    let redis = Redis::start().unwrap();
    let cache = Config::new(redis.url()).open_cache().await.unwrap();
    let copy = Stored::stamped(record("copy", None));
    cache.put(&id(), &copy, Duration::from_secs(30)).await.unwrap();
    cache.fence(&id(), Duration::from_secs(30)).await.unwrap();
    let keys = redis.command(&["KEYS", "*"]).unwrap();
    assert_eq!(keys.len(), 2);
    for key in keys {
        let left: u64 = redis.command(&["PTTL", &key]).unwrap().concat().parse().unwrap();
        assert!(left <= 30_000, "{left}");
    }
}
