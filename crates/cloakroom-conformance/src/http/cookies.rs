//! What the browser is told, and what it is believed.

use std::time::Duration;

use cloakroom_core::SessionKey;
use cloakroom_http::SameSite;

use super::{Limit, Setting, Site, Stage, Visitor};
use crate::{Engine, Fault, Operation};

/// And nobody may cache it.
pub async fn a_first_change_sets_the_cookie_with_all_its_attributes<S: Site>(
    engine: Engine,
    make: impl AsyncFnOnce(Setting) -> S,
) {
    let stage = Stage::set(engine, make, |wishes| {
        wishes.cookie.domain = Some("example.org".into());
        wishes.cookie.same_site = SameSite::Strict;
        wishes.options.lifetime.age = Duration::from_mins(1);
    })
    .await;
    let answer = stage.newcomer("/do/set:a=1").await;
    let key = answer.key();
    assert_eq!(
        answer.set_cookie().unwrap(),
        format!(
            "sessionid={key}; HttpOnly; SameSite=Strict; Secure; Path=/; Domain=example.org; Max-Age=60; \
             Expires=Fri, 15 Jan 2027 08:01:00 GMT"
        )
    );
    assert_eq!(stage.now().millis(), 1_800_000_000_000);
    let visitor = Visitor::told(&answer);
    assert_eq!(answer.header("cache-control"), ["no-store"]);
    assert_eq!(answer.header("vary"), ["Cookie"]);
    assert_eq!(stage.value(&visitor).await, "1");
}

/// With a cookie or without.
pub async fn a_session_that_nobody_asked_for_costs_nothing_and_adds_no_header<S: Site>(
    engine: Engine,
    make: impl AsyncFnOnce(Setting) -> S,
) {
    let stage = Stage::set(engine, make, |_| {}).await;
    let visitor = stage.stored().await;
    for answer in [stage.newcomer("/untouched").await, stage.visit(&visitor, "/untouched").await] {
        assert_eq!((answer.status, answer.body.as_str()), (200, "ok"));
        for header in ["set-cookie", "vary", "cache-control"] {
            assert!(answer.header(header).is_empty(), "{header}");
        }
    }
    assert_eq!(stage.faults.calls(), []);
}

/// For one load.
pub async fn a_read_varies_by_cookie_and_sets_none<S: Site>(
    engine: Engine,
    make: impl AsyncFnOnce(Setting) -> S,
) {
    let stage = Stage::set(engine, make, |_| {}).await;
    let visitor = stage.stored().await;
    for answer in [stage.visit(&visitor, "/do/get:a").await, stage.newcomer("/do/look").await] {
        assert_eq!(answer.set_cookie(), None);
        assert_eq!(answer.header("vary"), ["Cookie"]);
        assert!(answer.header("cache-control").is_empty());
    }
    assert_eq!(stage.faults.calls(), [Operation::Load]);
}

/// The browser may hold a newer one by now.
pub async fn a_change_does_not_send_the_key_again<S: Site>(
    engine: Engine,
    make: impl AsyncFnOnce(Setting) -> S,
) {
    let stage = Stage::set(engine, make, |_| {}).await;
    let visitor = stage.stored().await;
    stage.engine.pass(Duration::from_hours(24));
    stage.assert_quiet(&stage.visit(&visitor, "/do/set:a=2").await).await;
    assert_eq!(stage.faults.calls(), [Operation::Load, Operation::Save]);
    assert_eq!(stage.value(&visitor).await, "2");
}

/// And once sent, not again.
pub async fn the_key_is_sent_again_when_its_end_moves_by_more_than_a_tenth<S: Site>(
    engine: Engine,
    make: impl AsyncFnOnce(Setting) -> S,
) {
    let stage =
        Stage::set(engine, make, |wishes| wishes.options.lifetime.age = Duration::from_hours(10)).await;
    let visitor = stage.stored().await;
    stage.engine.pass(Duration::from_mins(61));
    assert_eq!(stage.visit(&visitor, "/do/get:a").await.set_cookie(), None, "a read moves nothing");
    let key = visitor.key();
    let answer = stage.visit(&visitor, "/do/set:a=2").await;
    stage.assert_sent_again(&key, &answer);
    assert!(answer.set_cookie().unwrap().contains("Max-Age=36000;"));
    stage.assert_quiet(&stage.visit(&visitor, "/do/set:a=3").await).await;
}

