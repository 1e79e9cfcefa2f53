//! The page and its forms, as a browser without scripts uses them.

use serde_json::json;

use crate::{Playground, Visitor};

/// Sends a form, and follows it back to the page.
async fn fill_in(visitor: &mut Visitor, action: &str, fields: &str) -> String {
    let reply = visitor.post(&format!("/do/{action}"), fields).await;
    assert_eq!(reply.status, 303, "{action} {reply:?}");
    let place = reply.header("location").expect("a place");
    assert!(place == "/" || place.starts_with("/#"), "{place}");
    visitor.get("/").await.body
}

#[tokio::test]
async fn looking_at_the_page_stores_nothing_and_sends_no_cookie() {
    let site = Playground::start().await;
    let mut visitor = site.visitor().who_reads();
    let page = visitor.get("/").await;
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));
    assert!(page.body.contains("none yet"));
    assert_eq!(page.set_cookie(), None);
    fill_in(&mut visitor, "put", "name=coat&value=grey").await;
    let before = visitor.session().await;
    for _ in 0..3 {
        assert_eq!(visitor.get("/").await.set_cookie(), None);
    }
    assert_eq!(visitor.session().await, before);
    assert_eq!(site.rows().await, 1);
}

#[tokio::test]
async fn the_page_may_load_nothing_from_elsewhere() {
    let site = Playground::start().await;
    let page = site.visitor().get("/").await;
    let policy = page.header("content-security-policy").expect("a policy");
    assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
    assert!(page.header("referrer-policy").is_some());
    assert!(!page.body.contains("<script") && !page.body.contains("style=\""));
    for asset in ["/style.css", "/icon.svg"] {
        assert!(page.body.contains(asset));
        assert_eq!(site.visitor().get(asset).await.status, 200);
    }
}

#[tokio::test]
async fn values_are_handed_in_shown_and_removed() {
    let site = Playground::start().await;
    let mut visitor = site.visitor().who_reads();
    let page = fill_in(&mut visitor, "put", "name=coat&value=grey%2C+with+a+hood").await;
    assert!(page.contains("&quot;grey, with a hood&quot;"), "a text");
    fill_in(&mut visitor, "put", "name=size&value=%7B%22eu%22%3A+50%7D").await;
    assert_eq!(visitor.session().await["data"], json!({"coat": "grey, with a hood", "size": {"eu": 50}}));
    fill_in(&mut visitor, "remove", "name=coat").await;
    fill_in(&mut visitor, "remove", "name=coat").await;
    assert_eq!(visitor.session().await["data"], json!({"size": {"eu": 50}}));
}

#[tokio::test]
async fn what_a_visitor_wrote_is_shown_as_text() {
    let site = Playground::start().await;
    let mut visitor = site.visitor().who_reads();
    let script = "%3Cscript%3Ealert(1)%3C%2Fscript%3E%22%27";
    fill_in(&mut visitor, "put", &format!("name={script}&value={script}")).await;
    let page = fill_in(&mut visitor, "login", &format!("user={script}")).await;
    assert!(!page.contains("<script") && page.contains("&lt;script&gt;"));
    let reply = visitor.post("/do/put", "name=_auth_user%3Cb%3E&value=1").await;
    assert!(!reply.body.contains("<b>"));
}

#[tokio::test]
async fn the_cart_survives_a_login_and_not_another_users() {
    let site = Playground::start().await;
    let mut visitor = site.visitor().who_reads();
    for step in ["more", "more", "less", "more"] {
        fill_in(&mut visitor, "cart", &format!("good=lemonade&step={step}")).await;
    }
    let page = fill_in(&mut visitor, "login", "user=alice").await;
    assert!(page.contains("Good evening, alice") && page.contains("€\u{a0}7.00"));
    assert_eq!(visitor.session().await["data"], json!({"cart": {"lemonade": 2}}));
    let page = fill_in(&mut visitor, "login", "user=bob").await;
    assert!(page.contains("Good evening, bob") && page.contains("€\u{a0}0.00"));
}

