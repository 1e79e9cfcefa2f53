//! Dead stays dead.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use cloakroom_core::{
    CookieChange, Error, ErrorKind, Expiry, ManualClock, Saved, Session, SessionKey, Sessions,
};

use super::{assert_ended, cut, names, newcomer, number, saving, stored, visit};
use crate::{Engine, Fault, Faulty, Gate, Limit, Operation};

/// A request that has loaded its session, and whose visitor logs out by another one then.
async fn logged_out_elsewhere(sessions: &Sessions) -> (SessionKey, Session) {
    let key = stored(sessions).await;
    let (slow, logout) = (visit(sessions, &key).await, visit(sessions, &key).await);
    logout.logout();
    logout.save().await.unwrap();
    assert_eq!(logout.activity().cookie, CookieChange::Remove);
    (key, slow)
}

/// A slow request loads, another logs out, the slow one saves: however it saves.
pub async fn a_save_after_another_requests_logout_is_interrupted_and_stores_nothing(engine: Engine) {
    if engine.lacks(Limit::Revocation).await {
        return;
    }
    let sessions = engine.sessions();
    for way in 0..3 {
        let (key, slow) = logged_out_elsewhere(&sessions).await;
        slow.insert("late", 1).unwrap();
        let late = match way {
            0 => slow.save().await,
            1 => slow.update("n", |n: &mut i64| *n += 1).await.map(|_| ()),
            _ => {
                slow.login("mallory").unwrap();
                slow.save().await
            }
        };
        assert_eq!(late.unwrap_err().kind(), ErrorKind::Interrupted);
        assert_eq!(slow.save().await.unwrap_err().kind(), ErrorKind::Interrupted, "and it stays so");
        assert_eq!(slow.activity().cookie, CookieChange::Keep);
        assert_eq!(visit(&sessions, &key).await.key(), None);
    }
    assert!(engine.records().await.is_none_or(|records| records == 0));
}

/// Not an empty record in its place.
pub async fn a_save_after_logout_deletes_and_stores_nothing(engine: Engine) {
    let sessions = engine.sessions();
    let key = stored(&sessions).await;
    let session = visit(&sessions, &key).await;
    session.insert("never", 1).unwrap();
    session.logout();
    assert!(session.is_empty());
    session.save().await.unwrap();
    assert_eq!(session.key(), None);
    assert_ended(&engine, &key).await;
    assert!(engine.records().await.is_none_or(|records| records == 0));
}

/// A key that is empty would be the same for all of them.
pub async fn sessions_that_were_flushed_have_nothing_in_common(engine: Engine) {
    let sessions = engine.sessions();
    let mut begun = Vec::new();
    for n in 0..3 {
        let session = visit(&sessions, &stored(&sessions).await).await;
        session.flush();
        assert_eq!((session.key(), session.id()), (None, None));
        session.save().await.unwrap();
        assert_eq!((session.key(), session.id()), (None, None));
        session.insert("n", n).unwrap();
        session.save().await.unwrap();
        begun.push((session.key().unwrap(), n));
    }
    for (key, n) in &begun {
        assert!(!key.expose().is_empty());
        assert!(begun.iter().all(|(other, m)| n == m || key != other));
        assert_eq!(number(&sessions, key, "n").await, Some(*n));
    }
}

/// It panics, or it refuses, or what it wanted to keep can't be kept.
pub async fn what_fails_after_a_logout_keeps_nothing_alive(engine: Engine) {
    let sessions = engine.sessions();
    for way in 0..4 {
        let key = stored(&sessions).await;
        let session = visit(&sessions, &key).await;
        let task = tokio::spawn({
            let session = session.clone();
            async move {
                let within = session.clone();
                if way > 1 {
                    session.logout();
                }
                match way {
                    0 => {
                        let panic = |_: &mut i64| {
                            within.logout();
                            panic!("as planned")
                        };
                        session.update("n", panic).await.map(|_| ())
                    }
                    1 => {
                        let refuse = |_: &mut i64| {
                            within.logout();
                            Err(Error::new(ErrorKind::Invalid, "as planned"))
                        };
                        session.try_update("n", refuse).await.map(|_: i64| ())
                    }
                    2 => session.insert("n", BTreeMap::from([((1, 2), "a name that is no text")])),
                    _ => session.update("n", |_: &mut i64| panic!("as planned")).await.map(|_| ()),
                }
            }
        });
        assert!(task.await.map_or(true, |done| done.is_err()), "it fails: {way}");
        session.save().await.unwrap();
        assert_eq!((session.key(), session.is_empty()), (None, true), "{way}");
        assert_eq!(session.activity().cookie, CookieChange::Remove, "{way}");
        assert_ended(&engine, &key).await;
    }
    assert!(engine.records().await.is_none_or(|records| records == 0));
}

