//! Every command on every engine, in a pipe.

use serde_json::json;

use crate::store::{masked, sorted};
use crate::{Outcome, Store};

/// What engines differ in.
#[derive(Clone, Copy)]
struct Engine {
    tables: bool,
    /// Its server does not wait for a sweep.
    sweeps_itself: bool,
    django: bool,
}

const TABLES: Engine = Engine { tables: true, sweeps_itself: false, django: false };

async fn every_command_works(store: Store, engine: Engine) {
    let run = |arguments: &[&str]| store.run(arguments);
    let tables = engine.tables;
    assert_eq!(run(&["migrate"]), Outcome::done(format!("migrated\t{tables}\n")));
    assert_eq!(run(&["migrate", "--json"]), Outcome::done(format!("{{\"migrated\":{tables}}}\n")));

    assert_eq!(run(&["list"]), Outcome::done(""));
    assert_eq!(run(&["list", "--json"]), Outcome::done("[]\n"));

    let alice = store.visit(Some("alice"), &[("colour", json!("green")), ("n", json!([1, null]))]).await;
    let bob = store.visit(Some("bob"), &[]).await;
    let nobody = store.visit(None, &[("seen", json!(true))]).await;
    let names = [(&alice, "ALICE"), (&bob, "BOB"), (&nobody, "NOBODY")];
    let run = |arguments: &[&str]| {
        let Outcome { code, out, err } = store.run(arguments);
        assert_eq!((code, err.as_str()), (Some(0), ""), "{arguments:?} {out}");
        assert!(!out.contains(alice.key.expose()), "a live key is shown by {arguments:?}");
        masked(&out, &names)
    };
    let created = if engine.django { "" } else { "WHEN" };
    let created_json = if engine.django { "null" } else { "\"WHEN\"" };

    let listed = run(&["list"]);
    let expected = [
        format!("ALICE\talice\t{created}\tWHEN"),
        format!("BOB\tbob\t{created}\tWHEN"),
        format!("NOBODY\t\t{created}\tWHEN"),
    ];
    assert_eq!(sorted(&listed), expected);
    assert_eq!(run(&["list", "--user", "bob"]), format!("BOB\tbob\t{created}\tWHEN\n"));
    assert_eq!(run(&["list", "--user", "carol"]), "");
    assert_eq!(
        run(&["list", "--user", "bob", "--json"]),
        format!(
            "[\n{{\"id\":\"BOB\",\"user\":\"bob\",\"created_at\":{created_json},\"expires_at\":\"WHEN\"}}\n]\n"
        )
    );
    let all: serde_json::Value = serde_json::from_str(&run(&["list", "--json"])).expect("it is JSON");
    assert_eq!(all.as_array().map(Vec::len), Some(3));

    assert_eq!(
        run(&["show", &alice.id]),
        format!(
            "id\tALICE\nuser\talice\ncreated_at\t{created}\nexpires_at\tWHEN\n\
             data\tcolour\t\"green\"\ndata\tn\t[1,null]\n"
        ),
    );
    assert_eq!(
        run(&["show", &alice.id, "--json"]),
        format!(
            "{{\"id\":\"ALICE\",\"user\":\"alice\",\"created_at\":{created_json},\"expires_at\":\"WHEN\",\
             \"data\":{{\"colour\":\"green\",\"n\":[1,null]}}}}\n"
        ),
    );

    assert_eq!(run(&["delete", &nobody.id]), "deleted\t1\n");
    assert_eq!(run(&["delete", &nobody.id, "--json"]), "{\"deleted\":0}\n");
    let gone = "no living session has this id: `cloakroom list` shows them";
    assert_eq!(store.run(&["show", &nobody.id]), Outcome::refused(1, gone));

    let again = store.visit(Some("alice"), &[]).await;
    assert_eq!(run(&["revoke", "--user", "alice"]), "revoked\t2\n");
    assert_eq!(run(&["revoke", "--user", "alice", "--json"]), "{\"revoked\":0}\n");
    for (visitor, user) in [(&alice, None), (&again, None), (&bob, Some("bob".to_owned()))] {
        assert_eq!(store.user_of(visitor).await, user);
    }

    store.expired().await;
    store.expired().await;
    let cleared = if engine.sweeps_itself { 0 } else { 2 };
    assert_eq!(run(&["list"]), format!("BOB\tbob\t{created}\tWHEN\n"), "what has expired is not listed");
    assert_eq!(run(&["clear-expired"]), format!("cleared\t{cleared}\n"));
    assert_eq!(run(&["clearsessions", "--json"]), "{\"cleared\":0}\n");
    assert_eq!(store.user_of(&bob).await.as_deref(), Some("bob"));
}

