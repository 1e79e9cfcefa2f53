//! Cookies that nobody was given: their bearer is a stranger, and nothing is stored or said.

use serde_json::json;

use crate::Playground;

const UNKNOWN: &str = "abcdefghijklmnopqrstuvwxyz012345";

#[tokio::test]
async fn a_cookie_that_nobody_was_given_is_a_strangers_and_left_alone() {
    let site = Playground::start().await;
    for cookie in [
        format!("sessionid={UNKNOWN}"),
        format!("sessionid={}", "a".repeat(8_192)),
        format!("sessionid={UNKNOWN}; sessionid={UNKNOWN}"),
        "sessionid=".into(),
        "sessionid".into(),
        "sessionid=\"; DROP TABLE cloakroom_sessions; --".into(),
        "sessionid=../../etc/passwd".into(),
        format!("sessionid={}", UNKNOWN.to_uppercase()),
        "sessionid=\u{fc}\u{1f980}".into(),
        ";;;=;sessionid==;".into(),
    ] {
        let mut visitor = site.visitor().bearing(&cookie);
        for path in ["/api/session", "/", "/api/test-cookie"] {
            let reply = visitor.get(path).await;
            assert_eq!((reply.status, reply.set_cookie()), (200, None), "{cookie} {path}");
        }
        assert_eq!(visitor.session().await["created_at"], json!(null), "{cookie}");
    }
    assert_eq!(site.rows().await, 0);
}

#[tokio::test]
async fn a_key_that_a_visitor_chose_is_never_adopted() {
    let site = Playground::start().await;
    let mut visitor = site.visitor().bearing(format!("sessionid={UNKNOWN}"));
    visitor.put("/api/session/a", "1").await;
    assert!(!visitor.cookie.as_deref().expect("a cookie").contains(UNKNOWN));
    assert_eq!(site.visitor().bearing(format!("sessionid={UNKNOWN}")).session().await["data"], json!({}));
}

#[tokio::test]
async fn two_cookies_of_the_name_are_nobodys_even_if_one_is_good() {
    let site = Playground::start().await;
    let mut visitor = site.visitor();
    visitor.put("/api/session/a", "1").await;
    let good = visitor.cookie.clone().expect("a cookie");
    let mut torn = visitor.bearing(format!("{good}; sessionid={UNKNOWN}"));
    let reply = torn.get("/api/session").await;
    assert_eq!((&reply.json()["data"], reply.set_cookie()), (&json!({}), None));
    assert_eq!(visitor.session().await["data"], json!({"a": 1}));
}

#[tokio::test]
async fn two_thousand_invented_cookies_leave_no_row() {
    let site = Playground::start().await;
    let tasks: Vec<_> = (0..8_u32)
        .map(|task| {
            let visitor = site.visitor();
            tokio::spawn(async move {
                for n in 0..250_u32 {
                    // Any 32 letters and digits have the form of a key.
                    let key =
                        format!("{:032x}", u128::from(task * 250 + n).wrapping_mul(0x9e37_79b9_7f4a_7c15));
                    let reply = visitor.bearing(format!("sessionid={key}")).get("/api/session").await;
                    assert_eq!((reply.status, reply.set_cookie()), (200, None));
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("all of them");
    }
    assert_eq!(site.rows().await, 0);
}

#[tokio::test]
async fn a_read_of_ones_session_sends_no_cookie_again() {
    let site = Playground::start().await;
    let mut visitor = site.visitor();
    visitor.put("/api/session/a", "1").await;
    for path in ["/", "/api/session", "/api/session/a"] {
        let reply = visitor.get(path).await;
        assert_eq!((reply.set_cookie(), reply.header("vary")), (None, Some("Cookie")), "{path}");
    }
}
