//! Servers that die, stall or hand over while sessions are in use. Nothing is opened anew.

#![cfg(feature = "redis")]
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use cloakroom_cache::redis::{Backend, Config};
use cloakroom_core::{ErrorKind, Read, Saved, SessionBackend, SessionId};
use cloakroom_servers::{Cluster, Sentinel};
use support::{eventually, get, id, ids, open, put, record, written};
use tokio::task::JoinSet;

const VISITORS: usize = 12;
/// Longer than any fail-over of these servers takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// Visitors who change their sessions all the time.
struct Traffic {
    backend: Arc<Backend>,
    stop: Arc<AtomicBool>,
    /// Of each visitor.
    acknowledged: Arc<[AtomicU64; VISITORS]>,
    failed: Arc<AtomicU64>,
    visitors: JoinSet<(SessionId, u64)>,
}

impl Traffic {
    fn of(backend: Backend) -> Self {
        let backend = Arc::new(backend);
        let (stop, acknowledged, failed) = (Arc::default(), Arc::default(), Arc::default());
        let mut visitors = JoinSet::new();
        for number in 0..VISITORS {
            visitors.spawn(visit(
                Arc::clone(&backend),
                Arc::clone(&stop),
                Arc::clone(&acknowledged),
                Arc::clone(&failed),
                number,
            ));
        }
        Self { backend, stop, acknowledged, failed, visitors }
    }

