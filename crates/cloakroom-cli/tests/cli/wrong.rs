//! What is wrong is named on one line, with what to do, and no secret in it.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;

use crate::{Outcome, Program, Store, servers};

/// 2, one line of ours that begins so, and nothing on standard output.
fn refused(settings: &[(&str, &str)], arguments: &[&str], begin: &str) {
    let Outcome { code, out, err } = Program::with(settings).run(arguments);
    assert_eq!((code, out.as_str()), (Some(2), ""), "{arguments:?}: {err}");
    assert_eq!(err.lines().count(), 1, "{err}");
    assert!(err.starts_with(&format!("cloakroom: {begin}")), "{err}");
    assert!(!err.contains("hunter2"), "{err}");
}

#[test]
fn wrong_usage_exits_with_2_and_says_what_is_right() {
    for (arguments, said) in [
        (&["lst"][..], "'list'"),
        (&["list", "--usr", "alice"], "'--user'"),
        (&[], "Usage:"),
        (&["show"], "<ID>"),
        (&["show", "a b"], "`cloakroom list` shows them"),
        (&["revoke"], "--user"),
        (&["copy", "--from", "db"], "--to"),
        (&["copy", "--from", "db", "--to", "file", "--from-format", "jango"], "native or django"),
        (&["completions", "tcsh"], "possible values"),
    ] {
        let Outcome { code, out, err } = Program::with(&[]).run(arguments);
        assert_eq!((code, out.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(err.contains(said), "{arguments:?}: {err}");
    }
}

#[test]
fn wrong_settings_exit_with_2_and_are_named() {
    for (settings, begin) in [
        (&[("SESSION_ENGINE", "dbb")][..], "SESSION_ENGINE: \"dbb\" is none of db"),
        (
            &[("SESSION_DB_URL", "oracle://me:hunter2@host/x")],
            "SESSION_DB_URL: it begins with none of sqlite:",
        ),
        (&[("SESSION_DB_URL", "postgres://me:hunter2@")], "SESSION_DB_URL: "),
        (&[("SESSION_DB_URL", "sqlite:/no/such/folder/x")], "SESSION_DB_URL: "),
        (&[("SESSION_ENGINE", "cache"), ("SESSION_CACHE_URL", "redis:/:hunter2")], "SESSION_CACHE_URL: "),
        (&[("SESSION_FORMAT", "django")], "SECRET_KEY: "),
        (&[("SESSION_FORMAT", "django"), ("SESSION_IDLE_TIMEOUT", "60")], "SESSION_IDLE_TIMEOUT: "),
        (&[("CLOAKROOM_CONFIG", "/no/such/file")], "CLOAKROOM_CONFIG: "),
    ] {
        refused(settings, &["list"], begin);
    }
}

#[test]
fn with_json_an_error_is_the_same_line() {
    let program = Program::with(&[("SESSION_ENGINE", "dbb")]);
    assert_eq!(program.run(&["list", "--json"]), program.run(&["list"]));
}

#[test]
fn a_wrong_place_to_copy_is_named_without_its_password() {
    let store = Store::sqlite();
    let url = "db=postgres://me:hunter2@host/x";
    for (arguments, begin) in [
        (["postgres=postgres://me:hunter2@host/x", "db"], "--from: it begins with none of db="),
        (["postgres://me:hunter2@host/x", "db"], "--from: it begins with none of db="),
        (["signed_cookies", "db"], "--from: with signed_cookies visitors bear"),
        (["db", "cache"], "--to: memory: is each process's own"),
        (["db", "cache=memory:"], "--to: memory: is each process's own"),
        ([url, url], "--from and --to are the same"),
        (["db=sqlite:x.sqlite3", "cached_db=sqlite:./x.sqlite3"], "--from and --to are the same"),
        (["file=/tmp/../tmp/x", "file=/tmp/x"], "--from and --to are the same"),
        (["db=oracle://me:hunter2@host/x", "file"], "--from: SESSION_DB_URL: it begins with none of"),
    ] {
        let Outcome { code, out, err } = store.run(&["copy", "--from", arguments[0], "--to", arguments[1]]);
        assert_eq!((code, out.as_str()), (Some(2), ""), "{arguments:?}: {err}");
        assert!(err.starts_with(&format!("cloakroom: {begin}")) && !err.contains("hunter2"), "{err}");
    }
}

#[test]
fn a_database_without_tables_names_what_makes_them() {
    let Outcome { code, out, err } = Store::sqlite().run(&["list"]);
    assert_eq!((code, out.as_str()), (Some(2), ""), "{err}");
    assert!(err.contains("migrate"), "{err}");
}

#[tokio::test]
async fn of_a_copy_the_side_without_a_table_is_named() {
    let (with, without) = (Store::sqlite(), Store::sqlite());
    with.migrate().await;
    let [with, without] = [with.setting("SESSION_DB_URL"), without.setting("SESSION_DB_URL")];
    let [with, without] = [format!("db={with}"), format!("db={without}")];
    for (from, to, side) in [(&with, &without, "--to"), (&without, &with, "--from")] {
        let Outcome { code, out, err } = Store::sqlite().run(&["copy", "--from", from, "--to", to]);
        assert_eq!((code, out.as_str()), (Some(2), ""), "{err}");
        assert!(err.starts_with(&format!("cloakroom: {side}: ")) && err.contains("migrate"), "{err}");
    }
}

#[test]
fn a_server_that_is_not_there_fails_the_work() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let free = listener.local_addr().expect("its address");
    drop(listener);
    for (name, scheme) in
        [("SESSION_DB_URL", "postgres"), ("SESSION_DB_URL", "mysql"), ("SESSION_CACHE_URL", "redis")]
    {
        let engine = if scheme == "redis" { "cache" } else { "db" };
        let url = format!("{scheme}://me:hunter2@{free}/0");
        let Outcome { code, out, err } =
            Program::with(&[("SESSION_ENGINE", engine), (name, &url)]).run(&["list"]);
        assert_eq!((code, out.as_str()), (Some(1), ""), "{err}");
        assert!(err.starts_with(&format!("cloakroom: {name}: ")) && err.ends_with("; try again\n"), "{err}");
        assert!(!err.contains("hunter2"), "{err}");
    }
}

#[test]
fn a_folder_that_others_may_write_to_is_refused() {
    let store = Store::with(&[("SESSION_ENGINE", "file")]);
    let folder = store.setting("SESSION_FILE_PATH");
    fs::create_dir(folder).expect("a folder");
    fs::set_permissions(folder, Permissions::from_mode(0o777)).expect("its mode");
    let Outcome { code, err, .. } = store.run(&["list"]);
    assert_eq!(code, Some(2), "{err}");
    assert!(err.contains("chmod go-w"), "{err}");
}

#[tokio::test]
#[ignore = "needs a server: cargo xtask test starts one"]
async fn a_role_without_the_right_is_told_apart_from_a_database_without_tables() {
    let store = Store::database("POSTGRES_URL", &[]).await.migrated().await;
    let url = store.setting("SESSION_DB_URL");
    let role =
        format!("guest_{}", store.visit(None, &[("a", 1.into())]).await.id.to_lowercase().replace('-', "_"));
    servers::execute(url, format!("CREATE ROLE {role} LOGIN PASSWORD 'hunter2'")).await;
    let (_, place) = url.split_once('@').expect("a URL with a login");
    let guest = format!("postgres://{role}:hunter2@{place}");
    for command in [&["list"][..], &["delete", "x"], &["clear-expired"]] {
        let Outcome { code, out, err } = store.program_with(&[("SESSION_DB_URL", &guest)]).run(command);
        assert_eq!((code, out.as_str()), (Some(2), ""), "{err}");
        assert!(err.contains("permission denied") && !err.contains("hunter2"), "{err}");
    }
    servers::execute(url, format!("DROP ROLE {role}")).await;
}
