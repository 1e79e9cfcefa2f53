//! Servers that are killed, and networks that break. See `cloakroom_conformance::crashes`.

#![cfg(feature = "redis")]
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::sync::Arc;
use std::time::Duration;

use cloakroom_cache::redis::{Backend, Config};
use cloakroom_conformance::crashes::{Dice, Troubled};
use cloakroom_conformance::search::histories::requests_amid_trouble_lose_and_revive_nothing;
use cloakroom_conformance::{Setup, run};
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
        let happened = line.misbehave(|end| dice.below(end));
        assert!(line.settles(LANES), "{} connections", line.connections());
        happened
    };
    let troubled = Troubled::new("Redis, a network", 20, Duration::from_secs(5));
    troubled.run(backend, trouble, async || open(&server, &prefix).await).await;
    assert!(proxy.settles(0), "{} connections", proxy.connections());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a server: cargo xtask test starts one"]
async fn histories_over_a_network_that_breaks_are_explained() {
    let server = std::env::var("REDIS_URL").expect("REDIS_URL is set by `cargo xtask test`");
    let address = server.strip_prefix("redis://").unwrap();
    let proxy = Arc::new(Proxy::before(address.parse().unwrap()).unwrap());
    let prefix = SessionKey::generate(Addressing::Hashed).unwrap().expose().to_owned();
    let config = Config::new(format!("redis://{}", proxy.address())).prefix(&prefix).lanes(LANES);
    let mut dice = Dice::of_environment();
    let storms = proxy.storms(move || {
        let mut its = dice.another();
        move |end| its.below(end)
    });
    let trouble = move || {
        let storm = storms();
        move || storm.ends()
    };
    run(
        async |clock| Setup::from(config.clock(clock).open().await.unwrap()),
        |engine| requests_amid_trouble_lose_and_revive_nothing(engine, trouble),
    )
    .await;
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
        Some("a kill")
    };
    let troubled = Troubled::new("Redis, a server killed", 5, Duration::from_secs(5));
    troubled.run(backend, trouble, async || open(&url, "kept:").await).await;
}
