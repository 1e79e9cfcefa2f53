//! Deaths and locks: what was acknowledged is there, and an outage logs nobody out.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;
use sqlx::Executor;
use tokio::time::{sleep, timeout};

use crate::Playground;

#[tokio::test]
async fn every_acknowledged_count_survives_a_kill() {
    let mut site = Playground::start().await;
    let mut visitor = site.visitor();
    visitor.login("alice").await;
    let (begun, acknowledged) = (Arc::new(AtomicI64::new(0)), Arc::new(AtomicI64::new(0)));
    let tasks: Vec<_> = (0..4)
        .map(|_| {
            let (visitor, begun, acknowledged) =
                (visitor.clone(), Arc::clone(&begun), Arc::clone(&acknowledged));
            tokio::spawn(async move {
                loop {
                    begun.fetch_add(1, Ordering::SeqCst);
                    match visitor.try_send("POST", "/api/counter/n", "").await {
                        Ok(reply) if reply.status == 200 => acknowledged.fetch_add(1, Ordering::SeqCst),
                        _ => break,
                    };
                }
            })
        })
        .collect();
    let enough = async {
        while acknowledged.load(Ordering::SeqCst) < 200 {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(Duration::from_secs(30), enough).await.expect("a load");
    site.kill().await;
    for task in tasks {
        task.await.expect("the connection is cut");
    }

    let site = site.killed_and_started_again().await;
    let mut again = site.visitor().bearing(visitor.cookie.expect("a cookie"));
    let session = again.session().await;
    let counted = session["data"]["n"].as_i64().expect("a number");
    let (begun, acknowledged) = (begun.load(Ordering::SeqCst), acknowledged.load(Ordering::SeqCst));
    assert!((acknowledged..=begun).contains(&counted), "{acknowledged} <= {counted} <= {begun}");
    assert_eq!(session["user"], "alice");
}

#[tokio::test]
async fn a_locked_database_is_told_in_time_and_logs_nobody_out() {
    let site = Playground::start().await;
    let mut visitor = site.visitor();
    visitor.login("alice").await;

    let mut other = site.database().await;
    other.execute("BEGIN EXCLUSIVE").await.expect("the lock");
    let started = Instant::now();
    let reply = visitor.put("/api/session/a", "1").await;
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    assert_eq!((reply.status, reply.set_cookie()), (503, None));
    let error = reply.error();
    assert!(!error.contains("sqlite") && !error.contains("locked"), "{error}");
    assert_eq!(visitor.session().await["user"], "alice", "reading still works");

    other.execute("ROLLBACK").await.expect("the lock is free");
    assert_eq!(visitor.put("/api/session/a", "2").await.status, 204);
    let session = visitor.session().await;
    assert_eq!((&session["user"], &session["data"]), (&json!("alice"), &json!({"a": 2})));
}

#[tokio::test]
async fn an_outage_is_told_to_all_who_wait_in_the_form_they_asked_for() {
    let site = Playground::start().await;
    let mut other = site.database().await;
    other.execute("BEGIN EXCLUSIVE").await.expect("the lock");
    let started = Instant::now();
    let (mut program, mut person, mut another) =
        (site.visitor(), site.visitor().who_reads(), site.visitor().who_reads());
    let (json, page, api) = tokio::join!(
        program.put("/api/session/a", "1"),
        person.post("/do/visit", ""),
        another.post("/api/counter/a", ""),
    );
    // The limit of 5 seconds, and what a busy machine adds.
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    for reply in [&json, &page, &api] {
        assert_eq!((reply.status, reply.set_cookie()), (503, None), "{reply:?}");
    }
    json.error();
    api.error();
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    assert!(page.body.contains("That did not work"));
}

#[tokio::test]
async fn a_logout_during_an_outage_is_told_to_have_failed_and_can_be_repeated() {
    let site = Playground::start().await;
    let mut visitor = site.visitor();
    visitor.login("alice").await;
    let mut other = site.database().await;
    other.execute("BEGIN EXCLUSIVE").await.expect("the lock");
    let reply = visitor.post("/api/logout", "").await;
    assert_eq!((reply.status, reply.set_cookie()), (503, None));
    other.execute("ROLLBACK").await.expect("the lock is free");
    assert_eq!(visitor.session().await["user"], "alice");
    assert_eq!(visitor.post("/api/logout", "").await.status, 204);
    assert_eq!(site.rows().await, 0);
}
