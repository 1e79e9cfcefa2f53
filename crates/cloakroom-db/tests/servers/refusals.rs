//! Wrong settings, foreign tables and rows, values that are too large: each is said, in time.

use std::error::Error as _;
use std::time::{Duration, Instant};

use cloakroom_core::{Error, ErrorKind, Read, SessionBackend, SessionId};
use cloakroom_db::Config;

use crate::database::{Database, Stranger, id, migrated, open, put, record, table};

on_each! {
    a_wrong_password_and_an_unknown_database_are_named
    a_url_that_can_not_be_read_is_misconfigured
    encryption_that_a_server_does_not_have_is_misconfigured
    a_missing_table_says_what_to_run
    a_table_with_other_columns_is_misconfigured
    a_row_that_somebody_else_wrote_is_corrupt_and_hides_no_other
    a_refusal_does_not_show_what_was_to_be_stored
    an_id_or_an_owner_that_is_too_long_is_refused_and_never_cut
}

/// Neither it nor anything behind it shows a password.
fn assert_misconfigured(error: &Error, expected: &str) {
    assert_eq!(error.kind(), ErrorKind::Misconfigured, "{error:?}");
    assert!(error.to_string().contains(expected), "{error}");
    assert!(!format!("{error:?} {error}").contains("sesame"), "{error:?}");
}

async fn a_wrong_password_and_an_unknown_database_are_named(database: Database) {
    let url = database.url();
    let (login, rest) = url.split_once('@').unwrap();
    let (host, _) = rest.split_once('/').unwrap();
    let (scheme, login) = login.split_once("://").unwrap();
    let (user, password) = login.split_once(':').unwrap();
    for (url, expected) in [
        (format!("{scheme}://{user}:sesame2@{rest}"), "refuses this user or password"),
        (format!("{scheme}://nobody:sesame@{rest}"), "refuses this user or password"),
        (format!("{scheme}://{user}:{password}@{host}/nowhere"), "has no such database"),
    ] {
        let start = Instant::now();
        let error = Config::new(url).open().await.unwrap_err();
        assert_misconfigured(&error, expected);
        assert!(error.to_string().contains(host), "{error}");
        assert!(!format!("{error:?}").contains(password));
        assert!(start.elapsed() < Duration::from_secs(5));
    }
}

async fn a_url_that_can_not_be_read_is_misconfigured(database: Database) {
    let scheme = if database == Database::Postgres { "postgresql" } else { "mariadb" };
    for url in [
        format!("{scheme}:"),
        format!("{scheme}://me:sesame@host:port/db"),
        format!("{scheme}://me:sesame@host:99999/db"),
        format!("{scheme}://me:sesame@[::1/db"),
    ] {
        let start = Instant::now();
        let error = Config::new(&url).open().await.unwrap_err();
        assert!(!format!("{error:?} {error}").contains("sesame"), "{url}: {error:?}");
        assert!(start.elapsed() < Duration::from_secs(5));
        if url.contains("sesame") {
            assert_misconfigured(&error, &format!("{scheme}://"));
        }
    }
}

/// The test's servers have no certificate.
async fn encryption_that_a_server_does_not_have_is_misconfigured(database: Database) {
    let option = if database == Database::Postgres { "sslmode=require" } else { "ssl-mode=required" };
    let error = Config::new(format!("{}?{option}", database.url())).open().await.unwrap_err();
    assert_misconfigured(&error, "can't be opened");
    assert!(format!("{error:?}").to_lowercase().contains("tls"), "{error:?}");
}

async fn a_missing_table_says_what_to_run(database: Database) {
    let backend = Config::new(database.url()).table(table()).open().await.unwrap();
    let read = backend.load(&id(), Read::Any).await.unwrap_err();
    let written = backend.create(&id(), &record("never", 1)).await.unwrap_err();
    let swept = backend.clear_expired(record("", 1).expires_at, 1).await.unwrap_err();
    for error in [read, written, swept] {
        assert_misconfigured(&error, "run migrate");
        assert!(error.source().unwrap().to_string().contains("t_"), "{error:?}");
    }
}

