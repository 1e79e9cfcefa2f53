//! Who is logged in: what a login is bound to, and a user's hold on all sessions of theirs.

mod limited;
mod refusals;

use std::sync::Arc;
use std::time::Duration;

use cloakroom_core::{CookieChange, ErrorKind, SessionKey, Sessions};
pub use limited::*;
pub use refusals::*;

use super::renewals::{HOUR, hourly};
use super::{assert_ended, logged_in, names, newcomer, stored, visit};
use crate::{Engine, Fault, Faulty, Gate, Limit, Operation};

const MINUTE: Duration = Duration::from_mins(1);

/// A stored session of alice's, with one entry, bound to this.
async fn bound(sessions: &Sessions, proof: &str) -> SessionKey {
    let session = newcomer(sessions).await;
    session.login_with_proof("alice", proof).unwrap();
    session.insert("cart", 1).unwrap();
    session.save().await.unwrap();
    session.key().unwrap()
}

/// As soon as they are looked at.
pub async fn a_changed_password_ends_the_sessions_that_were_bound_to_the_old_one(engine: Engine) {
    let sessions = engine.sessions();
    let key = bound(&sessions, "old hash").await;
    let session = visit(&sessions, &key).await;
    assert!(session.verify_login("old hash"));
    assert!(!session.is_modified());
    assert!(!session.verify_login("new hash"));
    assert_eq!((session.user(), session.is_empty()), (None, true));
    session.save().await.unwrap();
    assert_eq!(session.activity().cookie, CookieChange::Remove);
    assert_ended(&engine, &key).await;
}

/// Who asks for a proof does not trust a login that has none, nor a user who was only named the same.
pub async fn a_login_without_its_proof_is_not_verified(engine: Engine) {
    let sessions = engine.sessions();
    let session = logged_in(&sessions, "alice").await;
    assert!(!session.verify_login(""));
    assert_eq!(session.user(), None);
    let anonymous = visit(&sessions, &stored(&sessions).await).await;
    assert!(!anonymous.verify_login("any"));
    assert_eq!(anonymous.names(), ["seed"], "nobody's login has nothing to end");
}

/// Under a new key; it is the others that end.
pub async fn the_session_in_which_the_password_was_changed_goes_on(engine: Engine) {
    let sessions = engine.sessions();
    let (own, other) = (bound(&sessions, "old hash").await, bound(&sessions, "old hash").await);
    let session = visit(&sessions, &own).await;
    let since = session.authenticated_at();
    engine.pass(MINUTE);
    session.rebind_login("new hash");
    session.save().await.unwrap();
    let new = session.key().unwrap();
    assert_ne!(new, own);
    let again = visit(&sessions, &new).await;
    assert!(again.verify_login("new hash"));
    assert_eq!((again.authenticated_at(), again.names()), (since, vec!["cart".to_owned()]));
    assert!(!visit(&sessions, &other).await.verify_login("new hash"));
    let nobody = newcomer(&sessions).await;
    nobody.rebind_login("new hash");
    assert!(!nobody.is_modified());
}

/// It may be somebody else who knew the old password.
pub async fn a_login_with_another_proof_drops_what_was_there(engine: Engine) {
    let sessions = engine.sessions();
    for (proof, kept) in [("hash", true), ("another hash", false)] {
        let key = bound(&sessions, "hash").await;
        let session = visit(&sessions, &key).await;
        session.login_with_proof("alice", proof).unwrap();
        session.save().await.unwrap();
        assert_ne!(session.key().unwrap(), key, "a login always changes the key");
        assert_eq!(!names(&sessions, &session.key().unwrap()).await.is_empty(), kept, "{proof}");
        assert_ended(&engine, &key).await;
    }
}

/// A digest of it is.
pub async fn what_a_login_is_bound_to_is_never_stored(engine: Engine) {
    let proof = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA";
    let key = bound(&engine.sessions(), proof).await;
    let there = engine.get(&key.id()).await.unwrap();
    for part in proof.as_bytes().windows(12) {
        assert!(!there.record.payload.windows(12).any(|stored| stored == part));
    }
}

