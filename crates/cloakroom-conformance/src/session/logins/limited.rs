//! Logins of users who may have so many sessions and no more.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use cloakroom_core::{CookieChange, ErrorKind, LoginLimit, LoginPolicy, Result, SessionOptions, Sessions};
use tokio::task::JoinHandle;

use super::super::renewals::{HOUR, hourly};
use super::super::{Browser, cut, logged_in, names, newcomer, saving, stored, visit};
use super::MINUTE;
use crate::{Engine, Fault, Faulty, Gate, Limit, Operation};

/// A moment: less than a commit may take.
pub(super) const SECOND: Duration = Duration::from_secs(1);

/// A user may have so many sessions.
pub(super) fn limit(options: &mut SessionOptions, most: u32, policy: LoginPolicy) {
    options.login_limit = Some(LoginLimit::new(NonZeroU32::new(most).unwrap(), policy));
}

/// Sessions of which a user may have so many.
fn limited(engine: &Engine, most: u32, policy: LoginPolicy) -> Sessions {
    engine.sessions_with(|options| {
        limit(options, most, policy);
        options.clock = engine.waiting_clock();
    })
}

/// The same, over an engine that fails.
pub(super) fn limited_over(engine: &Engine, faulty: &Faulty, most: u32, policy: LoginPolicy) -> Sessions {
    engine.sessions_over(faulty.clone(), |options| {
        limit(options, most, policy);
        options.clock = engine.waiting_clock();
    })
}

/// A login of alice's that is about to be stored.
async fn held_login(sessions: &Sessions, faulty: &Faulty) -> (Gate, JoinHandle<Result<()>>) {
    let session = newcomer(sessions).await;
    session.login("alice").unwrap();
    let gate = Gate::default();
    faulty.fail(Operation::Create, Fault::Hold(gate.clone()));
    let login = saving(&session);
    gate.reached().await;
    (gate, login)
}

/// Of those that are logged in.
pub async fn a_login_beyond_the_limit_ends_the_oldest(engine: Engine) {
    let sessions = limited(&engine, 2, LoginPolicy::EndOldest);
    if engine.index_or_limit().await.is_none() {
        let session = newcomer(&sessions).await;
        session.login("alice").unwrap();
        assert_eq!(session.save().await.unwrap_err().kind(), ErrorKind::Unsupported);
        return;
    }
    let bobs = logged_in(&sessions, "bob").await;
    let mut devices = Vec::new();
    for _ in 0..4 {
        engine.pass(MINUTE);
        devices.push(logged_in(&sessions, "alice").await.key().unwrap());
    }
    let mut alive = Vec::new();
    for key in &devices {
        alive.push(visit(&sessions, key).await.user().is_some());
    }
    assert_eq!(alive, [false, false, true, true]);
    assert_eq!(visit(&sessions, &bobs.key().unwrap()).await.user().as_deref(), Some("bob"));
}

/// The visitor keeps the session that they had.
pub async fn a_login_beyond_the_limit_is_refused_and_changes_nothing(engine: Engine) {
    if engine.index_or_limit().await.is_none() {
        return;
    }
    let sessions = limited(&engine, 1, LoginPolicy::Refuse);
    let first = logged_in(&sessions, "alice").await;
    let key = stored(&sessions).await;
    let session = visit(&sessions, &key).await;
    session.login("alice").unwrap();
    assert_eq!(session.save().await.unwrap_err().kind(), ErrorKind::TooManySessions);
    session.discard();
    session.insert("colour", "green").unwrap();
    session.save().await.unwrap();
    assert_eq!((session.user(), session.key()), (None, Some(key.clone())));
    assert_eq!(names(&sessions, &key).await, ["seed", "colour"]);
    first.logout();
    first.save().await.unwrap();
    session.login("alice").unwrap();
    session.save().await.unwrap();
    assert_eq!(session.user().as_deref(), Some("alice"));
}

