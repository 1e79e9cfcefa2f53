//! Sweeping beside a site, and listing what is there.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::time::Duration;

use cloakroom_conformance::{Fault, Faulty, Gate, Operation};
use cloakroom_core::{
    ClearExpired, Clock, Expiry, ManualClock, Memory, SessionOptions, Sessions, SystemClock, Timestamp,
};
use tokio::sync::oneshot;

const HOUR: Duration = Duration::from_hours(1);

/// Sessions whose engine fails when told to, on a clock that is moved by hand.
fn site() -> (Sessions, Faulty, ManualClock) {
    let clock = ManualClock::at(SystemClock.now());
    let engine = Faulty::new(Memory::with_clock(Arc::new(clock.clone())));
    let mut options = SessionOptions::default();
    options.clock = Arc::new(clock.clone());
    (Sessions::with(engine.clone(), options), engine, clock)
}

async fn stored(sessions: &Sessions, expiry: Expiry) -> cloakroom_core::SessionId {
    let session = sessions.load(None).await.unwrap();
    session.insert("colour", "green").unwrap();
    session.set_expiry(expiry);
    session.save().await.unwrap();
    session.id().unwrap()
}

/// How many records there are, dead or alive: all are swept.
async fn records(engine: &Faulty) -> u64 {
    use cloakroom_core::SessionBackend;
    engine.clear_expired(Timestamp::MAX, u32::MAX).await.unwrap().removed
}

#[tokio::test]
async fn what_has_been_over_for_an_hour_is_swept_and_nothing_else() {
    let (sessions, engine, clock) = site();
    stored(&sessions, Expiry::After(HOUR)).await;
    stored(&sessions, Expiry::After(2 * HOUR)).await;
    clock.advance(2 * HOUR);
    let (stop, stopped) = oneshot::channel::<()>();
    let gate = Gate::default();
    engine.fail(Operation::Sweep, Fault::HoldReply(gate.clone()));
    let sweeps = tokio::spawn(ClearExpired::new(&sessions).run(async { drop(stopped.await) }));
    gate.reached().await;
    gate.open();
    drop(stop);
    sweeps.await.unwrap();
    assert_eq!(records(&engine).await, 1);
}

#[tokio::test]
async fn a_sweep_that_fails_is_followed_by_one_that_does_not() {
    let (sessions, engine, clock) = site();
    stored(&sessions, Expiry::After(HOUR)).await;
    clock.advance(3 * HOUR);
    engine.fail(Operation::Sweep, Fault::Refuse);
    let gate = Gate::default();
    engine.fail(Operation::Sweep, Fault::HoldReply(gate.clone()));
    let (stop, stopped) = oneshot::channel::<()>();
    let task = ClearExpired::new(&sessions).every(HOUR).run(async { drop(stopped.await) });
    let sweeps = tokio::spawn(task);
    while !engine.calls().contains(&Operation::Sweep) {
        tokio::task::yield_now().await;
    }
    let moving = tokio::spawn({
        let clock = clock.clone();
        async move {
            // It sleeps as soon as the first has failed: whenever that is, an hour passes then.
            loop {
                clock.advance(HOUR);
                tokio::task::yield_now().await;
            }
        }
    });
    gate.reached().await;
    moving.abort();
    gate.open();
    drop(stop);
    sweeps.await.unwrap();
    assert_eq!(records(&engine).await, 0);
}

#[tokio::test]
async fn sweeps_end_with_the_application_also_while_the_store_is_silent() {
    let (sessions, engine, _) = site();
    engine.fail(Operation::Sweep, Fault::Hang);
    let (stop, stopped) = oneshot::channel::<()>();
    let sweeps = tokio::spawn(ClearExpired::new(&sessions).run(async { drop(stopped.await) }));
    while !engine.calls().contains(&Operation::Sweep) {
        tokio::task::yield_now().await;
    }
    drop(stop);
    sweeps.await.unwrap();
}

#[tokio::test]
async fn a_large_sweep_tells_of_each_step() {
    let (sessions, _, clock) = site();
    for _ in 0..120 {
        stored(&sessions, Expiry::After(HOUR)).await;
    }
    clock.advance(HOUR);
    let mut told = Vec::new();
    let cleared = sessions.clear_expired_telling(clock.now(), |cleared| told.push(cleared)).await.unwrap();
    assert_eq!(cleared, 120);
    assert!(told.len() > 1 && told.is_sorted() && told.last() == Some(&120), "{told:?}");
}

#[tokio::test]
async fn all_living_sessions_are_listed_whoever_they_are_of() {
    let (sessions, _, clock) = site();
    stored(&sessions, Expiry::After(HOUR / 2)).await;
    clock.advance(HOUR);
    let anonymous = stored(&sessions, Expiry::Default).await;
    let session = sessions.load(None).await.unwrap();
    session.login("alice").unwrap();
    session.save().await.unwrap();
    let listed = sessions.list(None).await.unwrap();
    let mut shown: Vec<_> = listed.sessions.into_iter().map(|info| (info.user, info.id)).collect();
    shown.sort();
    assert_eq!(shown, [(None, anonymous), (Some("alice".to_owned()), session.id().unwrap())]);
    assert!(listed.next.is_none());
}

#[tokio::test]
async fn a_session_is_looked_up_by_its_id_and_deleted_whoever_it_is_of() {
    let (sessions, _, _) = site();
    let id = stored(&sessions, Expiry::Default).await;
    let found = sessions.look_up(&id).await.unwrap().unwrap();
    let entries: Vec<_> = found.entries.iter().map(|(name, value)| (name.as_str(), value.get())).collect();
    assert_eq!((entries, found.info.id), (vec![("colour", r#""green""#)], id.clone()));
    assert!(!format!("{:?}", sessions.look_up(&id).await.unwrap()).contains("green"));
    assert!(sessions.delete(&id).await.unwrap());
    assert!(!sessions.delete(&id).await.unwrap());
    assert!(sessions.look_up(&id).await.unwrap().is_none());
}
