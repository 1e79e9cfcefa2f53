//! What others got wrong and were told of in public: see docs/advisories.md.

use std::time::Duration;

use super::{Fault, Operation, Setting, Site, Stage, Visitor};
use crate::Engine;

/// Also one that only looks, one that fails, and a visit that nobody asked for: a cache between would show
/// one visitor's answer to another, or give them the cookie.
pub async fn every_way_to_a_session_varies_by_cookie_and_no_cookie_is_cached<S: Site>(
    engine: Engine,
    make: impl AsyncFnOnce(Setting) -> S,
) {
    let minutes = Duration::from_mins;
    let stage = Stage::set(engine, make, |wishes| wishes.options.lifetime.idle = Some(minutes(10))).await;
    let unasked = ["/untouched"];
    let reads = ["look", "get:a", "get:none", "clear", "set:a=1", "save", "add:n"];
    let writes = ["set:a=2", "set:b=2/status:404", "remove:a", "expire:60", "close", "cycle", "login:alice"];
    let ends = ["logout", "logout/set:a=2", "logout/status:302", "logout/status:500"];
    let fails =
        ["set:a=2/status:500", "set:a=1/save/status:503", "large:1100000", "end/set:a=2", "get:n/get:a"];
    let ways = unasked
        .map(str::to_owned)
        .into_iter()
        .chain([&reads[..], &writes, &ends, &fails].concat().into_iter().map(|steps| format!("/do/{steps}")));
    let mut cookies = 0;
    for way in ways {
        let visitor = stage.stored().await;
        // A visit is due.
        stage.engine.pass(minutes(2));
        let mut answers = vec![stage.visit(&visitor, &way).await];
        if way.starts_with("/do/") && !way.contains("end/") && !way.contains("remove") {
            answers.push(stage.newcomer(&way).await);
        }
        for answer in answers {
            assert_eq!(answer.header("vary"), ["Cookie"], "{way}: {}", answer.status);
            let cookie = answer.set_cookie();
            let no_store = cookie.map_or(vec![], |_| vec!["no-store"]);
            assert_eq!(answer.header("cache-control"), no_store, "{way}");
            cookies += usize::from(cookie.is_some());
        }
    }
    assert!(cookies > 10, "{cookies}");
    // Nor when the store is of no help.
    for (operation, steps) in
        [(Operation::Load, "get:a"), (Operation::Save, "set:a=2"), (Operation::Delete, "logout")]
    {
        let visitor = stage.stored().await;
        stage.faults.fail(operation, Fault::Refuse);
        let answer = stage.visit(&visitor, &format!("/do/{steps}")).await;
        assert_eq!((answer.status, answer.header("vary")), (503, vec!["Cookie"]), "{steps}");
    }
}

/// Who may set no `__Host-` cookie may set one that a server takes for it, if that decodes or folds names.
pub async fn a_name_that_only_decodes_to_the_cookies_is_another_cookie<S: Site>(
    engine: Engine,
    make: impl AsyncFnOnce(Setting) -> S,
) {
    let stage = Stage::set(engine, make, |wishes| wishes.cookie.name = "__Host-id".into()).await;
    let key = |answer: &super::Answer| {
        let pair = answer.set_cookie().unwrap().split(';').next().unwrap().to_owned();
        pair.strip_prefix("__Host-id=").unwrap().to_owned()
    };
    let [mine, planted] = [stage.newcomer("/do/set:a=mine").await, stage.newcomer("/do/set:a=planted").await];
    let [mine, planted] = [key(&mine), key(&planted)];
    let found = async |cookie: String| stage.site.get("/do/get:a", &[&cookie]).await.body;
    assert_eq!(found(format!("__Host-id={mine}")).await, "mine");
    for name in [
        "%5F%5FHost-id",
        "%5f_Host-id",
        "_%5FHost-id",
        "__Host%2Did",
        "__Host-%69d",
        "__host-id",
        "__HOST-ID",
        "__Host-id ",
        "__Host-id%20",
        "__Host-id%00",
        "__Host-id%3D",
        "\"__Host-id\"",
        "__Host-id[]",
        "__Host_id",
        "..Host-id",
        "$__Host-id",
        "__Host-id;",
        "=__Host-id",
    ] {
        assert_eq!(found(format!("{name}={planted}")).await, "nothing", "{name:?}");
        for cookies in
            [format!("{name}={planted}; __Host-id={mine}"), format!("__Host-id={mine}; {name}={planted}")]
        {
            assert_eq!(found(cookies).await, "mine", "{name:?} is in nobody's way");
        }
    }
    // Of two that really have the name nobody can tell which is the visitor's: neither, in whatever order.
    for cookies in
        [format!("__Host-id={planted}; __Host-id={mine}"), format!("__Host-id={mine}; __Host-id={planted}")]
    {
        assert_eq!(found(cookies).await, "nothing");
    }
}

/// As a browser sends it that was told to take it away and did not.
pub async fn an_empty_cookie_is_a_visitor_of_its_own<S: Site>(
    engine: Engine,
    make: impl AsyncFnOnce(Setting) -> S,
) {
    let stage = Stage::set(engine, make, |_| {}).await;
    let visitor = stage.stored().await;
    assert_eq!(stage.visit(&visitor, "/do/logout").await.value(), Some(""));
    let mut visitors = Vec::new();
    for n in 0..3 {
        for empty in ["", "\"\"", " ", "%00"] {
            assert_eq!(stage.present(empty, "/do/get:a").await.body, "nothing", "{empty:?}");
            visitors.push((n, Visitor::told(&stage.present(empty, &format!("/do/set:a={n}")).await)));
        }
    }
    for (n, visitor) in &visitors {
        assert_eq!(stage.value(visitor).await, n.to_string());
    }
    stage.assert_records(visitors.len()).await;
}
