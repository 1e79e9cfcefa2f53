//! What stands beside the key in Set-Cookie.

use std::time::Duration;

use cloakroom_http::SameSite;

use super::{Answer, Setting, Site, Stage, Visitor};
use crate::Engine;

/// Whatever those are: a browser keeps what differs in one of them.
pub async fn a_cookie_is_removed_by_just_the_attributes_that_it_was_set_by<S: Site>(
    engine: Engine,
    make: impl AsyncFnOnce(Setting) -> S,
) {
    let stage = Stage::set(engine, make, |wishes| {
        wishes.cookie.domain = Some("example.org".into());
        wishes.cookie.path = "/app".into();
        wishes.cookie.http_only = false;
        wishes.cookie.same_site = SameSite::None;
        wishes.cookie.partitioned = true;
    })
    .await;
    let set = stage.newcomer("/do/set:a=1").await;
    let removed = stage.visit(&Visitor::told(&set), "/do/logout").await;
    let lasting = |answer: &Answer| {
        let attributes = answer.set_cookie().unwrap().split("; ").skip(1).map(str::to_owned);
        let lasts = |text: &String| !text.starts_with("Max-Age=") && !text.starts_with("Expires=");
        attributes.filter(lasts).collect::<Vec<_>>()
    };
    assert_eq!(lasting(&removed), lasting(&set));
    assert_eq!(
        lasting(&set),
        ["SameSite=None", "Partitioned", "Secure", "Path=/app", "Domain=example.org"],
        "and none that is off"
    );
}

/// For plain http, or for scripts that are to read it.
pub async fn an_attribute_that_is_off_is_not_there<S: Site>(
    engine: Engine,
    make: impl AsyncFnOnce(Setting) -> S,
) {
    let stage = Stage::set(engine, make, |wishes| {
        wishes.cookie.secure = false;
        wishes.cookie.http_only = false;
        wishes.options.lifetime.at_browser_close = true;
    })
    .await;
    let set = stage.newcomer("/do/set:a=1").await;
    assert_eq!(set.set_cookie().unwrap(), format!("sessionid={}; SameSite=Lax; Path=/", set.key()));
}

/// Browsers that know neither of them go by the other.
pub async fn max_age_and_expires_name_one_moment<S: Site>(
    engine: Engine,
    make: impl AsyncFnOnce(Setting) -> S,
) {
    let stage = Stage::set(engine, make, |_| {}).await;
    // The case begins on a Friday at 8:00.
    for (seconds, expires) in [
        (1, "Fri, 15 Jan 2027 08:00:01 GMT"),
        (3_600, "Fri, 15 Jan 2027 09:00:00 GMT"),
        (1_209_600, "Fri, 29 Jan 2027 08:00:00 GMT"),
        (34_560_000, "Sat, 19 Feb 2028 08:00:00 GMT"),
    ] {
        let answer = stage.newcomer(&format!("/do/set:a=1/expire:{seconds}")).await;
        let told = format!("; Max-Age={seconds}; Expires={expires}");
        assert!(answer.set_cookie().unwrap().ends_with(&told), "{told}");
    }
}

/// The session itself lives as long as it was told to.
pub async fn a_cookie_lives_400_days_at_most_and_is_renewed_by_changes<S: Site>(
    engine: Engine,
    make: impl AsyncFnOnce(Setting) -> S,
) {
    let days = |days: u64| Duration::from_hours(24 * days);
    let stage = Stage::set(engine, make, |wishes| wishes.options.lifetime.age = days(1_000)).await;
    let told = "; Max-Age=34560000; Expires=Sat, 19 Feb 2028 08:00:00 GMT";
    let created = stage.newcomer("/do/set:a=1").await;
    assert!(created.set_cookie().unwrap().ends_with(told));
    let visitor = Visitor::told(&created);
    stage.engine.pass(days(399));
    assert!(stage.visit(&visitor, "/do/set:a=2").await.set_cookie().unwrap().contains("; Max-Age=34560000;"));
    stage.engine.pass(days(999));
    assert_eq!(stage.value(&visitor).await, "2");
}
