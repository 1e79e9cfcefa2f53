//! Servers that are set otherwise than they come.

use cloakroom_core::{
    Deleted, Durability, ErrorKind, Read, Saved, SessionBackend, SessionId, Timestamp, Touched,
};
use cloakroom_db::Config;

use crate::database::{Database, Stranger, id, migrated, open, put, record, table, written};

on_each! {
    what_a_commit_survives_is_what_the_server_says
    the_sweep_and_the_listing_use_an_index
    a_user_without_rights_is_told_so_and_may_migrate_what_is_there
}

async fn what_a_commit_survives_is_what_the_server_says(database: Database) {
    let server = database.start();
    let safe = Config::new(server.url()).power_safe(true).open().await.unwrap();
    assert_eq!(safe.capabilities().durable_when, Durability::PowerCut);
    assert_eq!(open(&server.url()).await.capabilities().durable_when, Durability::PowerCut);
    let mut stranger = Stranger::at(&server.url()).await;
    match database {
        Database::Postgres => stranger.run("ALTER ROLE cloakroom SET synchronous_commit = off").await,
        Database::MariaDb => stranger.run("SET GLOBAL innodb_flush_log_at_trx_commit = 2").await,
    }
    assert_eq!(open(&server.url()).await.capabilities().durable_when, Durability::Crash);
    let error = Config::new(server.url()).power_safe(true).open().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Misconfigured);
    assert!(error.to_string().contains("synchronous_commit"), "{error}");
}

async fn the_sweep_and_the_listing_use_an_index(database: Database) {
    let table = table();
    migrated(Config::new(database.url()).table(&table)).await;
    let mut stranger = Stranger::at(&database.url()).await;
    if database == Database::Postgres {
        // It would rather read a page than an index, as long as there is only one.
        stranger.run("SET enable_seqscan = off; SET enable_bitmapscan = off").await;
    }
    for (query, index) in [
        (
            format!(
                "SELECT id FROM {table} WHERE expires_at <= 1 ORDER BY expires_at LIMIT 10 FOR UPDATE SKIP LOCKED"
            ),
            "expires_at",
        ),
        (
            format!(
                "SELECT payload, expires_at, owner, stamp, id FROM {table} \
                 WHERE owner = 'alice' AND expires_at > 1 AND id > '' ORDER BY id LIMIT 10"
            ),
            "owner",
        ),
    ] {
        let explain = match database {
            Database::Postgres => format!("EXPLAIN {query}"),
            Database::MariaDb => format!("EXPLAIN FORMAT=JSON {query}"),
        };
        let plan = stranger.texts(explain).await.join("\n");
        assert!(plan.contains(&format!("{table}_{index}")), "{plan}");
        assert!(!plan.contains("Sort") && !plan.contains("filesort"), "{plan}");
    }
}

async fn a_user_without_rights_is_told_so_and_may_migrate_what_is_there(database: Database) {
    let server = database.start();
    let table = table();
    migrated(Config::new(server.url()).table(&table)).await;
    let mut stranger = Stranger::at(&server.url()).await;
    let create = match database {
        Database::Postgres => "CREATE USER visitor PASSWORD 'sesame'",
        Database::MariaDb => "CREATE USER visitor@'127.0.0.1' IDENTIFIED BY 'sesame'",
    };
    stranger.run(create).await;
    let grant = match database {
        Database::Postgres => format!("GRANT SELECT ON {table} TO visitor"),
        // The tests' user has every right but that to hand them on.
        Database::MariaDb => format!(
            "INSERT INTO mysql.tables_priv (Host, Db, User, Table_name, Table_priv) \
             VALUES ('127.0.0.1', 'cloakroom', 'visitor', '{table}', 'Select'); FLUSH PRIVILEGES"
        ),
    };
    stranger.run(grant).await;
    let url = server.url().replace("cloakroom:", "visitor:");
    let backend = Config::new(&url).table(&table).open().await.unwrap();
    assert_eq!(backend.load(&id(), Read::Latest).await.unwrap(), None);
    let refused = backend.create(&id(), &record("never", 1)).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Misconfigured);
    assert!(refused.to_string().contains("no right"), "{refused}");
    let elsewhere = Config::new(&url).table("elsewhere").open().await.unwrap();
    assert_eq!(elsewhere.migrate().await.unwrap_err().kind(), ErrorKind::Misconfigured);
    // MySQL wants the right to make a table also where there is nothing to make.
    let again = backend.migrate().await;
    assert_eq!(again.is_ok(), database == Database::Postgres, "{again:?}");
}

#[tokio::test]
#[ignore = "needs a server: cargo xtask test starts one"]
async fn a_postgres_server_that_only_reads_is_unavailable() {
    let server = Database::Postgres.start();
    let backend = open(&server.url()).await;
    let id = id();
    let seen = put(&backend, &id, &record("first", 1)).await;
    let mut stranger = Stranger::at(&server.url()).await;
    stranger.run("ALTER SYSTEM SET default_transaction_read_only = on").await;
    stranger.run("SELECT pg_reload_conf()").await;
    while stranger.texts("SHOW default_transaction_read_only").await != ["on"] {}
    while written_is_ok(&backend).await {}
    let error = backend.save(&id, &record("second", 2), &seen).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    assert!(backend.load(&id, Read::Latest).await.unwrap().is_some());
}