/// Of a session that counts already.
pub async fn logging_in_again_is_no_session_more(engine: Engine) {
    if engine.index_or_limit().await.is_none() {
        return;
    }
    for policy in [LoginPolicy::Refuse, LoginPolicy::EndOldest] {
        let sessions = limited(&engine, 2, policy);
        let session = logged_in(&sessions, &format!("{policy:?}")).await;
        let other = logged_in(&sessions, &format!("{policy:?}")).await;
        session.login(&format!("{policy:?}")).unwrap();
        session.save().await.unwrap();
        for one in [session, other] {
            assert!(visit(&sessions, &one.key().unwrap()).await.key().is_some());
        }
    }
}

/// It was on its way while another one was stored, and so is the oldest.
pub async fn a_login_that_is_the_oldest_by_the_time_it_is_stored_ends_itself(engine: Engine) {
    if engine.index_or_limit().await.is_none() {
        return;
    }
    let faulty = Faulty::new(Arc::clone(&engine.backend));
    let sessions = limited_over(&engine, &faulty, 1, LoginPolicy::EndOldest);
    let gate = Gate::default();
    faulty.fail(Operation::Create, Fault::Hold(gate.clone()));
    let slow = newcomer(&sessions).await;
    slow.login("alice").unwrap();
    let login = saving(&slow);
    gate.reached().await;
    engine.pass(SECOND);
    let quick = logged_in(&sessions, "alice").await;
    gate.open();
    assert_eq!(login.await.unwrap().unwrap_err().kind(), ErrorKind::Interrupted);
    assert_eq!((slow.user(), slow.activity().cookie), (None, CookieChange::Keep));
    assert!(visit(&sessions, &quick.key().unwrap()).await.key().is_some());
}

/// Its answer was lost, and the handler has failed by the time it is found.
pub async fn a_login_that_is_found_later_is_counted_then(engine: Engine) {
    if engine.index_or_limit().await.is_none() {
        return;
    }
    let faulty = Faulty::new(Arc::clone(&engine.backend));
    let sessions = limited_over(&engine, &faulty, 1, LoginPolicy::EndOldest);
    let first = logged_in(&sessions, "alice").await;
    engine.pass(MINUTE);
    let second = newcomer(&sessions).await;
    second.login("alice").unwrap();
    let gate = Gate::default();
    faulty.fail(Operation::Create, Fault::HoldReply(gate.clone()));
    let login = saving(&second);
    gate.reached().await;
    login.abort();
    let _ = login.await;
    second.finish().await.unwrap();
    assert_eq!(visit(&sessions, &first.key().unwrap()).await.key(), None);
    assert!(visit(&sessions, &second.key().unwrap()).await.key().is_some());
}

/// Its look was cut, and then the visitor has logged out.
pub async fn a_login_that_was_left_by_a_logout_ends_nobody_elses_session(engine: Engine) {
    if engine.index_or_limit().await.is_none() {
        return;
    }
    let faulty = Faulty::new(Arc::clone(&engine.backend));
    let sessions = limited_over(&engine, &faulty, 1, LoginPolicy::EndOldest);
    let first = logged_in(&sessions, "alice").await;
    engine.pass(SECOND);
    let second = newcomer(&sessions).await;
    second.login("alice").unwrap();
    let gate = Gate::default();
    faulty.fail(Operation::Delete, Fault::Hold(gate.clone()));
    let login = saving(&second);
    gate.reached().await;
    login.abort();
    let _ = login.await;
    second.logout();
    second.save().await.unwrap();
    assert!(visit(&sessions, &first.key().unwrap()).await.key().is_some());
}

/// It had looked before that one was there, and is the older one.
pub async fn a_login_that_another_one_has_overtaken_is_refused(engine: Engine) {
    if engine.index_or_limit().await.is_none() {
        return;
    }
    let faulty = Faulty::new(Arc::clone(&engine.backend));
    let sessions = limited_over(&engine, &faulty, 1, LoginPolicy::Refuse);
    let gate = Gate::default();
    faulty.fail(Operation::Create, Fault::Hold(gate.clone()));
    let slow = newcomer(&sessions).await;
    slow.login("alice").unwrap();
    let login = saving(&slow);
    gate.reached().await;
    engine.pass(SECOND);
    let quick = logged_in(&sessions, "alice").await;
    gate.open();
    assert_eq!(login.await.unwrap().unwrap_err().kind(), ErrorKind::TooManySessions);
    assert_eq!((slow.user(), slow.key()), (None, None));
    assert!(visit(&sessions, &quick.key().unwrap()).await.key().is_some());
    assert_eq!(sessions.of_user("alice").await.unwrap().len(), 1);
}

