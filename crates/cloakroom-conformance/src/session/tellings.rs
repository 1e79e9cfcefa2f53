//! What a browser is told of its session's key, as adapters tell it: plan, step, and then the headers leave.

use std::sync::Arc;
use std::time::Duration;

use cloakroom_core::{CookieChange, Session, Sessions};
use cloakroom_http::plan;

use super::renewals::{HOUR, MINUTE, due, hourly};
use super::{Browser, answering, cut_at, logged_in, stored};
use crate::{Engine, Fault, Faulty, Gate, Limit, Operation};

/// A request that has stored what its answer is to tell the browser: another end.
async fn telling(browser: &Browser, sessions: &Sessions) -> Session {
    let session = browser.visit(sessions).await;
    session.set_expiry(HOUR * 5);
    session.save().await.unwrap();
    session
}

/// A request of this browser that comes and is answered meanwhile.
async fn quick(browser: &mut Browser, sessions: &Sessions) -> Session {
    let session = browser.visit(sessions).await;
    browser.answer(&session).await.unwrap();
    session
}

/// Logs alice in, in another tab of this browser.
async fn log_in(browser: &mut Browser, sessions: &Sessions) {
    let session = browser.visit(sessions).await;
    session.login("alice").unwrap();
    browser.answer(&session).await.unwrap();
}

/// Sees that the browser holds what a login gave it; or, where each answer is another session, the last one's.
async fn assert_alices(engine: &Engine, browser: &Browser, sessions: &Sessions) {
    let user = browser.visit(sessions).await.user();
    let expected = if engine.lacks(Limit::Quiet).await { None } else { Some("alice") };
    assert_eq!(user.as_deref(), expected);
}

/// Its changes were stored there; it had told the old one before.
pub async fn a_request_that_goes_on_under_a_renewed_key_tells_that_one(engine: Engine) {
    let Some((sessions, key)) = due(&engine).await else { return };
    let mut browser = Browser(Some(key));
    let slow = telling(&browser, &sessions).await;
    let renewing = quick(&mut browser, &sessions).await;
    slow.insert("n", 1).unwrap();
    slow.save().await.unwrap();
    assert_eq!(slow.key(), renewing.key());
    browser.answer(&slow).await.unwrap();
    engine.pass(MINUTE);
    assert_eq!(browser.visit(&sessions).await.names(), ["seed", "n"]);
}

/// It has only looked.
pub async fn a_request_that_has_seen_a_renewal_tells_the_new_key(engine: Engine) {
    let Some((sessions, key)) = due(&engine).await else { return };
    let mut browser = Browser(Some(key));
    let slow = telling(&browser, &sessions).await;
    let renewing = quick(&mut browser, &sessions).await;
    slow.reload().await.unwrap();
    assert_eq!(slow.key(), renewing.key());
    browser.answer(&slow).await.unwrap();
    assert_eq!(browser.0, slow.key());
    engine.pass(MINUTE);
    assert_eq!(browser.visit(&sessions).await.names(), ["seed"]);
}

/// A long one.
pub async fn a_request_that_sees_two_renewals_tells_the_last_key(engine: Engine) {
    let Some((_, key)) = due(&engine).await else { return };
    let sessions = engine.sessions_with(|options| options.key_renewal = Some(MINUTE));
    let mut browser = Browser(Some(key));
    let slow = browser.visit(&sessions).await;
    let first = quick(&mut browser, &sessions).await;
    slow.update("n", |n: &mut i64| *n += 1).await.unwrap();
    assert_eq!(slow.key(), first.key());
    engine.pass(MINUTE);
    let second = quick(&mut browser, &sessions).await;
    slow.update("n", |n: &mut i64| *n += 1).await.unwrap();
    assert_eq!(slow.key(), second.key());
    browser.answer(&slow).await.unwrap();
    engine.pass(MINUTE);
    assert_eq!(browser.visit(&sessions).await.get::<i64>("n").unwrap(), Some(2));
}

/// It knows nothing of the renewal, and is answered after it.
pub async fn a_request_that_was_stored_before_a_renewal_leaves_the_browser_a_living_key(engine: Engine) {
    let Some((sessions, key)) = due(&engine).await else { return };
    let mut browser = Browser(Some(key));
    let slow = telling(&browser, &sessions).await;
    quick(&mut browser, &sessions).await;
    browser.answer(&slow).await.unwrap();
    engine.pass(MINUTE);
    assert_eq!(browser.visit(&sessions).await.names(), ["seed"]);
}

/// One that a login in another tab has given it.
pub async fn a_renewal_whose_answer_is_late_takes_no_newer_key_from_the_browser(engine: Engine) {
    let Some((_, key)) = due(&engine).await else { return };
    let faulty = Faulty::new(Arc::clone(&engine.backend));
    let sessions = engine.sessions_over(faulty.clone(), hourly);
    let mut browser = Browser(Some(key));
    let late = browser.visit(&sessions).await;
    let gate = Gate::default();
    faulty.fail(Operation::Rotate, Fault::HoldReply(gate.clone()));
    let answer = answering(&late);
    gate.reached().await;
    log_in(&mut browser, &sessions).await;
    gate.open();
    answer.await.unwrap().unwrap();
    browser.hear(&late);
    assert_eq!(browser.visit(&sessions).await.user().as_deref(), Some("alice"));
}

