//! Moving a deadline.

use std::time::Duration;

use cloakroom_core::Touched;

use crate::engine::written;
use crate::{Engine, Limit};

const HOUR: Duration = Duration::from_hours(1);

/// Data, owner, stamp and revision stay.
pub async fn moves_the_deadline_and_nothing_else(engine: Engine) {
    if engine.lacks(Limit::Deadlines).await {
        return;
    }
    let id = engine.id();
    let mut record = engine.record_for("data", Some("alice"));
    let seen = engine.put(&id, &record).await;
    record.expires_at = record.expires_at.plus(HOUR);
    let touched = engine.touch(&id, record.expires_at, &seen).await.unwrap();
    assert!(matches!(&touched, Touched::Moved(written) if written.revision == seen), "{touched:?}");
    let stored = engine.get(&id).await.unwrap();
    assert_eq!((stored.record, stored.revision), (record, seen));
    engine.pass(HOUR);
    assert!(engine.get(&id).await.is_some(), "it lives past its old deadline");
    engine.pass(HOUR);
    assert_eq!(engine.get(&id).await, None);
}

/// Also not to the very same moment.
pub async fn never_moves_backwards(engine: Engine) {
    let id = engine.id();
    let record = engine.record("data");
    let seen = engine.put(&id, &record).await;
    for until in [record.expires_at, record.expires_at.minus(Duration::from_mins(1))] {
        assert_eq!(engine.touch(&id, until, &seen).await.unwrap(), Touched::Skipped);
        assert_eq!(engine.get(&id).await.unwrap().record.expires_at, record.expires_at);
    }
}

/// A loads; B saves a nearer deadline; A's touch comes late.
pub async fn never_undoes_a_shorter_life(engine: Engine) {
    if engine.lacks(Limit::Arbitration).await {
        return;
    }
    let id = engine.id();
    let seen = engine.put(&id, &engine.record("long")).await;
    let mut short = engine.record("short");
    short.expires_at = engine.now().plus(Duration::from_mins(1));
    engine.save(&id, &short, &seen).await.map(written).unwrap();
    assert_eq!(engine.touch(&id, engine.now().plus(HOUR * 2), &seen).await.unwrap(), Touched::Skipped);
    assert_eq!(engine.get(&id).await.unwrap().record.expires_at, short.expires_at);
}

/// Neither what expired nor what was deleted.
pub async fn never_revives_what_has_ended(engine: Engine) {
    let late = async |id, seen| {
        let until = engine.now().plus(HOUR * 2);
        assert_eq!(engine.touch(id, until, seen).await.unwrap(), Touched::Gone);
        assert_eq!(engine.get(id).await, None);
    };
    let (expired, deleted) = engine.ids();
    let seen = engine.put(&expired, &engine.record("data")).await;
    engine.pass(HOUR);
    late(&expired, &seen).await;
    if engine.lacks(Limit::Revocation).await {
        return;
    }
    let seen = engine.put(&deleted, &engine.record("data")).await;
    engine.delete(&deleted, None).await.unwrap();
    late(&deleted, &seen).await;
}

/// Its revision is the one that the writer has seen.
pub async fn makes_no_writer_conflict(engine: Engine) {
    if engine.lacks(Limit::Deadlines).await {
        return;
    }
    let id = engine.id();
    let record = engine.record("first");
    let seen = engine.put(&id, &record).await;
    engine.touch(&id, record.expires_at.plus(HOUR), &seen).await.unwrap();
    engine.save(&id, &engine.record("second"), &seen).await.map(written).unwrap();
    assert_eq!(engine.payload(&id).await.unwrap(), "second");
}