/// Shorter, longer, or with the browser.
pub async fn a_new_expiry_is_sent_at_once<S: Site>(engine: Engine, make: impl AsyncFnOnce(Setting) -> S) {
    let stage = Stage::set(engine, make, |_| {}).await;
    let visitor = stage.stored().await;
    let key = visitor.key();
    let answer = stage.visit(&visitor, "/do/expire:300").await;
    stage.assert_sent_again(&key, &answer);
    assert!(answer.set_cookie().unwrap().contains("Max-Age=300;"));
    let answer = stage.visit(&visitor, "/do/expire:299").await;
    assert!(answer.set_cookie().unwrap().contains("Max-Age=299;"), "however little it moves");
    let answer = stage.visit(&visitor, "/do/close").await;
    stage.assert_sent_again(&key, &answer);
    assert!(!answer.set_cookie().unwrap().contains("Max-Age"));
    assert!(!answer.set_cookie().unwrap().contains("Expires"));
    let long = Duration::from_hours(24 * 1_000).as_secs();
    let answer = stage.visit(&visitor, &format!("/do/expire:{long}")).await;
    assert!(answer.set_cookie().unwrap().contains("Max-Age=34560000;"), "400 days");
}

/// And the old one is dead.
pub async fn a_login_sends_a_new_key<S: Site>(engine: Engine, make: impl AsyncFnOnce(Setting) -> S) {
    let stage = Stage::set(engine, make, |_| {}).await;
    for steps in ["login:alice", "cycle"] {
        let visitor = stage.stored().await;
        let old = visitor.key();
        let new = stage.visit(&visitor, &format!("/do/{steps}")).await.key();
        assert_ne!(new, old);
        assert_eq!(stage.value(&visitor).await, "1");
        stage.assert_dead(&old).await;
    }
}

/// Or browsers would not find it.
pub async fn a_logout_takes_the_cookie_away_with_the_attributes_it_was_set_with<S: Site>(
    engine: Engine,
    make: impl AsyncFnOnce(Setting) -> S,
) {
    let stage = Stage::set(engine, make, |wishes| {
        wishes.cookie.domain = Some("example.org".into());
        wishes.cookie.path = "/app".into();
    })
    .await;
    let visitor = stage.stored().await;
    let answer = stage.visit(&visitor, "/do/logout").await;
    assert_eq!(
        answer.set_cookie(),
        Some(
            "sessionid=; HttpOnly; SameSite=Lax; Secure; Path=/app; Domain=example.org; Max-Age=0; \
             Expires=Thu, 01 Jan 1970 00:00:00 GMT"
        )
    );
    assert_eq!(answer.header("cache-control"), ["no-store"]);
    stage.assert_records(0).await;
}

/// Never a failure either.
pub async fn a_cookie_that_is_no_key_is_a_fresh_visitor_and_never_reaches_the_store<S: Site>(
    engine: Engine,
    make: impl AsyncFnOnce(Setting) -> S,
) {
    let stage = Stage::set(engine, make, |_| {}).await;
    let oversized = "a".repeat(8_192);
    let garbage = [
        "",
        "short",
        "../../../../../../../etc/passwd",
        "%61bcdefghijklmnopqrstuvwxyz0123",
        "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345",
        "abcdefghijklmnopqrstuvwxyz01234'",
        "\"abcdefghijklmnopqrstuvwxyz012345\"",
        "abcdefghijklmnopqrstuvwxyz 12345",
        &oversized,
    ];
    for cookie in garbage {
        let answer = stage.present(cookie, "/do/get:a").await;
        assert_eq!((answer.status, answer.body.as_str()), (200, "nothing"), "{cookie:?}");
        assert_eq!(answer.set_cookie(), None, "{cookie:?}");
    }
    // Of a cookie that is the session an engine sees all that may be one.
    let arrive = garbage.iter().filter(|cookie| SessionKey::parse(cookie, stage.addressing()).is_some());
    assert_eq!(stage.faults.calls(), vec![Operation::Load; arrive.count()]);
    assert_eq!(stage.site.get("/do/get:a", &["", ";;;", "=", "sessionid", "\u{1F9E5}=1"]).await.status, 200);
}

