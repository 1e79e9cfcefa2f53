//! Saving over what was seen.

use std::sync::Arc;
use std::time::Duration;

use cloakroom_core::{Deleted, Saved, Stored};
use tokio::task::JoinSet;

use crate::engine::written;
use crate::{Engine, Limit};

/// Payload, owner and deadline, which may come nearer as well.
pub async fn replaces_what_was_seen(engine: Engine) {
    let id = engine.id();
    let mut seen = engine.put(&id, &engine.record("first")).await;
    for owner in [Some("alice"), Some("bob"), None] {
        let mut record = engine.record_for("next", owner);
        record.expires_at = record.expires_at.minus(Duration::from_mins(1));
        seen = written(engine.save(&id, &record, &seen).await.unwrap());
        let stored = engine.get(&id).await.unwrap();
        assert_eq!((stored.record, stored.revision), (record, seen.clone()));
    }
}

/// An id that never was.
pub async fn never_inserts(engine: Engine) {
    let (id, other) = engine.ids();
    let seen = engine.put(&other, &engine.record("other")).await;
    assert_eq!(engine.save(&id, &engine.record("new"), &seen).await.unwrap(), Saved::Gone);
    assert_eq!(engine.get(&id).await, None);
}

/// A loads, B logs out, A saves.
pub async fn never_revives_a_deleted_record(engine: Engine) {
    if engine.lacks(Limit::Revocation).await {
        return;
    }
    let id = engine.id();
    let seen = engine.put(&id, &engine.record("alive")).await;
    assert_eq!(engine.delete(&id, None).await.unwrap(), Deleted::Ended);
    assert_eq!(engine.save(&id, &engine.record("revived"), &seen).await.unwrap(), Saved::Gone);
    assert_eq!(engine.get(&id).await, None);
}

/// The deadline is part of what a save compares.
pub async fn never_revives_an_expired_record(engine: Engine) {
    let id = engine.id();
    let seen = engine.put(&id, &engine.record("alive")).await;
    engine.pass(Duration::from_hours(1));
    assert_eq!(engine.save(&id, &engine.record("revived"), &seen).await.unwrap(), Saved::Gone);
    assert_eq!(engine.get(&id).await, None);
}

/// So that the loser can build upon it without asking again.
pub async fn of_an_older_revision_is_a_conflict_that_shows_what_is_there(engine: Engine) {
    if engine.lacks(Limit::Arbitration).await {
        return;
    }
    let id = engine.id();
    let old = engine.put(&id, &engine.record("first")).await;
    let there = engine.record_for("second", Some("alice"));
    let revision = written(engine.save(&id, &there, &old).await.unwrap());
    let saved = engine.save(&id, &engine.record("third"), &old).await.unwrap();
    assert_eq!(saved, Saved::Conflict(Stored::new(there, revision)));
    assert_eq!(engine.payload(&id).await.unwrap(), "second");
}

/// The first attempt's answer was lost; the second finds it done.
pub async fn repeated_with_its_own_stamp_is_one_write(engine: Engine) {
    let id = engine.id();
    let seen = engine.put(&id, &engine.record("first")).await;
    let record = engine.record("second");
    let revision = written(engine.save(&id, &record, &seen).await.unwrap());
    let again = engine.save(&id, &record, &seen).await.unwrap();
    if engine.recognises_own_write().await {
        assert_eq!(written(again), revision);
    } else {
        assert!(matches!(again, Saved::Conflict(_)), "{again:?}");
    }
}

/// Its own write is under somebody else's: nobody can tell any more.
pub async fn repeated_after_somebody_elses_write_is_a_conflict(engine: Engine) {
    if engine.lacks(Limit::Arbitration).await {
        return;
    }
    let id = engine.id();
    let seen = engine.put(&id, &engine.record("first")).await;
    let ours = engine.record("ours");
    let second = written(engine.save(&id, &ours, &seen).await.unwrap());
    engine.save(&id, &engine.record("theirs"), &second).await.map(written).unwrap();
    let again = engine.save(&id, &ours, &seen).await.unwrap();
    assert!(matches!(again, Saved::Conflict(_)), "{again:?}");
    assert_eq!(engine.payload(&id).await.unwrap(), "theirs");
}

/// 32 at once, who have seen the same.
pub async fn one_of_many_racing_writers_wins(engine: Engine) {
    if engine.lacks(Limit::Arbitration).await {
        return;
    }
    let engine = Arc::new(engine);
    let id = engine.id();
    let seen = engine.put(&id, &engine.record("first")).await;
    let mut writers = JoinSet::new();
    for n in 0..32 {
        let (engine, id, seen) = (Arc::clone(&engine), id.clone(), seen.clone());
        writers.spawn(async move {
            match engine.save(&id, &engine.record(&n.to_string()), &seen).await.unwrap() {
                Saved::Written(_) => Some(n),
                Saved::Conflict(_) => None,
                Saved::Gone => panic!("it was alive all the time"),
            }
        });
    }
    let winners: Vec<i32> = writers.join_all().await.into_iter().flatten().collect();
    assert_eq!(winners.len(), 1, "{winners:?}");
    assert_eq!(engine.payload(&id).await.unwrap(), winners[0].to_string());
}

/// Some over what they have seen, two of them over the same, others over what was changed or ended since.
pub async fn of_many_at_once_each_is_answered_for_itself(engine: Engine) {
    if engine.lacks(Limit::Arbitration).await || engine.lacks(Limit::Revocation).await {
        return;
    }
    let engine = Arc::new(engine);
    let mut writers = JoinSet::new();
    let mut ids = Vec::new();
    for n in 0..48 {
        let id = engine.id();
        let seen = engine.put(&id, &engine.record("first")).await;
        match n % 3 {
            0 => {}
            1 => drop(written(engine.save(&id, &engine.record("changed"), &seen).await.unwrap())),
            _ => assert_eq!(engine.delete(&id, None).await.unwrap(), Deleted::Ended),
        }
        ids.push((id, seen));
    }
    for (n, (id, seen)) in ids.iter().enumerate().flat_map(|one| [one, one]) {
        let (engine, id, seen) = (Arc::clone(&engine), id.clone(), seen.clone());
        writers.spawn(
            async move { (n, engine.save(&id, &engine.record(&n.to_string()), &seen).await.unwrap()) },
        );
    }
    let mut wins = [0; 48];
    for (n, saved) in writers.join_all().await {
        match (n % 3, saved) {
            (0, Saved::Written(_)) => wins[n] += 1,
            (0, Saved::Conflict(stored)) => assert_eq!(stored.record.payload, n.to_string()),
            (1, Saved::Conflict(stored)) => assert_eq!(stored.record.payload, "changed"),
            (2, Saved::Gone) => {}
            (_, saved) => panic!("{n}: {saved:?}"),
        }
    }
    for (n, (id, _)) in ids.iter().enumerate() {
        let expected = [Some(n.to_string()), Some("changed".to_owned()), None];
        assert_eq!(wins[n], usize::from(n % 3 == 0), "{n}");
        assert_eq!(engine.payload(id).await, expected[n % 3].clone().map(Into::into), "{n}");
    }
}