async fn a_table_with_other_columns_is_misconfigured(database: Database) {
    for columns in [
        "id INT PRIMARY KEY, name VARCHAR(10)",
        "id INT PRIMARY KEY, payload INT NOT NULL, expires_at BIGINT NOT NULL, owner INT, stamp INT NOT NULL",
        "id VARCHAR(9) PRIMARY KEY, payload VARCHAR(9), expires_at VARCHAR(9), owner VARCHAR(9), \
         stamp VARCHAR(9), needed INT NOT NULL",
    ] {
        let table = table();
        let mut stranger = Stranger::at(&database.url()).await;
        stranger.run(format!("CREATE TABLE {table} ({columns})")).await;
        let backend = migrated(Config::new(database.url()).table(table)).await;
        let id = id();
        let written = backend.create(&id, &record("never", 1)).await.unwrap_err();
        assert_misconfigured(&written, "choose another name");
        // MySQL compares anything with anything, and so finds nothing.
        match backend.load(&id, Read::Any).await {
            Ok(found) => assert_eq!((found, database), (None, Database::MariaDb)),
            Err(error) => assert_misconfigured(&error, "choose another name"),
        }
    }
}

async fn a_row_that_somebody_else_wrote_is_corrupt_and_hides_no_other(database: Database) {
    let table = table();
    let backend = migrated(Config::new(database.url()).table(&table)).await;
    let alices = id();
    put(&backend, &alices, &record("hers", 1)).await;
    let mut stranger = Stranger::at(&database.url()).await;
    let ours = "'0123456789abcdef'";
    let end = "253402300799999";
    for (n, (owner, stamp, end)) in
        [("NULL", "''", end), ("NULL", "'short'", end), ("X'ff'", ours, end), ("'alice'", "'1'", end)]
            .into_iter()
            .enumerate()
    {
        let owner =
            if database == Database::Postgres { owner.replace("X'ff'", "'\\xff'") } else { owner.into() };
        let row = format!("INSERT INTO {table} VALUES ('foreign{n}', 'data', {end}, {owner}, {stamp})");
        stranger.run(row).await;
        let id = SessionId::parse(&format!("foreign{n}")).unwrap();
        let error = backend.load(&id, Read::Latest).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{owner} {stamp}");
        assert!(backend.create(&id, &record("over it", 2)).await.is_err());
    }
    let index = backend.index().unwrap();
    for listed in [
        index.of("alice", None, 10).await.unwrap(),
        backend.walk().unwrap().page(None, 10).await.unwrap().found,
    ] {
        assert!(listed.into_iter().map(|(id, _)| id).eq([alices.clone()]));
    }
}

async fn a_refusal_does_not_show_what_was_to_be_stored(database: Database) {
    let table = table();
    let backend = migrated(Config::new(database.url()).table(&table)).await;
    let mut stranger = Stranger::at(&database.url()).await;
    stranger.run(format!("ALTER TABLE {table} ADD CHECK (expires_at < 5)")).await;
    let id = id();
    let error = backend.create(&id, &record("geheim", 1)).await.unwrap_err();
    assert_misconfigured(&error, "choose another name");
    let shown = format!("{error:?} {error} {}", error.source().unwrap());
    // PostgreSQL would show bytes in hexadecimal, and not all of many.
    let beginning: Vec<String> = id.as_bytes()[..4].iter().map(|byte| format!("{byte:02x}")).collect();
    for secret in ["geheim", "67656865", "alice", "616c6963", id.expose(), &beginning.concat()] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

/// Of ids and owners that differ only behind what fits, none is another's.
async fn an_id_or_an_owner_that_is_too_long_is_refused_and_never_cut(database: Database) {
    let backend = open(&database.url()).await;
    // Nothing that a database could press together.
    let noise: String = (0..200).map(|_| id().expose().to_owned()).collect();
    // PostgreSQL counts both together.
    let (longest, too_long) = match database {
        Database::MariaDb => (255, 256),
        Database::Postgres => (2_650, 2_750),
    };
    let fits = SessionId::parse(&noise[..longest]).unwrap();
    put(&backend, &fits, &record("it fits", 1)).await;
    assert!(backend.load(&fits, Read::Latest).await.unwrap().is_some());
    let longer = SessionId::parse(&noise[..too_long]).unwrap();
    let error = backend.create(&longer, &record("it does not", 1)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge, "{error:?}");
    assert_eq!(backend.load(&longer, Read::Latest).await.unwrap(), None);

    let mut new = record("owned", 1);
    let owner = "ü".repeat(127);
    new.owner = Some(owner.clone());
    put(&backend, &id(), &new).await;
    assert_eq!(backend.index().unwrap().of(&owner, None, 10).await.unwrap().len(), 1);
    new.owner = Some(noise[..4_000].into());
    let error = backend.create(&id(), &new).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge, "{error:?}");
}