/// Somebody may have planted the other.
pub async fn a_cookie_sent_twice_is_a_fresh_visitor<S: Site>(
    engine: Engine,
    make: impl AsyncFnOnce(Setting) -> S,
) {
    let stage = Stage::set(engine, make, |_| {}).await;
    let (mine, planted) = (stage.stored().await, stage.stored().await);
    let (mine, planted) = (format!("sessionid={}", mine.key()), format!("sessionid={}", planted.key()));
    for cookies in
        [vec![format!("{mine}; {planted}")], vec![mine.clone(), planted.clone()], vec![planted, mine]]
    {
        let cookies: Vec<&str> = cookies.iter().map(String::as_str).collect();
        let answer = stage.site.get("/do/get:a", &cookies).await;
        assert_eq!((answer.status, answer.body.as_str()), (200, "nothing"));
        assert_eq!(answer.set_cookie(), None);
    }
}

/// The browser may hold a newer one by now; and a change gets a key of its own.
pub async fn an_unknown_or_expired_key_is_a_fresh_visitor_whose_cookie_is_left_alone<S: Site>(
    engine: Engine,
    make: impl AsyncFnOnce(Setting) -> S,
) {
    let stage = Stage::set(engine, make, |_| {}).await;
    let expired = stage.stored().await.key();
    stage.engine.pass(Duration::from_hours(14 * 24));
    for key in [expired.as_str(), SessionKey::generate(stage.addressing()).unwrap().expose()] {
        for path in ["/do/get:a", "/do/clear", "/do/logout"] {
            let answer = stage.present(key, path).await;
            assert_eq!((answer.status, answer.set_cookie()), (200, None), "{path}");
        }
        assert_ne!(stage.present(key, "/do/set:a=2").await.key(), key);
    }
}

/// Whoever made it so may still want it.
pub async fn an_unreadable_session_is_a_fresh_visitor_whose_cookie_is_left_alone<S: Site>(
    engine: Engine,
    make: impl AsyncFnOnce(Setting) -> S,
) {
    let stage = Stage::set(engine, make, |wishes| wishes.save_every_request = true).await;
    let key = stage.stored().await.key();
    for path in ["/untouched", "/do/get:a", "/do/logout"] {
        stage.faults.fail(Operation::Load, Fault::Corrupt);
        let answer = stage.present(&key, path).await;
        assert_eq!((answer.status, answer.set_cookie()), (200, None), "{path}");
    }
    stage.faults.fail(Operation::Load, Fault::Corrupt);
    assert_ne!(stage.present(&key, "/do/set:a=2").await.key(), key);
    assert_eq!(stage.present(&key, "/do/get:a").await.body, "1");
}

/// Nor does a change of mind.
pub async fn a_thousand_unknown_keys_leave_no_record<S: Site>(
    engine: Engine,
    make: impl AsyncFnOnce(Setting) -> S,
) {
    let stage = Stage::set(engine, make, |wishes| wishes.save_every_request = true).await;
    for _ in 0..250 {
        let key = SessionKey::generate(stage.addressing()).unwrap();
        for path in ["/untouched", "/do/get:a", "/do/look/clear/logout", "/do/cycle"] {
            assert_eq!(stage.present(key.expose(), path).await.set_cookie(), None);
        }
    }
    stage.assert_records(0).await;
}

/// Also the removal, or it would miss the partition.
pub async fn an_embedded_sites_cookie_is_partitioned_when_set_and_when_removed<S: Site>(
    engine: Engine,
    make: impl AsyncFnOnce(Setting) -> S,
) {
    let stage = Stage::set(engine, make, |wishes| {
        wishes.cookie.partitioned = true;
        wishes.cookie.same_site = SameSite::None;
    })
    .await;
    let set = stage.newcomer("/do/set:a=1").await;
    let removed = stage.visit(&Visitor::told(&set), "/do/logout").await;
    for answer in [set, removed] {
        let cookie = answer.set_cookie().unwrap();
        assert!(cookie.contains("; SameSite=None; Partitioned; Secure"), "{cookie}");
    }
}

