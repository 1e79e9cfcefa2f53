//! Dead stays dead.

use std::sync::Arc;
use std::time::Duration;

use cloakroom_core::{CookieChange, ErrorKind, Expiry};

use super::{names, newcomer, stored, visit};
use crate::{Engine, Fault, Faulty, Gate, Operation};

/// A slow request loads, another logs out, the slow one saves: however it saves.
pub async fn a_save_after_another_requests_logout_is_interrupted_and_stores_nothing(engine: Engine) {
    let sessions = engine.sessions();
    for way in 0..3 {
        let key = stored(&sessions).await;
        let (slow, logout) = (visit(&sessions, &key).await, visit(&sessions, &key).await);
        logout.logout();
        logout.save().await.unwrap();
        assert_eq!(logout.activity().cookie, CookieChange::Remove);
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
    if let Some(index) = engine.index() {
        assert_eq!(index.all(None, 10).await.unwrap(), []);
    }
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
    assert_eq!(visit(&sessions, &key).await.key(), None);
    if let Some(index) = engine.index() {
        assert_eq!(index.all(None, 10).await.unwrap(), []);
    }
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
    assert_eq!(visit(&sessions, &old).await.key(), None);
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
    assert_eq!(second.activity().cookie, CookieChange::Keep);
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
        assert_eq!(visit(&sessions, &key).await.key(), None);
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
    if engine.index().is_none() {
        assert_eq!(session.logout_everywhere().await.unwrap_err().kind(), ErrorKind::Unsupported);
        return;
    }
    assert_eq!(sessions.of("alice").await.unwrap().len(), 3);
    assert_eq!(session.logout_everywhere().await.unwrap(), 3);
    assert_eq!(session.activity().cookie, CookieChange::Remove);
    for key in &keys[..3] {
        assert_eq!(visit(&sessions, key).await.key(), None);
    }
    assert_eq!(visit(&sessions, &keys[3]).await.user().as_deref(), Some("bob"));
    assert_eq!(visit(&sessions, &anonymous).await.key(), Some(anonymous));
    assert!(sessions.of("alice").await.unwrap().is_empty());
}

/// It gets a new id after the list was made, and before its turn to be deleted.
pub async fn a_rotation_does_not_save_a_session_from_being_revoked(engine: Engine) {
    if engine.index().is_none() {
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

/// For a handler that wants to go on all the same.
pub async fn a_session_that_was_interrupted_can_be_left_for_a_new_one(engine: Engine) {
    let sessions = engine.sessions();
    let key = stored(&sessions).await;
    let (slow, logout) = (visit(&sessions, &key).await, visit(&sessions, &key).await);
    logout.logout();
    logout.save().await.unwrap();
    slow.insert("late", 1).unwrap();
    assert_eq!(slow.save().await.unwrap_err().kind(), ErrorKind::Interrupted);
    slow.flush();
    slow.insert("new", 1).unwrap();
    slow.save().await.unwrap();
    assert_ne!(slow.key().unwrap(), key);
    assert_eq!(names(&sessions, &slow.key().unwrap()).await, ["new"]);
}
