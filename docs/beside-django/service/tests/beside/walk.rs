//! What one side does, the other shows.

use serde_json::Value;

use crate::{Browser, Demo, Page};

#[tokio::test]
#[ignore = "needs Django: cargo xtask test has it"]
async fn a_login_at_django_is_one_at_rust() {
    let demo = Demo::start().await;
    let mut alice = demo.visitor();
    assert_eq!(alice.is_logged_in().await, (false, false));
    alice.log_in_at_django(&demo.password).await;
    assert_eq!(alice.is_logged_in().await, (true, true));
}

#[tokio::test]
#[ignore = "needs Django: cargo xtask test has it"]
async fn a_login_at_rust_is_one_at_django_and_needs_the_password() {
    let demo = Demo::start().await;
    let mut alice = demo.visitor();
    alice.post("/cart/add", "good=Lemonade").await;
    let anonymous = alice.cookie.clone();
    for wrong in ["username=alice&password=open", "username=bob&password=open"] {
        assert_eq!(alice.post("/cart/login", wrong).await.status, 403, "{wrong}");
    }
    assert_eq!(alice.is_logged_in().await, (false, false));
    alice.log_in_at_rust(&demo.password).await;
    assert_ne!(alice.cookie, anonymous, "another key");
    assert_eq!(alice.is_logged_in().await, (true, true));
    assert!(alice.get("/").await.shows("1 × Lemonade"), "an anonymous visitor's cart stays");
}

#[tokio::test]
#[ignore = "needs Django: cargo xtask test has it"]
async fn what_either_side_puts_into_the_cart_is_in_it_on_both() {
    let demo = Demo::start().await;
    let mut visitor = demo.visitor();
    assert_eq!(visitor.post("/cart/add", "good=Lemonade").await.status, 303);
    let page = visitor.get("/").await;
    assert!(page.shows("1 × Lemonade") && page.shows("Rendered by <strong>Django"), "{page:?}");
    assert_eq!(visitor.post_from(&page, "/add/", "good=Lemonade").await.status, 302);
    let page = visitor.get("/cart").await;
    assert!(page.shows("2 × Lemonade") && page.shows("Rendered by <strong>Rust"), "{page:?}");
}

#[tokio::test]
#[ignore = "needs Django: cargo xtask test has it"]
async fn djangos_messages_and_its_token_survive_a_change_by_rust() {
    let demo = Demo::start().await;
    let mut visitor = demo.visitor();
    let page = visitor.get("/").await;
    visitor.post_from(&page, "/add/", "good=Pralines").await;
    // The message waits in the session for the next page of Django's.
    visitor.post("/cart/add", "good=Programme").await;
    let message = "Pralines: in the cart, says Django.";
    assert!(visitor.get("/cart").await.shows("_messages"));
    assert!(visitor.get("/").await.shows(&format!("<p class=\"message\">{message}</p>")));
    assert!(!visitor.get("/").await.shows(message), "it is shown once");
    // The form that was opened before all this is still one of Django's own.
    assert_eq!(visitor.post_from(&page, "/add/", "good=Pralines").await.status, 302);
    assert_eq!(visitor.post("/add/", "good=Pralines").await.status, 403, "without a token it is not");
}

#[tokio::test]
#[ignore = "needs Django: cargo xtask test has it"]
async fn a_form_of_rusts_goes_to_django_with_the_sessions_token() {
    let demo = Demo::start().await;
    let mut visitor = demo.visitor();
    visitor.get("/").await;
    let shown = visitor.get("/cart").await;
    let rest = shown.body.split("<th>_csrftoken</th><td><code>&quot;").nth(1).expect("a token");
    let token = rest.split('&').next().expect("its text");
    let fields = format!("csrfmiddlewaretoken={token}&good=Pralines");
    assert_eq!(visitor.post("/add/", &fields).await.status, 302);
    let forged = token.chars().rev().collect::<String>();
    let fields = format!("csrfmiddlewaretoken={forged}&good=Pralines");
    assert_eq!(visitor.post("/add/", &fields).await.status, 403);
}