#[tokio::test]
async fn devices_are_listed_and_all_can_be_ended() {
    let site = Playground::start().await;
    let (mut desk, mut phone) = (site.visitor().who_reads(), site.visitor().who_reads());
    fill_in(&mut desk, "login", "user=alice").await;
    let page = fill_in(&mut phone, "login", "user=alice").await;
    assert_eq!(page.matches("test/1</strong>").count(), 2);
    assert_eq!(page.matches("this one").count(), 1);
    fill_in(&mut phone, "logout-everywhere", "").await;
    assert_eq!(site.rows().await, 0);
    assert!(desk.get("/").await.body.contains("Who are you?"));
}

#[tokio::test]
async fn the_end_can_be_chosen_and_is_told() {
    let site = Playground::start().await;
    let mut visitor = site.visitor().who_reads();
    fill_in(&mut visitor, "visit", "").await;
    for (until, told) in [
        ("minutes", "It ends 5 minutes after its last change."),
        ("close", "It ends when you close the browser"),
        ("default", "By the house rule: it ends 14 days after its last change."),
    ] {
        let page = fill_in(&mut visitor, "expiry", &format!("until={until}")).await;
        assert!(page.contains(told), "{until}");
    }
}

#[tokio::test]
async fn every_other_button_does_what_it_says() {
    let site = Playground::start().await;
    let mut visitor = site.visitor().who_reads();
    fill_in(&mut visitor, "visit", "").await;
    fill_in(&mut visitor, "visit", "").await;
    assert_eq!(visitor.session().await["data"]["visits"], 2);
    assert!(fill_in(&mut visitor, "test-cookie", "").await.contains("It worked"));
    let old = visitor.cookie.clone();
    fill_in(&mut visitor, "cycle-key", "").await;
    assert_ne!(visitor.cookie, old);
    fill_in(&mut visitor, "login", "user=alice").await;
    fill_in(&mut visitor, "logout", "").await;
    assert_eq!((visitor.cookie.as_deref(), site.rows().await), (None, 0));
    fill_in(&mut visitor, "visit", "").await;
    assert!(fill_in(&mut visitor, "flush", "").await.contains("none yet"));
    assert_eq!(site.rows().await, 0);
}

#[tokio::test]
async fn a_form_that_can_not_be_done_is_a_page_with_its_status() {
    let site = Playground::start().await;
    let mut visitor = site.visitor().who_reads();
    let (name, value, user) = ("x".repeat(65), "x".repeat(1_001), "x".repeat(300));
    for (action, fields, status) in [
        ("put", "name=_auth_user_id&value=1", 400),
        ("put", "name=+&value=1", 400),
        ("put", "value=1", 400),
        ("put", &format!("name={name}&value=1"), 400),
        ("put", &format!("name=a&value={value}"), 400),
        ("cart", "good=piano&step=more", 400),
        ("login", "user=", 400),
        ("login", &format!("user={user}"), 400),
        ("logout-everywhere", "", 303),
        ("expiry", "until=never", 400),
        ("nothing", "", 404),
    ] {
        let reply = visitor.post(&format!("/do/{action}"), fields).await;
        assert_eq!(reply.status, status, "{action} {fields}");
        if status != 303 {
            assert_eq!(reply.header("content-type"), Some("text/html; charset=utf-8"));
            assert!(reply.body.contains("That did not work") && reply.body.contains("Back to the counter"));
        }
    }
    assert_eq!(visitor.get("/do/put").await.status, 405);
    assert_eq!(site.rows().await, 0);
}

#[tokio::test]
async fn a_page_shows_what_programs_left_behind_under_its_own_names() {
    let site = Playground::start().await;
    let mut visitor = site.visitor().who_reads();
    visitor.put("/api/session/cart", "[1]").await;
    visitor.put("/api/session/visits", "\"many\"").await;
    visitor.put("/api/session/long", &format!("\"{}\"", "x".repeat(1_000_000))).await;
    let page = visitor.get("/").await;
    assert_eq!(page.status, 200);
    assert!(page.body.contains("Something else hangs") && page.body.len() < 100_000);
    assert_eq!(visitor.post("/do/cart", "good=pralines&step=more").await.status, 400);
    fill_in(&mut visitor, "remove", "name=cart").await;
    fill_in(&mut visitor, "cart", "good=pralines&step=more").await;
}
