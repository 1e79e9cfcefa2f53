//! PostgreSQL, and PgBouncer before it.

use std::fs;

use cloakroom_servers::{PgBouncer, Postgres};

use crate::{output, soon};

fn psql(url: &str, statement: &str) -> Result<String, String> {
    output("psql", &["--no-psqlrc", "--tuples-only", "--no-align", url, "-c", statement])
}

/// How the process and each of its children are.
fn states(id: u32) -> Vec<String> {
    let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap();
    let id = id.to_string();
    let stats = [id.as_str()].into_iter().chain(children.split_whitespace());
    stats
        .filter_map(|process| fs::read_to_string(format!("/proc/{process}/stat")).ok())
        .map(|stat| stat.rsplit_once(") ").unwrap().1[..1].to_owned())
        .collect()
}

#[test]
#[ignore = "starts servers: cargo xtask test runs it"]
fn what_it_acknowledged_survives_a_crash() {
    let mut postgres = Postgres::start().unwrap();
    let url = postgres.url();
    psql(&url, "CREATE TABLE names AS SELECT 'value' AS name").unwrap();
    postgres.kill().unwrap();
    assert!(psql(&url, "SELECT 1").is_err());
    postgres.restart().unwrap();
    assert_eq!(psql(&url, "SELECT name FROM names").unwrap(), "value");
}

#[test]
#[ignore = "starts servers: cargo xtask test runs it"]
fn paused_server_does_nothing_at_all_until_it_is_resumed() {
    let mut postgres = Postgres::start().unwrap();
    let url = postgres.url() + "?connect_timeout=2";
    postgres.pause().unwrap();
    let id = postgres.id().unwrap();
    assert!(soon(|| states(id).len() > 1 && states(id).iter().all(|state| state == "T")), "{:?}", states(id));
    assert!(psql(&url, "SELECT 1").is_err());
    postgres.resume().unwrap();
    assert_eq!(psql(&url, "SELECT 1").unwrap(), "1");
}

#[test]
#[ignore = "starts servers: cargo xtask test runs it"]
fn syncs_every_commit_and_asks_for_a_password() {
    let postgres = Postgres::start().unwrap();
    for setting in ["fsync", "synchronous_commit", "full_page_writes"] {
        assert_eq!(psql(&postgres.url(), &format!("SHOW {setting}")).unwrap(), "on");
    }
    assert!(psql(&postgres.url().replace("sesame", "wrong"), "SELECT 1").is_err());
}

#[test]
#[ignore = "starts servers: cargo xtask test runs it"]
fn pgbouncer_lends_its_connections_by_the_transaction() {
    let postgres = Postgres::start().unwrap();
    let bouncer = PgBouncer::start(&postgres).unwrap();
    assert_eq!(psql(&bouncer.url(), "SELECT 1").unwrap(), "1");
    let settings = psql(&bouncer.url().replace("/postgres", "/pgbouncer"), "SHOW CONFIG").unwrap();
    assert!(settings.contains("pool_mode|transaction"), "{settings}");
}