/// Under a key of its own.
pub async fn what_is_inserted_after_a_logout_starts_a_new_session(engine: Engine) {
    let sessions = engine.sessions();
    let old = stored(&sessions).await;
    let session = visit(&sessions, &old).await;
    session.logout();
    session.insert("notice", "bye").unwrap();
    session.save().await.unwrap();
    let new = session.key().unwrap();
    assert_ne!(old, new);
    assert_ended(&engine, &old).await;
    assert_eq!(names(&sessions, &new).await, ["notice"]);
    assert!(matches!(session.activity().cookie, CookieChange::Set(key, _) if key == new));
}

/// The browser may by now hold a newer key from another tab.
pub async fn a_session_that_another_request_ended_is_not_ours_to_have_ended(engine: Engine) {
    let sessions = engine.sessions();
    let key = stored(&sessions).await;
    let (first, second) = (visit(&sessions, &key).await, visit(&sessions, &key).await);
    for session in [&first, &second] {
        session.logout();
        session.save().await.unwrap();
    }
    assert_eq!(first.activity().cookie, CookieChange::Remove);
    let told = if engine.lacks(Limit::Revocation).await { CookieChange::Remove } else { CookieChange::Keep };
    assert_eq!(second.activity().cookie, told);
}

/// By another handle on the same session, while the engine is at work.
pub async fn a_logout_during_a_commit_ends_what_the_commit_stores(engine: Engine) {
    for operation in [Operation::Create, Operation::Save, Operation::Rotate] {
        let faulty = Faulty::new(Arc::clone(&engine.backend));
        let sessions = engine.sessions_over(faulty.clone(), |_| {});
        let session = match operation {
            Operation::Create => newcomer(&sessions).await,
            _ => visit(&sessions, &stored(&sessions).await).await,
        };
        match operation {
            Operation::Rotate => session.login("alice").unwrap(),
            _ => session.insert("secret", 1).unwrap(),
        }
        let gate = Gate::default();
        faulty.fail(operation, Fault::Hold(gate.clone()));
        let save = saving(&session);
        gate.reached().await;
        session.logout();
        gate.open();
        let _ = save.await.unwrap();
        session.save().await.unwrap();
        assert_eq!((session.user(), session.key(), session.is_empty()), (None, None, true), "{operation:?}");
        // A session that no browser has presented leaves none a cookie to remove.
        let cookie = if operation == Operation::Create { CookieChange::Keep } else { CookieChange::Remove };
        assert_eq!(session.activity().cookie, cookie, "{operation:?}");
        assert!(engine.records().await.is_none_or(|records| records == 0), "{operation:?}");
    }
}

/// The conflict brings the data back that the logout has just left.
pub async fn a_logout_during_a_conflict_leaves_nothing_of_the_session(engine: Engine) {
    let faulty = Faulty::new(Arc::clone(&engine.backend));
    let sessions = engine.sessions_over(faulty.clone(), |_| {});
    let key = stored(&sessions).await;
    let (session, other) = (visit(&sessions, &key).await, visit(&sessions, &key).await);
    other.insert("secret", 1).unwrap();
    other.save().await.unwrap();
    session.insert("n", 1).unwrap();
    let gate = Gate::default();
    faulty.fail(Operation::Save, Fault::Hold(gate.clone()));
    let save = saving(&session);
    gate.reached().await;
    session.logout();
    gate.open();
    let _ = save.await.unwrap();
    session.save().await.unwrap();
    assert_eq!((session.key(), session.is_empty()), (None, true));
    assert_ended(&engine, &key).await;
    assert!(engine.records().await.is_none_or(|records| records == 0));
}

