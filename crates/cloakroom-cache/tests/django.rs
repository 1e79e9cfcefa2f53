//! A cache that is shared with Django: what it finds there, and what happens when it writes at the same time.

#![cfg(feature = "redis")]
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use cloakroom_cache::redis::Config;
use cloakroom_cache::redis::django::{Backend, Cached};
use cloakroom_conformance::{Fault, Faulty, Gate, Operation, PlainFormat, Setup};
use cloakroom_core::{
    Addressing, Clock, Deleted, ErrorKind, Memory, Portable, Read, Record, Revision, Saved, SessionBackend,
    SessionFormat, SessionId, SessionKey, Sessions, SystemClock, Timestamp, Touched,
};
use cloakroom_servers::Redis;
use support::{Mood, Proxy, id, ids, port, written};

const HOUR: Duration = Duration::from_hours(1);
const ID: &str = "abcdefgh";
const KEY: &str = ":1:django.contrib.sessions.cacheabcdefgh";

async fn open(url: &str) -> Backend {
    Config::new(url).open_django(Arc::new(PlainFormat)).await.unwrap()
}

fn payload(name: &str) -> Bytes {
    let mut session = Portable::default();
    session.entries = vec![(name.to_owned(), Bytes::from_static(b"1"))];
    PlainFormat.encode(&session, SystemClock.now(), usize::MAX).unwrap()
}

/// A record of a session with this name in it, for an hour.
fn record(name: &str) -> Record {
    support::record(payload(name), None)
}

fn revision(record: &Record) -> Revision {
    Revision::opaque(record.payload.clone())
}

fn text(payload: &Bytes) -> &str {
    std::str::from_utf8(payload).unwrap()
}

fn the_id() -> SessionId {
    SessionId::parse(ID).unwrap()
}

async fn value(backend: &Backend) -> Option<Bytes> {
    backend.load(&the_id(), Read::Latest).await.unwrap().map(|stored| stored.record.payload)
}

#[tokio::test]
#[ignore = "needs a server: cargo xtask test starts one"]
async fn a_session_is_a_value_that_django_finds_for_as_long_as_the_session_lasts() {
    let redis = Redis::start().unwrap();
    let backend = open(redis.url()).await;
    let (first, mut second) = (record("first"), record("second"));
    let seen = written(backend.create(&the_id(), &first).await.unwrap());
    second.expires_at = SystemClock.now().plus(Duration::from_millis(99_990));
    written(backend.save(&the_id(), &second, &seen).await.unwrap());
    assert_eq!(redis.command(&["KEYS", "*"]).unwrap(), [KEY]);
    assert_eq!(redis.command(&["GET", KEY]).unwrap(), [text(&second.payload)]);
    let life: u64 = redis.command(&["PTTL", KEY]).unwrap()[0].parse().unwrap();
    assert!((99_001..=100_000).contains(&life), "whole seconds, rounded up: {life}");
}

#[tokio::test]
#[ignore = "needs a server: cargo xtask test starts one"]
async fn what_django_has_written_is_found_and_changed() {
    let redis = Redis::start().unwrap();
    let config = Config::new(redis.url()).prefix("shop:2:django.contrib.sessions.cache");
    let sessions = Sessions::new(config.open_django(Arc::new(PlainFormat)).await.unwrap());
    let key = "shop:2:django.contrib.sessions.cacheabcdefgh";
    redis.command(&["SET", key, text(&payload("cart")), "EX", "100"]).unwrap();
    let session = sessions.load(SessionKey::parse(ID, Addressing::Verbatim)).await.unwrap();
    assert_eq!(session.get::<i64>("cart").unwrap(), Some(1));
    session.insert("more", 2).unwrap();
    session.save().await.unwrap();
    let there = redis.command(&["GET", key]).unwrap().remove(0);
    assert_eq!(PlainFormat.decode(&there.into()).unwrap().entries.len(), 2);
}

#[tokio::test]
#[ignore = "needs a server: cargo xtask test starts one"]
async fn a_session_that_django_lets_live_for_ever_has_no_end() {
    let redis = Redis::start().unwrap();
    let backend = open(redis.url()).await;
    let text_there = payload("for ever");
    redis.command(&["SET", KEY, text(&text_there)]).unwrap();
    let there = backend.load(&the_id(), Read::Any).await.unwrap().unwrap();
    assert_eq!(there.record.expires_at, Timestamp::MAX);
    let later = SystemClock.now().plus(HOUR);
    assert_eq!(backend.touch(&the_id(), later, &there.revision).await.unwrap(), Touched::Skipped);
    assert_eq!(redis.command(&["TTL", KEY]).unwrap(), ["-1"]);
    let refused = backend.save(&the_id(), &record("new"), &revision(&record("other"))).await.unwrap();
    assert!(matches!(refused, Saved::Conflict(there) if there.record.expires_at == Timestamp::MAX));
}

