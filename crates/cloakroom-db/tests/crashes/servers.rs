//! Servers that are killed, and networks that break.

use std::sync::Arc;
use std::time::Duration;

use cloakroom_conformance::crashes::{Dice, Troubled};
use cloakroom_conformance::search::histories::requests_amid_trouble_lose_and_revive_nothing;
use cloakroom_conformance::{Setup, run};
use cloakroom_core::{Addressing, SessionKey};
use cloakroom_db::{Backend, Config};
use cloakroom_servers::{MariaDb, Postgres, Proxy};

/// How many connections the engine may have.
const CONNECTIONS: u32 = 4;

async fn open(url: &str, table: &str) -> Backend {
    crate::migrated(Config::new(url).table(table).connections(CONNECTIONS)).await
}

/// The server that all tests share, through a proxy.
async fn a_network_that_breaks(engine: &'static str, variable: &str) {
    let server = std::env::var(variable).expect("its URL is set by `cargo xtask test`");
    let (login, place) = server.split_once('@').unwrap();
    let (address, database) = place.split_once('/').unwrap();
    let proxy = Arc::new(Proxy::before(address.parse().unwrap()).unwrap());
    // What other tests store is none of ours.
    let table = format!("t_{}", SessionKey::generate(Addressing::Hashed).unwrap().expose());
    let backend = open(&format!("{login}@{}/{database}", proxy.address()), &table).await;
    let line = Arc::clone(&proxy);
    let trouble = move |dice: &mut Dice| {
        let happened = line.misbehave(|end| dice.below(end));
        assert!(line.settles(CONNECTIONS as usize), "{} connections", line.connections());
        happened
    };
    let troubled = Troubled::new(engine, 20, Duration::from_secs(5));
    troubled.run(backend, trouble, async || open(&server, &table).await).await;
    assert!(proxy.settles(0), "{} connections", proxy.connections());
}

/// The same, searched with histories.
async fn histories_over_a_network_that_breaks(variable: &str) {
    let server = std::env::var(variable).expect("its URL is set by `cargo xtask test`");
    let (login, place) = server.split_once('@').unwrap();
    let (address, database) = place.split_once('/').unwrap();
    let proxy = Arc::new(Proxy::before(address.parse().unwrap()).unwrap());
    let table = format!("t_{}", SessionKey::generate(Addressing::Hashed).unwrap().expose());
    let url = format!("{login}@{}/{database}", proxy.address());
    let config = Config::new(&url).table(&table).connections(CONNECTIONS);
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
        async |clock| Setup::from(crate::migrated(config.clock(clock)).await),
        |engine| requests_amid_trouble_lose_and_revive_nothing(engine, trouble),
    )
    .await;
}

/// A server of one's own, by its URL, and what kills it and starts it again.
async fn a_server_that_is_killed(
    engine: &'static str,
    url: &str,
    mut crash: impl FnMut(Duration) + Send + 'static,
) {
    let backend = open(url, "kept").await;
    let trouble = move |dice: &mut Dice| {
        std::thread::sleep(Duration::from_micros(dice.below(300_000)));
        crash(Duration::from_micros(dice.below(50_000)));
        Some("a kill")
    };
    let troubled = Troubled::new(engine, 3, Duration::from_secs(5));
    troubled.run(backend, trouble, async || open(url, "kept").await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a server: cargo xtask test starts one"]
async fn a_network_that_breaks_again_and_again_loses_nothing_in_postgres() {
    a_network_that_breaks("PostgreSQL, a network", "POSTGRES_URL").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a server: cargo xtask test starts one"]
async fn a_network_that_breaks_again_and_again_loses_nothing_in_mariadb() {
    a_network_that_breaks("MariaDB, a network", "MARIADB_URL").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a server: cargo xtask test starts one"]
async fn histories_over_a_network_that_breaks_are_explained_in_postgres() {
    histories_over_a_network_that_breaks("POSTGRES_URL").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a server: cargo xtask test starts one"]
async fn histories_over_a_network_that_breaks_are_explained_in_mariadb() {
    histories_over_a_network_that_breaks("MARIADB_URL").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a server: cargo xtask test starts one"]
async fn a_postgres_that_is_killed_again_and_again_loses_nothing() {
    let mut server = Postgres::start().unwrap();
    let url = server.url();
    let crash = move |pause| {
        server.kill().unwrap();
        std::thread::sleep(pause);
        server.restart().unwrap();
    };
    a_server_that_is_killed("PostgreSQL, a server killed", &url, crash).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a server: cargo xtask test starts one"]
async fn a_mariadb_that_is_killed_again_and_again_loses_nothing() {
    let mut server = MariaDb::start().unwrap();
    let url = server.url();
    let crash = move |pause| {
        server.kill().unwrap();
        std::thread::sleep(pause);
        server.restart().unwrap();
    };
    a_server_that_is_killed("MariaDB, a server killed", &url, crash).await;
}