/// The engine gets to it between the two deletes.
pub async fn a_logout_ends_a_rotation_that_is_still_on_its_way(engine: Engine) {
    if engine.lacks(Limit::Revocation).await {
        return;
    }
    let faulty = Faulty::new(Arc::clone(&engine.backend));
    let sessions = engine.sessions_over(faulty.clone(), |_| {});
    let old = stored(&sessions).await;
    let session = visit(&sessions, &old).await;
    session.login("alice").unwrap();
    let there = engine.get(&old.id()).await.unwrap();
    cut(&faulty, Operation::Rotate, &session).await;
    session.logout();
    let gate = Gate::default();
    faulty.fail(Operation::Delete, Fault::Hold(Gate::default()));
    faulty.calls();
    // The first delete is cut as well; the second attempt deletes the source before the target.
    let first = saving(&session);
    while faulty.calls().is_empty() {
        tokio::task::yield_now().await;
    }
    first.abort();
    let _ = first.await;
    faulty.fail(Operation::Delete, Fault::LoseReply);
    faulty.fail(Operation::Delete, Fault::Hold(gate.clone()));
    let second = saving(&session);
    gate.reached().await;
    let rotated = old.rotated().unwrap().id();
    let late = engine.record_for("", Some("alice"));
    assert_eq!(engine.rotate(&old.id(), &rotated, &late, &there.revision).await.unwrap(), Saved::Gone);
    gate.open();
    second.await.unwrap().unwrap();
    assert!(engine.records().await.is_none_or(|records| records == 0));
}

/// The lost answer is of a session that this request has left.
pub async fn a_session_begun_while_a_flushed_ones_answer_was_lost_can_be_stored(engine: Engine) {
    let faulty = Faulty::new(Arc::clone(&engine.backend));
    let sessions = engine.sessions_over(faulty.clone(), |_| {});
    let key = stored(&sessions).await;
    let session = visit(&sessions, &key).await;
    session.insert("n", 1).unwrap();
    let gate = Gate::default();
    faulty.fail(Operation::Save, Fault::LoseReply);
    if engine.recognises_own_write().await {
        faulty.fail(Operation::Save, Fault::Hold(gate.clone()));
    }
    let save = saving(&session);
    if engine.recognises_own_write().await {
        gate.reached().await;
        engine.delete(&key.id(), None).await.unwrap();
        session.flush();
        session.insert("new", 1).unwrap();
        gate.open();
        let _ = save.await.unwrap();
        session.save().await.unwrap();
        assert_eq!(names(&sessions, &session.key().unwrap()).await, ["new"]);
    } else {
        assert_eq!(save.await.unwrap().unwrap_err().kind(), ErrorKind::Unknown);
    }
}

/// Nothing is stored, and the update says so.
pub async fn a_logout_inside_an_update_is_not_undone(engine: Engine) {
    let sessions = engine.sessions();
    for fresh in [true, false] {
        let session =
            if fresh { newcomer(&sessions).await } else { visit(&sessions, &stored(&sessions).await).await };
        let within = session.clone();
        let updated = session.update("n", |n: &mut i64| {
            *n += 1;
            within.logout();
        });
        assert_eq!(updated.await.unwrap_err().kind(), ErrorKind::Interrupted);
        session.save().await.unwrap();
        assert_eq!((session.key(), session.is_empty()), (None, true));
        assert!(engine.records().await.is_none_or(|records| records == 0));
    }
}

/// The first user's record is still on its way to the store.
pub async fn a_login_during_a_commit_takes_nothing_of_another_users_along(engine: Engine) {
    let faulty = Faulty::new(Arc::clone(&engine.backend));
    let sessions = engine.sessions_over(faulty.clone(), |_| {});
    let session = newcomer(&sessions).await;
    session.login("alice").unwrap();
    session.insert("secret", 1).unwrap();
    let gate = Gate::default();
    faulty.fail(Operation::Create, Fault::Hold(gate.clone()));
    let save = saving(&session);
    gate.reached().await;
    session.login("bob").unwrap();
    session.insert("own", 1).unwrap();
    gate.open();
    save.await.unwrap().unwrap();
    session.save().await.unwrap();
    let bobs = visit(&sessions, &session.key().unwrap()).await;
    assert_eq!((bobs.user().as_deref(), bobs.names()), (Some("bob"), vec!["own".to_owned()]));
    assert!(engine.records().await.is_none_or(|records| records == 1));
}

