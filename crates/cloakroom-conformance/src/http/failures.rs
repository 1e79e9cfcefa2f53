//! What a visitor gets when it can't be done.

use std::num::NonZeroU32;

use cloakroom_core::{LoginLimit, LoginPolicy};

use super::{ErrorKind, Fault, Limit, Operation, Setting, Site, Stage};
use crate::Engine;

/// Nothing is stored, nothing comes back to life.
pub async fn a_change_to_a_session_that_another_request_ended_is_400_without_a_cookie<S: Site>(
    engine: Engine,
    make: impl AsyncFnOnce(Setting) -> S,
) {
    let stage = Stage::set(engine, make, |_| {}).await;
    if stage.engine.lacks(Limit::Revocation).await {
        return;
    }
    for steps in ["end/set:a=2", "end/add:n", "end/login:mallory", "end/cycle", "end/clear"] {
        let visitor = stage.stored().await;
        let answer = stage.visit(&visitor, &format!("/do/{steps}")).await;
        assert_eq!((answer.status, answer.set_cookie()), (400, None), "{steps}");
        assert_eq!(answer.header("vary"), ["Cookie"], "{steps}");
        stage.assert_records(0).await;
    }
    // Nor is a key announced that is dead by now.
    let created = stage.newcomer("/do/set:a=1/save/end/set:a=2").await;
    assert_eq!((created.status, created.set_cookie()), (400, None));
}

/// A login in another tab has given the browser a newer one.
pub async fn a_late_answer_to_an_old_key_never_touches_the_cookie<S: Site>(
    engine: Engine,
    make: impl AsyncFnOnce(Setting) -> S,
) {
    let stage = Stage::set(engine, make, |_| {}).await;
    if stage.engine.lacks(Limit::Quiet).await {
        return;
    }
    let visitor = stage.stored().await;
    let old = visitor.key();
    stage.visit(&visitor, "/do/login:alice").await;
    for path in ["/do/get:a", "/do/look", "/do/logout", "/do/clear", "/untouched", "/do/set:b=1/logout"] {
        let late = stage.present(&old, path).await;
        assert_eq!(late.set_cookie(), None, "{path}");
    }
    assert_eq!(stage.value(&visitor).await, "1");
    // A reader whose session ends while it reads is answered, and its cookie left alone.
    let late = stage.visit(&visitor, "/do/end/get:a").await;
    assert_eq!((late.status, late.set_cookie()), (200, None));
}

/// So that the session outlives the outage.
pub async fn a_store_that_can_not_be_read_is_503_without_a_cookie<S: Site>(
    engine: Engine,
    make: impl AsyncFnOnce(Setting) -> S,
) {
    let stage = Stage::set(engine, make, |_| {}).await;
    let visitor = stage.stored().await;
    stage.faults.fail(Operation::Load, Fault::Refuse);
    let answer = stage.visit(&visitor, "/do/get:a").await;
    assert_eq!((answer.status, answer.set_cookie()), (503, None));
    assert_eq!(answer.header("vary"), ["Cookie"]);
    assert_eq!(cloakroom_http::status(ErrorKind::Unavailable), 503);
    assert_eq!(stage.value(&visitor).await, "1");
}

/// What the handler wanted to say is not true.
pub async fn a_store_that_can_not_be_written_is_503_without_a_cookie_or_body<S: Site>(
    engine: Engine,
    make: impl AsyncFnOnce(Setting) -> S,
) {
    let stage = Stage::set(engine, make, |_| {}).await;
    let visitor = stage.stored().await;
    stage.faults.fail(Operation::Save, Fault::Refuse);
    let changed = stage.visit(&visitor, "/do/get:a/set:a=2").await;
    stage.faults.fail(Operation::Create, Fault::Refuse);
    let created = stage.newcomer("/do/set:a=1/get:a").await;
    stage.faults.fail(Operation::Rotate, Fault::Refuse);
    let rotated = stage.visit(&visitor, "/do/get:a/login:alice").await;
    for answer in [changed, created, rotated] {
        assert_eq!((answer.status, answer.body.as_str(), answer.set_cookie()), (503, "", None));
        assert_eq!(answer.header("vary"), ["Cookie"]);
    }
    assert_eq!(stage.value(&visitor).await, "1");
}