/// However they meet.
pub async fn logins_that_race_leave_no_more_sessions_than_the_limit(engine: Engine) {
    if engine.index_or_limit().await.is_none() {
        return;
    }
    for (policy, refusal) in
        [(LoginPolicy::Refuse, ErrorKind::TooManySessions), (LoginPolicy::EndOldest, ErrorKind::Interrupted)]
    {
        let sessions = limited(&engine, 3, policy);
        let user = format!("{policy:?}");
        let logins: Vec<_> = (0..8)
            .map(|_| {
                let (sessions, user) = (sessions.clone(), user.clone());
                tokio::spawn(async move {
                    let session = newcomer(&sessions).await;
                    session.login(&user).unwrap();
                    session.save().await.map(|()| session)
                })
            })
            .collect();
        let mut admitted = Vec::new();
        for login in logins {
            match login.await.unwrap() {
                Ok(session) => admitted.push(session.key().unwrap()),
                Err(error) => assert_eq!(error.kind(), refusal),
            }
        }
        let living = sessions.of_user(&user).await.unwrap().len();
        assert!((1..=3).contains(&living), "{policy:?}: {living} live");
        if policy == LoginPolicy::Refuse {
            for key in &admitted {
                assert!(visit(&sessions, key).await.user().is_some(), "who was admitted stays");
            }
        }
    }
}

/// It counts already, under whatever key it is by now.
pub async fn logging_in_again_by_a_key_that_was_just_renewed_is_no_session_more(engine: Engine) {
    if engine.index_or_limit().await.is_none() || engine.lacks(Limit::HashedIds).await {
        return;
    }
    let sessions = engine.sessions_with(|options| {
        hourly(options);
        limit(options, 1, LoginPolicy::Refuse);
    });
    let key = logged_in(&sessions, "alice").await.key().unwrap();
    engine.pass(HOUR);
    let again = visit(&sessions, &key).await;
    let renewing = visit(&sessions, &key).await;
    renewing.renew_key().await.unwrap();
    assert_ne!(renewing.key().unwrap(), key);
    again.login("alice").unwrap();
    again.save().await.unwrap();
    assert_eq!(sessions.of_user("alice").await.unwrap().len(), 1);
}

/// There were more of them before; none is added.
pub async fn logging_in_again_after_the_limit_was_lowered_is_no_session_more(engine: Engine) {
    if engine.index_or_limit().await.is_none() {
        return;
    }
    let key = logged_in(&engine.sessions(), "alice").await.key().unwrap();
    logged_in(&engine.sessions(), "alice").await;
    let lowered = limited(&engine, 1, LoginPolicy::Refuse);
    let again = visit(&lowered, &key).await;
    again.login("alice").unwrap();
    again.save().await.unwrap();
    assert_eq!(visit(&lowered, &again.key().unwrap()).await.user().as_deref(), Some("alice"));
}

/// They find no room; who was logged in stays so.
pub async fn logging_in_again_while_others_log_in_ends_nobodys_session(engine: Engine) {
    if engine.index_or_limit().await.is_none() {
        return;
    }
    let faulty = Faulty::new(Arc::clone(&engine.backend));
    let sessions = limited_over(&engine, &faulty, 2, LoginPolicy::Refuse);
    let key = logged_in(&sessions, "alice").await.key().unwrap();
    engine.pass(MINUTE);
    let again = visit(&sessions, &key).await;
    let (second, third) = (newcomer(&sessions).await, newcomer(&sessions).await);
    let (rotating, creating) = (Gate::default(), Gate::default());
    again.login("alice").unwrap();
    faulty.fail(Operation::Rotate, Fault::Hold(rotating.clone()));
    let login = saving(&again);
    rotating.reached().await;
    third.login("alice").unwrap();
    faulty.fail(Operation::Create, Fault::Hold(creating.clone()));
    let one_too_many = saving(&third);
    creating.reached().await;
    second.login("alice").unwrap();
    second.save().await.unwrap();
    creating.open();
    rotating.open();
    login.await.unwrap().unwrap();
    assert_eq!(one_too_many.await.unwrap().unwrap_err().kind(), ErrorKind::TooManySessions);
    for session in [again, second] {
        assert!(visit(&sessions, &session.key().unwrap()).await.user().is_some());
    }
    assert_eq!(sessions.of_user("alice").await.unwrap().len(), 2);
}

