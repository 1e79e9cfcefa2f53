//! Removing what has expired.

use std::sync::Arc;
use std::time::Duration;

use cloakroom_core::Touched;

use crate::{Engine, Limit};

const HOUR: Duration = Duration::from_hours(1);

/// Also not what expired later than was asked for.
pub async fn removes_what_has_expired_and_nothing_else(engine: Engine) {
    if engine.lacks(Limit::Sweep).await {
        return;
    }
    let (early, late) = engine.ids();
    engine.put(&early, &engine.record("early")).await;
    engine.pass(HOUR / 2);
    engine.put(&late, &engine.record("late")).await;
    assert_eq!(engine.clear_expired(engine.now(), 100).await.unwrap().removed, 0);
    engine.pass(HOUR / 2);
    assert_eq!(
        engine.clear_expired(engine.now().minus(Duration::from_millis(1)), 100).await.unwrap().removed,
        0
    );
    assert_eq!(engine.clear_expired(engine.now(), 100).await.unwrap().removed, 1);
    assert_eq!(engine.payload(&late).await.unwrap(), "late");
    assert_eq!(engine.clear_expired(engine.now(), 100).await.unwrap().removed, 0);
}

/// In bounded batches.
pub async fn takes_no_more_than_its_limit_and_says_when_none_is_left(engine: Engine) {
    if engine.lacks(Limit::Sweep).await {
        return;
    }
    for _ in 0..25 {
        engine.put(&engine.id(), &engine.record("data")).await;
    }
    engine.pass(HOUR);
    let mut batches = Vec::new();
    loop {
        let cleared = engine.clear_expired(engine.now(), 10).await.unwrap().removed;
        batches.push(cleared);
        if cleared < 10 {
            break;
        }
    }
    assert!(batches.iter().all(|cleared| *cleared <= 10), "{batches:?}");
    assert_eq!(batches.iter().sum::<u64>(), 25, "{batches:?}");
}

/// Its old deadline has passed, its new one has not.
pub async fn spares_what_was_just_extended(engine: Engine) {
    if engine.lacks(Limit::Deadlines).await {
        return;
    }
    let id = engine.id();
    let record = engine.record("data");
    let seen = engine.put(&id, &record).await;
    engine.touch(&id, record.expires_at.plus(HOUR), &seen).await.unwrap();
    engine.pass(HOUR);
    assert_eq!(engine.clear_expired(engine.now(), 100).await.unwrap().removed, 0);
    assert!(engine.get(&id).await.is_some());
}

/// 50 rounds of a sweep, for a host whose clock runs fast, against a visit.
pub async fn racing_a_touch_never_takes_what_it_extended(engine: Engine) {
    if engine.lacks(Limit::Deadlines).await {
        return;
    }
    let engine = Arc::new(engine);
    for _ in 0..50 {
        let id = engine.id();
        let record = engine.record("data");
        let seen = engine.put(&id, &record).await;
        let fast = record.expires_at;
        let sweep = tokio::spawn({
            let engine = Arc::clone(&engine);
            async move { engine.clear_expired(fast, 100).await.unwrap().removed }
        });
        let touched = engine.touch(&id, fast.plus(HOUR), &seen).await.unwrap();
        sweep.await.unwrap();
        let alive = engine.get(&id).await.is_some();
        assert_eq!(matches!(touched, Touched::Moved(_)), alive, "{touched:?}");
        engine.delete(&id, None).await.unwrap();
    }
}
