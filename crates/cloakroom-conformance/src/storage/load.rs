//! Loading a record.

use std::sync::Arc;
use std::time::Duration;

use cloakroom_core::Read;
use tokio::task::JoinSet;

use crate::engine::written;
use crate::{Engine, Limit};

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

/// What another has written or ended meanwhile; and never where the truth is asked for.
pub async fn is_no_staler_than_promised(engine: Engine) {
    let id = engine.id();
    let stale_read = engine.capabilities().stale_read;
    let seen = engine.put(&id, &engine.record("first")).await;
    let shown = async || engine.load(&id, Read::Any).await.unwrap().map(|stored| stored.record.payload);
    for _ in 0..2 {
        assert_eq!(shown().await.as_deref(), Some(b"first".as_slice()));
    }
    engine.save(&id, &engine.record("second"), &seen).await.map(written).unwrap();
    assert_eq!(engine.payload(&id).await.as_deref(), Some(b"second".as_slice()));
    engine.pass(stale_read);
    assert_eq!(shown().await.as_deref(), Some(b"second".as_slice()));
    if engine.lacks(Limit::Revocation).await {
        return;
    }
    engine.delete(&id, None).await.unwrap();
    assert_eq!(engine.get(&id).await, None);
    engine.pass(stale_read);
    assert_eq!(shown().await, None);
}

/// 64 at once, some of them for what is not there.
pub async fn of_many_at_once_each_finds_its_own(engine: Engine) {
    let engine = Arc::new(engine);
    let mut ids = Vec::new();
    for n in 0..64 {
        let id = engine.id();
        if n % 4 > 0 {
            engine.put(&id, &engine.record(&n.to_string())).await;
        }
        ids.push(id);
    }
    let mut readers = JoinSet::new();
    for (n, id) in ids.into_iter().enumerate() {
        let engine = Arc::clone(&engine);
        readers.spawn(async move { (n, engine.load(&id, Read::Any).await.unwrap()) });
    }
    for (n, found) in readers.join_all().await {
        let expected = (n % 4 > 0).then(|| n.to_string());
        assert_eq!(found.map(|stored| stored.record.payload), expected.map(Into::into), "{n}");
    }
}
