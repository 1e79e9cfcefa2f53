//! What a cache in front of an engine may cost, and what it may never cost.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use cloakroom_conformance::{Fault, Faulty, Gate, Operation, Shelf, Trouble};
use cloakroom_core::{
    Cached, ErrorKind, ManualClock, Memory, Read, Saved, SessionBackend, SessionKey, SessionOptions,
    Sessions, Stored, Timestamp,
};

mod shelf {
    cloakroom_conformance::cache_tests!(async |clock| cloakroom_conformance::Shelf::new(clock, true));
}

/// Two processes with one engine, and a cache that they share, or one each.
struct Site {
    clock: ManualClock,
    engine: Faulty,
    shelves: [Shelf; 2],
    processes: [Sessions; 2],
}

fn site(shared: bool) -> Site {
    let clock = ManualClock::at(Timestamp::from_millis(1_800_000_000_000));
    let time = Arc::new(clock.clone());
    let engine = Faulty::new(Memory::with_clock(time.clone()));
    let shelf = Shelf::new(time.clone(), shared);
    let shelves = [shelf.clone(), if shared { shelf } else { Shelf::new(time.clone(), false) }];
    let processes = shelves.clone().map(|shelf| {
        let mut options = SessionOptions::default();
        options.clock = time.clone();
        Sessions::with(Cached::with_clock(engine.clone(), shelf, time.clone()), options)
    });
    Site { clock, engine, shelves, processes }
}

impl Site {
    /// A session with one name, seen by both processes.
    async fn visitor(&self) -> SessionKey {
        let session = self.processes[0].load(None).await.unwrap();
        session.insert("n", 1).unwrap();
        session.save().await.unwrap();
        let key = session.key().unwrap();
        for process in 0..2 {
            assert_eq!(self.number(process, &key).await, Some(1));
        }
        self.engine.calls();
        for shelf in &self.shelves {
            shelf.calls();
        }
        key
    }

    async fn number(&self, process: usize, key: &SessionKey) -> Option<u64> {
        self.processes[process].load(Some(key.clone())).await.unwrap().get("n").unwrap()
    }

    async fn set(&self, process: usize, key: &SessionKey, number: u64) {
        let session = self.processes[process].load(Some(key.clone())).await.unwrap();
        session.insert("n", number).unwrap();
        session.save().await.unwrap();
    }

    async fn log_out(&self, process: usize, key: &SessionKey) {
        let session = self.processes[process].load(Some(key.clone())).await.unwrap();
        session.flush();
        session.save().await.unwrap();
    }

    /// Stores a second version that the shared cache hears nothing of, and returns what it still shows.
    async fn behind(&self, key: &SessionKey) -> Stored {
        self.shelves[0].suffer(Some(Trouble::Down));
        self.set(0, key, 2).await;
        self.shelves[0].suffer(None);
        self.clock.advance(Duration::from_secs(1));
        self.backend(1).load(&key.id(), Read::Any).await.unwrap().unwrap()
    }

    fn backend(&self, process: usize) -> &dyn SessionBackend {
        self.processes[process].backend()
    }
}

#[tokio::test]
async fn a_hit_in_a_shared_cache_asks_the_engine_nothing() {
    let site = site(true);
    let key = site.visitor().await;
    assert_eq!(site.number(1, &key).await, Some(1));
    assert_eq!(site.engine.calls(), []);
    assert_eq!(site.shelves[0].calls(), 1);
}

#[tokio::test]
async fn a_hit_in_a_cache_of_one_process_asks_the_engine_for_the_revision_alone() {
    let site = site(false);
    let key = site.visitor().await;
    assert_eq!(site.number(1, &key).await, Some(1));
    assert_eq!(site.engine.calls(), [Operation::Revision]);
}

#[tokio::test]
async fn what_one_process_stores_or_ends_the_other_sees_at_once() {
    for shared in [true, false] {
        let site = site(shared);
        let key = site.visitor().await;
        site.set(0, &key, 2).await;
        assert_eq!(site.number(1, &key).await, Some(2), "shared: {shared}");
        site.log_out(1, &key).await;
        assert_eq!(site.number(0, &key).await, None, "shared: {shared}");
    }
}