/// A login in another tab may have given it one meanwhile.
pub async fn a_session_that_no_browser_has_seen_takes_no_cookie_away<S: Site>(
    engine: Engine,
    make: impl AsyncFnOnce(Setting) -> S,
) {
    let stage = Stage::set(engine, make, |_| {}).await;
    let answer = stage.newcomer("/do/set:a=1/save/logout").await;
    assert_eq!((answer.status, answer.set_cookie()), (200, None));
    stage.assert_records(0).await;
}

/// The cookie's own session was another request's to end.
pub async fn a_session_begun_after_another_requests_logout_takes_no_cookie_away<S: Site>(
    engine: Engine,
    make: impl AsyncFnOnce(Setting) -> S,
) {
    let stage = Stage::set(engine, make, |_| {}).await;
    let visitor = stage.stored().await;
    let answer = stage.visit(&visitor, "/do/end/logout/save/set:a=2/save/logout").await;
    if stage.engine.lacks(Limit::Revocation).await {
        assert_eq!(answer.value(), Some(""), "what lives on is this request's to end");
        return;
    }
    assert_eq!((answer.status, answer.set_cookie()), (200, None));
    stage.assert_records(0).await;
}

/// The cookie's own session was this request's to end.
pub async fn a_logout_is_told_also_where_a_session_was_begun_and_ended_after_it<S: Site>(
    engine: Engine,
    make: impl AsyncFnOnce(Setting) -> S,
) {
    let stage = Stage::set(engine, make, |_| {}).await;
    let visitor = stage.stored().await;
    let answer = stage.visit(&visitor, "/do/logout/save/set:a=2/save/logout").await;
    assert!(answer.set_cookie().unwrap().contains("Max-Age=0"));
    stage.assert_records(0).await;
}

/// There is nothing to take away.
pub async fn a_flush_without_a_cookie_sets_none<S: Site>(
    engine: Engine,
    make: impl AsyncFnOnce(Setting) -> S,
) {
    let stage = Stage::set(engine, make, |_| {}).await;
    for steps in ["logout", "set:a=1/logout", "clear", "cycle", "login:alice/logout"] {
        let answer = stage.newcomer(&format!("/do/{steps}")).await;
        assert_eq!((answer.status, answer.set_cookie()), (200, None), "{steps}");
        assert_eq!(answer.header("vary"), ["Cookie"]);
    }
    assert_eq!(stage.faults.calls(), []);
}

/// As a logout does.
pub async fn an_expiry_that_has_passed_takes_the_cookie_away<S: Site>(
    engine: Engine,
    make: impl AsyncFnOnce(Setting) -> S,
) {
    let stage = Stage::set(engine, make, |_| {}).await;
    let visitor = stage.stored().await;
    let key = visitor.key();
    let answer = stage.visit(&visitor, "/do/set:a=2/expire:0").await;
    assert_eq!((answer.status, answer.value()), (200, Some("")));
    assert!(answer.set_cookie().unwrap().contains("; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT"));
    stage.assert_dead(&key).await;
    assert_eq!(stage.newcomer("/do/set:a=1/expire:0").await.set_cookie(), None);
}

/// Two applications of one host, say.
pub async fn a_cookie_of_another_name_is_another_visitors<S: Site>(
    engine: Engine,
    make: impl AsyncFnOnce(Setting) -> S,
) {
    let stage = Stage::set(engine, make, |wishes| wishes.cookie.name = "__Host-shop".into()).await;
    let answer = stage.newcomer("/do/set:a=1").await;
    let pair = answer.set_cookie().unwrap().split(';').next().unwrap();
    let key = pair.strip_prefix("__Host-shop=").unwrap();
    assert_eq!(stage.site.get("/do/get:a", &[pair]).await.body, "1");
    for other in ["sessionid", "__host-shop", "shop", "__Secure-shop"] {
        assert_eq!(
            stage.site.get("/do/get:a", &[&format!("{other}={key}")]).await.body,
            "nothing",
            "{other}"
        );
    }
}
