//! Sessions move from SQLite to Redis and on to PostgreSQL, while visitors use them.
//!
//! A test moves two thousand; with `CLOAKROOM_SOAK_SECONDS` in the environment it moves a hundred thousand.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]
#![cfg(all(feature = "sqlite", feature = "redis", feature = "postgres"))]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use cloakroom::core::{Addressing, SessionBackend, SessionKey};
use cloakroom::{Migrating, Sessions, cache, copy, db};
use futures_util::future::join_all;
use futures_util::{StreamExt, stream};
use tokio::task::JoinSet;

/// How many visitors use their sessions meanwhile, each in a task of their own.
const VISITORS: usize = 40;

fn server(variable: &str) -> String {
    std::env::var(variable).unwrap_or_else(|_| {
        panic!("{variable} is not set: `cargo xtask servers` starts a server and prints it")
    })
}

/// Somebody whose session is alive until they log out, and holds as many visits as they have made.
struct Visitor {
    key: Option<SessionKey>,
    visits: u64,
}

impl Visitor {
    /// Comes to two processes at once, time and again.
    async fn visit(&mut self, processes: &[Sessions; 2], round: u64) {
        let Some(key) = self.key.clone() else { return };
        let visit = async |process: &Sessions| {
            let session = process.load(Some(key.clone())).await.unwrap();
            assert_eq!(session.user().as_deref(), Some("alice"), "nobody is logged out");
            session.update("visits", |visits: &mut u64| *visits += 1).await.unwrap();
        };
        futures_util::future::join(visit(&processes[0]), visit(&processes[1])).await;
        self.visits += 2;
        let session = processes[0].load(Some(key)).await.unwrap();
        assert_eq!(session.get("visits").unwrap(), Some(self.visits), "no change is lost");
        if round % 7 == 3 {
            session.cycle_key();
            session.save().await.unwrap();
            self.key = session.key();
        }
    }

    async fn leave(&mut self, process: &Sessions) {
        let Some(key) = self.key.take() else { return };
        let session = process.load(Some(key.clone())).await.unwrap();
        session.logout();
        session.save().await.unwrap();
        assert_eq!(process.load(Some(key)).await.unwrap().key(), None, "who has left is gone");
    }
}

/// Fills an engine, and says who visits.
async fn fill(sessions: &Sessions, count: usize) -> Vec<Visitor> {
    let make = |_| async {
        let session = sessions.load(None).await.unwrap();
        session.login("alice").unwrap();
        session.insert("cart", ["a book", "a coat", "an umbrella"]).unwrap();
        session.save().await.unwrap();
        session.key()
    };
    let keys: Vec<_> = stream::iter(0..count).map(make).buffer_unordered(64).collect().await;
    keys.into_iter().map(|key| Visitor { key, visits: 0 }).collect()
}

/// Moves everything while some visit, and says how many were moved and how many visits there were.
async fn moved(
    from: &Arc<dyn SessionBackend>,
    to: &Arc<dyn SessionBackend>,
    visitors: &mut Vec<Visitor>,
) -> (u64, u64) {
    let process = || Sessions::new(Migrating::new(Arc::clone(to), Arc::clone(from)).unwrap());
    let processes = [process(), process()];
    let done = Arc::new(AtomicBool::new(false));
    let visits = Arc::new(AtomicU64::new(0));
    let mut visiting = JoinSet::new();
    for mut visitor in visitors.drain(..VISITORS) {
        let (processes, done, visits) = (processes.clone(), Arc::clone(&done), Arc::clone(&visits));
        visiting.spawn(async move {
            for round in 0.. {
                visitor.visit(&processes, round).await;
                visits.fetch_add(2, Ordering::Relaxed);
                // Everybody comes a few times, however fast the copy is.
                if done.load(Ordering::Relaxed) && round >= 5 {
                    break;
                }
            }
            if visitor.visits % 3 == 0 {
                visitor.leave(&processes[1]).await;
            }
            visitor
        });
    }
    let (old, new) = (Sessions::new(Arc::clone(from)), Sessions::new(Arc::clone(to)));
    let copied = copy(&old, &new, |_| {}).await.unwrap();
    assert_eq!(copied.skipped, 0);
    done.store(true, Ordering::Relaxed);
    visitors.extend(visiting.join_all().await);
    // What moved to a new key in the old engine behind the copy's back is taken over by its next visit.
    let rest = copy(&old, &new, |_| {}).await.unwrap();
    (copied.copied + rest.copied, visits.load(Ordering::Relaxed))
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a server: cargo xtask test starts one"]
async fn sessions_that_move_twice_while_they_are_used_lose_nothing_and_nobody() {
    let count = if std::env::var_os("CLOAKROOM_SOAK_SECONDS").is_some() { 100_000 } else { 2_000 };
    let name = SessionKey::generate(Addressing::Hashed).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let sqlite = db::Config::new(format!("sqlite:{}/sessions.sqlite3", folder.path().display()));
    let sqlite = sqlite.open().await.unwrap();
    sqlite.migrate().await.unwrap();
    let redis = cache::redis::Config::new(server("REDIS_URL")).prefix(format!("moves:{}:", name.expose()));
    let redis = redis.open().await.unwrap();
    let postgres = db::Config::new(server("POSTGRES_URL")).table(format!("moves_{}", name.expose()));
    let postgres = postgres.open().await.unwrap();
    postgres.migrate().await.unwrap();
    let engines: [Arc<dyn SessionBackend>; 3] = [Arc::new(sqlite), Arc::new(redis), Arc::new(postgres)];

    let mut visitors = fill(&Sessions::new(Arc::clone(&engines[0])), count).await;
    for (from, to) in [(0, 1), (1, 2)] {
        let began = Instant::now();
        let (copied, visits) = moved(&engines[from], &engines[to], &mut visitors).await;
        assert!(copied <= count as u64, "each is moved once");
        println!(
            "moved: {copied} of {count} sessions in {:?}, with {visits} visits meanwhile",
            began.elapsed()
        );
        let old = Sessions::new(Arc::clone(&engines[from]));
        let mut cursor = None;
        loop {
            let page = old.list(cursor.as_ref()).await.unwrap();
            assert_eq!(page.sessions.len(), 0, "nothing is left behind");
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
    }
    let last = Sessions::new(Arc::clone(&engines[2]));
    for some in visitors.chunks(64) {
        join_all(some.iter().map(|visitor| async {
            let session = last.load(visitor.key.clone()).await.unwrap();
            let visits = session.get::<u64>("visits").unwrap().unwrap_or_default();
            match &visitor.key {
                Some(_) => assert_eq!((session.user().as_deref(), visits), (Some("alice"), visitor.visits)),
                None => assert_eq!(session.key(), None),
            }
        }))
        .await;
    }
}