/// It was alive when it was loaded.
pub async fn a_change_after_the_sessions_end_is_no_success(engine: Engine) {
    let sessions = engine.sessions();
    let minute = Duration::from_mins(1);
    for update in [true, false] {
        let session = newcomer(&sessions).await;
        session.set_expiry(engine.now().plus(minute));
        session.insert("n", 1).unwrap();
        session.save().await.unwrap();
        engine.pass(minute);
        session.insert("late", 1).unwrap();
        let late = if update {
            session.update("n", |n: &mut i64| *n += 1).await.map(|_| ())
        } else {
            session.save().await
        };
        assert_eq!(late.unwrap_err().kind(), ErrorKind::Interrupted);
    }
    let session = visit(&sessions, &stored(&sessions).await).await;
    session.set_expiry(Duration::ZERO);
    let ended = session.update("n", |n: &mut i64| *n += 1).await;
    assert_eq!(ended.unwrap_err().kind(), ErrorKind::Interrupted);
}

/// As a logout does.
pub async fn an_expiry_that_has_passed_ends_the_session(engine: Engine) {
    let sessions = engine.sessions();
    let passed = engine.now().minus(Duration::from_secs(1));
    for expiry in [Expiry::At(passed), Expiry::At(engine.now()), Expiry::After(Duration::ZERO)] {
        let key = stored(&sessions).await;
        let session = visit(&sessions, &key).await;
        session.set_expiry(expiry);
        session.save().await.unwrap();
        assert_ended(&engine, &key).await;
        assert_eq!(session.activity().cookie, CookieChange::Remove);
        let newcomer = newcomer(&sessions).await;
        newcomer.set_expiry(expiry);
        newcomer.insert("never", 1).unwrap();
        newcomer.save().await.unwrap();
        assert_eq!(newcomer.key(), None);
    }
}

/// On every device; this one included, and its browser is told.
pub async fn logging_out_everywhere_ends_every_session_of_the_user_and_no_other(engine: Engine) {
    let sessions = engine.sessions();
    let mut keys = Vec::new();
    for user in ["alice", "alice", "alice", "bob"] {
        let session = newcomer(&sessions).await;
        session.login(user).unwrap();
        session.save().await.unwrap();
        keys.push(session.key().unwrap());
    }
    let anonymous = stored(&sessions).await;
    let session = visit(&sessions, &keys[0]).await;
    if engine.index_or_limit().await.is_none() {
        assert_eq!(session.logout_everywhere().await.unwrap_err().kind(), ErrorKind::Unsupported);
        return;
    }
    assert_eq!(sessions.of_user("alice").await.unwrap().len(), 3);
    assert_eq!(session.logout_everywhere().await.unwrap(), 3);
    assert_eq!(session.activity().cookie, CookieChange::Remove);
    for key in &keys[..3] {
        assert_eq!(visit(&sessions, key).await.key(), None);
    }
    assert_eq!(visit(&sessions, &keys[3]).await.user().as_deref(), Some("bob"));
    assert_eq!(visit(&sessions, &anonymous).await.key(), Some(anonymous));
    assert!(sessions.of_user("alice").await.unwrap().is_empty());
}

/// It gets a new id after the list was made, and before its turn to be deleted.
pub async fn a_rotation_does_not_save_a_session_from_being_revoked(engine: Engine) {
    if engine.index_or_limit().await.is_none() {
        return;
    }
    let faulty = Faulty::new(Arc::clone(&engine.backend));
    let sessions = engine.sessions_over(faulty.clone(), |_| {});
    let mut devices = Vec::new();
    for _ in 0..2 {
        let session = newcomer(&sessions).await;
        session.login("alice").unwrap();
        session.save().await.unwrap();
        devices.push(session);
    }
    let gate = Gate::default();
    faulty.fail(Operation::Delete, Fault::Hold(gate.clone()));
    let revoke = tokio::spawn({
        let sessions = sessions.clone();
        async move { sessions.revoke("alice").await.unwrap() }
    });
    gate.reached().await;
    for session in &devices {
        session.cycle_key();
        session.save().await.unwrap();
    }
    gate.open();
    assert_eq!(revoke.await.unwrap(), 2);
    for session in devices {
        assert_eq!(visit(&sessions, &session.key().unwrap()).await.key(), None);
    }
}

