//! Keys that are renewed, as browsers see it.

use std::time::Duration;

use super::{Setting, Site, Stage, Visitor};
use crate::{Engine, Limit};

const HOUR: Duration = Duration::from_hours(1);

/// A site that renews keys every hour, and a visitor whose key is due. None on an engine that has nothing to renew.
async fn due<S: Site>(
    engine: Engine,
    make: impl AsyncFnOnce(Setting) -> S,
) -> Option<(Stage<S>, Visitor, String)> {
    let lacks = engine.lacks(Limit::HashedIds).await;
    let stage = Stage::set(engine, make, |wishes| wishes.options.key_renewal = Some(HOUR)).await;
    let visitor = stage.stored().await;
    let key = visitor.key();
    stage.engine.pass(HOUR);
    if lacks {
        assert!(stage.visit(&visitor, "/do/get:a").await.set_cookie().is_none(), "nothing is renewed");
        return None;
    }
    Some((stage, visitor, key))
}

/// Whatever the request does, as long as it looks at its session.
pub async fn a_key_that_is_due_is_renewed_by_the_next_request_that_looks<S: Site>(
    engine: Engine,
    make: impl AsyncFnOnce(Setting) -> S,
) {
    let Some((stage, visitor, old)) = due(engine, make).await else { return };
    assert!(stage.visit(&visitor, "/untouched").await.set_cookie().is_none());
    assert!(stage.visit(&visitor, "/do/get:a/status:503").await.set_cookie().is_none());
    let answer = stage.visit(&visitor, "/do/get:a").await;
    assert_ne!(answer.key(), old);
    assert_eq!((answer.body.as_str(), answer.header("cache-control")), ("1", vec!["no-store"]));
    stage.engine.pass(HOUR);
    let before = visitor.key();
    let answer = stage.visit(&visitor, "/do/set:a=2").await;
    assert_ne!(answer.key(), before);
    assert_eq!(stage.value(&visitor).await, "2");
}

/// For a minute: a page sends many requests at once.
pub async fn a_request_with_a_renewed_key_is_served_and_told_the_new_one<S: Site>(
    engine: Engine,
    make: impl AsyncFnOnce(Setting) -> S,
) {
    let Some((stage, visitor, old)) = due(engine, make).await else { return };
    stage.visit(&visitor, "/do/get:a").await;
    let new = visitor.key();
    for path in ["/do/get:a", "/do/set:b=2", "/do/look"] {
        let answer = stage.present(&old, path).await;
        assert_eq!((answer.status, answer.key()), (200, new.clone()), "{path}");
    }
    stage.engine.pass(Duration::from_mins(1));
    let late = stage.present(&old, "/do/get:a").await;
    assert_eq!((late.body.as_str(), late.set_cookie()), ("nothing", None));
    assert_eq!(stage.value(&visitor).await, "1");
}

/// However lately it was renewed.
pub async fn a_renewed_key_is_dead_after_a_login<S: Site>(
    engine: Engine,
    make: impl AsyncFnOnce(Setting) -> S,
) {
    let Some((stage, visitor, old)) = due(engine, make).await else { return };
    stage.visit(&visitor, "/do/get:a").await;
    stage.visit(&visitor, "/do/login:alice").await;
    let late = stage.present(&old, "/do/get:a").await;
    assert_eq!((late.body.as_str(), late.set_cookie()), ("nothing", None));
    assert_eq!(stage.value(&visitor).await, "1");
}

/// With the old key; the cookie goes, whichever the browser holds.
pub async fn a_logout_with_a_renewed_key_ends_the_session_and_takes_the_cookie<S: Site>(
    engine: Engine,
    make: impl AsyncFnOnce(Setting) -> S,
) {
    let Some((stage, visitor, old)) = due(engine, make).await else { return };
    stage.visit(&visitor, "/do/get:a").await;
    let answer = stage.present(&old, "/do/logout").await;
    assert!(answer.set_cookie().unwrap().contains("Max-Age=0"));
    assert_eq!(stage.value(&visitor).await, "nothing");
}
