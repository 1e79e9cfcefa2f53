//! Whose session it is, and by which key.

use std::sync::Arc;
use std::time::Duration;

use cloakroom_core::Addressing::{Hashed, Presented, Verbatim};
use cloakroom_core::{Addressing, CookieChange, ErrorKind, Expiry, SessionKey};

use super::{Browser, assert_ended, names, newcomer, stored, visit};
use crate::storage::walk::walked;
use crate::{Engine, Fault, Faulty, Gate, Limit, Operation};

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
    let known = !engine.lacks(Limit::Beginnings).await;
    assert_eq!(again.authenticated_at(), known.then_some(engine.now()));
    assert!(again.verify_login("hash of her password"));
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
    assert_ended(&engine, &alices).await;
}

/// Whoever fixed or stole it is left behind, also in the middle of a request.
pub async fn the_key_before_a_login_is_dead(engine: Engine) {
    let sessions = engine.sessions();
    let old = stored(&sessions).await;
    let (session, thief) = (visit(&sessions, &old).await, visit(&sessions, &old).await);
    session.login("alice").unwrap();
    session.save().await.unwrap();
    assert_ended(&engine, &old).await;
    thief.insert("planted", 1).unwrap();
    // Where the old one goes on, it does so by itself.
    let goes_on = visit(&sessions, &old).await.key().is_some();
    assert_eq!(thief.save().await.is_ok(), goes_on);
    assert_eq!(names(&sessions, &session.key().unwrap()).await, ["seed"]);
}

/// A thief's request waits behind the login that it lost the race against.
pub async fn whoever_waits_in_line_with_the_key_before_a_login_sees_nothing_of_it(engine: Engine) {
    if engine.lacks(Limit::Arbitration).await {
        return;
    }
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
            tokio::time::sleep(Duration::from_millis(1)).await;
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
    if engine.lacks(Limit::Arbitration).await {
        return;
    }
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
    if engine.lacks(Limit::Walk).await || engine.lacks(Limit::HashedIds).await {
        return;
    }
    let sessions = engine.sessions();
    let mut keys = vec![stored(&sessions).await];
    let session = visit(&sessions, &keys[0]).await;
    session.login("alice").unwrap();
    session.save().await.unwrap();
    keys.extend(session.key());
    keys.push(stored(&sessions).await);
    let all = walked(&*engine.backend, 10).await.unwrap();
    assert_eq!(all.len(), 2);
    for (id, stored) in all {
        for key in &keys {
            let secret = &key.expose().as_bytes()[3..];
            let holds = |bytes: &[u8]| bytes.windows(secret.len()).any(|window| window == secret);
            assert!(!holds(id.as_bytes()) && !holds(&stored.record.payload));
        }
        // The stored id, presented as a key, is nobody's.
        assert!(sessions.parse_key(id.expose()).is_none());
    }
}

/// Whatever is done to a session, and however often within one request.
pub async fn what_the_browser_was_told_opens_what_was_written_last(engine: Engine) {
    let minutes = Duration::from_mins;
    let idle = (!engine.lacks(Limit::Beginnings).await).then_some(minutes(10));
    let sessions = engine.sessions_by_value(|options| options.lifetime.idle = idle);
    let mut browser = Browser::default();
    let mut written = None;
    for n in 0..14 {
        let session = browser.visit(&sessions).await;
        assert_eq!(session.get::<i64>("n").unwrap(), written);
        session.insert("n", n).unwrap();
        match n % 7 {
            0 => session.save().await.unwrap(),
            1 => assert_eq!(session.update("n", |_: &mut i64| {}).await.unwrap(), n),
            2 => {
                session.insert("n", -1).unwrap();
                session.save().await.unwrap();
                session.insert("n", n).unwrap();
                session.save().await.unwrap();
            }
            3 => {
                session.login("alice").unwrap();
                session.save().await.unwrap();
            }
            4 => {
                session.cycle_key();
                session.save().await.unwrap();
                session.refresh().await.unwrap();
            }
            5 => {
                session.set_expiry(minutes(60));
                session.save().await.unwrap();
                session.set_expiry(Expiry::Default);
                session.save().await.unwrap();
            }
            _ => session.refresh().await.unwrap(),
        }
        written = Some(n);
        browser.hear(&session);
    }
    for _ in 0..3 {
        engine.pass(minutes(10));
        let session = browser.visit(&sessions).await;
        session.touch().await.unwrap();
        browser.hear(&session);
    }
    let session = browser.visit(&sessions).await;
    assert_eq!((session.get::<i64>("n").unwrap(), session.user().as_deref()), (written, Some("alice")));
    session.logout();
    session.save().await.unwrap();
    browser.hear(&session);
    assert!(browser.visit(&sessions).await.is_empty());
}

/// It is loaded, and nothing else.
pub async fn a_session_that_was_not_read_keeps_its_data_under_a_new_key(engine: Engine) {
    let sessions = engine.sessions();
    let old = stored(&sessions).await;
    let session = visit(&sessions, &old).await;
    session.cycle_key();
    assert!(session.is_modified());
    session.save().await.unwrap();
    let new = session.key().unwrap();
    assert_ne!(new, old);
    assert_eq!(names(&sessions, &new).await, ["seed"]);
    assert_ended(&engine, &old).await;
}

/// What has no key's form reaches no engine; what has it is nobody's, and nothing is stored for it.
pub async fn a_made_up_key_is_refused_by_its_form_or_opens_nothing(engine: Engine) {
    let faulty = Faulty::new(Arc::clone(&engine.backend));
    let sessions = engine.sessions_over(faulty.clone(), |_| {});
    let addressing = engine.capabilities().addressing;
    let texts: [(&str, &[Addressing]); 14] = [
        ("", &[]),
        ("1", &[Presented]),
        ("1234567", &[Presented]),
        ("12345678", &[Presented, Verbatim]),
        (&"a".repeat(31), &[Presented, Verbatim]),
        (&"a".repeat(32), &[Presented, Verbatim, Hashed]),
        (&"a".repeat(33), &[Presented, Verbatim]),
        (&"a".repeat(40), &[Presented, Verbatim]),
        (&"a".repeat(41), &[Presented]),
        (&"A".repeat(32), &[Presented]),
        (&"a".repeat(1_240), &[Presented]),
        (&"a".repeat(4_097), &[]),
        (r"a\b\c_aaaaaaaaaaaaaaaaaaaaaaaaaaa", &[]),
        ("../../../../../../../../etc/passw", &[]),
    ];
    for (text, accepted) in texts {
        let key = sessions.parse_key(text);
        assert_eq!(key.is_some(), accepted.contains(&addressing), "{text:?}");
        let Some(key) = key else { continue };
        let session = visit(&sessions, &key).await;
        assert_eq!((session.key(), session.is_empty()), (None, true), "{text:?}");
        session.save().await.unwrap();
        assert_eq!(faulty.calls(), [Operation::Load], "{text:?}");
    }
    assert!(engine.records().await.is_none_or(|records| records == 0));
}
