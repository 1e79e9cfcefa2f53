//! Whose session it is, and by which key.

use std::sync::Arc;

use cloakroom_core::{Addressing, CookieChange, ErrorKind, SessionKey};

use super::{names, newcomer, stored, visit};
use crate::{Engine, Fault, Faulty, Gate, Operation};

/// A key that somebody made up, or planted.
pub async fn an_unknown_key_is_never_adopted(engine: Engine) {
    let sessions = engine.sessions();
    let planted = SessionKey::generate(engine.capabilities().addressing).unwrap();
    let session = visit(&sessions, &planted).await;
    assert_eq!(session.key(), None);
    session.insert("n", 1).unwrap();
    session.save().await.unwrap();
    assert_ne!(session.key().unwrap(), planted);
    assert_eq!(visit(&sessions, &planted).await.key(), None);
}

/// Reading, removing nothing, looking at the expiry, logging out: no record, no cookie.
pub async fn nothing_is_stored_for_a_visitor_with_nothing_to_remember(engine: Engine) {
    let faulty = Faulty::new(Arc::clone(&engine.backend));
    let sessions = engine.sessions_over(faulty.clone(), |_| {});
    let session = newcomer(&sessions).await;
    assert_eq!(session.get::<i64>("n").unwrap(), None);
    assert!(!session.remove("n"));
    session.clear();
    session.cycle_key();
    session.expiry_date();
    session.insert("n", 1).unwrap();
    session.remove("n");
    session.save().await.unwrap();
    session.logout();
    session.save().await.unwrap();
    assert_eq!(session.key(), None);
    assert_eq!(session.activity().cookie, CookieChange::Keep);
    assert_eq!(faulty.calls(), []);
}

/// The cart is still full.
pub async fn login_changes_the_key_and_keeps_an_anonymous_visitors_data(engine: Engine) {
    let sessions = engine.sessions();
    let old = stored(&sessions).await;
    let session = visit(&sessions, &old).await;
    session.login_with_proof("alice", "hash of her password").unwrap();
    session.save().await.unwrap();
    let new = session.key().unwrap();
    assert_ne!(new, old);
    let again = visit(&sessions, &new).await;
    assert_eq!(again.user().as_deref(), Some("alice"));
    assert_eq!(again.authenticated_at(), Some(engine.now()));
    assert!(again.proof_matches("hash of her password") && !again.proof_matches("hash of another"));
    assert_eq!(again.names(), ["seed"]);
    assert!(matches!(session.activity().cookie, CookieChange::Set(key, _) if key == new));
}

/// Nobody sees what was theirs.
pub async fn login_drops_another_users_data(engine: Engine) {
    let sessions = engine.sessions();
    let session = newcomer(&sessions).await;
    session.login("alice").unwrap();
    session.insert("secret", 1).unwrap();
    session.save().await.unwrap();
    let alices = session.key().unwrap();
    let session = visit(&sessions, &alices).await;
    session.login("bob").unwrap();
    session.insert("own", 1).unwrap();
    session.save().await.unwrap();
    let bobs = session.key().unwrap();
    assert_eq!(names(&sessions, &bobs).await, ["own"]);
    assert_eq!(visit(&sessions, &bobs).await.user().as_deref(), Some("bob"));
    assert_eq!(visit(&sessions, &alices).await.key(), None);
}

/// Whoever fixed or stole it is left behind, also in the middle of a request.
pub async fn the_key_before_a_login_is_dead(engine: Engine) {
    let sessions = engine.sessions();
    let old = stored(&sessions).await;
    let (session, thief) = (visit(&sessions, &old).await, visit(&sessions, &old).await);
    session.login("alice").unwrap();
    session.save().await.unwrap();
    assert_eq!(visit(&sessions, &old).await.key(), None);
    thief.insert("planted", 1).unwrap();
    assert!(thief.save().await.is_err());
    assert_eq!(names(&sessions, &session.key().unwrap()).await, ["seed"]);
}

/// A thief's request waits behind the login that it lost the race against.
pub async fn whoever_waits_in_line_with_the_key_before_a_login_sees_nothing_of_it(engine: Engine) {
    let faulty = Faulty::new(Arc::clone(&engine.backend));
    let sessions = engine.sessions_over(faulty.clone(), |_| {});
    let key = stored(&sessions).await;
    let (login, thief, other) =
        (visit(&sessions, &key).await, visit(&sessions, &key).await, visit(&sessions, &key).await);
    other.insert("other", 1).unwrap();
    other.save().await.unwrap();
    // The login conflicts, gets in line, and is held at its second attempt; the thief gets in line behind it.
    login.login("alice").unwrap();
    login.insert("secret", "hunter2").unwrap();
    let gate = Gate::default();
    let mut attempts = 0;
    let logging_in = login.update("n", |n: &mut i64| {
        attempts += 1;
        if attempts == 2 {
            faulty.fail(Operation::Rotate, Fault::Hold(gate.clone()));
        }
        *n += 1;
    });
    let mut seen = Vec::new();
    let stealing = async {
        gate.reached().await;
        let steal = thief.update("secret", |secret: &mut String| seen.push(secret.clone()));
        let mut steal = std::pin::pin!(steal);
        for _ in 0..50 {
            let polled = std::future::poll_fn(|context| std::task::Poll::Ready(steal.as_mut().poll(context)));
            assert!(polled.await.is_pending(), "it waits in line");
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
        gate.open();
        steal.await
    };
    let (logged_in, stolen) = tokio::join!(logging_in, stealing);
    logged_in.unwrap();
    assert_eq!(stolen.unwrap_err().kind(), ErrorKind::Interrupted);
    assert!(seen.iter().all(String::is_empty), "{seen:?}");
    assert_eq!(thief.user(), None);
}

/// A rotation that meets a newer record takes that along.
pub async fn a_new_key_keeps_the_data_and_a_write_that_raced_it(engine: Engine) {
    let sessions = engine.sessions();
    let old = stored(&sessions).await;
    let (cycling, writing) = (visit(&sessions, &old).await, visit(&sessions, &old).await);
    writing.insert("raced", 1).unwrap();
    writing.save().await.unwrap();
    cycling.cycle_key();
    cycling.save().await.unwrap();
    let new = cycling.key().unwrap();
    assert_ne!(new, old);
    assert_eq!(names(&sessions, &new).await, ["seed", "raced"]);
    assert_eq!(visit(&sessions, &old).await.key(), None);
}

/// A stolen store opens no session.
pub async fn no_key_is_ever_stored(engine: Engine) {
    let Some(index) = engine.index().filter(|_| engine.capabilities().addressing == Addressing::Hashed)
    else {
        return;
    };
    let sessions = engine.sessions();
    let key = stored(&sessions).await;
    for (id, stored) in index.all(None, 10).await.unwrap() {
        let secret = &key.expose().as_bytes()[3..];
        let holds = |bytes: &[u8]| bytes.windows(secret.len()).any(|window| window == secret);
        assert!(!holds(id.as_bytes()) && !holds(&stored.record.payload));
        // The stored id, presented as a key, is nobody's.
        assert!(sessions.parse_key(id.expose()).is_none());
    }
}
