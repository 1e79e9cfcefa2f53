//! Sessions that move from one engine to another while they are used.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::time::Duration;

use cloakroom::core::{Clock, ManualClock, Read, SealKeys, Sealed, SessionBackend, SessionKey, SystemClock};
use cloakroom::{ErrorKind, Memory, Migrating, SessionOptions, Sessions, copy};
use cloakroom_conformance::{Fault, Faulty, Gate, Operation};

const HOUR: Duration = Duration::from_hours(1);

/// The suite, where every session begins in the new engine.
mod memory_before_memory {
    use std::sync::Arc;

    use cloakroom::{Memory, Migrating};

    cloakroom_conformance::backend_tests!(async |clock| {
        let (new, old) = (Memory::with_clock(Arc::clone(&clock)), Memory::with_clock(Arc::clone(&clock)));
        Migrating::with_clock(new, old, clock).unwrap()
    });
}

/// The same between engines of different kinds.
#[cfg(all(feature = "sqlite", feature = "file"))]
mod file_before_sqlite {
    use std::sync::Arc;

    use cloakroom::{Migrating, db, file};
    use cloakroom_conformance::Setup;

    cloakroom_conformance::backend_tests!(async |clock| {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}/sessions.sqlite3", folder.path().display());
        let old = db::Config::new(url).clock(Arc::clone(&clock)).open().await.unwrap();
        old.migrate().await.unwrap();
        let new =
            file::Config::new(folder.path().join("files")).clock(Arc::clone(&clock)).open().await.unwrap();
        Setup::keeping(Migrating::with_clock(new, old, clock).unwrap(), folder)
    });
}

/// A new engine and an old one, each of which fails when told to.
struct Site {
    new: Faulty,
    old: Faulty,
    sessions: Sessions,
    clock: ManualClock,
}

impl Site {
    fn new() -> Self {
        let clock = ManualClock::at(SystemClock.now());
        let memory = || Faulty::new(Memory::with_clock(Arc::new(clock.clone())));
        let (new, old) = (memory(), memory());
        let both = Migrating::with_clock(new.clone(), old.clone(), Arc::new(clock.clone())).unwrap();
        Self { sessions: on(&clock, both), new, old, clock }
    }

    /// The key of a session that the old engine keeps.
    async fn old_session(&self) -> SessionKey {
        let session = on(&self.clock, self.old.clone()).load(None).await.unwrap();
        session.insert("n", 1).unwrap();
        session.save().await.unwrap();
        session.key().unwrap()
    }

    async fn n(&self, key: &SessionKey) -> Option<i64> {
        self.sessions.load(Some(key.clone())).await.unwrap().get("n").unwrap()
    }

    async fn is_in(&self, engine: &Faulty, key: &SessionKey) -> bool {
        engine
            .load(&key.id(), Read::Latest)
            .await
            .unwrap()
            .is_some_and(|there| there.record.payload.len() > 20)
    }
}

/// Sessions in an engine, by a clock.
fn on(clock: &ManualClock, engine: impl SessionBackend) -> Sessions {
    let mut options = SessionOptions::default();
    options.clock = Arc::new(clock.clone());
    Sessions::with(engine, options)
}

#[tokio::test]
async fn a_session_of_the_old_engine_is_found_and_lives_in_the_new_one_from_then_on() {
    let site = Site::new();
    let key = site.old_session().await;
    assert_eq!(site.n(&key).await, Some(1));
    assert!(site.is_in(&site.new, &key).await && !site.is_in(&site.old, &key).await);
}

#[tokio::test]
async fn a_session_that_was_taken_over_is_read_with_one_call() {
    let site = Site::new();
    let key = site.old_session().await;
    site.n(&key).await;
    site.new.calls();
    site.old.calls();
    site.n(&key).await;
    assert_eq!((site.new.calls(), site.old.calls()), (vec![Operation::Load], vec![]));
}

#[tokio::test]
async fn a_logout_ends_a_session_in_both_engines() {
    let site = Site::new();
    let key = site.old_session().await;
    // Its taker dies between the two steps.
    site.old.fail(Operation::Delete, Fault::LoseRequest);
    site.sessions.load(Some(key.clone())).await.unwrap_err();
    assert!(site.is_in(&site.new, &key).await && site.is_in(&site.old, &key).await);
    let session = site.sessions.load(Some(key.clone())).await.unwrap();
    session.logout();
    session.save().await.unwrap();
    assert!(!site.is_in(&site.new, &key).await && !site.is_in(&site.old, &key).await);
    assert_eq!(site.n(&key).await, None);
}