async fn written_is_ok(backend: &cloakroom_db::Backend) -> bool {
    backend.create(&id(), &record("", 1)).await.is_ok()
}

#[tokio::test]
#[ignore = "needs a server: cargo xtask test starts one"]
async fn a_postgres_server_that_isolates_more_answers_a_race_as_any_other() {
    let server = Database::Postgres.start();
    let mut stranger = Stranger::at(&server.url()).await;
    stranger.run("ALTER ROLE cloakroom SET default_transaction_isolation = serializable").await;
    let backend = std::sync::Arc::new(open(&server.url()).await);
    for _ in 0..20 {
        let id = id();
        let seen = put(&backend, &id, &record("first", 1)).await;
        let mut writers = tokio::task::JoinSet::new();
        for n in 2..6 {
            let (backend, id, seen) = (std::sync::Arc::clone(&backend), id.clone(), seen.clone());
            writers.spawn(async move { backend.save(&id, &record("next", n), &seen).await.unwrap() });
        }
        writers.join_all().await;
    }
}

/// It cuts what is too long, keeps tables that know no transactions, and waits for a COMMIT.
#[tokio::test]
#[ignore = "needs a server: cargo xtask test starts one"]
async fn a_mariadb_server_that_is_lax_is_made_strict() {
    let server = Database::MariaDb.start();
    let mut stranger = Stranger::at(&server.url()).await;
    stranger
        .run(
            "SET GLOBAL sql_mode = ''; SET GLOBAL autocommit = 0; \
             SET GLOBAL default_storage_engine = MyISAM; SET GLOBAL tx_isolation = 'SERIALIZABLE'",
        )
        .await;
    let backend = open(&server.url()).await;
    let long = SessionId::parse(&"a".repeat(256)).unwrap();
    let error = backend.create(&long, &record("never", 1)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge, "{error:?}");
    let id = id();
    let seen = put(&backend, &id, &record("first", 1)).await;
    written(backend.save(&id, &record("second", 2), &seen).await.unwrap());
    backend.close().await.unwrap();
    let mut stranger = Stranger::at(&server.url()).await;
    let tables = "SELECT table_name FROM information_schema.tables WHERE table_name LIKE 't\\_%' AND engine = 'InnoDB'";
    let [table] = stranger.texts(tables).await.try_into().unwrap();
    let stored = stranger.texts(format!("SELECT CAST(payload AS CHAR) FROM {table}")).await;
    assert_eq!(stored, ["second"]);
}

/// Another framework looked for what it had inserted, found the id cut, and inserted again, without end.
#[tokio::test]
#[ignore = "needs a server: cargo xtask test starts one"]
async fn a_long_id_is_neither_cut_nor_asked_for_again_by_a_lax_mariadb() {
    let server = Database::MariaDb.start();
    let mut stranger = Stranger::at(&server.url()).await;
    stranger.run("SET GLOBAL sql_mode = ''").await;
    let backend = open(&server.url()).await;
    let longest = SessionId::parse(&"a".repeat(255)).unwrap();
    let first = record("first", 1);
    let seen = put(&backend, &longest, &first).await;
    let inserts = async |stranger: &mut Stranger| {
        let status =
            "SELECT variable_value FROM information_schema.global_status WHERE variable_name = 'COM_INSERT'";
        stranger.texts(status).await[0].parse::<u64>().unwrap()
    };
    let before = inserts(&mut stranger).await;
    for length in [256, 300, 4_096] {
        let long = SessionId::parse(&"a".repeat(length)).unwrap();
        let error = backend.create(&long, &record("never", 1)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TooLarge, "{error:?}");
        let error = backend.rotate(&longest, &long, &record("never", 2), &seen).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TooLarge, "{error:?}");
        // Whose id begins with as much as fits is not meant.
        assert_eq!(backend.load(&long, Read::Latest).await.unwrap(), None);
        assert_eq!(backend.save(&long, &record("never", 2), &seen).await.unwrap(), Saved::Gone);
        assert_eq!(backend.touch(&long, Timestamp::MAX, &seen).await.unwrap(), Touched::Gone);
        assert_eq!(backend.delete(&long, None).await.unwrap(), Deleted::Absent);
    }
    assert_eq!(inserts(&mut stranger).await - before, 3, "each was asked for once");
    assert_eq!(backend.load(&longest, Read::Latest).await.unwrap().unwrap().record, first);
}

#[tokio::test]
#[ignore = "needs a server: cargo xtask test starts one"]
async fn what_is_larger_than_mariadbs_packets_is_too_large_and_breaks_nothing() {
    let server = Database::MariaDb.start();
    let mut stranger = Stranger::at(&server.url()).await;
    stranger.run("SET GLOBAL max_allowed_packet = 1048576").await;
    let backend = open(&server.url()).await;
    let id = id();
    let seen = put(&backend, &id, &record(vec![7; 1_000_000], 1)).await;
    for size in [1_048_576, 5_000_000] {
        let error = backend.save(&id, &record(vec![7; size], 2), &seen).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TooLarge, "{error:?}");
    }
    written(backend.save(&id, &record("small", 2), &seen).await.unwrap());
}
