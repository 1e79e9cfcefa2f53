//! Server-sent events: a stream that stays open, and the session beside it.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::header::ContentType;
use actix_web::web::Bytes;
use actix_web::{Handler, HttpResponse};
use cloakroom_actix::Session;
use cloakroom_core::{ManualClock, SessionOptions, Timestamp};
use futures_util::stream;
use tokio::sync::Semaphore;

use crate::site::{Answer, Site, at};

/// Lets an event out for each permit.
type Ticks = Arc<Semaphore>;

/// At each tick, an event of what `next` says; the last when it says nothing more.
fn at_each<N, Next>(ticks: &Ticks, next: N) -> impl Handler<(Session,), Output = HttpResponse> + Send
where
    N: Fn(Session) -> Next + Copy + Send + 'static,
    Next: Future<Output = Option<String>> + 'static,
{
    let ticks = Arc::clone(ticks);
    move |session: Session| {
        let events = stream::unfold((Arc::clone(&ticks), session), move |(ticks, session)| async move {
            ticks.acquire().await.ok()?.forget();
            let event = format!("data: {}\n\n", next(session.clone()).await?);
            Some((Ok::<_, Infallible>(Bytes::from(event)), (ticks, session)))
        });
        let kind = ContentType("text/event-stream".parse().unwrap());
        async { HttpResponse::Ok().content_type(kind).streaming(events) }
    }
}

async fn event(answer: &mut Answer) -> Option<String> {
    let event = answer.piece().await?;
    Some(event.strip_prefix("data: ").unwrap().trim_end().to_owned())
}

#[tokio::test]
async fn a_counter_that_is_updated_within_events_is_exact_and_stored() {
    let ticks = Ticks::new(Semaphore::new(0));
    let events = at_each(&ticks, async |session: Session| {
        session.update("n", |n: &mut u64| *n += 1).await.ok().map(|n| n.to_string())
    });
    let site = Site::serve(at("/events", events)).await;
    let key = site.visitor().await;
    let mut answer = site.get(&key, "/events").await;
    for n in 1..=10 {
        // Requests come in between, and each counts.
        assert_eq!(site.text(&key, "/do/add:n").await, (2 * n - 1).to_string());
        ticks.add_permits(1);
        assert_eq!(event(&mut answer).await, Some((2 * n).to_string()));
    }
    assert_eq!(site.text(&key, "/do/add:n").await, "21");
}

#[tokio::test]
async fn events_end_when_another_request_has_ended_their_session() {
    let ticks = Ticks::new(Semaphore::new(0));
    let events = at_each(&ticks, async |session: Session| {
        session.reload().await.ok()?;
        Some("here".into())
    });
    let site = Site::serve(at("/events", events)).await;
    let key = site.visitor().await;
    let mut answer = site.get(&key, "/events").await;
    ticks.add_permits(1);
    assert_eq!(event(&mut answer).await.as_deref(), Some("here"));
    site.get(&key, "/do/logout").await;
    ticks.add_permits(1);
    assert_eq!(event(&mut answer).await, None);
}

#[tokio::test]
async fn events_that_touch_their_session_keep_it_from_idling() {
    let clock = ManualClock::at(Timestamp::from_millis(1_800_000_000_000));
    let mut options = SessionOptions::default();
    options.clock = Arc::new(clock.clone());
    options.lifetime.idle = Some(Duration::from_mins(10));
    let ticks = Ticks::new(Semaphore::new(0));
    let events =
        at_each(&ticks, async |session: Session| session.touch().await.ok().map(|()| "touched".into()));
    let site = Site::serve_by(options, at("/events", events)).await;
    let key = site.visitor().await;
    let mut answer = site.get(&key, "/events").await;
    for _ in 0..3 {
        clock.advance(Duration::from_mins(9));
        ticks.add_permits(1);
        assert_eq!(event(&mut answer).await.as_deref(), Some("touched"));
    }
    clock.advance(Duration::from_mins(9));
    assert_eq!(site.text(&key, "/do/get:a").await, "1");
}
