//! What is stored when a handler has answered.

use std::time::Duration;

use super::{Limit, Operation, Setting, Site, Stage, Visitor};
use crate::Engine;

/// Whoever has the answer finds the change.
pub async fn changes_are_committed_before_the_answer<S: Site>(
    engine: Engine,
    make: impl AsyncFnOnce(Setting) -> S,
) {
    let stage = Stage::set(engine, make, |_| {}).await;
    let visitor = stage.stored().await;
    for n in 2..10 {
        assert_eq!(stage.visit(&visitor, &format!("/do/set:a={n}")).await.status, 200);
        assert_eq!(stage.value(&visitor).await, n.to_string());
    }
    assert_eq!(stage.visit(&visitor, "/do/add:n/add:n").await.body, "2");
}

/// A form that was refused may still have left a notice.
pub async fn an_error_status_below_500_commits<S: Site>(
    engine: Engine,
    make: impl AsyncFnOnce(Setting) -> S,
) {
    let stage = Stage::set(engine, make, |_| {}).await;
    let visitor = stage.stored().await;
    assert_eq!(stage.visit(&visitor, "/do/set:a=2/status:404").await.status, 404);
    assert_eq!(stage.value(&visitor).await, "2");
}

/// And sends no cookie.
pub async fn a_status_from_500_on_commits_nothing<S: Site>(
    engine: Engine,
    make: impl AsyncFnOnce(Setting) -> S,
) {
    let stage = Stage::set(engine, make, |_| {}).await;
    let visitor = stage.stored().await;
    for status in [500, 503] {
        for answer in [
            stage.visit(&visitor, &format!("/do/set:a=2/login:alice/status:{status}")).await,
            stage.newcomer(&format!("/do/set:a=2/status:{status}")).await,
        ] {
            assert_eq!((answer.status, answer.set_cookie()), (status, None));
            assert_eq!(answer.header("vary"), ["Cookie"]);
        }
    }
    assert_eq!(stage.faults.calls(), [Operation::Load, Operation::Load]);
    assert_eq!(stage.value(&visitor).await, "1");
}

/// Whoever clicked it must be out.
pub async fn a_logout_ends_the_session_at_any_status<S: Site>(
    engine: Engine,
    make: impl AsyncFnOnce(Setting) -> S,
) {
    let stage = Stage::set(engine, make, |_| {}).await;
    for status in [200, 302, 404, 500, 503] {
        let visitor = stage.stored().await;
        let answer = stage.visit(&visitor, &format!("/do/logout/status:{status}")).await;
        assert_eq!(answer.status, status);
        assert!(answer.set_cookie().unwrap().contains("Max-Age=0"), "{status}");
        stage.assert_records(0).await;
    }
}

/// Or the visitor would hold a dead key, and the record would have no visitor.
pub async fn what_a_handler_committed_itself_is_sent_at_any_status<S: Site>(
    engine: Engine,
    make: impl AsyncFnOnce(Setting) -> S,
) {
    let stage = Stage::set(engine, make, |_| {}).await;
    let created = stage.newcomer("/do/set:a=1/save/set:a=2/status:500").await;
    assert_eq!(created.status, 500);
    let visitor = Visitor::told(&created);
    assert_eq!(stage.value(&visitor).await, "1");
    let new = stage.visit(&visitor, "/do/login:alice/save/status:500").await.key();
    assert_ne!(new, created.key());
    assert_eq!(stage.value(&visitor).await, "1");
}

/// As in Django: emptying is no logout.
pub async fn an_emptied_session_lives_on_under_its_key<S: Site>(
    engine: Engine,
    make: impl AsyncFnOnce(Setting) -> S,
) {
    let stage = Stage::set(engine, make, |_| {}).await;
    let visitor = stage.stored().await;
    stage.assert_quiet(&stage.visit(&visitor, "/do/clear").await).await;
    stage.assert_records(1).await;
    assert_eq!(stage.value(&visitor).await, "nothing");
    stage.assert_quiet(&stage.visit(&visitor, "/do/set:a=2").await).await;
    assert_eq!(stage.value(&visitor).await, "2");
}

/// Under a key of its own.
pub async fn a_logout_and_then_a_change_is_a_new_session<S: Site>(
    engine: Engine,
    make: impl AsyncFnOnce(Setting) -> S,
) {
    let stage = Stage::set(engine, make, |_| {}).await;
    let visitor = stage.stored().await;
    let old = visitor.key();
    let new = stage.visit(&visitor, "/do/logout/set:a=bye").await.key();
    assert_ne!(new, old);
    assert_eq!(stage.value(&visitor).await, "bye");
    stage.assert_records(1).await;
}