/// It was stored before the login, and answered after it; nothing is renewed.
pub async fn a_slow_answer_takes_no_key_from_the_browser_that_a_login_gave_it(engine: Engine) {
    let sessions = engine.sessions_by_value(|_| {});
    let mut browser = Browser(Some(stored(&sessions).await));
    let slow = telling(&browser, &sessions).await;
    log_in(&mut browser, &sessions).await;
    browser.answer(&slow).await.unwrap();
    assert_alices(&engine, &browser, &sessions).await;
}

/// There is nothing to note any more, and a login has given the browser another key.
pub async fn a_visit_that_finds_its_session_gone_tells_no_dead_key(engine: Engine) {
    if engine.lacks(Limit::Beginnings).await {
        return;
    }
    let sessions = engine.sessions_by_value(|options| options.lifetime.idle = Some(MINUTE * 10));
    let mut browser = Browser(Some(stored(&sessions).await));
    let slow = telling(&browser, &sessions).await;
    log_in(&mut browser, &sessions).await;
    engine.pass(MINUTE * 2);
    assert!(slow.activity().touch_due);
    browser.answer(&slow).await.unwrap();
    assert_alices(&engine, &browser, &sessions).await;
}

/// Another request has stored something under the new key before it was asked for again.
pub async fn a_renewal_whose_answer_is_lost_leaves_the_browser_a_living_key(engine: Engine) {
    let Some((_, key)) = due(&engine).await else { return };
    if !engine.recognises_own_write().await {
        return;
    }
    let faulty = Faulty::new(Arc::clone(&engine.backend));
    let sessions = engine.sessions_over(faulty.clone(), hourly);
    let mut browser = Browser(Some(key));
    let session = browser.visit(&sessions).await;
    let gate = Gate::default();
    faulty.fail(Operation::Rotate, Fault::LoseReply);
    faulty.fail(Operation::Rotate, Fault::Hold(gate.clone()));
    let answer = answering(&session);
    gate.reached().await;
    browser.visit(&sessions).await.update("n", |n: &mut i64| *n += 1).await.unwrap();
    gate.open();
    answer.await.unwrap().unwrap();
    browser.hear(&session);
    engine.pass(MINUTE);
    assert_eq!(browser.visit(&sessions).await.names(), ["seed", "n"]);
}

/// Under whatever key this session is by then: it is this request that ends it.
pub async fn logging_out_everywhere_after_a_renewal_takes_the_cookie(engine: Engine) {
    if engine.index_or_limit().await.is_none() || engine.lacks(Limit::HashedIds).await {
        return;
    }
    let sessions = engine.sessions_with(hourly);
    let mut browser = Browser(logged_in(&sessions, "alice").await.key());
    engine.pass(HOUR);
    let session = browser.visit(&sessions).await;
    quick(&mut browser, &sessions).await;
    assert_eq!(session.logout_everywhere().await.unwrap(), 1);
    browser.answer(&session).await.unwrap();
    assert_eq!(browser.0, None);
}

/// A documented limit: nothing more is looked for then. The next answer within the minute tells it.
pub async fn an_answer_of_500_tells_nothing_of_a_renewed_key(engine: Engine) {
    let Some((sessions, key)) = due(&engine).await else { return };
    let renewing = Browser(Some(key.clone())).visit(&sessions).await;
    renewing.renew_key().await.unwrap();
    let mut browser = Browser(Some(key.clone()));
    let failing = browser.visit(&sessions).await;
    assert_eq!(plan(&failing.activity(), 500, false), None);
    assert_eq!(failing.activity().cookie, CookieChange::Keep);
    engine.pass(Duration::from_millis(59_999));
    quick(&mut browser, &sessions).await;
    assert_eq!(browser.0, renewing.key());
    engine.pass(MINUTE);
    assert_eq!(browser.visit(&sessions).await.names(), ["seed"]);
    assert_eq!(Browser(Some(key)).visit(&sessions).await.key(), None);
}

/// What it has become is what this request goes by, and what the browser holds.
pub async fn a_login_that_was_cut_and_given_up_is_told_if_it_is_stored(engine: Engine) {
    let faulty = Faulty::new(Arc::clone(&engine.backend));
    let sessions = engine.sessions_by_value_over(faulty.clone(), |_| {});
    for done in [false, true] {
        let mut browser = Browser(Some(stored(&sessions).await));
        let session = browser.visit(&sessions).await;
        session.login("alice").unwrap();
        cut_at(&faulty, Operation::Rotate, done, &session).await;
        session.discard();
        browser.answer(&session).await.unwrap();
        let next = browser.visit(&sessions).await;
        assert_eq!((next.user(), next.names()), (session.user(), vec!["seed".to_owned()]), "{done}");
    }
}
