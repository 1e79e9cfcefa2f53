//! Creating a record.

use std::sync::Arc;

use bytes::Bytes;
use cloakroom_core::{Record, Saved, Timestamp};
use tokio::task::JoinSet;

use crate::engine::written;
use crate::{Engine, Limit};

/// Payload, deadline, owner and stamp come back as they went in, whatever bytes they hold.
pub async fn a_record_is_loaded_as_it_was_stored(engine: Engine) {
    let every_byte: Vec<u8> = (0..=255).collect();
    let large = if engine.lacks(Limit::Room).await { 2 << 10 } else { 1 << 20 };
    for payload in [Bytes::new(), Bytes::from(every_byte), Bytes::from(vec![0xff; large])] {
        for owner in [None, Some("alice"), Some("Zoë 😀 'or''='")] {
            let id = engine.id();
            let mut record = engine.record_for("", owner);
            record.payload = payload.clone();
            record.stamp.nonce = u64::MAX;
            let revision = engine.put(&id, &record).await;
            let stored = engine.get(&id).await.expect("it is there");
            assert_eq!(stored.record.payload, payload);
            assert_eq!(stored.record, record);
            assert_eq!(stored.revision, revision);
        }
    }
}

/// Also not with the very same data.
pub async fn never_overwrites_a_living_record(engine: Engine) {
    if engine.lacks(Limit::Arbitration).await {
        return;
    }
    let id = engine.id();
    engine.put(&id, &engine.record("first")).await;
    let second = engine.create(&id, &engine.record("second")).await.unwrap();
    assert!(!matches!(second, Saved::Written(_)), "{second:?}");
    assert_eq!(engine.payload(&id).await.as_deref(), Some(b"first".as_slice()));
}

/// The first attempt's answer was lost; the second finds it done.
pub async fn repeated_with_its_own_stamp_is_one_write(engine: Engine) {
    let id = engine.id();
    let record = engine.record("once");
    let revision = engine.put(&id, &record).await;
    let again = engine.create(&id, &record).await.unwrap();
    if engine.recognises_own_write().await {
        assert_eq!(written(again), revision);
    } else {
        assert!(matches!(again, Saved::Conflict(_)), "{again:?}");
    }
}

/// Whether or not it was stored.
pub async fn a_record_that_is_dead_on_arrival_is_absent(engine: Engine) {
    for deadline in [engine.now(), Timestamp::MIN] {
        let id = engine.id();
        let Record { payload, stamp, .. } = engine.record("late");
        let _ = engine.create(&id, &Record::new(payload, deadline, None, stamp)).await.unwrap();
        assert_eq!(engine.get(&id).await, None);
    }
}

/// 32 at once, under one id.
pub async fn one_of_many_racing_creators_wins(engine: Engine) {
    if engine.lacks(Limit::Arbitration).await {
        return;
    }
    let engine = Arc::new(engine);
    let id = engine.id();
    let mut creators = JoinSet::new();
    for n in 0..32 {
        let (engine, id) = (Arc::clone(&engine), id.clone());
        creators.spawn(async move {
            let saved = engine.create(&id, &engine.record(&n.to_string())).await.unwrap();
            matches!(saved, Saved::Written(_)).then_some(n)
        });
    }
    let winners: Vec<i32> = creators.join_all().await.into_iter().flatten().collect();
    assert_eq!(winners.len(), 1, "{winners:?}");
    assert_eq!(engine.payload(&id).await.unwrap(), winners[0].to_string());
}

/// Unless the engine says that it makes room; a newcomer is not refused even then.
pub async fn five_hundred_records_are_all_kept(engine: Engine) {
    let evicts = engine.lacks(Limit::Eviction).await;
    let mut ids = Vec::new();
    for n in 0..500 {
        let id = engine.id();
        engine.put(&id, &engine.record(&n.to_string())).await;
        if evicts {
            assert_eq!(engine.payload(&id).await.unwrap(), n.to_string());
        }
        ids.push(id);
    }
    for (n, id) in ids.iter().enumerate().filter(|_| !evicts) {
        assert_eq!(engine.payload(id).await.expect("it was never ended"), n.to_string());
    }
}
