//! A way past all sessions.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use cloakroom_core::{Error, ErrorKind, Read, Result, SessionBackend, SessionId, Stored};

use crate::engine::written;
use crate::{Engine, Limit};

/// Everything that an engine's walk meets, once each.
///
/// # Errors
///
/// As [`SessionWalk::page`](cloakroom_core::SessionWalk::page); `Unsupported` without a walk.
pub async fn walked(backend: &dyn SessionBackend, page: u32) -> Result<BTreeMap<SessionId, Stored>> {
    let none = || Error::new(ErrorKind::Unsupported, "the engine has no way past its sessions");
    let walk = backend.walk().ok_or_else(none)?;
    let mut met = BTreeMap::new();
    let mut from = None;
    loop {
        let page = walk.page(from.as_ref(), page).await?;
        met.extend(page.found);
        from = page.next;
        if from.is_none() {
            return Ok(met);
        }
    }
}

async fn ids(engine: &Engine, page: u32) -> BTreeSet<SessionId> {
    walked(&*engine.backend, page).await.unwrap().into_keys().collect()
}

/// Once each at least.
pub async fn meets_every_living_record_whatever_the_pages_size(engine: Engine) {
    if engine.lacks(Limit::Walk).await {
        return;
    }
    let mut expected = BTreeSet::new();
    for n in 0..23 {
        let id = engine.id();
        engine.put(&id, &engine.record_for("data", (n % 2 == 0).then_some("alice"))).await;
        expected.insert(id);
    }
    for page in [1, 5, 23, 100] {
        assert_eq!(ids(&engine, page).await, expected, "in pages of {page}");
    }
}

/// Deleted, rotated away, or expired.
pub async fn meets_nothing_that_has_ended(engine: Engine) {
    if engine.lacks(Limit::Walk).await {
        return;
    }
    engine.put(&engine.id(), &engine.record("expired")).await;
    engine.pass(Duration::from_hours(1));
    let (from, to) = engine.ids();
    let seen = engine.put(&from, &engine.record("data")).await;
    let new = engine.record("data");
    written(engine.rotate(&from, &to, &new, &seen).await.unwrap());
    let deleted = engine.id();
    engine.put(&deleted, &engine.record("data")).await;
    engine.delete(&deleted, None).await.unwrap();
    assert_eq!(ids(&engine, 100).await, BTreeSet::from([to]));
}

/// So that it can be moved to another engine, and told from what is stored there later.
pub async fn shows_records_as_loads_do(engine: Engine) {
    if engine.lacks(Limit::Walk).await {
        return;
    }
    let id = engine.id();
    engine.put(&id, &engine.record("data")).await;
    let (met, shown) = walked(&*engine.backend, 10).await.unwrap().pop_first().unwrap();
    let loaded = engine.backend.load(&id, Read::Latest).await.unwrap().unwrap();
    assert_eq!(met, id);
    assert_eq!((shown.record.payload, shown.revision), (loaded.record.payload, loaded.revision));
    assert!(shown.record.expires_at.since(loaded.record.expires_at) < Duration::from_secs(1));
}