/// Whatever it fails by: nothing was dropped for it.
pub async fn a_login_of_another_user_that_fails_leaves_the_session_and_its_data(engine: Engine) {
    let counted = engine.index_or_limit().await.is_some();
    let sessions = engine.sessions_with(|options| {
        options.payload_limit = 10_000;
        if counted {
            limit(options, 1, LoginPolicy::Refuse);
        }
    });
    logged_in(&sessions, "bob").await;
    let alices = newcomer(&sessions).await;
    alices.login("alice").unwrap();
    alices.insert("cart", 1).unwrap();
    alices.save().await.unwrap();
    let key = alices.key().unwrap();
    for failure in ["refused", "too large", "too late", "given up"] {
        let session = visit(&sessions, &key).await;
        session.login(if failure == "refused" { "bob" } else { "carol" }).unwrap();
        assert!(session.is_empty(), "it is another user's by now");
        let expected = match failure {
            "refused" => counted.then_some(ErrorKind::TooManySessions),
            "too large" => {
                session.insert("large", "x".repeat(10_000)).unwrap();
                Some(ErrorKind::TooLarge)
            }
            "too late" => {
                session.headers_left();
                Some(ErrorKind::TooLate)
            }
            _ => None,
        };
        if let Some(kind) = expected {
            assert_eq!(session.save().await.unwrap_err().kind(), kind, "{failure}");
        }
        session.discard();
        let next = visit(&sessions, &key).await;
        for session in [session, next] {
            let now = (session.user(), session.names(), session.is_modified());
            assert_eq!(now, (Some("alice".to_owned()), vec!["cart".to_owned()], false), "{failure}");
        }
    }
}

/// One that had begun before was stored meanwhile. The visitor goes on with what they had, under a new key.
pub async fn a_login_that_is_refused_after_it_was_stored_leaves_the_visitors_cart(engine: Engine) {
    if engine.index_or_limit().await.is_none() {
        return;
    }
    let faulty = Faulty::new(Arc::clone(&engine.backend));
    let sessions = limited_over(&engine, &faulty, 1, LoginPolicy::Refuse);
    let mut browser = Browser(Some(stored(&sessions).await));
    let (first, earlier) = held_login(&sessions, &faulty).await;
    engine.pass(SECOND);
    let session = browser.visit(&sessions).await;
    session.login("alice").unwrap();
    let gate = Gate::default();
    faulty.fail(Operation::Rotate, Fault::Hold(gate.clone()));
    let later = saving(&session);
    gate.reached().await;
    first.open();
    earlier.await.unwrap().unwrap();
    gate.open();
    assert_eq!(later.await.unwrap().unwrap_err().kind(), ErrorKind::TooManySessions);
    session.discard();
    browser.answer(&session).await.unwrap();
    let next = browser.visit(&sessions).await;
    assert_eq!((next.user(), next.names()), (None, vec!["seed".to_owned()]));
    assert_eq!(sessions.of_user("alice").await.unwrap().len(), 1);
}