/// By less than clocks are assumed to differ.
pub async fn a_login_on_a_host_whose_clock_is_fast_is_revoked(engine: Engine) {
    if engine.index_or_limit().await.is_none() {
        return;
    }
    let fast = ManualClock::at(engine.now().plus(Duration::from_secs(3)));
    let session = newcomer(&engine.sessions_with(|options| options.clock = Arc::new(fast))).await;
    session.login("alice").unwrap();
    session.save().await.unwrap();
    assert_eq!(engine.sessions().revoke("alice").await.unwrap(), 1);
}

/// By the same handle: it is still logged in.
pub async fn logging_out_everywhere_can_be_asked_again_after_an_outage(engine: Engine) {
    if engine.index_or_limit().await.is_none() {
        return;
    }
    let faulty = Faulty::new(Arc::clone(&engine.backend));
    let sessions = engine.sessions_over(faulty.clone(), |_| {});
    let mut session = newcomer(&sessions).await;
    for _ in 0..3 {
        session = newcomer(&sessions).await;
        session.login("alice").unwrap();
        session.save().await.unwrap();
    }
    // At the first of the others, and at this one.
    faulty.fail(Operation::Delete, Fault::Refuse);
    assert_eq!(session.logout_everywhere().await.unwrap_err().kind(), ErrorKind::Unavailable);
    let gate = Gate::default();
    faulty.fail(Operation::Delete, Fault::Hold(gate.clone()));
    let refuse_the_last = async {
        for _ in 0..2 {
            gate.reached().await;
            let last = engine.records().await == Some(2);
            faulty.fail(Operation::Delete, if last { Fault::Refuse } else { Fault::Hold(gate.clone()) });
            gate.open();
        }
    };
    let (asked, ()) = tokio::join!(session.logout_everywhere(), refuse_the_last);
    assert_eq!(asked.unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(session.logout_everywhere().await.unwrap(), 1);
    assert!(sessions.of_user("alice").await.unwrap().is_empty());
}

/// Whose login it is, the handle still knows.
pub async fn logging_out_everywhere_after_a_cut_login_ends_all_of_that_user(engine: Engine) {
    if engine.index_or_limit().await.is_none() {
        return;
    }
    let faulty = Faulty::new(Arc::clone(&engine.backend));
    let sessions = engine.sessions_over(faulty.clone(), |_| {});
    let other = newcomer(&sessions).await;
    other.login("alice").unwrap();
    other.save().await.unwrap();
    let session = visit(&sessions, &stored(&sessions).await).await;
    session.login("alice").unwrap();
    cut(&faulty, Operation::Rotate, &session).await;
    let asked = session.logout_everywhere().await;
    if engine.recognises_own_write().await {
        assert_eq!(asked.unwrap(), 2);
        assert!(sessions.of_user("alice").await.unwrap().is_empty());
    } else {
        assert_eq!(asked.unwrap_err().kind(), ErrorKind::Unknown);
    }
}

/// For a handler that wants to go on all the same.
pub async fn a_session_that_was_interrupted_can_be_left_for_a_new_one(engine: Engine) {
    if engine.lacks(Limit::Revocation).await {
        return;
    }
    let sessions = engine.sessions();
    let (key, slow) = logged_out_elsewhere(&sessions).await;
    slow.insert("late", 1).unwrap();
    assert_eq!(slow.save().await.unwrap_err().kind(), ErrorKind::Interrupted);
    slow.flush();
    slow.insert("new", 1).unwrap();
    slow.save().await.unwrap();
    assert_ne!(slow.key().unwrap(), key);
    assert_eq!(names(&sessions, &slow.key().unwrap()).await, ["new"]);
}