/// And a new login starts it anew.
pub async fn a_login_is_recent_until_its_time_is_over(engine: Engine) {
    let sessions = engine.sessions();
    let session = logged_in(&sessions, "alice").await;
    engine.pass(MINUTE * 5);
    assert!(session.authenticated_within(MINUTE * 5));
    engine.pass(Duration::from_millis(1));
    assert!(!session.authenticated_within(MINUTE * 5));
    session.login("alice").unwrap();
    assert!(session.authenticated_within(Duration::ZERO));
    assert!(!newcomer(&sessions).await.authenticated_within(Duration::MAX));
}

/// For the page that lists one's devices.
pub async fn a_users_sessions_are_listed_with_when_and_from_where(engine: Engine) {
    let sessions = engine.sessions();
    let created_at = engine.now();
    let session = visit(&sessions, &stored(&sessions).await).await;
    engine.pass(MINUTE);
    session.set_user_agent("Firefox");
    session.set_address("2001:db8::1");
    session.login("alice").unwrap();
    session.save().await.unwrap();
    if engine.index_or_limit().await.is_none() {
        return;
    }
    let listed = sessions.of_user("alice").await.unwrap();
    let [info] = &*listed else { panic!("{} sessions", listed.len()) };
    assert_eq!(Some(&info.id), session.id().as_ref());
    assert_eq!((info.created_at, info.authenticated_at), (Some(created_at), Some(engine.now())));
    assert_eq!((info.last_seen, info.expires_at), (engine.now(), session.expiry_date()));
    assert_eq!((info.user_agent.as_deref(), info.address.as_deref()), (Some("Firefox"), Some("2001:db8::1")));
}

/// Its key was replaced since they were listed.
pub async fn a_session_that_was_listed_is_ended_also_under_a_new_key(engine: Engine) {
    if engine.index_or_limit().await.is_none() {
        return;
    }
    let sessions = engine.sessions();
    let (lost, own) = (logged_in(&sessions, "alice").await, logged_in(&sessions, "alice").await);
    let listed = lost.id().unwrap();
    lost.cycle_key();
    lost.save().await.unwrap();
    assert!(sessions.end("alice", &listed).await.unwrap());
    assert_eq!(visit(&sessions, &lost.key().unwrap()).await.key(), None);
    assert!(visit(&sessions, &own.key().unwrap()).await.key().is_some());
    assert!(!sessions.end("alice", &listed).await.unwrap());
}

/// A visitor names the id, so it must be theirs.
pub async fn one_of_a_users_sessions_is_ended_and_nobody_elses(engine: Engine) {
    let sessions = engine.sessions();
    let (lost, own) = (logged_in(&sessions, "alice").await, logged_in(&sessions, "alice").await);
    let bobs = logged_in(&sessions, "bob").await;
    let anonymous = visit(&sessions, &stored(&sessions).await).await;
    if engine.index_or_limit().await.is_none() {
        let asked = sessions.end("alice", &lost.id().unwrap()).await;
        assert_eq!(asked.unwrap_err().kind(), ErrorKind::Unsupported);
        return;
    }
    for other in [&bobs, &anonymous] {
        assert!(!sessions.end("alice", &other.id().unwrap()).await.unwrap());
    }
    assert!(sessions.end("alice", &lost.id().unwrap()).await.unwrap());
    assert!(!sessions.end("alice", &lost.id().unwrap()).await.unwrap());
    assert_eq!(visit(&sessions, &lost.key().unwrap()).await.key(), None);
    for other in [own, bobs, anonymous] {
        assert!(visit(&sessions, &other.key().unwrap()).await.key().is_some());
    }
}