#[tokio::test]
async fn a_rotation_takes_the_old_key_from_every_process() {
    for shared in [true, false] {
        let site = site(shared);
        let key = site.visitor().await;
        let session = site.processes[0].load(Some(key.clone())).await.unwrap();
        session.cycle_key();
        session.save().await.unwrap();
        assert_eq!(site.number(1, &key).await, None, "shared: {shared}");
        assert_eq!(site.number(1, &session.key().unwrap()).await, Some(1), "shared: {shared}");
    }
}

#[tokio::test]
async fn a_slow_reader_does_not_put_back_what_was_ended_meanwhile() {
    let site = site(true);
    let key = site.visitor().await;
    site.clock.advance(Duration::from_secs(31));
    let gate = Gate::default();
    // The engine's answer is under way when the session is ended.
    site.engine.fail(Operation::Load, Fault::HoldReply(gate.clone()));
    let slow = tokio::spawn({
        let (sessions, key) = (site.processes[1].clone(), key.clone());
        async move { sessions.load(Some(key)).await.unwrap().get::<u64>("n").unwrap() }
    });
    gate.reached().await;
    site.log_out(0, &key).await;
    gate.open();
    assert_eq!(slow.await.unwrap(), Some(1), "it had asked before");
    assert_eq!(site.number(0, &key).await, None);
    assert_eq!(site.number(1, &key).await, None);
}

#[tokio::test]
async fn a_reader_that_was_asleep_for_longer_than_a_fence_holds_puts_nothing_back() {
    let site = site(true);
    let key = site.visitor().await;
    site.clock.advance(Duration::from_secs(31));
    let gate = Gate::default();
    site.engine.fail(Operation::Load, Fault::HoldReply(gate.clone()));
    let (engine, id) = (
        Arc::new(Cached::with_clock(
            site.engine.clone(),
            site.shelves[1].clone(),
            Arc::new(site.clock.clone()),
        )),
        key.id(),
    );
    let asleep = tokio::spawn(async move { engine.load(&id, Read::Any).await.unwrap() });
    gate.reached().await;
    site.log_out(0, &key).await;
    site.clock.advance(Duration::from_mins(2));
    gate.open();
    assert!(asleep.await.unwrap().is_some());
    assert_eq!(site.number(0, &key).await, None);
}

#[tokio::test]
async fn a_cache_that_is_down_costs_speed_and_nothing_else() {
    let site = site(true);
    let key = site.visitor().await;
    site.shelves[0].suffer(Some(Trouble::Down));
    site.set(0, &key, 2).await;
    assert_eq!(site.number(1, &key).await, Some(2));
    let counted = site.processes[0].load(Some(key.clone())).await.unwrap();
    assert_eq!(counted.update("n", |n: &mut u64| *n += 1).await.unwrap(), 3);
    site.log_out(1, &key).await;
    assert_eq!(site.number(0, &key).await, None);
}

#[tokio::test]
async fn a_cache_that_is_down_is_asked_once_a_second_and_not_by_every_reader() {
    let site = site(true);
    let key = site.visitor().await;
    site.shelves[0].suffer(Some(Trouble::Down));
    for _ in 0..10 {
        assert_eq!(site.number(0, &key).await, Some(1));
    }
    assert_eq!(site.shelves[0].calls(), 1);
    site.clock.advance(Duration::from_secs(1));
    site.number(0, &key).await;
    assert_eq!(site.shelves[0].calls(), 1);
}

#[tokio::test]
async fn a_cache_that_never_answers_is_not_waited_for() {
    let site = site(true);
    let key = site.visitor().await;
    site.shelves[0].suffer(Some(Trouble::Silent));
    let reader = tokio::spawn({
        let (sessions, key) = (site.processes[0].clone(), key.clone());
        async move { sessions.load(Some(key)).await.unwrap().get::<u64>("n").unwrap() }
    });
    while site.shelves[0].calls() == 0 {
        tokio::task::yield_now().await;
    }
    site.clock.advance(Duration::from_millis(500));
    assert_eq!(reader.await.unwrap(), Some(1));
}

