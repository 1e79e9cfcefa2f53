//! Tables that are made by several at once.

use std::process::{Command, Stdio};

use cloakroom_core::{Read, SessionBackend};
use cloakroom_db::Config;
use tokio::task::JoinSet;

use crate::database::{Database, id, migrated, put, record, table};

on_each! {
    ten_that_migrate_at_the_same_moment_all_succeed
    ten_processes_that_start_at_once_all_migrate
    migrating_again_changes_nothing
    tables_of_two_applications_do_not_meet
}

/// Connected before, so that nothing keeps them apart.
async fn ten_that_migrate_at_the_same_moment_all_succeed(database: Database) {
    for _ in 0..10 {
        let table = table();
        let mut engines = Vec::new();
        for _ in 0..10 {
            engines.push(Config::new(database.url()).table(&table).connections(1).open().await.unwrap());
        }
        let mut migrating = JoinSet::new();
        for engine in engines {
            migrating.spawn(async move {
                engine.migrate().await.unwrap();
                put(&engine, &id(), &record("kept", 1)).await;
            });
        }
        migrating.join_all().await;
    }
}

/// Tells a process that this test has started what to migrate.
const TABLE: &str = "CLOAKROOM_TEST_TABLE";

async fn ten_processes_that_start_at_once_all_migrate(database: Database) {
    if let Ok(table) = std::env::var(TABLE) {
        migrated(Config::new(database.url()).table(table).connections(1)).await;
        return;
    }
    let name =
        format!("migrations::{database:?}::ten_processes_that_start_at_once_all_migrate").to_lowercase();
    for _ in 0..3 {
        let table = table();
        let processes: Vec<_> = (0..10)
            .map(|_| {
                Command::new(std::env::current_exe().unwrap())
                    .args(["--exact", &name, "--ignored"])
                    .env(TABLE, &table)
                    .stdout(Stdio::piped())
                    .spawn()
                    .unwrap()
            })
            .collect();
        for process in processes {
            let output = process.wait_with_output().unwrap();
            let said = String::from_utf8(output.stdout).unwrap();
            assert!(output.status.success() && said.contains("1 passed"), "{said}");
        }
        let backend = Config::new(database.url()).table(table).open().await.unwrap();
        put(&backend, &id(), &record("kept", 1)).await;
    }
}

async fn migrating_again_changes_nothing(database: Database) {
    let table = table();
    let backend = migrated(Config::new(database.url()).table(&table)).await;
    let id = id();
    put(&backend, &id, &record("kept", 1)).await;
    backend.migrate().await.unwrap();
    let other = migrated(Config::new(database.url()).table(&table)).await;
    assert!(other.load(&id, Read::Latest).await.unwrap().is_some());
}

async fn tables_of_two_applications_do_not_meet(database: Database) {
    let ours = migrated(Config::new(database.url()).table(table())).await;
    let theirs = migrated(Config::new(database.url()).table(table())).await;
    let id = id();
    put(&ours, &id, &record("kept", 1)).await;
    assert_eq!(theirs.load(&id, Read::Latest).await.unwrap(), None);
}
