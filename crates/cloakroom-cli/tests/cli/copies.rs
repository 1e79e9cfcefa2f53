//! `copy`: between engines of each kind, with nobody logged out.

use serde_json::json;

use crate::{Outcome, Store, Visitor};

/// Everybody who was there is there, with what they had, and a second run changes nothing.
async fn everybody_moves(from: &Store, to: &Store, format: &[&str]) {
    let alice = from.visit(Some("alice"), &[("cart", json!(["umbrella"]))]).await;
    let nobody = from.visit(None, &[("seen", json!(true))]).await;
    from.expired().await;
    to.migrate().await;
    let [source, target] = [from, to].map(place);
    let copy = [&["copy", "--from", &source, "--to", &target], format].concat();

    let run = |arguments: &[&str]| to.run(arguments);
    assert_eq!(run(&copy), Outcome::done("copied\t2\n"));
    expect(to, &alice, Some("alice"), "cart", "[\"umbrella\"]").await;
    expect(to, &nobody, None, "seen", "true").await;

    // What is there already stays as somebody has left it.
    let Visitor { key, .. } = &alice;
    let sessions = to.sessions().await;
    let session = sessions.load(sessions.parse_key(key.expose())).await.expect("an answer");
    session.insert("cart", json!([])).expect("it is JSON");
    session.save().await.expect("it is stored");
    sessions.backend().close().await.expect("all is stored");
    assert_eq!(run(&copy).code, Some(0));
    expect(to, &alice, Some("alice"), "cart", "[]").await;

    let ended = to.run(&["delete", &nobody.id]);
    assert_eq!(ended, Outcome::done("deleted\t1\n"));
    assert_eq!(to.run(&["show", &alice.id]).code, Some(0));
    // They live in one place alone: what ends there has ended.
    assert_eq!(from.user_of(&alice).await, None);
}

async fn expect(store: &Store, visitor: &Visitor, user: Option<&str>, name: &str, value: &str) {
    assert_eq!(store.user_of(visitor).await.as_deref(), user);
    let shown = store.run(&["show", &visitor.id]);
    assert!(shown.out.contains(&format!("data\t{name}\t{value}\n")), "{shown:?}");
}

/// `ENGINE=URL`
fn place(store: &Store) -> String {
    let settings = store.settings();
    let url = match settings.engine {
        cloakroom::Engine::Cache => settings.cache_url.clone(),
        cloakroom::Engine::File => settings.file_path.display().to_string(),
        _ => settings.db_url.clone(),
    };
    format!("{}={url}", settings.engine)
}

const FILE: (&str, &str) = ("SESSION_ENGINE", "file");
const DJANGO: (&str, &str) = ("SESSION_FORMAT", "django");
const SEALED: (&str, &str) = ("SESSION_SEAL_KEYS", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
const FROM_DJANGO: [&str; 2] = ["--from-format", "django"];

#[tokio::test]
async fn from_sqlite_to_files() {
    everybody_moves(&Store::sqlite().migrated().await, &Store::with(&[FILE]), &[]).await;
}

#[tokio::test]
async fn from_files_to_sqlite() {
    everybody_moves(&Store::with(&[FILE]), &Store::sqlite(), &[]).await;
}

#[tokio::test]
async fn from_one_sqlite_file_to_the_database_behind_a_cache() {
    let cached = Store::with(&[("SESSION_ENGINE", "cached_db")]);
    everybody_moves(&Store::sqlite().migrated().await, &cached, &[]).await;
}

#[tokio::test]
async fn sealed_sessions_to_where_they_are_sealed_again() {
    let sealed = Store::with(&[SEALED]).migrated().await;
    everybody_moves(&sealed, &Store::with(&[FILE, SEALED]), &[]).await;
}

#[tokio::test]
async fn from_a_django_sites_table() {
    let site = Store::with(&[DJANGO]).migrated().await;
    everybody_moves(&site, &Store::with(&[("SESSION_IDLE_TIMEOUT", "600"), SEALED]), &FROM_DJANGO).await;
}

#[tokio::test]
async fn from_a_django_sites_files() {
    everybody_moves(&Store::with(&[DJANGO, FILE]), &Store::sqlite(), &FROM_DJANGO).await;
}

#[tokio::test]
#[ignore = "needs a server: cargo xtask test starts one"]
async fn from_sqlite_to_postgres() {
    let postgres = Store::database("POSTGRES_URL", &[]).await;
    everybody_moves(&Store::sqlite().migrated().await, &postgres, &[]).await;
}

#[tokio::test]
#[ignore = "needs a server: cargo xtask test starts one"]
async fn from_postgres_to_redis() {
    let postgres = Store::database("POSTGRES_URL", &[]).await.migrated().await;
    everybody_moves(&postgres, &Store::redis(&[]), &[]).await;
}

#[tokio::test]
#[ignore = "needs a server: cargo xtask test starts one"]
async fn from_redis_to_mariadb() {
    let mariadb = Store::database("MARIADB_URL", &[]).await;
    everybody_moves(&Store::redis(&[]), &mariadb, &[]).await;
}

#[tokio::test]
#[ignore = "needs a server: cargo xtask test starts one"]
async fn from_mariadb_to_files() {
    let mariadb = Store::database("MARIADB_URL", &[]).await.migrated().await;
    everybody_moves(&mariadb, &Store::with(&[FILE]), &[]).await;
}

#[tokio::test]
#[ignore = "needs a server: cargo xtask test starts one"]
async fn from_a_django_sites_cache_to_postgres() {
    let postgres = Store::database("POSTGRES_URL", &[]).await;
    everybody_moves(&Store::redis(&[DJANGO]), &postgres, &FROM_DJANGO).await;
}

#[tokio::test]
async fn a_table_of_djangos_and_ours_in_one_database_are_two_places() {
    let store = Store::sqlite().migrated().await;
    let url = store.setting("SESSION_DB_URL");
    let site = Store::with(&[DJANGO, ("SESSION_DB_URL", url)]).migrated().await;
    let alice = site.visit(Some("alice"), &[]).await;
    let copied = store.run(&["copy", "--from", "db", "--to", "db", "--from-format", "django"]);
    assert_eq!(copied, Outcome::done("copied\t1\n"));
    assert_eq!(store.user_of(&alice).await.as_deref(), Some("alice"));
}

#[tokio::test]
async fn a_store_under_another_address_is_not_moved_onto_itself() {
    let store = Store::sqlite().migrated().await;
    let alice = store.visit(Some("alice"), &[]).await;
    // One file of two names, as a server has two.
    let same = format!("db={}", store.setting("SESSION_DB_URL").replace(".sqlite3", ".sqlite%33"));
    let refused = store.run(&["copy", "--from", "db", "--to", &same]);
    assert_eq!(store.user_of(&alice).await.as_deref(), Some("alice"));
    assert_eq!(refused.code, Some(2));
}