#[tokio::test]
async fn on_sqlite() {
    every_command_works(Store::sqlite(), TABLES).await;
}

#[tokio::test]
async fn on_sqlite_that_is_sealed() {
    let key = ("SESSION_SEAL_KEYS", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
    every_command_works(Store::with(&[key]), TABLES).await;
}

#[tokio::test]
async fn on_a_database_behind_a_cache() {
    every_command_works(Store::with(&[("SESSION_ENGINE", "cached_db")]), TABLES).await;
}

#[tokio::test]
async fn on_files() {
    let engine = Engine { tables: false, ..TABLES };
    every_command_works(Store::with(&[("SESSION_ENGINE", "file")]), engine).await;
}

#[tokio::test]
async fn on_a_django_sites_table() {
    let engine = Engine { django: true, ..TABLES };
    every_command_works(Store::with(&[("SESSION_FORMAT", "django")]), engine).await;
}

#[tokio::test]
async fn on_a_django_sites_files() {
    let engine = Engine { tables: false, django: true, ..TABLES };
    let store = Store::with(&[("SESSION_FORMAT", "django"), ("SESSION_ENGINE", "file")]);
    every_command_works(store, engine).await;
}

#[tokio::test]
#[ignore = "needs a server: cargo xtask test starts one"]
async fn on_postgres() {
    every_command_works(Store::database("POSTGRES_URL", &[]).await, TABLES).await;
}

#[tokio::test]
#[ignore = "needs a server: cargo xtask test starts one"]
async fn on_mariadb() {
    every_command_works(Store::database("MARIADB_URL", &[]).await, TABLES).await;
}

#[tokio::test]
#[ignore = "needs a server: cargo xtask test starts one"]
async fn on_redis() {
    let engine = Engine { tables: false, ..TABLES };
    every_command_works(Store::redis(&[]), engine).await;
}

#[tokio::test]
#[ignore = "needs a server: cargo xtask test starts one"]
async fn on_a_django_sites_table_in_postgres() {
    let engine = Engine { django: true, ..TABLES };
    every_command_works(Store::database("POSTGRES_URL", &[("SESSION_FORMAT", "django")]).await, engine).await;
}

#[tokio::test]
#[ignore = "needs a server: cargo xtask test starts one"]
async fn on_a_django_sites_table_in_mariadb() {
    let engine = Engine { django: true, ..TABLES };
    every_command_works(Store::database("MARIADB_URL", &[("SESSION_FORMAT", "django")]).await, engine).await;
}

#[tokio::test]
#[ignore = "needs a server: cargo xtask test starts one"]
async fn on_a_django_sites_cache() {
    let engine = Engine { tables: false, sweeps_itself: true, django: true };
    every_command_works(Store::redis(&[("SESSION_FORMAT", "django")]), engine).await;
}

#[test]
fn where_nothing_is_kept_a_sweep_finds_nothing_and_a_listing_is_refused() {
    for (settings, line) in [
        (
            &[("SESSION_ENGINE", "signed_cookies")][..],
            "SESSION_ENGINE: with signed_cookies visitors bear their sessions, and nothing is kept",
        ),
        (
            &[("SESSION_ENGINE", "cache")],
            "SESSION_CACHE_URL: memory: is each process's own, and this one has no sessions",
        ),
    ] {
        let store = Store::with(settings);
        assert_eq!(store.run(&["clear-expired"]), Outcome::done("cleared\t0\n"));
        assert_eq!(store.run(&["migrate"]), Outcome::done("migrated\tfalse\n"));
        for arguments in [&["list"][..], &["show", "x"], &["delete", "x"], &["revoke", "--user", "x"]] {
            assert_eq!(store.run(arguments), Outcome::refused(2, line), "{arguments:?}");
        }
    }
}
