//! Servers that are killed, and networks that break. See `cloakroom_conformance::crashes`.

#![cfg(feature = "redis")]
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::sync::Arc;
use std::time::{Duration, Instant};

use cloakroom_cache::redis::{Backend, Config};
use cloakroom_conformance::crashes::{Dice, Troubled};
use cloakroom_core::{Addressing, SessionKey};
use cloakroom_servers::{Proxy, RedisConfig};

/// How many connections the engine may have.
const LANES: usize = 2;

async fn open(url: &str, prefix: &str) -> Backend {
    Config::new(url).prefix(prefix).lanes(LANES).open().await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a server: cargo xtask test starts one"]
async fn a_network_that_breaks_again_and_again_loses_nothing() {
    let server = std::env::var("REDIS_URL").expect("REDIS_URL is set by `cargo xtask test`");
    let address = server.strip_prefix("redis://").unwrap();
    let proxy = Arc::new(Proxy::before(address.parse().unwrap()).unwrap());
    // What other tests store is none of ours.
    let prefix = SessionKey::generate(Addressing::Hashed).unwrap().expose().to_owned();
    let backend = open(&format!("redis://{}", proxy.address()), &prefix).await;
    let line = Arc::clone(&proxy);
    let trouble = move |dice: &mut Dice| {
        line.misbehave(|end| dice.below(end));
        settles(&line, LANES);
        1
    };
    let troubled = Troubled { engine: "Redis, a network", troubles: 20, short: Duration::from_secs(5) };
    troubled.run(backend, trouble, async || open(&server, &prefix).await).await;
    settles(&proxy, 0);
}

/// Waits until no more connections are open than may be.
fn settles(proxy: &Proxy, most: usize) {
    let start = Instant::now();
    while proxy.connections() > most {
        assert!(start.elapsed() < Duration::from_secs(10), "{} connections", proxy.connections());
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a server: cargo xtask test starts one"]
async fn a_server_that_is_killed_again_and_again_loses_nothing() {
    let mut redis = RedisConfig::new().append_only().start().unwrap();
    let url = redis.url().to_owned();
    let backend = open(&url, "kept:").await;
    let trouble = move |dice: &mut Dice| {
        std::thread::sleep(Duration::from_micros(dice.below(300_000)));
        redis.kill().unwrap();
        std::thread::sleep(Duration::from_micros(dice.below(50_000)));
        redis.restart().unwrap();
        1
    };
    let troubled = Troubled { engine: "Redis, a server killed", troubles: 5, short: Duration::from_secs(5) };
    troubled.run(backend, trouble, async || open(&url, "kept:").await).await;
}
