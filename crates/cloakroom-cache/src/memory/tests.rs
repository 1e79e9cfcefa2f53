//! Room: who makes it, and for whom.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use cloakroom_core::{
    Addressing, Clock, Read, Record, Saved, SessionBackend, SessionId, SessionKey, Stamp, SystemClock,
    Timestamp,
};
use tokio::task::JoinSet;

use super::{Backend, Config};

const KIB: usize = 1 << 10;

fn ids() -> (SessionId, SessionId) {
    let key = SessionKey::generate(Addressing::Hashed).unwrap();
    (key.id(), key.rotated().unwrap().id())
}

fn record(sequence: u64, size: usize, owner: Option<&str>) -> Record {
    let end = SystemClock.now().plus(Duration::from_hours(1));
    let stamp = Stamp { sequence, nonce: sequence };
    Record::new(Bytes::from(vec![7; size]), end, owner.map(str::to_owned), stamp)
}

fn of(mebibytes: u64) -> Backend {
    Config::new().capacity(mebibytes << 20).open()
}

async fn is_there(backend: &Backend, id: &SessionId) -> bool {
    backend.load(id, Read::Any).await.unwrap().is_some()
}

#[tokio::test]
async fn a_newcomer_is_kept_when_all_others_are_here_every_minute() {
    let backend = of(1);
    let mut regulars = Vec::new();
    for _ in 0..700 {
        regulars.push(ids().0);
        backend.create(regulars.last().unwrap(), &record(1, KIB, None)).await.unwrap();
    }
    for _ in 0..20 {
        for id in &regulars {
            is_there(&backend, id).await;
        }
        backend.cells.run_pending_tasks();
    }
    let mut newcomers = Vec::new();
    for _ in 0..50 {
        newcomers.push(ids().0);
        backend.create(newcomers.last().unwrap(), &record(1, KIB, None)).await.unwrap();
        backend.cells.run_pending_tasks();
    }
    for id in newcomers {
        assert!(is_there(&backend, &id).await);
    }
}

#[tokio::test]
async fn who_was_not_here_for_the_longest_time_makes_room() {
    let backend = of(1);
    let (old, visited) = ids();
    for id in [&old, &visited] {
        backend.create(id, &record(1, 100 * KIB, None)).await.unwrap();
    }
    for _ in 0..10 {
        backend.cells.run_pending_tasks();
        assert!(is_there(&backend, &visited).await);
        backend.create(&ids().0, &record(1, 100 * KIB, None)).await.unwrap();
    }
    backend.cells.run_pending_tasks();
    assert!(!is_there(&backend, &old).await);
}

#[tokio::test]
async fn what_sessions_grow_to_counts() {
    let backend = of(1);
    for _ in 0..200 {
        let (from, to) = ids();
        backend.create(&from, &record(1, 0, None)).await.unwrap();
        let seen = record(1, 0, None).stamp.into();
        backend.save(&from, &record(2, 10 * KIB, None), &seen).await.unwrap();
        let seen = record(2, 0, None).stamp.into();
        backend.rotate(&from, &to, &record(3, 20 * KIB, None), &seen).await.unwrap();
    }
    backend.cells.run_pending_tasks();
    let held: usize = backend.cells.iter().map(|(_, cell)| cell.weight() as usize).sum();
    assert!((KIB * KIB * 8 / 10..=KIB * KIB).contains(&held), "{held}");
}

#[tokio::test]
async fn who_is_evicted_is_in_no_index() {
    let backend = of(1);
    for _ in 0..500 {
        backend.create(&ids().0, &record(1, 10 * KIB, Some("alice"))).await.unwrap();
    }
    backend.cells.run_pending_tasks();
    let noted = backend.owners.page("alice", None, 1_000).len();
    let living = backend.walk().unwrap().page(None, 1_000).await.unwrap().found.len();
    assert_eq!(noted, living);
    assert!((50..110).contains(&living), "{living}");
}

#[tokio::test]
async fn an_id_whose_record_is_dead_and_not_yet_swept_can_be_used_again() {
    let backend = of(1);
    let id = ids().0;
    let mut first = record(1, 0, Some("alice"));
    first.expires_at = SystemClock.now();
    for record in [first, record(2, 10 * KIB, Some("bob"))] {
        let saved = backend.create(&id, &record).await.unwrap();
        assert!(matches!(saved, Saved::Written(_)), "{saved:?}");
    }
    assert!(is_there(&backend, &id).await);
    assert_eq!(backend.owners.page("alice", None, 10), []);
    assert_eq!(backend.owners.page("bob", None, 10), [id]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whatever_happens_at_once_the_index_shows_what_there_is() {
    let backend = Arc::new(of(1));
    let mut visitors = JoinSet::new();
    for visitor in 0..64_u64 {
        let backend = Arc::clone(&backend);
        visitors.spawn(async move {
            for round in 0..100_u64 {
                let (from, to) = ids();
                let size = 10 * KIB * usize::try_from(round % 3).unwrap();
                let owner = ["alice", "bob"][usize::try_from(visitor % 2).unwrap()];
                backend.create(&from, &record(1, size, Some(owner))).await.unwrap();
                let seen = record(1, 0, None).stamp.into();
                let (saving, rotating) = (record(2, size, None), record(3, KIB, Some("carol")));
                let both = {
                    let (save, rotate) =
                        (backend.save(&from, &saving, &seen), backend.rotate(&from, &to, &rotating, &seen));
                    if round % 2 == 0 {
                        (save.await, rotate.await)
                    } else {
                        let rotate = rotate.await;
                        (save.await, rotate)
                    }
                };
                let won = [both.0.unwrap(), both.1.unwrap()]
                    .iter()
                    .filter(|saved| matches!(saved, Saved::Written(_)))
                    .count();
                assert!(won <= 1, "both");
                if round % 5 == 0 {
                    backend.delete(&to, None).await.unwrap();
                }
                if round % 50 == 0 {
                    backend.clear_expired(Timestamp::MIN, 10).await.unwrap();
                }
            }
        });
    }
    tokio::time::timeout(Duration::from_mins(1), visitors.join_all()).await.expect("nobody waits for ever");
    backend.cells.run_pending_tasks();
    let living = backend.walk().unwrap().page(None, 10_000).await.unwrap().found;
    for owner in ["alice", "bob", "carol"] {
        let theirs = living.iter().filter(|(_, stored)| stored.record.owner.as_deref() == Some(owner));
        let theirs: Vec<SessionId> = theirs.map(|(id, _)| id.clone()).collect();
        assert_eq!(backend.owners.page(owner, None, 10_000), theirs, "{owner}");
    }
}