#[tokio::test]
async fn what_a_taker_who_died_has_left_does_not_come_back_when_the_new_one_expires_early() {
    let site = Site::new();
    let key = site.old_session().await;
    site.old.fail(Operation::Delete, Fault::LoseRequest);
    site.sessions.load(Some(key.clone())).await.unwrap_err();
    let session = site.sessions.load(Some(key.clone())).await.unwrap();
    session.set_expiry(HOUR);
    session.save().await.unwrap();
    site.clock.advance(2 * HOUR);
    assert_eq!(site.n(&key).await, None);
}

#[tokio::test]
async fn what_a_taker_who_died_has_left_does_not_open_under_a_key_that_was_replaced() {
    let site = Site::new();
    let key = site.old_session().await;
    site.old.fail(Operation::Delete, Fault::LoseRequest);
    site.sessions.load(Some(key.clone())).await.unwrap_err();
    let session = site.sessions.load(Some(key.clone())).await.unwrap();
    session.cycle_key();
    session.save().await.unwrap();
    site.clock.advance(HOUR);
    assert_eq!(site.n(&key).await, None);
    assert_eq!(site.n(&session.key().unwrap()).await, Some(1));
}

#[tokio::test]
async fn a_taker_that_is_slow_brings_nothing_back_that_was_logged_out() {
    let site = Site::new();
    let key = site.old_session().await;
    let gate = Gate::default();
    site.old.fail(Operation::Load, Fault::HoldReply(gate.clone()));
    let mut slow = tokio::spawn({
        let (sessions, key) = (site.sessions.clone(), key.clone());
        async move { sessions.load(Some(key)).await.unwrap().key() }
    });
    gate.reached().await;
    let session = site.sessions.load(Some(key.clone())).await.unwrap();
    session.logout();
    session.save().await.unwrap();
    let deleting = Gate::default();
    site.old.fail(Operation::Delete, Fault::Hold(deleting.clone()));
    gate.open();
    // Whatever it has put into the new engine by now, nobody goes on with it.
    tokio::select! {
        () = deleting.reached() => {}
        key = &mut slow => assert_eq!(key.unwrap(), None),
    }
    assert_eq!(site.n(&key).await, None);
}

#[tokio::test]
async fn of_two_takers_neither_loses_the_session() {
    let site = Site::new();
    let key = site.old_session().await;
    let gate = Gate::default();
    site.old.fail(Operation::Delete, Fault::Hold(gate.clone()));
    let slow = tokio::spawn({
        let (sessions, key) = (site.sessions.clone(), key.clone());
        async move { sessions.load(Some(key)).await.unwrap().get::<i64>("n").unwrap() }
    });
    gate.reached().await;
    let session = site.sessions.load(Some(key.clone())).await.unwrap();
    session.update("n", |n: &mut i64| *n += 1).await.unwrap();
    gate.open();
    assert_eq!(slow.await.unwrap(), Some(2));
    assert_eq!(site.n(&key).await, Some(2));
}

#[tokio::test]
async fn a_change_in_the_old_engine_that_came_first_is_taken_over() {
    let site = Site::new();
    let key = site.old_session().await;
    let gate = Gate::default();
    site.old.fail(Operation::Delete, Fault::Hold(gate.clone()));
    let taking = tokio::spawn({
        let (sessions, key) = (site.sessions.clone(), key.clone());
        async move { sessions.load(Some(key)).await.unwrap().get::<i64>("n").unwrap() }
    });
    gate.reached().await;
    // A process that knows the old engine alone.
    let late = Sessions::new(site.old.clone()).load(Some(key.clone())).await.unwrap();
    late.update("n", |n: &mut i64| *n += 1).await.unwrap();
    gate.open();
    assert_eq!(taking.await.unwrap(), Some(2));
    assert!(!site.is_in(&site.old, &key).await);
}

#[tokio::test]
async fn a_users_sessions_are_listed_and_ended_in_both_engines() {
    let site = Site::new();
    for engine in [&site.new, &site.old] {
        let session = Sessions::new(engine.clone()).load(None).await.unwrap();
        session.login("alice").unwrap();
        session.save().await.unwrap();
    }
    assert_eq!(site.sessions.of_user("alice").await.unwrap().len(), 2);
    assert_eq!(site.sessions.revoke("alice").await.unwrap(), 2);
    assert_eq!(site.sessions.of_user("alice").await.unwrap().len(), 0);
}

#[cfg(feature = "signed-cookies")]
#[test]
fn what_visitors_bear_can_not_be_taken_over() {
    let cookies =
        cloakroom::cookie::Config::new("a secret key of the tests that is long enough for any engine");
    let error = Migrating::new(Memory::new(), cookies.open().unwrap()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Misconfigured);
}