#[tokio::test]
async fn what_was_ended_while_the_cache_was_away_is_read_for_one_lease_at_most_and_never_written() {
    let site = site(true);
    let key = site.visitor().await;
    let promised = site.backend(0).capabilities().stale_read;
    site.shelves[0].suffer(Some(Trouble::Down));
    site.log_out(0, &key).await;
    site.shelves[0].suffer(None);
    site.clock.advance(Duration::from_secs(2));
    // The documented limit shows: the copy is still there.
    assert_eq!(site.number(1, &key).await, Some(1));
    let late = site.processes[1].load(Some(key.clone())).await.unwrap();
    late.insert("n", 9).unwrap();
    assert_eq!(late.save().await.unwrap_err().kind(), ErrorKind::Interrupted);
    assert_eq!(site.number(1, &key).await, None, "who met the truth has told the cache");
    site.clock.advance(promised);
    assert_eq!(site.number(0, &key).await, None);
}

#[tokio::test]
async fn a_stale_copy_loses_no_update() {
    let site = site(true);
    let key = site.visitor().await;
    site.shelves[0].suffer(Some(Trouble::Down));
    site.set(0, &key, 41).await;
    site.shelves[0].suffer(None);
    site.clock.advance(Duration::from_secs(2));
    let late = site.processes[1].load(Some(key.clone())).await.unwrap();
    assert_eq!(late.get::<u64>("n").unwrap(), Some(1), "the copy is behind");
    assert_eq!(late.update("n", |n: &mut u64| *n += 1).await.unwrap(), 42);
    assert_eq!(site.number(0, &key).await, Some(42));
}

#[tokio::test]
async fn a_write_whose_fate_is_unknown_sends_readers_to_the_engine() {
    let site = site(true);
    let key = site.visitor().await;
    let stored = site.backend(0).load(&key.id(), Read::Latest).await.unwrap().unwrap();
    let mut newer = stored.record.clone();
    newer.stamp.sequence += 1;
    site.engine.fail(Operation::Save, Fault::LoseReply);
    let error = site.backend(0).save(&key.id(), &newer, &stored.revision).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unknown);
    assert_eq!(site.backend(1).load(&key.id(), Read::Any).await.unwrap().unwrap().record, newer);
}

#[tokio::test]
async fn a_visit_that_was_noted_is_not_noted_again_for_a_lease() {
    let site = site(true);
    let key = site.visitor().await;
    let stored = site.backend(0).load(&key.id(), Read::Any).await.unwrap().unwrap();
    let until = stored.record.expires_at.plus(Duration::from_mins(5));
    site.backend(0).touch(&key.id(), until, &stored.revision).await.unwrap();
    site.engine.calls();
    let seen = site.backend(1).load(&key.id(), Read::Any).await.unwrap().unwrap();
    assert_eq!(seen.record.expires_at, until);
    assert_eq!(site.engine.calls(), []);
}

#[tokio::test]
async fn the_engine_is_asked_before_a_copy_is_taken_for_expired() {
    let site = site(true);
    let session = site.processes[0].load(None).await.unwrap();
    session.insert("n", 1).unwrap();
    session.set_expiry(Duration::from_secs(10));
    session.save().await.unwrap();
    let key = session.key().unwrap();
    let stored = site.backend(0).load(&key.id(), Read::Any).await.unwrap().unwrap();
    // Somebody whose cache is another one notes a visit.
    let until = stored.record.expires_at.plus(Duration::from_mins(5));
    site.engine.touch(&key.id(), until, &stored.revision).await.unwrap();
    site.clock.advance(Duration::from_secs(11));
    assert_eq!(site.number(1, &key).await, Some(1));
}