#[tokio::test]
#[ignore = "needs a server: cargo xtask test starts one"]
async fn each_operation_is_one_flight() {
    let redis = Redis::start().unwrap();
    let proxy = Proxy::before(port(redis.url())).await;
    let backend = open(&proxy.url()).await;
    let (from, to) = ids();
    for warm in [true, false] {
        proxy.commands();
        let seen = written(backend.create(&from, &record("first")).await.unwrap());
        let create = proxy.commands();
        backend.load(&from, Read::Latest).await.unwrap().unwrap();
        let load = proxy.commands();
        let seen = written(backend.save(&from, &record("second"), &seen).await.unwrap());
        let save = proxy.commands();
        backend.touch(&from, SystemClock.now().plus(HOUR * 2), &seen).await.unwrap();
        let touch = proxy.commands();
        let seen = written(backend.rotate(&from, &to, &record("third"), &seen).await.unwrap());
        let rotate = proxy.commands();
        assert_eq!(backend.delete(&to, Some(&seen)).await.unwrap(), Deleted::Ended);
        let delete = proxy.commands();
        if !warm {
            assert_eq!(create, ["SET"]);
            assert_eq!(load, ["GET", "PTTL"]);
            assert_eq!([save, touch, rotate, delete].concat(), ["EVALSHA"; 4]);
        }
    }
    assert_eq!(backend.clear_expired(SystemClock.now(), 100).await.unwrap().removed, 0);
    assert_eq!(proxy.commands(), [""; 0], "there is nothing to sweep");
}

#[tokio::test]
#[ignore = "needs a server: cargo xtask test starts one"]
async fn what_is_over_when_it_is_stored_is_not_there() {
    let redis = Redis::start().unwrap();
    let backend = open(redis.url()).await;
    let over = |name| {
        let mut record = record(name);
        record.expires_at = SystemClock.now();
        record
    };
    let (from, to) = ids();
    assert_eq!(backend.create(&from, &over("new")).await.unwrap(), Saved::Gone);
    let seen = written(backend.create(&from, &record("first")).await.unwrap());
    written(backend.save(&from, &over("saved"), &seen).await.unwrap());
    assert_eq!(backend.load(&from, Read::Latest).await.unwrap(), None);
    let seen = written(backend.create(&from, &record("again")).await.unwrap());
    written(backend.rotate(&from, &to, &over("rotated"), &seen).await.unwrap());
    assert_eq!(redis.command(&["DBSIZE"]).unwrap(), ["0"]);
}

#[tokio::test]
#[ignore = "needs a server: cargo xtask test starts one"]
async fn a_visit_moves_the_end_forward_only_and_changes_nothing_else() {
    let redis = Redis::start().unwrap();
    let backend = open(redis.url()).await;
    let seen = written(backend.create(&the_id(), &record("n")).await.unwrap());
    let sooner = SystemClock.now().plus(HOUR / 2);
    assert_eq!(backend.touch(&the_id(), sooner, &seen).await.unwrap(), Touched::Skipped);
    let later = SystemClock.now().plus(HOUR * 2);
    let elsewhere = revision(&record("other"));
    assert_eq!(backend.touch(&the_id(), later, &elsewhere).await.unwrap(), Touched::Skipped);
    assert!(
        matches!(backend.touch(&the_id(), later, &seen).await.unwrap(), Touched::Moved(it) if it.revision == seen)
    );
    let there = backend.load(&the_id(), Read::Any).await.unwrap().unwrap();
    assert!(there.revision == seen && there.record.expires_at.since(later) < Duration::from_secs(2));
    assert_eq!(backend.touch(&id(), later, &seen).await.unwrap(), Touched::Gone);
}

