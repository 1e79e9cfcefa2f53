//! Servers that die, stall or hand over while sessions are in use. Nothing is opened anew.

#![cfg(feature = "redis")]
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use cloakroom_cache::redis::{Backend, Config};
use cloakroom_conformance::storage::walk::walked;
use cloakroom_core::{ErrorKind, Read, Saved, SessionBackend, SessionId};
use cloakroom_servers::{Cluster, Redis, Sentinel};
use support::{Mood, Proxy, eventually, get, id, ids, open, put, record, written};
use tokio::task::JoinSet;

const VISITORS: usize = 12;
/// Longer than any fail-over of these servers takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// Visitors who change their sessions all the time.
struct Traffic {
    backend: Arc<Backend>,
    log: Arc<Log>,
    visitors: JoinSet<(SessionId, u64)>,
}

#[derive(Default)]
struct Log {
    stop: AtomicBool,
    /// Writes of each visitor that were acknowledged.
    acknowledged: [AtomicU64; VISITORS],
    failed: AtomicU64,
    /// Visitors who found less than what they had been acknowledged.
    lost: AtomicU64,
}

impl Traffic {
    fn of(backend: Backend) -> Self {
        let (backend, log) = (Arc::new(backend), Arc::new(Log::default()));
        let mut visitors = JoinSet::new();
        for number in 0..VISITORS {
            visitors.spawn(visit(Arc::clone(&backend), Arc::clone(&log), number));
        }
        Self { backend, log, visitors }
    }