#[tokio::test]
async fn what_has_expired_is_not_read_from_a_copy() {
    let site = site(true);
    let session = site.processes[0].load(None).await.unwrap();
    session.insert("n", 1).unwrap();
    session.set_expiry(Duration::from_secs(10));
    session.save().await.unwrap();
    site.clock.advance(Duration::from_secs(10));
    assert_eq!(site.backend(1).load(&session.id().unwrap(), Read::Any).await.unwrap(), None);
}

#[tokio::test]
async fn a_recheck_comes_from_the_engine_and_puts_the_copy_right() {
    let site = site(true);
    let key = site.visitor().await;
    site.behind(&key).await;
    let latest = site.backend(1).load(&key.id(), Read::Latest).await.unwrap().unwrap();
    assert_eq!(latest.record.stamp.sequence, 2);
    assert_eq!(site.backend(0).load(&key.id(), Read::Any).await.unwrap().unwrap(), latest);
}

#[tokio::test]
async fn a_conflict_puts_the_copy_right() {
    let site = site(true);
    let key = site.visitor().await;
    let stale = site.behind(&key).await;
    let mut late = stale.record.clone();
    late.stamp.nonce ^= 1;
    let saved = site.backend(1).save(&key.id(), &late, &stale.revision).await.unwrap();
    let Saved::Conflict(there) = saved else { panic!("{saved:?}") };
    assert_eq!(site.backend(0).load(&key.id(), Read::Any).await.unwrap().unwrap(), there);
}

#[tokio::test]
async fn a_visit_noted_at_a_newer_version_does_not_lengthen_an_older_copys_lease() {
    let site = site(true);
    let key = site.visitor().await;
    site.behind(&key).await;
    let (seen, deadline) = site.engine.revision(&key.id()).await.unwrap().unwrap();
    site.clock.advance(Duration::from_secs(20));
    site.backend(0).touch(&key.id(), deadline.plus(Duration::from_mins(5)), &seen).await.unwrap();
    site.clock.advance(Duration::from_secs(10));
    assert_eq!(site.number(1, &key).await, Some(2));
}

#[tokio::test]
async fn a_cache_of_one_process_shows_the_engines_deadline() {
    let site = site(false);
    let key = site.visitor().await;
    let (seen, deadline) = site.engine.revision(&key.id()).await.unwrap().unwrap();
    let until = deadline.plus(Duration::from_mins(5));
    site.backend(0).touch(&key.id(), until, &seen).await.unwrap();
    assert_eq!(site.backend(1).load(&key.id(), Read::Any).await.unwrap().unwrap().record.expires_at, until);
}

#[tokio::test]
async fn only_a_shared_cache_admits_to_being_stale_and_for_one_lease() {
    assert_eq!(site(true).backend(0).capabilities().stale_read, Duration::from_secs(30));
    assert_eq!(site(false).backend(0).capabilities().stale_read, Duration::ZERO);
}

#[tokio::test]
async fn a_slow_fillers_lease_counts_from_when_it_asked() {
    let site = site(true);
    let key = site.visitor().await;
    site.clock.advance(Duration::from_secs(31));
    let gate = Gate::default();
    site.engine.fail(Operation::Load, Fault::HoldReply(gate.clone()));
    let slow = tokio::spawn({
        let (engine, shelf, clock) = (site.engine.clone(), site.shelves[1].clone(), site.clock.clone());
        let id = key.id();
        async move { Cached::with_clock(engine, shelf, Arc::new(clock)).load(&id, Read::Any).await.unwrap() }
    });
    gate.reached().await;
    site.shelves[0].suffer(Some(Trouble::Down));
    site.log_out(0, &key).await;
    site.shelves[0].suffer(None);
    site.clock.advance(Duration::from_secs(9));
    gate.open();
    assert!(slow.await.unwrap().is_some(), "it had asked before");
    let promised = site.backend(0).capabilities().stale_read;
    site.clock.advance(promised.saturating_sub(Duration::from_secs(9)));
    assert_eq!(site.number(1, &key).await, None);
}