    /// Waits until all is well: every visitor has had writes acknowledged meanwhile.
    async fn flows(&self) {
        let count = |of: &AtomicU64| of.load(Ordering::SeqCst);
        let before = self.acknowledged.each_ref().map(count);
        let start = Instant::now();
        while self.acknowledged.iter().zip(before).any(|(now, before)| count(now) < before + 50) {
            assert!(start.elapsed() < PATIENCE, "no recovery");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Every session, and the last of its writes that was acknowledged.
    async fn end(self) -> (Arc<Backend>, Vec<(SessionId, u64)>) {
        self.stop.store(true, Ordering::SeqCst);
        (self.backend, self.visitors.join_all().await)
    }
}

/// Writes again and again, and says which session, and the sequence of the last write acknowledged.
async fn visit(
    backend: Arc<Backend>,
    stop: Arc<AtomicBool>,
    acknowledged: Arc<[AtomicU64; VISITORS]>,
    failed: Arc<AtomicU64>,
    number: usize,
) -> (SessionId, u64) {
    let id = id();
    let mut seen = put(&backend, &id, &record("0", None)).await;
    let mut last = seen.stamp().unwrap().sequence;
    while !stop.load(Ordering::SeqCst) {
        let start = Instant::now();
        let new = record("more", None);
        match backend.save(&id, &new, &seen).await {
            Ok(Saved::Written(written)) => {
                (seen, last) = (written.revision, new.stamp.sequence);
                acknowledged[number].fetch_add(1, Ordering::SeqCst);
            }
            // An earlier write of unknown outcome was done.
            Ok(Saved::Conflict(there)) => seen = there.revision,
            Ok(Saved::Gone) => panic!("a session that was acknowledged is gone"),
            Err(error) => {
                assert!(matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Unknown), "{error:?}");
                failed.fetch_add(1, Ordering::SeqCst);
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
        assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    }
    (id, last)
}

async fn all_are_there(backend: &Backend, sessions: Vec<(SessionId, u64)>) {
    for (id, last) in sessions {
        let there = get(backend, &id).await.expect("it was acknowledged");
        let found = there.record.stamp.sequence;
        assert!(found >= last, "{last} was acknowledged, and {found} is there");
    }
}

async fn open_durable(url: &str) -> Backend {
    Config::new(url).durable(1).open().await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a server: cargo xtask test starts one"]
async fn a_primary_that_sentinels_replace_loses_nothing_that_a_replica_has_acknowledged() {
    let mut sentinel = Sentinel::start().unwrap();
    let traffic = Traffic::of(open_durable(&sentinel.url()).await);
    traffic.flows().await;
    let dead = sentinel.kill_primary().unwrap();
    traffic.flows().await;
    assert!(traffic.failed.load(Ordering::SeqCst) > 0, "nobody noticed");
    assert_ne!(sentinel.primary().unwrap(), dead);
    let (backend, sessions) = traffic.end().await;
    all_are_there(&backend, sessions).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a server: cargo xtask test starts one"]
async fn a_primary_that_stalls_is_left_for_the_one_that_sentinels_name() {
    let mut sentinel = Sentinel::start().unwrap();
    let traffic = Traffic::of(open_durable(&sentinel.url()).await);
    traffic.flows().await;
    let stalled = sentinel.primary().unwrap();
    sentinel.pause(stalled).unwrap();
    traffic.flows().await;
    // It comes back as a replica: whoever still held it would be refused.
    sentinel.resume(stalled).unwrap();
    traffic.flows().await;
    let (backend, sessions) = traffic.end().await;
    all_are_there(&backend, sessions).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a server: cargo xtask test starts one"]
async fn a_primary_that_becomes_a_replica_is_left_when_it_refuses() {
    let sentinel = Sentinel::start().unwrap();
    let backend = open(&sentinel.url()).await;
    let id = id();
    put(&backend, &id, &record("first", None)).await;
    let asked = sentinel.url();
    let (asked, _) = asked.strip_prefix("redis+sentinel://").unwrap().split_once(',').unwrap();
    redis_cli(asked, &["SENTINEL", "FAILOVER", "cloakroom"]).await;
    let before = sentinel.primary().unwrap();
    eventually(PATIENCE, async || {
        let stored = backend.load(&id, Read::Latest).await.map_err(|_| ())?.ok_or(())?;
        backend.save(&id, &record("more", None), &stored.revision).await.map_err(|_| ())?;
        if sentinel.primary().unwrap() == before { Err(()) } else { Ok(()) }
    })
    .await;
    eventually(PATIENCE, async || {
        let stored = backend.load(&id, Read::Latest).await?.expect("it was there");
        backend.save(&id, &record("more", None), &stored.revision).await
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a server: cargo xtask test starts one"]
async fn too_few_replicas_leave_a_write_undecided() {
    let mut sentinel = Sentinel::start().unwrap();
    let backend = Config::new(sentinel.url()).durable(2).open().await.unwrap();
    let id = id();
    let seen = put(&backend, &id, &record("first", None)).await;
    let primary = sentinel.primary().unwrap();
    sentinel.pause((primary + 1) % 3).unwrap();
    let second = record("second", None);
    let start = Instant::now();
    for _ in 0..2 {
        // Also when it finds its own write, on whichever connection.
        assert_eq!(backend.save(&id, &second, &seen).await.unwrap_err().kind(), ErrorKind::Unknown);
    }
    assert!(start.elapsed() < Duration::from_secs(4), "{:?}", start.elapsed());
    sentinel.resume((primary + 1) % 3).unwrap();
    eventually(PATIENCE, async || backend.save(&id, &second, &seen).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a server: cargo xtask test starts one"]
async fn a_clusters_primary_that_dies_loses_nothing_that_its_replica_has_acknowledged() {
    let mut cluster = Cluster::start().unwrap();
    let traffic = Traffic::of(open_durable(&cluster.url()).await);
    traffic.flows().await;
    let key = "cloakroom:{abc}";
    let dead = cluster.kill_primary_of(key).unwrap();
    let promoted =
        async || cluster.primary_of(key).is_ok_and(|primary| primary != dead).then_some(()).ok_or(());
    eventually(PATIENCE, promoted).await;
    // The promoted one needs a replica, or nothing that is written there counts.
    cluster.restart(dead).unwrap();
    traffic.flows().await;
    assert!(traffic.failed.load(Ordering::SeqCst) > 0, "nobody noticed");
    let (backend, sessions) = traffic.end().await;
    all_are_there(&backend, sessions).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a server: cargo xtask test starts one"]
async fn a_clusters_primary_that_stalls_is_left_for_its_replica() {
    let mut cluster = Cluster::start().unwrap();
    let traffic = Traffic::of(open(&cluster.url()).await);
    traffic.flows().await;
    let stalled = cluster.primary_of("cloakroom:{abc}").unwrap();
    cluster.pause(stalled).unwrap();
    traffic.flows().await;
    cluster.resume(stalled).unwrap();
    traffic.flows().await;
    traffic.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a server: cargo xtask test starts one"]
async fn sessions_are_found_while_their_slot_moves_to_another_node() {
    let cluster = Cluster::start().unwrap();
    let backend = open(&cluster.url()).await;
    let (moved, stays) = (SessionId::parse("abcmoved").unwrap(), SessionId::parse("abcstays").unwrap());
    let key = "cloakroom:{abc}moved";
    let mut seen = put(&backend, &moved, &record("first", Some("alice"))).await;
    put(&backend, &stays, &record("first", None)).await;

    let slot = cluster.command(0, &["CLUSTER", "KEYSLOT", key]).unwrap().concat();
    let from = cluster.primary_of(key).unwrap();
    let to = (0..6).find(|node| *node != from && role(&cluster, *node) == "master").unwrap();
    let name = |node| cluster.command(node, &["CLUSTER", "MYID"]).unwrap().concat();
    cluster.command(to, &["CLUSTER", "SETSLOT", &slot, "IMPORTING", &name(from)]).unwrap();
    cluster.command(from, &["CLUSTER", "SETSLOT", &slot, "MIGRATING", &name(to)]).unwrap();

    let fresh = SessionId::parse("abcfresh").unwrap();
    assert_eq!(get(&backend, &fresh).await, None, "asked for on the node that takes over");
    put(&backend, &fresh, &record("first", None)).await;
    assert!(get(&backend, &fresh).await.is_some());
    seen = written(backend.save(&moved, &record("second", Some("alice")), &seen).await.unwrap());

    let addresses = cluster.addresses();
    let (host, port) = addresses[to].split_once(':').unwrap();
    cluster.command(from, &["MIGRATE", host, port, key, "0", "1000"]).unwrap();
    let third = record("third", Some("alice"));
    seen = written(backend.save(&moved, &third, &seen).await.unwrap());
    assert_eq!(get(&backend, &moved).await.unwrap().record, third);
    assert!(get(&backend, &stays).await.is_some());
    // Both ids of a rotation are in the slot, but not yet on one node.
    let target = SessionId::parse("abctarget").unwrap();
    let fourth = record("fourth", None);
    match backend.rotate(&moved, &target, &fourth, &seen).await {
        Err(error) => assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}"),
        Ok(saved) => panic!("the server would not: {saved:?}"),
    }

    cluster.command(from, &["MIGRATE", host, port, "cloakroom:{abc}stays", "0", "1000"]).unwrap();
    for node in [to, from] {
        cluster.command(node, &["CLUSTER", "SETSLOT", &slot, "NODE", &name(to)]).unwrap();
    }
    for id in [&moved, &stays, &fresh] {
        assert!(get(&backend, id).await.is_some());
    }
    backend.rotate(&moved, &target, &fourth, &seen).await.map(written).unwrap();
    assert_eq!((get(&backend, &moved).await, get(&backend, &target).await.unwrap().record), (None, fourth));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a server: cargo xtask test starts one"]
async fn rotations_of_all_places_work_on_a_cluster() {
    let url = std::env::var("REDIS_CLUSTER_URL").unwrap();
    let backend = Config::new(url).prefix(format!("rotations:{}:", id().expose())).open().await.unwrap();
    for _ in 0..50 {
        let (from, to) = ids();
        let seen = put(&backend, &from, &record("first", Some("alice"))).await;
        backend.rotate(&from, &to, &record("second", Some("alice")), &seen).await.map(written).unwrap();
    }
    assert_eq!(backend.index().unwrap().of("alice", None, 100).await.unwrap().len(), 50);
    assert_eq!(backend.index().unwrap().all(None, 100).await.unwrap().len(), 50);
}

fn role(cluster: &Cluster, node: usize) -> String {
    cluster.command(node, &["ROLE"]).unwrap().swap_remove(0)
}

async fn redis_cli(address: &str, command: &[&str]) {
    let client = redis::Client::open(format!("redis://{address}")).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let mut sent = redis::cmd(command[0]);
    sent.arg(&command[1..]);
    sent.exec_async(&mut connection).await.unwrap();
}