/// Also where no handler asked for it.
pub async fn every_request_can_store_and_send_the_session_again<S: Site>(
    engine: Engine,
    make: impl AsyncFnOnce(Setting) -> S,
) {
    let stage = Stage::set(engine, make, |wishes| {
        wishes.save_every_request = true;
        wishes.options.lifetime.age = Duration::from_mins(10);
    })
    .await;
    let visitor = stage.stored().await;
    for path in ["/untouched", "/do/get:a", "/untouched", "/do/status:404"] {
        stage.engine.pass(Duration::from_mins(9));
        let key = visitor.key();
        let answer = stage.visit(&visitor, path).await;
        stage.assert_sent_again(&key, &answer);
        assert!(answer.set_cookie().unwrap().contains("Max-Age=600;"));
        assert_eq!(answer.header("vary"), ["Cookie"], "{path}");
        assert_eq!(stage.faults.calls(), [Operation::Load, Operation::Save]);
    }
    stage.engine.pass(Duration::from_mins(9));
    assert_eq!(stage.visit(&visitor, "/do/status:500").await.set_cookie(), None);
    stage.engine.pass(Duration::from_mins(1));
    assert_eq!(stage.value(&visitor).await, "nothing");
    let ended = stage.stored().await;
    let read = stage.visit(&ended, "/do/end/get:a").await;
    assert_eq!(read.status, 200, "what ended meanwhile is no failure of a read");
    let lives = stage.engine.lacks(Limit::Revocation).await;
    assert_eq!(read.set_cookie().is_some(), lives);
}

/// There is nothing to store.
pub async fn every_request_of_a_newcomer_stores_nothing<S: Site>(
    engine: Engine,
    make: impl AsyncFnOnce(Setting) -> S,
) {
    let stage = Stage::set(engine, make, |wishes| wishes.save_every_request = true).await;
    for path in ["/untouched", "/do/get:a"] {
        assert_eq!(stage.newcomer(path).await.set_cookie(), None);
    }
    assert_eq!(stage.faults.calls(), []);
}

/// By any request of theirs.
pub async fn a_visit_keeps_an_idle_session_also_where_no_handler_asked<S: Site>(
    engine: Engine,
    make: impl AsyncFnOnce(Setting) -> S,
) {
    let stage =
        Stage::set(engine, make, |wishes| wishes.options.lifetime.idle = Some(Duration::from_mins(10))).await;
    let visitor = stage.stored().await;
    for path in ["/untouched", "/do/get:a", "/untouched"] {
        stage.engine.pass(Duration::from_mins(10));
        stage.visit(&visitor, path).await;
        assert_eq!(stage.faults.calls(), [Operation::Load, Operation::Touch], "{path}");
        stage.engine.pass(Duration::from_secs(59));
        stage.visit(&visitor, path).await;
        assert_eq!(stage.faults.calls(), [Operation::Load], "a tenth has not passed: {path}");
    }
    stage.engine.pass(Duration::from_mins(11));
    assert_eq!(stage.value(&visitor).await, "nothing");
}

/// Only the server's deadline moves.
pub async fn the_cookie_of_an_idle_session_stays<S: Site>(
    engine: Engine,
    make: impl AsyncFnOnce(Setting) -> S,
) {
    let stage =
        Stage::set(engine, make, |wishes| wishes.options.lifetime.idle = Some(Duration::from_mins(10))).await;
    let set = stage.newcomer("/do/set:a=1").await;
    assert!(set.set_cookie().unwrap().contains("Max-Age=1209600;"));
    let visitor = Visitor::told(&set);
    for path in ["/untouched", "/do/get:a"] {
        stage.engine.pass(Duration::from_mins(5));
        stage.assert_quiet(&stage.visit(&visitor, path).await).await;
    }
}

/// A notice that is left and shown within one request, say.
pub async fn changes_that_cancel_out_are_a_visit_like_any_other<S: Site>(
    engine: Engine,
    make: impl AsyncFnOnce(Setting) -> S,
) {
    let stage =
        Stage::set(engine, make, |wishes| wishes.options.lifetime.idle = Some(Duration::from_mins(10))).await;
    let visitor = stage.stored().await;
    for _ in 0..3 {
        stage.engine.pass(Duration::from_mins(9));
        stage.visit(&visitor, "/do/set:notice=hello/remove:notice").await;
        assert_eq!(stage.faults.calls(), [Operation::Load, Operation::Touch]);
    }
    assert_eq!(stage.value(&visitor).await, "1");
}

/// Its age starts anew, and the browser's must as well.
pub async fn a_change_is_told_as_well_where_every_request_is<S: Site>(
    engine: Engine,
    make: impl AsyncFnOnce(Setting) -> S,
) {
    let stage = Stage::set(engine, make, |wishes| wishes.save_every_request = true).await;
    let visitor = stage.stored().await;
    let key = visitor.key();
    stage.assert_sent_again(&key, &stage.visit(&visitor, "/do/set:a=2").await);
    assert_eq!(stage.faults.calls(), [Operation::Load, Operation::Save]);
    let ended = stage.visit(&visitor, "/do/end/set:a=3").await.status;
    assert_eq!(ended, if stage.engine.lacks(Limit::Revocation).await { 200 } else { 400 });
}