#[tokio::test]
async fn what_is_stored_while_the_cache_is_left_alone_is_told_to_it() {
    let site = site(true);
    let key = site.visitor().await;
    site.shelves[0].suffer(Some(Trouble::Down));
    assert_eq!(site.number(0, &key).await, Some(1));
    site.shelves[0].suffer(None);
    site.set(0, &key, 2).await;
    assert_eq!(site.number(1, &key).await, Some(2), "by one whose cache never failed");
}

#[tokio::test]
async fn a_visit_or_a_recheck_that_finds_the_session_ended_takes_its_copy_away() {
    for touched in [true, false] {
        let site = site(true);
        let key = site.visitor().await;
        let copy = site.backend(1).load(&key.id(), Read::Any).await.unwrap().unwrap();
        site.engine.delete(&key.id(), None).await.unwrap();
        if touched {
            let until = copy.record.expires_at.plus(Duration::from_secs(1));
            site.backend(1).touch(&key.id(), until, &copy.revision).await.unwrap();
        } else {
            site.backend(1).load(&key.id(), Read::Latest).await.unwrap();
        }
        assert_eq!(site.number(0, &key).await, None, "touched: {touched}");
    }
}

#[tokio::test]
async fn what_was_remembered_before_a_login_counts_for_nobody_after_it() {
    for shared in [true, false] {
        let site = site(shared);
        // The password was right, the second factor is still asked for: every cache has seen that.
        let key = site.visitor().await;
        let pending = site.processes[0].load(Some(key.clone())).await.unwrap();
        pending.insert("pending", "alice").unwrap();
        pending.save().await.unwrap();
        let waits = async |process: usize, key: &SessionKey| {
            let session = site.processes[process].load(Some(key.clone())).await.unwrap();
            (session.get::<String>("pending").unwrap(), session.user())
        };
        for process in [0, 1, 0] {
            assert_eq!(waits(process, &key).await, (Some("alice".to_owned()), None));
        }
        // It is passed in the one process; in each, who only had the password is nobody, and who passed is she.
        let passed = site.processes[0].load(Some(key.clone())).await.unwrap();
        passed.remove("pending");
        passed.login("alice").unwrap();
        passed.save().await.unwrap();
        let full = passed.key().unwrap();
        for process in [0, 1, 0] {
            assert_eq!(waits(process, &key).await, (None, None), "shared: {shared}");
            assert_eq!(waits(process, &full).await, (None, Some("alice".to_owned())), "shared: {shared}");
        }
        // A step back: what she may do no more, no copy of what she might says she may.
        let lowered = site.processes[1].load(Some(full.clone())).await.unwrap();
        lowered.insert("pending", "again").unwrap();
        lowered.save().await.unwrap();
        for process in [1, 0] {
            assert_eq!(waits(process, &full).await.0.as_deref(), Some("again"), "shared: {shared}");
        }
        site.log_out(1, &full).await;
        for process in [1, 0] {
            assert_eq!(waits(process, &full).await, (None, None), "shared: {shared}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_without_end_never_see_what_their_process_has_acknowledged_to_be_over() {
    for shared in [true, false] {
        let site = site(shared);
        for round in 0..50 {
            let key = site.visitor().await;
            let over = Arc::new(AtomicBool::new(false));
            let readers: Vec<_> = (0..4)
                .map(|n| {
                    let (sessions, key, over) =
                        (site.processes[n % 2].clone(), key.clone(), Arc::clone(&over));
                    tokio::spawn(async move {
                        for _ in 0..40 {
                            let was_over = over.load(Ordering::SeqCst);
                            let found = sessions.load(Some(key.clone())).await.unwrap().key().is_some();
                            assert!(!(was_over && found), "it was over, and is read");
                            tokio::task::yield_now().await;
                        }
                    })
                })
                .collect();
            tokio::task::yield_now().await;
            if round % 2 == 0 {
                site.log_out(0, &key).await;
            } else {
                let session = site.processes[0].load(Some(key.clone())).await.unwrap();
                session.login("alice").unwrap();
                session.save().await.unwrap();
            }
            over.store(true, Ordering::SeqCst);
            for reader in readers {
                reader.await.unwrap();
            }
        }
    }
}