#[tokio::test]
async fn a_copy_moves_every_living_session_and_says_how_many() {
    let site = Site::new();
    let mut keys = Vec::new();
    for _ in 0..150 {
        keys.push(site.old_session().await);
    }
    let (from, to) = (Sessions::new(site.old.clone()), Sessions::new(site.new.clone()));
    let mut told = 0;
    let done = copy(&from, &to, |copied| told = copied).await.unwrap();
    assert_eq!((done.copied, done.skipped, told), (150, 0, 150));
    for key in &keys {
        assert!(site.is_in(&site.new, key).await && !site.is_in(&site.old, key).await);
    }
    assert_eq!(copy(&from, &to, |_| {}).await.unwrap().copied, 0);
}

#[tokio::test]
async fn what_has_ended_in_one_move_is_not_moved_on_by_the_next() {
    let site = Site::new();
    let session = site.sessions.load(Some(site.old_session().await)).await.unwrap();
    session.logout();
    session.save().await.unwrap();
    let third = on(&site.clock, Memory::with_clock(Arc::new(site.clock.clone())));
    let done = copy(&on(&site.clock, site.new.clone()), &third, |_| {}).await.unwrap();
    assert_eq!(done.copied, 0);
}

#[tokio::test]
async fn a_copy_that_was_cut_short_is_finished_by_the_next() {
    let site = Site::new();
    let mut keys = Vec::new();
    for _ in 0..20 {
        keys.push(site.old_session().await);
    }
    let (from, to) = (Sessions::new(site.old.clone()), Sessions::new(site.new.clone()));
    site.old.fail(Operation::Delete, Fault::LoseReply);
    site.old.fail(Operation::Delete, Fault::LoseRequest);
    let mut cut_short = 0;
    while let Err(error) = copy(&from, &to, |_| {}).await {
        assert_eq!(error.kind(), ErrorKind::Unknown);
        cut_short += 1;
    }
    assert_eq!(cut_short, 2);
    for key in &keys {
        assert!(site.is_in(&site.new, key).await && !site.is_in(&site.old, key).await);
    }
}

#[tokio::test]
async fn what_a_copy_can_not_unseal_stays_where_it_is_and_is_counted() {
    let old = Arc::new(Memory::new());
    let sealed = |key| Sessions::new(Sealed::new(Arc::clone(&old), SealKeys::new([[key; 32]]).unwrap()));
    let session = sealed(1).load(None).await.unwrap();
    session.insert("n", 1).unwrap();
    session.save().await.unwrap();
    let new = Sessions::new(Memory::new());
    let done = copy(&sealed(2), &new, |_| {}).await.unwrap();
    assert_eq!((done.copied, done.skipped), (0, 1));
    assert!(new.list(None).await.unwrap().sessions.is_empty());
    let unkeyed = copy(&Sessions::new(Arc::clone(&old)), &new, |_| {}).await.unwrap();
    assert_eq!((unkeyed.copied, unkeyed.skipped), (0, 1));
    let again = sealed(1).load(session.key()).await.unwrap();
    assert_eq!(again.get::<i64>("n").unwrap(), Some(1));
}

#[cfg(feature = "memory")]
#[tokio::test]
async fn nothing_is_copied_to_where_sessions_are_kept_under_their_keys() {
    use cloakroom_conformance::PlainFormat;

    let foreign = || cloakroom::cache::memory::Config::new().format(Arc::new(PlainFormat)).open();
    for from in [Sessions::new(foreign()), Sessions::new(Memory::new())] {
        let error = copy(&from, &Sessions::new(foreign()), |_| {}).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Misconfigured);
    }
}

#[tokio::test]
async fn a_copy_from_a_store_to_itself_is_refused_and_ends_nobodys_session() {
    let site = Site::new();
    let key = site.old_session().await;
    let (one, same) = (on(&site.clock, site.old.clone()), on(&site.clock, site.old.clone()));
    let refused = copy(&one, &same, |_| {}).await.map_err(|error| error.kind());
    assert!(site.is_in(&site.old, &key).await);
    assert_eq!(refused, Err(ErrorKind::Misconfigured));
}

#[tokio::test]
async fn a_copy_that_is_slow_brings_nothing_back_that_was_logged_out_long_ago() {
    let site = Site::new();
    let key = site.old_session().await;
    let gate = Gate::default();
    site.old.fail(Operation::List, Fault::HoldReply(gate.clone()));
    let (from, to) = (on(&site.clock, site.old.clone()), on(&site.clock, site.new.clone()));
    let mut copying = tokio::spawn(async move { copy(&from, &to, |_| {}).await.unwrap().copied });
    gate.reached().await;
    let session = site.sessions.load(Some(key.clone())).await.unwrap();
    session.logout();
    session.save().await.unwrap();
    // What was left where it ended is over by now.
    site.clock.advance(Duration::from_mins(2));
    let deleting = Gate::default();
    site.old.fail(Operation::Delete, Fault::Hold(deleting.clone()));
    gate.open();
    tokio::select! {
        () = deleting.reached() => {}
        copied = &mut copying => assert_eq!(copied.unwrap(), 0),
    }
    assert_eq!(site.n(&key).await, None);
}
