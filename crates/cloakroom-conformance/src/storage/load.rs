//! Loading a record.

use std::time::Duration;

use cloakroom_core::Read;

use crate::Engine;

/// By any way of reading.
pub async fn an_unknown_id_is_nothing(engine: Engine) {
    for read in [Read::Any, Read::Latest] {
        assert_eq!(engine.load(&engine.id(), read).await.unwrap(), None);
    }
}

/// Alive one millisecond before, absent at the deadline.
pub async fn a_record_is_absent_from_its_deadline_on_swept_or_not(engine: Engine) {
    let id = engine.id();
    let record = engine.record("here");
    engine.put(&id, &record).await;
    engine.pass(record.expires_at.minus(Duration::from_millis(1)).since(engine.now()));
    assert_eq!(engine.payload(&id).await.as_deref(), Some(b"here".as_slice()));
    engine.pass(Duration::from_millis(1));
    assert_eq!(engine.get(&id).await, None);
    assert_eq!(engine.load(&id, Read::Any).await.unwrap(), None);
}

/// And of nothing, where nothing lives.
pub async fn a_revision_is_what_a_load_would_find(engine: Engine) {
    let id = engine.id();
    assert_eq!(engine.revision(&id).await.unwrap(), None);
    let record = engine.record("here");
    let revision = engine.put(&id, &record).await;
    assert_eq!(engine.revision(&id).await.unwrap(), Some((revision, record.expires_at)));
    engine.pass(Duration::from_hours(1));
    assert_eq!(engine.revision(&id).await.unwrap(), None);
}

/// Not even an expired one: that is the sweep's.
pub async fn reading_neither_deletes_nor_extends(engine: Engine) {
    let id = engine.id();
    let record = engine.record("here");
    engine.put(&id, &record).await;
    for _ in 0..3 {
        assert_eq!(engine.get(&id).await.unwrap().record.expires_at, record.expires_at);
    }
}