/// Still logged in is better than believed to be out.
pub async fn a_logout_that_could_not_be_stored_is_503_and_leaves_the_cookie<S: Site>(
    engine: Engine,
    make: impl AsyncFnOnce(Setting) -> S,
) {
    let stage = Stage::set(engine, make, |_| {}).await;
    let visitor = stage.stored().await;
    stage.faults.fail(Operation::Delete, Fault::Refuse);
    let answer = stage.visit(&visitor, "/do/logout").await;
    assert_eq!((answer.status, answer.set_cookie()), (503, None));
    assert_eq!(stage.value(&visitor).await, "1");
    assert!(stage.visit(&visitor, "/do/logout").await.set_cookie().unwrap().contains("Max-Age=0"));
}

/// The old one stays.
pub async fn a_session_over_the_limit_is_413<S: Site>(engine: Engine, make: impl AsyncFnOnce(Setting) -> S) {
    let stage = Stage::set(engine, make, |_| {}).await;
    let visitor = stage.stored().await;
    // What a store refuses, and what it does not; a cookie has less room, however little is in the text.
    let (over, within) =
        if stage.engine.lacks(Limit::Room).await { (4_096, 2_048) } else { (1_100_000, 1_000_000) };
    let answer = stage.visit(&visitor, &format!("/do/large:{over}")).await;
    assert_eq!((answer.status, answer.set_cookie()), (413, None));
    assert_eq!(stage.visit(&visitor, &format!("/do/large:{within}/get:a")).await.body, "1");
}

/// The visitor goes on as before.
pub async fn a_login_beyond_the_limit_is_409_and_leaves_the_session<S: Site>(
    engine: Engine,
    make: impl AsyncFnOnce(Setting) -> S,
) {
    let indexed = !engine.lacks(Limit::Index).await;
    let limit = LoginLimit::new(NonZeroU32::MIN, LoginPolicy::Refuse);
    let stage = Stage::set(engine, make, |wishes| wishes.options.login_limit = Some(limit)).await;
    let first = stage.newcomer("/do/login:alice").await;
    assert_eq!(first.status, if indexed { 200 } else { 501 });
    let visitor = stage.stored().await;
    let refused = stage.visit(&visitor, "/do/login:alice").await;
    assert_eq!((refused.status, refused.set_cookie()), (if indexed { 409 } else { 501 }, None));
    assert_eq!(stage.value(&visitor).await, "1");
}

/// The answer stands, and the next visit will be noted.
pub async fn a_visit_that_could_not_be_noted_is_no_failure<S: Site>(
    engine: Engine,
    make: impl AsyncFnOnce(Setting) -> S,
) {
    let minutes = std::time::Duration::from_mins;
    let stage = Stage::set(engine, make, |wishes| wishes.options.lifetime.idle = Some(minutes(10))).await;
    let visitor = stage.stored().await;
    for (operation, path) in
        [(Operation::Load, "/untouched"), (Operation::Touch, "/untouched"), (Operation::Touch, "/do/get:a")]
    {
        stage.engine.pass(minutes(2));
        stage.faults.fail(operation, Fault::Refuse);
        assert_eq!(stage.visit(&visitor, path).await.status, 200, "{operation:?} {path}");
    }
    assert_eq!(stage.visit(&visitor, "/do/get:a").await.body, "1");
}

/// Of the very session that it was to end.
pub async fn a_failed_logout_announces_no_key<S: Site>(engine: Engine, make: impl AsyncFnOnce(Setting) -> S) {
    let stage = Stage::set(engine, make, |_| {}).await;
    let visitor = stage.stored().await;
    stage.faults.fail(Operation::Delete, Fault::Refuse);
    let answer = stage.visit(&visitor, "/do/login:alice/save/logout").await;
    assert_eq!((answer.status, answer.set_cookie()), (503, None));
}