#[tokio::test]
#[ignore = "needs Django: cargo xtask test has it"]
async fn a_logout_on_either_side_is_one_on_both() {
    let demo = Demo::start().await;
    for at_rust in [true, false] {
        let mut alice = demo.visitor();
        alice.log_in_at_django(&demo.password).await;
        let copied = alice.clone();
        if at_rust {
            assert_eq!(alice.post("/cart/logout", "").await.status, 303);
        } else {
            let page = alice.get("/").await;
            assert_eq!(alice.post_from(&page, "/logout/", "").await.status, 302);
        }
        assert_eq!(alice.cookie, None, "it is taken away");
        for mut visitor in [alice, copied] {
            assert_eq!(visitor.is_logged_in().await, (false, false), "at Rust: {at_rust}");
        }
    }
}

#[tokio::test]
#[ignore = "needs Django: cargo xtask test has it"]
async fn a_password_that_is_changed_at_django_ends_the_others_logins_at_rust() {
    let demo = Demo::start().await;
    let (mut here, mut elsewhere) = (demo.visitor(), demo.visitor());
    here.log_in_at_django(&demo.password).await;
    elsewhere.log_in_at_rust(&demo.password).await;
    let page = here.get("/password/").await;
    let fields =
        format!("old_password={}&new_password1=another-coat-8&new_password2=another-coat-8", demo.password);
    assert_eq!(here.post_from(&page, "/password/", &fields).await.status, 302);
    let ended = elsewhere.get("/cart").await;
    assert!(ended.shows("Nobody is logged in, says Rust"), "{ended:?}");
    assert_eq!(elsewhere.cookie, None, "the session has ended");
    assert_eq!(here.is_logged_in().await, (true, true), "the one that changed it goes on");
}

#[tokio::test]
#[ignore = "needs Django: cargo xtask test has it"]
async fn a_form_of_another_site_is_refused_by_rust() {
    let demo = Demo::start().await;
    let mut visitor = demo.visitor();
    for from in ["cross-site", "same-site"] {
        let header = format!("Sec-Fetch-Site: {from}\r\n");
        let refused: Page = visitor.send("POST", "/cart/add", "good=Lemonade", &header).await;
        assert_eq!((refused.status, &visitor.cookie), (403, &None), "{from}");
    }
}

#[tokio::test]
#[ignore = "needs Django: cargo xtask test has it"]
async fn what_rust_does_not_serve_is_djangos_with_one_cookie_and_no_second() {
    let demo = Demo::start().await;
    let mut visitor = demo.visitor();
    let page = visitor.get("/").await;
    assert_eq!(page.header("set-cookie").map(|cookie| cookie.starts_with("sessionid=")), Some(true));
    assert_eq!(visitor.get("/nothing-of-either").await.status, 404);
    let page = visitor.get("/login/?next=/cart").await;
    let fields = format!("username=alice&password={}", demo.password);
    let answer = visitor.post_from(&page, "/login/?next=/cart", &fields).await;
    assert_eq!((answer.status, answer.header("location")), (302, Some("/cart")));
}

#[tokio::test]
#[ignore = "needs Django: cargo xtask test has it"]
async fn however_it_ends_django_ends_with_it() {
    for (signal, is_fine) in [("INT", true), ("TERM", true), ("KILL", false)] {
        let mut demo = Demo::start().await;
        assert_eq!(demo.ended_by(signal).await, is_fine, "{signal}");
        demo.django_is_gone().await;
    }
}

#[tokio::test]
#[ignore = "needs Django: cargo xtask test has it"]
async fn a_person_walks_from_one_side_to_the_other() {
    let demo = Demo::start().await;
    let browser = Browser::open().await;
    browser.visit(format!("http://{}/", demo.address)).await;
    browser.shows("Rendered by Django").await;
    browser.press("Add lemonade").await;
    browser.shows("Lemonade: in the cart, says Django.").await;
    browser.fill("Password", &demo.password).await;
    browser.press("Log in").await;
    browser.shows("Logged in as alice, says Django.").await;
    browser.follow("The cart").await;
    browser.shows("Rendered by Rust").await;
    browser.shows("Logged in as alice, says Rust.").await;
    browser.press("Add pralines").await;
    browser.shows("1 × Pralines").await;
    browser.follow("The foyer").await;
    browser.shows("1 × Lemonade").await;
    browser.shows("1 × Pralines").await;
    browser.follow("The cart").await;
    browser.press("Log out").await;
    browser.shows("Nobody is logged in, says Rust.").await;
    browser.follow("The foyer").await;
    browser.shows("Nobody is logged in, says Django.").await;
    assert_eq!(browser.complaints().await, [Value::Null; 0]);
    let styled =
        browser.run("return document.styleSheets.length && document.styleSheets[0].cssRules.length > 9");
    assert_eq!(styled.await, true);
}