/// And says so at once: the store has failed, and the login has not come about.
pub async fn a_login_that_is_refused_and_can_not_be_taken_back_is_taken_back_later(engine: Engine) {
    if engine.index_or_limit().await.is_none() {
        return;
    }
    let faulty = Faulty::new(Arc::clone(&engine.backend));
    let sessions = limited_over(&engine, &faulty, 1, LoginPolicy::Refuse);
    let (first, earlier) = held_login(&sessions, &faulty).await;
    engine.pass(SECOND);
    let session = newcomer(&sessions).await;
    session.login("alice").unwrap();
    let gate = Gate::default();
    faulty.fail(Operation::Create, Fault::Hold(gate.clone()));
    let later = saving(&session);
    gate.reached().await;
    first.open();
    earlier.await.unwrap().unwrap();
    faulty.fail(Operation::Delete, Fault::Refuse);
    gate.open();
    assert_eq!(later.await.unwrap().unwrap_err().kind(), ErrorKind::TooManySessions);
    let mut browser = Browser::default();
    browser.answer(&session).await.unwrap();
    assert_eq!(browser.0, None);
    assert_eq!(sessions.of_user("alice").await.unwrap().len(), 1);
}

/// By the next commit of that session.
pub async fn a_login_that_is_cut_before_the_oldest_was_ended_is_looked_at_again(engine: Engine) {
    if engine.index_or_limit().await.is_none() {
        return;
    }
    let faulty = Faulty::new(Arc::clone(&engine.backend));
    let sessions = limited_over(&engine, &faulty, 1, LoginPolicy::EndOldest);
    let oldest = logged_in(&sessions, "alice").await;
    engine.pass(MINUTE);
    let second = newcomer(&sessions).await;
    second.login("alice").unwrap();
    cut(&faulty, Operation::Delete, &second).await;
    assert!(visit(&sessions, &oldest.key().unwrap()).await.user().is_some());
    second.insert("n", 1).unwrap();
    second.save().await.unwrap();
    assert_eq!(visit(&sessions, &oldest.key().unwrap()).await.key(), None);
    assert_eq!(visit(&sessions, &second.key().unwrap()).await.user().as_deref(), Some("alice"));
}

/// It was stored, and waited for others to step back.
pub async fn a_login_that_is_cut_before_it_was_refused_is_refused_by_the_next_commit(engine: Engine) {
    if engine.index_or_limit().await.is_none() {
        return;
    }
    let faulty = Faulty::new(Arc::clone(&engine.backend));
    let sessions = limited_over(&engine, &faulty, 1, LoginPolicy::Refuse);
    let session = newcomer(&sessions).await;
    session.login("alice").unwrap();
    let gate = Gate::default();
    faulty.fail(Operation::Create, Fault::Hold(gate.clone()));
    let login = saving(&session);
    gate.reached().await;
    engine.pass(SECOND);
    let other = logged_in(&sessions, "alice").await;
    gate.open();
    while session.key().is_none() && !login.is_finished() {
        tokio::task::yield_now().await;
    }
    login.abort();
    let refused = match login.await {
        // It has waited for long enough, and was not cut.
        Ok(refused) => refused,
        Err(_) => session.save().await,
    };
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::TooManySessions);
    assert!(visit(&sessions, &other.key().unwrap()).await.user().is_some());
    assert_eq!(sessions.of_user("alice").await.unwrap().len(), 1);
}

/// Nothing was in it before.
pub async fn a_request_that_fails_says_that_it_ended_the_session_of_a_login_that_it_took_back(
    engine: Engine,
) {
    if engine.index_or_limit().await.is_none() {
        return;
    }
    let faulty = Faulty::new(Arc::clone(&engine.backend));
    let sessions = limited_over(&engine, &faulty, 1, LoginPolicy::Refuse);
    let session = newcomer(&sessions).await;
    session.login("alice").unwrap();
    let (creating, looking) = (Gate::default(), Gate::default());
    faulty.fail(Operation::Create, Fault::Hold(creating.clone()));
    let login = saving(&session);
    creating.reached().await;
    engine.pass(SECOND);
    let other = logged_in(&sessions, "alice").await;
    faulty.fail(Operation::List, Fault::Hold(looking.clone()));
    creating.open();
    looking.reached().await;
    login.abort();
    assert!(login.await.unwrap_err().is_cancelled());
    assert_eq!(sessions.of_user("alice").await.unwrap().len(), 2);
    assert!(session.finish().await.unwrap(), "it was this request");
    assert!(visit(&sessions, &other.key().unwrap()).await.user().is_some());
    assert_eq!(sessions.of_user("alice").await.unwrap().len(), 1);
}
