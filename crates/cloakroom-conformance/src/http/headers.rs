//! What stands beside Set-Cookie, and that it leaves after the commit.

use super::{Fault, Operation, Setting, Site, Stage, Visitor};
use crate::Engine;

/// A star says it for all headers; what a handler wrote stays.
pub async fn vary_names_cookie_once_whatever_the_handler_wrote<S: Site>(
    engine: Engine,
    make: impl AsyncFnOnce(Setting) -> S,
) {
    let stage = Stage::set(engine, make, |_| {}).await;
    let key = stage.stored().await.key();
    let table: [(&str, &[&str]); 7] = [
        ("look", &["Cookie"]),
        ("header:vary=Accept", &["Accept", "Cookie"]),
        ("header:vary=cookie", &["cookie"]),
        ("header:vary=Accept,COOKIE", &["Accept,COOKIE"]),
        ("header:vary=Accept/header:vary=Origin,Cookie", &["Accept", "Origin,Cookie"]),
        ("header:vary=X-Cookie", &["X-Cookie", "Cookie"]),
        ("header:vary=*", &["*"]),
    ];
    for (steps, vary) in table {
        for steps in [format!("/do/{steps}"), format!("/do/set:b=2/{steps}")] {
            assert_eq!(stage.present(&key, &steps).await.header("vary"), vary, "{steps}");
        }
    }
}

/// A cache that shared it would share the session.
pub async fn an_answer_that_sets_or_removes_the_cookie_is_not_to_be_stored_unless_its_handler_chose<
    S: Site,
>(
    engine: Engine,
    make: impl AsyncFnOnce(Setting) -> S,
) {
    let stage = Stage::set(engine, make, |_| {}).await;
    let key = stage.stored().await.key();
    for steps in ["set:b=2/cycle", "logout"] {
        for (chosen, stands) in [("", "no-store"), ("/header:cache-control=private", "private")] {
            let key = stage.stored().await.key();
            let answer = stage.present(&key, &format!("/do/{steps}{chosen}")).await;
            assert!(answer.set_cookie().is_some(), "{steps}{chosen}");
            assert_eq!(answer.header("cache-control"), [stands], "{steps}{chosen}");
        }
    }
    assert!(stage.present(&key, "/do/get:a").await.header("cache-control").is_empty(), "it sets none");
}

/// In front of it or behind it.
pub async fn a_handlers_own_cookie_goes_beside_the_sessions<S: Site>(
    engine: Engine,
    make: impl AsyncFnOnce(Setting) -> S,
) {
    let stage = Stage::set(engine, make, |_| {}).await;
    for steps in ["login:alice", "logout"] {
        let key = stage.stored().await.key();
        let answer = stage.present(&key, &format!("/do/header:set-cookie=theme=dark/{steps}")).await;
        let cookies = answer.header("set-cookie");
        assert_eq!(cookies.len(), 2, "{cookies:?}");
        assert!(cookies.contains(&"theme=dark"), "{cookies:?}");
        assert!(cookies.iter().any(|cookie| cookie.starts_with("sessionid=")), "{cookies:?}");
    }
}

/// Whether it has a body to send after them or none.
pub async fn every_method_is_committed_before_its_headers_leave<S: Site>(
    engine: Engine,
    make: impl AsyncFnOnce(Setting) -> S,
) {
    let stage = Stage::set(engine, make, |_| {}).await;
    for method in ["HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"] {
        let created = stage.site.ask(method, "/do/set:a=1", &[]).await;
        assert_eq!(created.status, 200, "{method}");
        let visitor = Visitor::told(&created);
        visitor.hear(&stage.present_by(method, &visitor.key(), "/do/set:a=2").await);
        assert_eq!(stage.value(&visitor).await, "2", "{method}");
        let ended = stage.present_by(method, &visitor.key(), "/do/logout").await;
        assert_eq!(ended.value(), Some(""), "{method}");
    }
}

/// 304 is a page that the browser has; the session is another thing.
pub async fn redirects_and_answers_without_a_body_are_committed_before_their_headers_leave<S: Site>(
    engine: Engine,
    make: impl AsyncFnOnce(Setting) -> S,
) {
    let stage = Stage::set(engine, make, |_| {}).await;
    for status in [201, 204, 301, 302, 303, 304, 307, 308] {
        let created = stage.newcomer(&format!("/do/set:a=1/status:{status}")).await;
        assert_eq!(created.status, status);
        let visitor = Visitor::told(&created);
        let changed = stage.visit(&visitor, &format!("/do/set:a=2/status:{status}")).await;
        assert_eq!((changed.status, changed.header("vary")), (status, vec!["Cookie"]));
        assert_eq!(stage.value(&visitor).await, "2", "{status}");
    }
}

/// It is what visitors get while the store is away, and nothing for those who come after.
pub async fn an_answer_that_did_without_a_session_varies_where_it_was_looked_for<S: Site>(
    engine: Engine,
    make: impl AsyncFnOnce(Setting) -> S,
) {
    let stage = Stage::set(engine, make, |wishes| wishes.save_every_request = true).await;
    let visitor = stage.stored().await;
    stage.faults.fail(Operation::Load, Fault::Refuse);
    let answer = stage.visit(&visitor, "/perhaps").await;
    assert_eq!((answer.status, answer.set_cookie()), (200, None));
    assert_eq!(answer.header("vary"), ["Cookie"]);
    assert_eq!(stage.faults.calls(), [Operation::Load], "a store that has failed is not asked again");
}