#[tokio::test]
#[ignore = "needs a server: cargo xtask test starts one"]
async fn what_was_not_seen_is_neither_replaced_nor_ended_and_is_shown() {
    let redis = Redis::start().unwrap();
    let backend = open(redis.url()).await;
    let seen = written(backend.create(&the_id(), &record("ours")).await.unwrap());
    let djangos = payload("django");
    redis.command(&["SET", KEY, text(&djangos), "EX", "100"]).unwrap();
    let other = SessionId::parse("abczzzzz").unwrap();
    let shown = |there: &cloakroom_core::Stored| there.record.payload == djangos;
    assert!(
        matches!(backend.create(&the_id(), &record("n")).await.unwrap(), Saved::Conflict(it) if shown(&it))
    );
    assert!(
        matches!(backend.save(&the_id(), &record("n"), &seen).await.unwrap(), Saved::Conflict(it) if shown(&it))
    );
    assert!(
        matches!(backend.rotate(&the_id(), &other, &record("n"), &seen).await.unwrap(), Saved::Conflict(it) if shown(&it))
    );
    assert!(
        matches!(backend.delete(&the_id(), Some(&seen)).await.unwrap(), Deleted::Conflict(it) if shown(&it))
    );
    assert_eq!(value(&backend).await, Some(djangos));
    assert_eq!(backend.delete(&the_id(), None).await.unwrap(), Deleted::Ended);
    assert_eq!(backend.save(&the_id(), &record("n"), &seen).await.unwrap(), Saved::Gone);
    assert_eq!(backend.rotate(&the_id(), &other, &record("n"), &seen).await.unwrap(), Saved::Gone);
    assert_eq!(redis.command(&["DBSIZE"]).unwrap(), ["0"]);
}

#[tokio::test]
#[ignore = "needs a server: cargo xtask test starts one"]
async fn a_value_of_another_type_is_corrupt_and_stays() {
    let redis = Redis::start().unwrap();
    let backend = open(redis.url()).await;
    redis.command(&["LPUSH", KEY, "entry"]).unwrap();
    let seen = revision(&record("n"));
    assert_eq!(backend.load(&the_id(), Read::Any).await.unwrap_err().kind(), ErrorKind::Corrupt);
    assert_eq!(backend.save(&the_id(), &record("n"), &seen).await.unwrap_err().kind(), ErrorKind::Corrupt);
    assert_eq!(backend.delete(&the_id(), None).await.unwrap_err().kind(), ErrorKind::Corrupt);
    assert_eq!(redis.command(&["LLEN", KEY]).unwrap(), ["1"]);
}

#[tokio::test]
async fn a_cluster_is_refused_by_name() {
    let config = Config::new("redis+cluster://:secret@127.0.0.1:1");
    let errors = [
        config.clone().open_django(Arc::new(PlainFormat)).await.unwrap_err(),
        config.open_django_cached(Memory::new()).await.unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.kind(), ErrorKind::Misconfigured);
        assert!(
            error.to_string().contains("127.0.0.1:1") && !error.to_string().contains("secret"),
            "{error}"
        );
    }
}

/// Four writers here change what they have seen, and Django writes over whatever is there. Each value that ever stood there was replaced
/// once, the last one excepted: were one of Django's overwritten unseen, it would be missing.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs a server: cargo xtask test starts one"]
async fn no_change_of_djangos_is_ever_overwritten_unseen() {
    let redis = Redis::start().unwrap();
    let backend = Arc::new(open(redis.url()).await);
    let start = record("start");
    written(backend.create(&the_id(), &start).await.unwrap());
    let done = Arc::new(AtomicBool::new(false));
    let django = std::thread::spawn({
        let done = Arc::clone(&done);
        move || {
            let (mut written, mut replaced) = (Vec::new(), Vec::new());
            while !done.load(Ordering::Relaxed) {
                let value = payload("django");
                let old = redis.command(&["SET", KEY, text(&value), "EX", "100", "GET"]).unwrap().remove(0);
                replaced.push(Bytes::from(old));
                written.push(value);
            }
            (redis, written, replaced)
        }
    });
    let writers: Vec<_> = (0..4)
        .map(|_| {
            let backend = Arc::clone(&backend);
            tokio::spawn(async move {
                let (mut own, mut replaced) = (Vec::new(), Vec::new());
                for _ in 0..400 {
                    let there = backend.load(&the_id(), Read::Latest).await.unwrap().unwrap();
                    let new = record("ours");
                    if let Saved::Written(_) = backend.save(&the_id(), &new, &there.revision).await.unwrap() {
                        own.push(new.payload);
                        replaced.push(there.record.payload);
                    }
                }
                (own, replaced)
            })
        })
        .collect();
    let (mut ours, mut seen) = (Vec::new(), Vec::new());
    for writer in writers {
        let (own, replaced) = writer.await.unwrap();
        ours.extend(own);
        seen.extend(replaced);
    }
    done.store(true, Ordering::Relaxed);
    let (_redis, djangos, mut replaced) = django.join().unwrap();
    let met = seen.iter().filter(|value| djangos.contains(value)).count();
    assert!(met > 0 && ours.len() < 1_600, "they hardly met: {met}, {}", ours.len());
    replaced.extend(seen);
    let once: HashSet<&Bytes> = replaced.iter().collect();
    assert_eq!(once.len(), replaced.len(), "two have replaced the same");
    let last = value(&backend).await.unwrap();
    let mut all = [start.payload].into_iter().chain(djangos).chain(ours);
    assert!(all.all(|value| value == last || once.contains(&value)), "one was overwritten unseen");
}