/// Those of this user, that is.
pub async fn logging_out_the_others_leaves_this_session_and_other_users(engine: Engine) {
    let sessions = engine.sessions();
    let (one, two) = (logged_in(&sessions, "alice").await, logged_in(&sessions, "alice").await);
    let bobs = logged_in(&sessions, "bob").await;
    let own = newcomer(&sessions).await;
    own.login("alice").unwrap();
    if engine.index_or_limit().await.is_none() {
        assert_eq!(own.logout_others().await.unwrap_err().kind(), ErrorKind::Unsupported);
        return;
    }
    assert_eq!(own.logout_others().await.unwrap(), 2);
    for other in [one, two] {
        assert_eq!(visit(&sessions, &other.key().unwrap()).await.key(), None);
    }
    for spared in [own, bobs] {
        assert!(visit(&sessions, &spared.key().unwrap()).await.key().is_some());
    }
    assert_eq!(newcomer(&sessions).await.logout_others().await.unwrap(), 0);
}

/// Another request of this visitor gives it one after the list was made.
pub async fn logging_out_the_others_leaves_this_session_also_under_a_new_key(engine: Engine) {
    if engine.index_or_limit().await.is_none() {
        return;
    }
    let faulty = Faulty::new(Arc::clone(&engine.backend));
    let sessions = engine.sessions_over(faulty.clone(), |_| {});
    let own = logged_in(&sessions, "alice").await;
    engine.pass(Duration::from_secs(1));
    let other = logged_in(&sessions, "alice").await;
    let gate = Gate::default();
    faulty.fail(Operation::Delete, Fault::Hold(gate.clone()));
    let ending = tokio::spawn({
        let own = own.clone();
        async move { own.logout_others().await.unwrap() }
    });
    gate.reached().await;
    let parallel = visit(&sessions, &own.key().unwrap()).await;
    parallel.cycle_key();
    parallel.save().await.unwrap();
    gate.open();
    assert_eq!(ending.await.unwrap(), 1);
    assert_eq!(visit(&sessions, &other.key().unwrap()).await.key(), None);
    assert!(visit(&sessions, &parallel.key().unwrap()).await.key().is_some());
}

/// It was listed, and is listed anew under another id, before or behind what has been looked at by then.
pub async fn a_session_that_is_ended_while_its_key_is_renewed_is_ended(engine: Engine) {
    if engine.index_or_limit().await.is_none() || engine.lacks(Limit::HashedIds).await {
        return;
    }
    let faulty = Faulty::new(Arc::clone(&engine.backend));
    let sessions = engine.sessions_over(faulty.clone(), hourly);
    for _ in 0..16 {
        let key = logged_in(&sessions, "alice").await.key().unwrap();
        engine.pass(HOUR);
        let gate = Gate::default();
        faulty.fail(Operation::Delete, Fault::Hold(gate.clone()));
        let ending = tokio::spawn({
            let (sessions, listed) = (sessions.clone(), key.id());
            async move { sessions.end("alice", &listed).await }
        });
        gate.reached().await;
        visit(&sessions, &key).await.renew_key().await.unwrap();
        gate.open();
        assert!(ending.await.unwrap().unwrap());
        assert_eq!(sessions.of_user("alice").await.unwrap().len(), 0);
    }
}

/// The application may learn from where only as it logs in.
pub async fn where_a_visitor_comes_from_counts_also_if_it_is_said_after_the_login(engine: Engine) {
    let sessions = engine.sessions();
    let session = visit(&sessions, &stored(&sessions).await).await;
    session.login("alice").unwrap();
    session.set_address("2001:db8::1");
    session.save().await.unwrap();
    session.set_address("2001:db8::2");
    session.insert("n", 1).unwrap();
    session.save().await.unwrap();
    if engine.index_or_limit().await.is_none() {
        return;
    }
    let listed = sessions.of_user("alice").await.unwrap();
    assert_eq!(listed[0].address.as_deref(), Some("2001:db8::1"), "and not with any later commit");
}
