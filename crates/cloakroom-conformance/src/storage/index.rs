//! Listing sessions, where an engine can.

use std::sync::Arc;
use std::time::Duration;

use cloakroom_core::{SessionId, SessionIndex, SessionKey};

use crate::Engine;
use crate::engine::written;

/// All ids that an index shows for an owner, page by page.
async fn listed(index: &dyn SessionIndex, owner: &str, page: u32) -> Vec<SessionId> {
    let mut ids: Vec<SessionId> = Vec::new();
    loop {
        let found = index.of(owner, ids.last(), page).await.unwrap();
        assert!(found.len() <= page as usize, "a page of {} where {page} were asked for", found.len());
        if found.is_empty() {
            return ids;
        }
        ids.extend(found.into_iter().map(|(id, _)| id));
    }
}

/// What has expired or was deleted is not among them.
pub async fn lists_an_owners_living_sessions_and_nobody_elses(engine: Engine) {
    let Some(index) = engine.index_or_limit().await else { return };
    let expired = engine.id();
    engine.put(&expired, &engine.record_for("old", Some("alice"))).await;
    engine.pass(Duration::from_hours(1));
    let (first, second) = engine.ids();
    let record = engine.record_for("data", Some("alice"));
    let revision = engine.put(&first, &record).await;
    engine.put(&second, &engine.record_for("data", Some("alice"))).await;
    engine.put(&engine.id(), &engine.record_for("data", Some("bob"))).await;
    engine.put(&engine.id(), &engine.record("data")).await;
    let deleted = engine.id();
    engine.put(&deleted, &engine.record_for("data", Some("alice"))).await;
    engine.delete(&deleted, None).await.unwrap();

    let mut expected = vec![first.clone(), second];
    expected.sort();
    assert_eq!(listed(index, "alice", 100).await, expected);
    assert_eq!(listed(index, "nobody", 100).await, []);
    let page = index.of("alice", None, 100).await.unwrap();
    let (_, stored) = page.into_iter().find(|(id, _)| *id == first).unwrap();
    assert_eq!((stored.record, stored.revision), (record, revision));
}

/// Whatever the page's size.
pub async fn pages_show_everything_once_in_order(engine: Engine) {
    let Some(index) = engine.index_or_limit().await else { return };
    let mut alices = Vec::new();
    for n in 0..23 {
        let id = engine.id();
        let owner = (n % 2 == 0).then_some("alice");
        engine.put(&id, &engine.record_for("data", owner)).await;
        alices.extend(owner.map(|_| id));
    }
    alices.sort();
    for page in [1, 5, 23, 100] {
        assert_eq!(listed(index, "alice", page).await, alices, "in pages of {page}");
    }
}

/// A session is found under its owner of now and its id of now.
pub async fn follows_owners_and_rotations(engine: Engine) {
    let Some(index) = engine.index_or_limit().await else { return };
    let (from, to) = engine.ids();
    let anonymous = engine.put(&from, &engine.record("cart")).await;
    let login = engine.record_for("cart", Some("alice"));
    let seen = written(engine.rotate(&from, &to, &login, &anonymous).await.unwrap());
    assert_eq!(listed(index, "alice", 100).await, std::slice::from_ref(&to));
    let seen = written(engine.save(&to, &engine.record_for("data", Some("bob")), &seen).await.unwrap());
    assert_eq!(listed(index, "alice", 100).await, []);
    assert_eq!(listed(index, "bob", 100).await, std::slice::from_ref(&to));
    engine.save(&to, &engine.record("data"), &seen).await.map(written).unwrap();
    assert_eq!(listed(index, "bob", 100).await, []);
}

/// Wildcards, quotes, case and blanks mean nothing.
pub async fn hostile_owners_are_only_themselves(engine: Engine) {
    let Some(index) = engine.index_or_limit().await else { return };
    let owners = ["alice", "Alice", "alice ", "al%", "*", "'; --", "ali\u{e7}e", "alice:1", "\\"];
    let mut ids = Vec::new();
    for owner in owners {
        let id = engine.id();
        engine.put(&id, &engine.record_for("data", Some(owner))).await;
        ids.push(id);
    }
    for (owner, id) in owners.into_iter().zip(ids) {
        assert_eq!(listed(index, owner, 100).await, [id], "{owner:?}");
    }
}

/// Else whoever logs out everywhere would miss it. It may be shown under an id that is dead by now.
pub async fn never_misses_a_session_that_is_being_rotated(engine: Engine) {
    let Some(index) = engine.index_or_limit().await else { return };
    let mut key = SessionKey::generate(engine.capabilities().addressing).unwrap();
    let mut seen = engine.put(&key.id(), &engine.record_for("moving", Some("alice"))).await;
    let records: Vec<_> = (0..100).map(|_| engine.record_for("moving", Some("alice"))).collect();
    let backend = Arc::clone(&engine.backend);
    let rotating = tokio::spawn(async move {
        for record in records {
            let next = key.rotated().unwrap();
            seen = written(backend.rotate(&key.id(), &next.id(), &record, &seen).await.unwrap());
            key = next;
        }
    });
    loop {
        let last = rotating.is_finished();
        let page = index.of("alice", None, 10).await.unwrap();
        assert!(!page.is_empty(), "it lived all the while");
        if last {
            return rotating.await.unwrap();
        }
    }
}