const COPY: &str = ":1:django.contrib.sessions.cached_dbabcdefgh";

/// Sessions elsewhere, and a server in which Django keeps copies.
struct Site {
    redis: Redis,
    proxy: Proxy,
    rows: Arc<Memory>,
    faulty: Faulty,
    cached: Arc<Cached<Faulty>>,
}

impl Site {
    async fn start() -> Self {
        let redis = Redis::start().unwrap();
        let proxy = Proxy::before(port(redis.url())).await;
        let rows = Arc::new(Memory::new());
        let faulty = Faulty::new(Arc::clone(&rows) as Arc<dyn SessionBackend>);
        let cached = Config::new(proxy.url()).open_django_cached(faulty.clone()).await.unwrap();
        Self { redis, proxy, rows, faulty, cached: Arc::new(cached) }
    }

    /// Django keeps a copy.
    fn copies(&self) {
        self.redis.command(&["SET", COPY, "a copy"]).unwrap();
    }

    fn has_a_copy(&self) -> bool {
        self.redis.command(&["EXISTS", COPY]).unwrap() == ["1"]
    }

    async fn put(&self) -> (Record, Revision) {
        let record = record("row");
        let seen = written(self.cached.create(&the_id(), &record).await.unwrap());
        self.copies();
        self.proxy.commands();
        (record, seen)
    }

    /// Does something, and something else when the row is about to be written.
    async fn amid<T: Send + 'static>(
        &self,
        operation: Operation,
        call: impl Future<Output = T> + Send + 'static,
        meanwhile: impl FnOnce(),
    ) -> T {
        let gate = Gate::default();
        self.faulty.fail(operation, Fault::Hold(gate.clone()));
        let call = tokio::spawn(call);
        gate.reached().await;
        meanwhile();
        gate.open();
        call.await.unwrap()
    }
}

#[tokio::test]
#[ignore = "needs a server: cargo xtask test starts one"]
async fn each_write_takes_djangos_copy_away_before_the_row_is_written_and_after() {
    let site = Site::start().await;
    let (_, mut seen) = site.put().await;
    for operation in [Operation::Save, Operation::Touch, Operation::Rotate, Operation::Delete] {
        site.copies();
        let (cached, at) = (Arc::clone(&site.cached), seen.clone());
        let call = async move {
            match operation {
                Operation::Save => {
                    Some(written(cached.save(&the_id(), &record("saved"), &at).await.unwrap()))
                }
                Operation::Touch => {
                    let later = SystemClock.now().plus(HOUR * 2);
                    assert!(matches!(cached.touch(&the_id(), later, &at).await.unwrap(), Touched::Moved(_)));
                    None
                }
                Operation::Rotate => {
                    Some(written(cached.rotate(&the_id(), &id(), &record("rotated"), &at).await.unwrap()))
                }
                _ => {
                    assert_eq!(cached.delete(&the_id(), None).await.unwrap(), Deleted::Ended);
                    None
                }
            }
        };
        let next = site.amid(operation, call, || {
            assert!(!site.has_a_copy(), "{operation:?} before");
            // A request at Django read the row before it changes.
            site.copies();
        });
        seen = next.await.unwrap_or(seen);
        assert!(!site.has_a_copy(), "{operation:?} after");
        if operation == Operation::Rotate {
            seen = site.put().await.1;
        }
    }
}

#[tokio::test]
#[ignore = "needs a server: cargo xtask test starts one"]
async fn a_read_goes_to_the_row_whatever_django_has_copied() {
    let site = Site::start().await;
    let (record, _) = site.put().await;
    let there = site.cached.load(&the_id(), Read::Any).await.unwrap().unwrap();
    assert_eq!(there.record, record);
    assert_eq!(site.proxy.commands(), [""; 0]);
}

