//! Ending a record.

use std::sync::Arc;
use std::time::Duration;

use cloakroom_core::{Deleted, Stored};

use crate::engine::written;
use crate::{Engine, Limit};

/// And asking again is harmless.
pub async fn ends_a_record_once(engine: Engine) {
    if engine.lacks(Limit::Revocation).await {
        return;
    }
    let id = engine.id();
    engine.put(&id, &engine.record("data")).await;
    assert_eq!(engine.delete(&id, None).await.unwrap(), Deleted::Ended);
    assert_eq!(engine.get(&id).await, None);
    assert_eq!(engine.delete(&id, None).await.unwrap(), Deleted::Absent);
}

/// Whoever deletes it did not end it.
pub async fn of_an_expired_record_ends_nothing(engine: Engine) {
    let id = engine.id();
    let seen = engine.put(&id, &engine.record("data")).await;
    engine.pass(Duration::from_hours(1));
    assert_eq!(engine.delete(&id, Some(&seen)).await.unwrap(), Deleted::Absent);
    assert_eq!(engine.delete(&id, None).await.unwrap(), Deleted::Absent);
}

/// And shows it.
pub async fn at_a_revision_leaves_a_changed_record_alone(engine: Engine) {
    if engine.lacks(Limit::Arbitration).await {
        return;
    }
    let id = engine.id();
    let old = engine.put(&id, &engine.record("first")).await;
    let there = engine.record("second");
    let revision = written(engine.save(&id, &there, &old).await.unwrap());
    let deleted = engine.delete(&id, Some(&old)).await.unwrap();
    assert_eq!(deleted, Deleted::Conflict(Stored::new(there, revision.clone())));
    assert_eq!(engine.payload(&id).await.unwrap(), "second");
    assert_eq!(engine.delete(&id, Some(&revision)).await.unwrap(), Deleted::Ended);
    assert_eq!(engine.delete(&id, Some(&revision)).await.unwrap(), Deleted::Absent);
}

/// 50 rounds of a logout against a write and a touch.
pub async fn racing_saves_and_touches_stays_deleted(engine: Engine) {
    if engine.lacks(Limit::Revocation).await {
        return;
    }
    let engine = Arc::new(engine);
    for _ in 0..50 {
        let id = engine.id();
        let seen = engine.put(&id, &engine.record("first")).await;
        let until = engine.now().plus(Duration::from_hours(2));
        let touch = tokio::spawn({
            let (engine, id, seen) = (Arc::clone(&engine), id.clone(), seen.clone());
            async move { engine.touch(&id, until, &seen).await.unwrap() }
        });
        let save = tokio::spawn({
            let (engine, id) = (Arc::clone(&engine), id.clone());
            let record = engine.record("second");
            async move { engine.save(&id, &record, &seen).await.unwrap() }
        });
        assert_eq!(engine.delete(&id, None).await.unwrap(), Deleted::Ended);
        touch.await.unwrap();
        save.await.unwrap();
        assert_eq!(engine.get(&id).await, None);
    }
}
