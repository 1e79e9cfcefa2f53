//! Servers, what stands between them and a client, and sessions to store.

#![allow(dead_code, unreachable_pub, unused_imports, reason = "each test file takes what it needs")]

mod proxy;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use cloakroom_cache::redis::{Backend, Config};
use cloakroom_core::{
    Addressing, Clock, Read, Record, Revision, Saved, SessionBackend, SessionId, SessionKey, Stamp, Stored,
    SystemClock,
};

use cloakroom_servers::Redis;
pub use proxy::{Mood, Proxy};

static SEQUENCE: AtomicU64 = AtomicU64::new(1);

/// A record that lives for an hour, with a stamp of its own.
pub fn record(payload: impl Into<Bytes>, owner: Option<&str>) -> Record {
    let sequence = SEQUENCE.fetch_add(1, Ordering::Relaxed);
    let stamp = Stamp { sequence, nonce: sequence.wrapping_mul(0x9e37_79b9_7f4a_7c15) };
    let end = SystemClock.now().plus(Duration::from_hours(1));
    Record::new(payload.into(), end, owner.map(str::to_owned), stamp)
}

/// An id, and the one that its session would get by rotation.
pub fn ids() -> (SessionId, SessionId) {
    let key = SessionKey::generate(Addressing::Hashed).unwrap();
    (key.id(), key.rotated().unwrap().id())
}

pub fn id() -> SessionId {
    ids().0
}

/// Stores a record under an id that is free.
pub async fn put(backend: &Backend, id: &SessionId, record: &Record) -> Revision {
    written(backend.create(id, record).await.unwrap())
}

pub fn written(saved: Saved) -> Revision {
    match saved {
        Saved::Written(written) => written.revision,
        other => panic!("not written: {other:?}"),
    }
}

pub async fn get(backend: &Backend, id: &SessionId) -> Option<Stored> {
    backend.load(id, Read::Latest).await.unwrap()
}

pub async fn open(url: &str) -> Backend {
    Config::new(url).open().await.unwrap()
}

/// Tries until it succeeds, as visitors do after an outage. Nothing is opened anew.
pub async fn eventually<T, E>(limit: Duration, mut attempt: impl AsyncFnMut() -> Result<T, E>) -> T {
    let tried = tokio::time::timeout(limit, async {
        loop {
            if let Ok(done) = attempt().await {
                return done;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    tried.await.expect("it never succeeded")
}

/// Where a server listens.
pub fn port(url: &str) -> u16 {
    url.rsplit_once(':').unwrap().1.parse().unwrap()
}

/// A server, what it is seen through, and a client that has sent each script once.
pub async fn watched() -> (Redis, Proxy, Backend) {
    let redis = Redis::start().unwrap();
    let proxy = Proxy::before(port(redis.url())).await;
    let backend = open(&proxy.url()).await;
    let (from, to) = ids();
    let seen = put(&backend, &from, &record("warm", Some("alice"))).await;
    let seen = written(backend.save(&from, &record("warm", Some("alice")), &seen).await.unwrap());
    backend.touch(&from, SystemClock.now().plus(Duration::from_hours(2)), &seen).await.unwrap();
    backend.rotate(&from, &to, &record("warm", Some("alice")), &seen).await.unwrap();
    backend.delete(&to, None).await.unwrap();
    proxy.commands();
    (redis, proxy, backend)
}
