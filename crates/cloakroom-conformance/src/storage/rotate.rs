//! Moving a session to a new id.

use std::sync::Arc;
use std::time::Duration;

use cloakroom_core::{Deleted, Saved, Stored};

use crate::engine::written;
use crate::{Engine, Limit};

/// In one step: the record comes along.
pub async fn ends_the_old_id_and_starts_the_new_one(engine: Engine) {
    let (from, to) = engine.ids();
    let seen = engine.put(&from, &engine.record("anonymous")).await;
    let new = engine.record_for("logged in", Some("alice"));
    let revision = written(engine.rotate(&from, &to, &new, &seen).await.unwrap());
    assert_eq!(engine.get(&to).await, Some(Stored::new(new, revision.clone())));
    engine.save(&to, &engine.record("next"), &revision).await.map(written).unwrap();
    assert_eq!(engine.payload(&to).await.unwrap(), "next");
    if engine.lacks(Limit::Revocation).await {
        return;
    }
    assert_eq!(engine.get(&from).await, None);
    assert_eq!(engine.save(&from, &engine.record("late"), &seen).await.unwrap(), Saved::Gone);
}

/// What is there is shown.
pub async fn of_an_older_revision_is_a_conflict_and_changes_nothing(engine: Engine) {
    if engine.lacks(Limit::Arbitration).await {
        return;
    }
    let (from, to) = engine.ids();
    let old = engine.put(&from, &engine.record("first")).await;
    let there = engine.record("second");
    let revision = written(engine.save(&from, &there, &old).await.unwrap());
    let saved = engine.rotate(&from, &to, &engine.record("third"), &old).await.unwrap();
    assert_eq!(saved, Saved::Conflict(Stored::new(there, revision)));
    assert_eq!(engine.payload(&from).await.unwrap(), "second");
    assert_eq!(engine.get(&to).await, None);
}

/// Neither of what was deleted nor of what expired.
pub async fn of_what_has_ended_starts_nothing(engine: Engine) {
    let late = async |from, to, seen| {
        assert_eq!(engine.rotate(from, to, &engine.record("new"), seen).await.unwrap(), Saved::Gone);
        for id in [from, to] {
            assert_eq!(engine.get(id).await, None);
        }
    };
    let (from, to) = engine.ids();
    let seen = engine.put(&from, &engine.record("data")).await;
    engine.pass(Duration::from_hours(1));
    late(&from, &to, &seen).await;
    if engine.lacks(Limit::Revocation).await {
        return;
    }
    let (from, to) = engine.ids();
    let seen = engine.put(&from, &engine.record("data")).await;
    assert_eq!(engine.delete(&from, None).await.unwrap(), Deleted::Ended);
    late(&from, &to, &seen).await;
}

/// Nobody's session is overwritten.
pub async fn onto_a_taken_id_leaves_both_as_they_are(engine: Engine) {
    if engine.lacks(Limit::Arbitration).await {
        return;
    }
    let (from, to) = engine.ids();
    let seen = engine.put(&from, &engine.record("mine")).await;
    engine.put(&to, &engine.record("theirs")).await;
    let saved = engine.rotate(&from, &to, &engine.record("new"), &seen).await.unwrap();
    assert!(matches!(&saved, Saved::Conflict(there) if there.revision == seen), "{saved:?}");
    assert_eq!(engine.payload(&from).await.unwrap(), "mine");
    assert_eq!(engine.payload(&to).await.unwrap(), "theirs");
}

/// The first attempt's answer was lost; the second finds it done.
pub async fn repeated_with_its_own_stamp_is_one_rotation(engine: Engine) {
    let (from, to) = engine.ids();
    let seen = engine.put(&from, &engine.record("data")).await;
    let new = engine.record("new");
    let revision = written(engine.rotate(&from, &to, &new, &seen).await.unwrap());
    let again = engine.rotate(&from, &to, &new, &seen).await.unwrap();
    if engine.recognises_own_write().await {
        assert_eq!(written(again), revision);
    } else {
        assert_eq!(again, Saved::Gone);
    }
    assert_eq!(engine.payload(&to).await.unwrap(), "new");
}

/// 50 rounds. If the save wins, the rotation conflicts; if the rotation wins, the save finds nothing.
pub async fn racing_a_save_one_of_them_wins(engine: Engine) {
    if engine.lacks(Limit::Arbitration).await {
        return;
    }
    let engine = Arc::new(engine);
    for _ in 0..50 {
        let (from, to) = engine.ids();
        let seen = engine.put(&from, &engine.record("first")).await;
        let (saved, rotated) = (engine.record("saved"), engine.record("rotated"));
        let save = tokio::spawn({
            let (engine, from, seen) = (Arc::clone(&engine), from.clone(), seen.clone());
            async move { engine.save(&from, &saved, &seen).await.unwrap() }
        });
        let rotate = engine.rotate(&from, &to, &rotated, &seen).await.unwrap();
        match (save.await.unwrap(), rotate) {
            (Saved::Written(_), Saved::Conflict(_)) => {
                assert_eq!(engine.payload(&from).await.unwrap(), "saved");
                assert_eq!(engine.get(&to).await, None);
            }
            (Saved::Gone, Saved::Written(_)) => {
                assert_eq!(engine.get(&from).await, None);
                assert_eq!(engine.payload(&to).await.unwrap(), "rotated");
            }
            other => panic!("both, or neither: {other:?}"),
        }
    }
}
