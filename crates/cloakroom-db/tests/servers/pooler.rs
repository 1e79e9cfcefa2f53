//! PgBouncer in transaction mode: a connection is another one with each statement.

use std::sync::Arc;
use std::time::Duration;

use cloakroom_core::{Clock, ErrorKind, SessionBackend, SystemClock};
use cloakroom_db::{Backend, Config};
use cloakroom_servers::{PgBouncer, Postgres};
use tokio::task::JoinSet;

use crate::database::{id, put, record, table, written};

async fn pooled(url: String, clock: Arc<dyn Clock>) -> Backend {
    let config = Config::new(url).table(table()).connections(4).pooler(true).clock(clock);
    // On a busy machine the pooler has its hands full with closing the connections of the case before.
    let mut opened = config.clone().open().await;
    for _ in 0..10 {
        match opened {
            Err(error) if error.kind() == ErrorKind::Unavailable => opened = config.clone().open().await,
            _ => break,
        }
    }
    let backend = opened.unwrap();
    backend.migrate().await.unwrap();
    backend
}

/// Four engines at a time, each with a case of its own, on the twenty connections that the pooler has.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a server: cargo xtask test starts one"]
async fn the_whole_suite_passes_behind_a_pooler() {
    let postgres = Postgres::start().unwrap();
    let pooler = PgBouncer::start(&postgres).unwrap();
    let url = pooler.url();
    let mut running = JoinSet::new();
    for case in cloakroom_conformance::cases() {
        if running.len() == 4 {
            running.join_next().await.unwrap().unwrap();
        }
        let url = url.clone();
        running.spawn(async move {
            println!("{}", case.name);
            let make = async |clock| pooled(url, clock).await.into();
            cloakroom_conformance::run(make, case.run).await;
        });
    }
    while let Some(ended) = running.join_next().await {
        ended.unwrap();
    }
}

/// The question whether a connection is alive is one that the pooler understands.
#[tokio::test]
#[ignore = "needs a server: cargo xtask test starts one"]
async fn a_write_after_a_silence_works_behind_a_pooler() {
    let postgres = Postgres::start().unwrap();
    let pooler = PgBouncer::start(&postgres).unwrap();
    let backend = pooled(pooler.url(), Arc::new(SystemClock)).await;
    let id = id();
    let seen = put(&backend, &id, &record("first", 1)).await;
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(2)).await;
    tokio::time::resume();
    written(backend.save(&id, &record("second", 2), &seen).await.unwrap());
}
