//! Requests that overtake each other: nothing is lost, nothing comes back, nobody is logged out.

use std::time::Duration;

use serde_json::json;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::{Playground, Reply, Visitor};

/// Sends it now and lets it take its time.
fn under_way(
    visitor: &Visitor,
    method: &'static str,
    path: impl Into<String>,
    body: &'static str,
) -> JoinHandle<Reply> {
    let (visitor, path) = (visitor.clone(), path.into());
    tokio::spawn(async move { visitor.try_send(method, &path, body).await.expect("an answer") })
}

/// Until a request that pauses for half a second has surely loaded its session, and surely not changed it.
async fn meanwhile() {
    sleep(Duration::from_millis(200)).await;
}

#[tokio::test]
async fn parallel_changes_of_different_names_all_survive() {
    let site = Playground::start().await;
    let mut visitor = site.visitor();
    visitor.put("/api/session/first", "1").await;
    let tasks: Vec<_> =
        (0..32).map(|n| under_way(&visitor, "PUT", format!("/api/session/n{n}?delay_ms=20"), "1")).collect();
    for task in tasks {
        assert_eq!(task.await.expect("an answer").status, 204);
    }
    let session = visitor.session().await;
    assert_eq!(session["data"].as_object().expect("an object").len(), 33, "{session}");
}

#[tokio::test]
async fn parallel_counts_are_exact() {
    let site = Playground::start().await;
    let mut visitor = site.visitor();
    visitor.put("/api/session/first", "1").await;
    let tasks: Vec<_> =
        (0..32).map(|_| under_way(&visitor, "POST", "/api/counter/n?delay_ms=20", "")).collect();
    let mut told = Vec::new();
    for task in tasks {
        told.push(task.await.expect("an answer").json()["value"].as_i64().expect("a number"));
    }
    told.sort_unstable();
    assert_eq!(told, (1..=32).collect::<Vec<_>>(), "each was told its own number");
    assert_eq!(visitor.get("/api/session/n").await.body, "32");
}

#[tokio::test]
async fn a_change_that_a_logout_overtakes_is_refused_and_resurrects_nothing() {
    let site = Playground::start().await;
    let mut visitor = site.visitor();
    visitor.login("alice").await;
    let mut before = visitor.clone();
    for path in ["/api/session/late?delay_ms=500", "/api/counter/late?delay_ms=500"] {
        let method = if path.contains("counter") { "POST" } else { "PUT" };
        let slow = under_way(&visitor, method, path, "1");
        meanwhile().await;
        visitor.post("/api/logout", "").await;
        let reply = slow.await.expect("an answer");
        assert_eq!((reply.status, reply.set_cookie()), (400, None), "{path}");
        assert!(reply.error().contains("ended"));
        assert_eq!(before.session().await["user"], json!(null));
        assert_eq!(site.rows().await, 0);
        visitor.login("alice").await;
        before.cookie.clone_from(&visitor.cookie);
    }
}

#[tokio::test]
async fn a_late_answer_to_a_read_takes_no_cookie_from_a_newer_login() {
    let site = Playground::start().await;
    let mut visitor = site.visitor();
    visitor.put("/api/session/cart", "1").await;
    let slow = under_way(&visitor, "GET", "/api/session?delay_ms=500", "");
    meanwhile().await;
    visitor.login("alice").await;
    let reply = slow.await.expect("an answer");
    assert_eq!((reply.status, reply.set_cookie()), (200, None));
    assert_eq!(visitor.session().await["user"], "alice");
}

#[tokio::test]
async fn a_late_change_under_the_old_key_takes_no_cookie_from_a_newer_login() {
    let site = Playground::start().await;
    let mut visitor = site.visitor();
    visitor.put("/api/session/cart", "1").await;
    let slow = under_way(&visitor, "PUT", "/api/session/late?delay_ms=500", "1");
    meanwhile().await;
    visitor.login("alice").await;
    let reply = slow.await.expect("an answer");
    assert_eq!((reply.status, reply.set_cookie()), (400, None));
    assert_eq!(visitor.session().await["data"], json!({"cart": 1}));
}

#[tokio::test]
async fn a_late_logout_under_the_old_key_takes_no_cookie_from_a_newer_login() {
    let site = Playground::start().await;
    let mut visitor = site.visitor();
    visitor.put("/api/session/cart", "1").await;
    let slow = under_way(&visitor, "POST", "/api/logout?delay_ms=500", "");
    meanwhile().await;
    visitor.login("alice").await;
    let reply = slow.await.expect("an answer");
    assert_eq!((reply.status, reply.set_cookie()), (204, None));
    assert_eq!(visitor.session().await["user"], "alice");
}

#[tokio::test]
async fn a_request_that_bears_a_dead_key_takes_no_cookie_away() {
    let site = Playground::start().await;
    let mut visitor = site.visitor();
    visitor.put("/api/session/a", "1").await;
    let mut old = visitor.clone();
    visitor.login("alice").await;
    for path in ["/api/logout", "/api/flush", "/api/cycle-key"] {
        let reply = old.post(path, "").await;
        assert_eq!((reply.status, reply.set_cookie()), (204, None), "{path}");
    }
    assert_eq!(visitor.session().await["user"], "alice");
}

#[tokio::test]
async fn two_logins_at_once_leave_one_session() {
    let site = Playground::start().await;
    let mut visitor = site.visitor();
    visitor.put("/api/session/a", "1").await;
    let body = r#"{"user": "alice"}"#;
    let tasks = [(); 2].map(|()| under_way(&visitor, "POST", "/api/login?delay_ms=100", body));
    let mut winners = 0;
    for task in tasks {
        let reply = task.await.expect("an answer");
        assert_eq!(reply.status == 204, reply.set_cookie().is_some(), "{reply:?}");
        winners += u32::from(reply.status == 204);
    }
    assert_eq!((winners, site.rows().await), (1, 1));
}