#[tokio::test]
#[ignore = "needs a server: cargo xtask test starts one"]
async fn nothing_is_written_while_djangos_copy_can_not_be_taken_away() {
    let site = Site::start().await;
    let (record, seen) = site.put().await;
    for mood in [Mood::LosesReplyTo("DEL"), Mood::Silent] {
        site.proxy.becomes(mood);
        let error = site.cached.delete(&the_id(), Some(&seen)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
        assert_eq!(site.rows.load(&the_id(), Read::Any).await.unwrap().unwrap().record, record);
    }
}

#[tokio::test]
#[ignore = "needs a server: cargo xtask test starts one"]
async fn an_end_that_django_may_not_see_is_unknown_and_a_change_is_done() {
    let site = Site::start().await;
    let (_, seen) = site.put().await;
    let lost = || site.proxy.becomes(Mood::LosesReplyTo("DEL"));
    let cached = Arc::clone(&site.cached);
    let call = async move { cached.save(&the_id(), &record("saved"), &seen).await };
    let seen = written(site.amid(Operation::Save, call, lost).await.unwrap());
    let cached = Arc::clone(&site.cached);
    let call = async move { cached.delete(&the_id(), Some(&seen)).await };
    let error = site.amid(Operation::Delete, call, lost).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unknown, "{error}");
    assert_eq!(site.rows.load(&the_id(), Read::Any).await.unwrap(), None);
    assert_eq!(site.cached.delete(&the_id(), None).await.unwrap(), Deleted::Absent, "asked again it is sure");
}

/// A key's life goes by the server's clock, which no case can move: these need one that moves, or an end to the millisecond. What they
/// say of values the tests above say, and the suite holds as a whole on the same format in memory. Histories move it as well.
const BY_THE_CLOCK: [&str; 31] = [
    "create::a_record_is_loaded_as_it_was_stored",
    "load::a_record_is_absent_from_its_deadline_on_swept_or_not",
    "load::a_revision_is_what_a_load_would_find",
    "load::reading_neither_deletes_nor_extends",
    "save::replaces_what_was_seen",
    "save::never_revives_an_expired_record",
    "save::of_an_older_revision_is_a_conflict_that_shows_what_is_there",
    "touch::moves_the_deadline_and_nothing_else",
    "touch::never_moves_backwards",
    "touch::never_undoes_a_shorter_life",
    "touch::never_revives_what_has_ended",
    "rotate::ends_the_old_id_and_starts_the_new_one",
    "rotate::of_an_older_revision_is_a_conflict_and_changes_nothing",
    "rotate::of_what_has_ended_starts_nothing",
    "delete::of_an_expired_record_ends_nothing",
    "delete::at_a_revision_leaves_a_changed_record_alone",
    "sweep::removes_what_has_expired_and_nothing_else",
    "sweep::takes_no_more_than_its_limit_and_says_when_none_is_left",
    "walk::meets_nothing_that_has_ended",
    "expiries::an_absurd_expiry_is_a_long_one",
    "steps::a_call_that_is_dropped_is_done_or_not_done",
    "entries::reading_is_no_change",
    "reloads::a_reload_after_the_sessions_end_is_interrupted",
    "expiries::an_expiry_in_seconds_counts_from_the_last_change",
    "expiries::an_expiry_that_is_reset_is_the_default_again",
    "lifetimes::a_change_starts_the_age_anew_and_a_visit_does_not",
    "lifetimes::a_stored_end_counts_whatever_age_is_set_by_now",
    "lifetimes::a_fixed_moment_is_not_moved_by_changes",
    "lifetimes::a_session_until_the_browser_closes_still_ends_on_the_server",
    "lifetimes::a_session_that_is_marked_is_stored_again_and_starts_its_age_anew",
    "lifetimes::a_write_that_meets_a_new_expiry_keeps_it",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a server: cargo xtask test starts one"]
async fn all_of_the_suite_holds_that_needs_no_clock_to_move() {
    let redis = Redis::start().unwrap();
    let mut failed = Vec::new();
    for case in cloakroom_conformance::cases() {
        if case.name.starts_with("histories::") || BY_THE_CLOCK.contains(&case.name) {
            continue;
        }
        let config = Config::new(redis.url()).prefix(format!("test:{}:", id().expose()));
        let engine = async move |clock| {
            Setup::from(config.clock(clock).open_django(Arc::new(PlainFormat)).await.unwrap())
        };
        if tokio::spawn(cloakroom_conformance::run(engine, case.run)).await.is_err() {
            failed.push(case.name);
        }
    }
    assert_eq!(failed, [""; 0]);
}