    /// Waits until all is well: every visitor has had writes acknowledged meanwhile.
    async fn flows(&self) {
        let count = |of: &AtomicU64| of.load(Ordering::SeqCst);
        let before = self.log.acknowledged.each_ref().map(count);
        let start = Instant::now();
        while self.log.acknowledged.iter().zip(before).any(|(now, before)| count(now) < before + 50) {
            assert!(start.elapsed() < PATIENCE, "no recovery");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn was_disturbed(&self) -> bool {
        self.log.failed.load(Ordering::SeqCst) > 0
    }

    async fn ends_and_has_lost_nothing(self) {
        self.log.stop.store(true, Ordering::SeqCst);
        for (id, last) in self.visitors.join_all().await {
            let there = get(&self.backend, &id).await.expect("it was acknowledged");
            let found = there.record.stamp.sequence;
            assert!(found >= last, "{last} was acknowledged, and {found} is there");
        }
        assert_eq!(self.log.lost.load(Ordering::SeqCst), 0);
    }
}

/// Writes again and again, and says which session, and the sequence of the last write acknowledged.
async fn visit(backend: Arc<Backend>, log: Arc<Log>, number: usize) -> (SessionId, u64) {
    let id = id();
    let mut seen = put(&backend, &id, &record("0", None)).await;
    let mut last = seen.stamp().unwrap().sequence;
    while !log.stop.load(Ordering::SeqCst) {
        let start = Instant::now();
        let new = record("more", None);
        let mut saved = backend.save(&id, &new, &seen).await;
        if matches!(saved, Ok(Saved::Gone)) {
            log.lost.fetch_add(1, Ordering::SeqCst);
            saved = backend.create(&id, &new).await;
        }
        match saved {
            Ok(Saved::Written(written)) => {
                (seen, last) = (written.revision, new.stamp.sequence);
                log.acknowledged[number].fetch_add(1, Ordering::SeqCst);
            }
            // An earlier write of unknown outcome was done, or one that was acknowledged is lost.
            Ok(Saved::Conflict(there)) => {
                log.lost.fetch_add(u64::from(there.record.stamp.sequence < last), Ordering::SeqCst);
                seen = there.revision;
            }
            Ok(Saved::Gone) => {}
            Err(error) => {
                assert!(matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Unknown), "{error:?}");
                log.failed.fetch_add(1, Ordering::SeqCst);
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
        assert!(start.elapsed() < Duration::from_secs(9), "{:?}", start.elapsed());
    }
    (id, last)
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
    assert!(traffic.was_disturbed());
    assert_ne!(sentinel.primary().unwrap(), dead);
    traffic.ends_and_has_lost_nothing().await;
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
    traffic.ends_and_has_lost_nothing().await;
}

#[tokio::test]
#[ignore = "needs a server: cargo xtask test starts one"]
async fn a_primary_that_becomes_a_replica_is_left_when_it_refuses() {
    let port = |server: &Redis| server.url().rsplit_once(':').unwrap().1.parse::<u16>().unwrap();
    let (first, second) = (Redis::start().unwrap(), Redis::start().unwrap());
    let proxy = Proxy::before(port(&first)).await;
    let backend = open(&proxy.url()).await;
    put(&backend, &id(), &record("there", None)).await;
    first.command(&["REPLICAOF", "127.0.0.1", &port(&second).to_string()]).unwrap();
    proxy.leads_to(port(&second));
    let error = backend.create(&id(), &record("refused", None)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    put(&backend, &id(), &record("here", None)).await;
}

#[tokio::test]
#[ignore = "needs a server: cargo xtask test starts one"]
async fn what_no_replica_has_is_not_found_done_by_looking() {
    let redis = Redis::start().unwrap();
    let backend = Config::new(redis.url()).durable(1).open().await.unwrap();
    let id = id();
    let created = backend.create(&id, &record("data", None)).await;
    assert_eq!(created.unwrap_err().kind(), ErrorKind::Unknown);
    let looked = backend.load(&id, Read::Latest).await;
    assert_eq!(looked.unwrap_err().kind(), ErrorKind::Unavailable);
    assert!(backend.load(&id, Read::Any).await.unwrap().is_some(), "a request may read it all the same");
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
    assert!(traffic.was_disturbed());
    traffic.ends_and_has_lost_nothing().await;
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
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a server: cargo xtask test starts one"]
async fn a_listing_never_leaves_out_the_sessions_of_a_node_that_does_not_answer() {
    let mut cluster = Cluster::start().unwrap();
    let backend = open_durable(&cluster.url()).await;
    for _ in 0..30 {
        put(&backend, &id(), &record("data", None)).await;
    }
    let stalled = cluster.primary_of("cloakroom:{abc}").unwrap();
    cluster.pause(stalled).unwrap();
    let mut outages = 0;
    let listed = eventually(PATIENCE, async || {
        let listed = walked(&backend, 100).await;
        outages += usize::from(listed.is_err());
        listed
    })
    .await;
    assert_eq!(listed.len(), 30);
    assert!(outages > 0);
    assert_eq!(backend.clear_expired(cloakroom_core::Timestamp::MIN, 10).await.unwrap().removed, 0);
    // Nor those of a slot that nobody serves.
    cluster.resume(stalled).unwrap();
    for node in 0..6 {
        // The others are served all the same.
        cluster.command(node, &["CONFIG", "SET", "cluster-require-full-coverage", "no"]).unwrap();
        cluster.command(node, &["CLUSTER", "DELSLOTS", "0"]).unwrap();
    }
    let error = walked(&backend, 100).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
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
    assert_eq!(walked(&backend, 100).await.unwrap().len(), 50);
}

fn role(cluster: &Cluster, node: usize) -> String {
    cluster.command(node, &["ROLE"]).unwrap().swap_remove(0)
}

/// The nodes of a Cluster, each behind a proxy that it names as itself.
async fn watched(cluster: &Cluster) -> (Vec<Proxy>, String) {
    let mut proxies = Vec::new();
    for (node, address) in cluster.addresses().iter().enumerate() {
        let proxy = Proxy::before(address.rsplit_once(':').unwrap().1.parse().unwrap()).await;
        let port = proxy.port.to_string();
        cluster.command(node, &["CONFIG", "SET", "cluster-announce-port", &port]).unwrap();
        proxies.push(proxy);
    }
    let ports: Vec<String> = proxies.iter().map(|proxy| proxy.port.to_string()).collect();
    for node in 0..proxies.len() {
        let knows_all = async || {
            let table = cluster.command(node, &["CLUSTER", "NODES"]).unwrap().concat();
            if ports.iter().all(|port| table.contains(&format!(":{port}@"))) { Ok(()) } else { Err(()) }
        };
        eventually(PATIENCE, knows_all).await;
    }
    let hosts: Vec<String> = ports.iter().map(|port| format!("127.0.0.1:{port}")).collect();
    (proxies, format!("redis+cluster://{}", hosts.join(",")))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a server: cargo xtask test starts one"]
async fn a_write_that_a_cluster_has_not_answered_is_never_sent_again_by_itself() {
    let cluster = Cluster::start().unwrap();
    let (proxies, url) = watched(&cluster).await;
    let backend = open(&url).await;
    let id = SessionId::parse("abcdef").unwrap();
    let seen = put(&backend, &id, &record("first", None)).await;
    let seen = written(backend.save(&id, &record("second", None), &seen).await.unwrap());
    for proxy in &proxies {
        proxy.commands();
        proxy.becomes(Mood::LosesReplyTo("EVALSHA"));
    }
    let third = record("third", None);
    assert_eq!(backend.save(&id, &third, &seen).await.unwrap_err().kind(), ErrorKind::Unknown);
    let sent: usize =
        proxies.iter().flat_map(Proxy::commands).filter(|command| command.starts_with("EVAL")).count();
    assert_eq!(sent, 1);
    for proxy in &proxies {
        proxy.becomes(Mood::Passes);
    }
    eventually(PATIENCE, async || backend.save(&id, &third, &seen).await).await;
    assert_eq!(get(&backend, &id).await.unwrap().record, third);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a server: cargo xtask test starts one"]
async fn a_clusters_node_that_swallows_everything_is_given_up_in_time() {
    let cluster = Cluster::start().unwrap();
    let (proxies, url) = watched(&cluster).await;
    let backend = open(&url).await;
    let id = SessionId::parse("abcdef").unwrap();
    let seen = put(&backend, &id, &record("first", None)).await;
    for proxy in &proxies {
        proxy.becomes(Mood::Silent);
    }
    let start = Instant::now();
    assert_eq!(backend.load(&id, Read::Any).await.unwrap_err().kind(), ErrorKind::Unavailable);
    let second = record("second", None);
    assert_eq!(backend.save(&id, &second, &seen).await.unwrap_err().kind(), ErrorKind::Unknown);
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    for proxy in &proxies {
        proxy.becomes(Mood::Passes);
    }
    eventually(PATIENCE, async || backend.save(&id, &second, &seen).await).await;
}
