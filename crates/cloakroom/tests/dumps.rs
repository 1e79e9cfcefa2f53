//! What a thief finds who takes the whole store: no visitor's key, and behind a seal no payload either.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]
#![cfg(all(
    feature = "sqlite",
    feature = "postgres",
    feature = "mysql",
    feature = "redis",
    feature = "file"
))]

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use cloakroom::Settings;
use tempfile::TempDir;

const SEAL_KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// What one visitor left behind.
struct Visitor {
    key: String,
    id: String,
    secret: String,
    _folder: TempDir,
}

/// Somebody logs in, is given a new key, and keeps a secret in their session.
async fn visitor(folder: TempDir, chosen: &[(&str, &str)], sealed: bool) -> Visitor {
    let mut settings = Settings::default();
    settings.db_url = format!("sqlite:{}/sessions.sqlite3", folder.path().display());
    settings.file_path = folder.path().join("sessions");
    for (name, value) in chosen {
        settings.set(name, value).unwrap();
    }
    if sealed {
        settings.set("SESSION_SEAL_KEYS", SEAL_KEY).unwrap();
    }
    settings.migrate().await.unwrap();
    let sessions = settings.sessions().await.unwrap();
    let session = sessions.load(None).await.unwrap();
    // Words that no other visitor has: tests share servers.
    let secret = format!("meet at {}", folder.path().file_name().unwrap().display());
    session.insert("secret", &secret).unwrap();
    session.save().await.unwrap();
    session.login("alice").unwrap();
    session.save().await.unwrap();
    let key = session.key().unwrap().expose().to_owned();
    let id = session.id().unwrap().expose().to_owned();
    assert!(sessions.load(session.key()).await.unwrap().user().is_some());
    sessions.backend().close().await.unwrap();
    Visitor { key, id, secret, _folder: folder }
}

/// Whether a dump holds these words, as they are or in the way that databases write bytes.
fn holds(dump: &[u8], words: &str) -> bool {
    let hex = words.bytes().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").unwrap();
        hex
    });
    let found = |wanted: &[u8]| dump.windows(wanted.len()).any(|window| window == wanted);
    [words.to_owned(), hex.to_uppercase(), hex].iter().any(|words| found(words.as_bytes()))
}

/// Every engine is asked twice: what is sealed must be missing; what is not, and the id in place of the key, must
/// be found, else the dump would prove nothing.
async fn neither_key_nor_sealed_payload(chosen: &[(&str, &str)], dump: impl Fn(&Path) -> Vec<u8>) {
    for sealed in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_owned();
        let visitor = visitor(folder, chosen, sealed).await;
        let dump = dump(&path);
        // The first characters are the key's place, which ids show; Redis has it in braces.
        assert!(holds(&dump, &visitor.id[3..]), "the id, sealed: {sealed}");
        assert!(!holds(&dump, &visitor.key[3..]), "a key, sealed: {sealed}");
        assert_eq!(holds(&dump, &visitor.secret), !sealed, "the payload, sealed: {sealed}");
    }
}

fn every_file(folder: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        bytes.extend_from_slice(path.to_string_lossy().as_bytes());
        bytes.extend(if path.is_dir() { every_file(&path) } else { std::fs::read(&path).unwrap() });
    }
    bytes
}

fn output(program: &str, arguments: &[&str]) -> Vec<u8> {
    let output = Command::new(program).args(arguments).output().expect(program);
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

fn server(variable: &str) -> String {
    std::env::var(variable).unwrap_or_else(|_| {
        panic!("{variable} is not set: `cargo xtask servers` starts a server and prints it")
    })
}

#[tokio::test]
async fn of_a_sqlite_file() {
    neither_key_nor_sealed_payload(&[], every_file).await;
}

#[tokio::test]
async fn of_a_folder_of_files() {
    neither_key_nor_sealed_payload(&[("SESSION_ENGINE", "file")], every_file).await;
}

#[tokio::test]
#[ignore = "needs a server: cargo xtask test starts one"]
async fn of_postgres() {
    let url = server("POSTGRES_URL");
    let dump = |_: &Path| output("pg_dump", &["--data-only", "--table=cloakroom_sessions", &url]);
    neither_key_nor_sealed_payload(&[("SESSION_DB_URL", &url)], dump).await;
}

#[tokio::test]
#[ignore = "needs a server: cargo xtask test starts one"]
async fn of_mariadb() {
    let url = server("MARIADB_URL");
    let (login, place) = url.strip_prefix("mysql://").unwrap().split_once('@').unwrap();
    let (user, password) = login.split_once(':').unwrap();
    let (host, database) = place.split_once('/').unwrap();
    let (host, port) = host.split_once(':').unwrap();
    let login = [format!("-u{user}"), format!("-p{password}"), format!("-h{host}"), format!("-P{port}")];
    let mut arguments: Vec<_> = login.iter().map(String::as_str).collect();
    arguments.extend(["--hex-blob", "--no-tablespaces", database, "cloakroom_sessions"]);
    neither_key_nor_sealed_payload(&[("SESSION_DB_URL", &url)], |_| output("mariadb-dump", &arguments)).await;
}

#[tokio::test]
#[ignore = "needs a server: cargo xtask test starts one"]
async fn of_redis() {
    let url = server("REDIS_URL");
    let chosen = [("SESSION_ENGINE", "cache"), ("SESSION_CACHE_URL", &*url)];
    neither_key_nor_sealed_payload(&chosen, |_| everything_in_redis(&url)).await;
}

/// Names and values.
fn everything_in_redis(url: &str) -> Vec<u8> {
    let ask = |words: &[&str]| output("redis-cli", &[&["-u", url][..], words].concat());
    let names = String::from_utf8(ask(&["--scan", "--pattern", "cloakroom:*"])).unwrap();
    let mut dump = names.clone().into_bytes();
    for name in names.lines() {
        let read = match ask(&["TYPE", name]).trim_ascii() {
            b"string" => vec!["GET", name],
            b"zset" => vec!["ZRANGE", name, "0", "-1"],
            b"none" => continue,
            other => panic!("{}", String::from_utf8_lossy(other)),
        };
        dump.extend(ask(&read));
    }
    dump
}

/// The copies, apart from the database, whose own dump is looked at above.
#[tokio::test]
#[ignore = "needs a server: cargo xtask test starts one"]
async fn of_a_cache_in_front_of_a_database() {
    let (url, cache) = (server("POSTGRES_URL"), server("REDIS_URL"));
    let chosen = [("SESSION_ENGINE", "cached_db"), ("SESSION_DB_URL", &*url), ("SESSION_CACHE_URL", &*cache)];
    neither_key_nor_sealed_payload(&chosen, |_| everything_in_redis(&cache)).await;
}
