//! `check`: what weakens security, with the setting to change.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;

use crate::{Outcome, Program, Screen, Store};

/// As good as it gets.
const BEST: [(&str, &str); 6] = [
    ("SESSION_DB_URL", "sqlite:/nowhere/sessions.sqlite3"),
    ("SESSION_COOKIE_NAME", "__Host-id"),
    ("SESSION_IDLE_TIMEOUT", "1800"),
    ("SESSION_ABSOLUTE_TIMEOUT", "43200"),
    ("SESSION_SEAL_KEYS", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="),
    ("SESSION_FILE_PATH", "/srv/sessions"),
];

fn with<'s>(settings: &[(&'s str, &'s str)]) -> Program {
    Program::with(&BEST.iter().copied().chain(settings.iter().copied()).collect::<Vec<_>>())
}

/// Which settings it names as weak, and its exit code.
fn weak(settings: &[(&str, &str)]) -> (Option<i32>, Vec<String>) {
    let Outcome { code, out, err } = with(settings).run(&["check"]);
    assert_eq!(err, "");
    let fields = |line: &str| line.split('\t').map(str::to_owned).collect::<Vec<_>>();
    let lines = out.lines().map(fields).inspect(|fields| assert_eq!(fields.len(), 4, "{fields:?}"));
    (code, lines.filter(|fields| fields[0] == "weak").map(|fields| fields[1].clone()).collect())
}

#[test]
fn settings_without_a_weakness_exit_with_0() {
    assert_eq!(with(&[]).run(&["check"]), Outcome::done(""));
    assert_eq!(with(&[]).run(&["check", "--json"]), Outcome::done("{\"weaknesses\":[]}\n"));
}

#[test]
fn a_hint_is_no_failure() {
    let outcome = with(&[("SESSION_COOKIE_NAME", "id")]).run(&["check"]);
    let line = "hint\tSESSION_COOKIE_NAME\tanother host of the same domain can set a cookie of this name\t\
                begin it with __Host-, as in __Host-id\n";
    assert_eq!(outcome, Outcome::done(line));
}

#[test]
fn what_weakens_security_is_named_and_exits_with_1() {
    let is = |name: &str| (Some(1), vec![name.to_owned()]);
    assert_eq!(weak(&[("SESSION_COOKIE_HTTPONLY", "false")]), is("SESSION_COOKIE_HTTPONLY"));
    let plain = [("SESSION_COOKIE_SECURE", "false"), ("SESSION_COOKIE_NAME", "id")];
    assert_eq!(weak(&plain), is("SESSION_COOKIE_SECURE"));
    let remote = [("SESSION_DB_URL", "postgres://me:hunter2@db.example.org/x")];
    assert_eq!(weak(&remote), is("SESSION_DB_URL"));
    assert_eq!(weak(&[("SESSION_ENGINE", "cache")]), is("SESSION_CACHE_URL"));
}

#[test]
fn as_json_it_is_one_object() {
    let Outcome { code, out, .. } = with(&[("SESSION_COOKIE_HTTPONLY", "false")]).run(&["check", "--json"]);
    assert_eq!(code, Some(1));
    assert_eq!(
        out,
        "{\"weaknesses\":[{\"severity\":\"weak\",\"setting\":\"SESSION_COOKIE_HTTPONLY\",\
         \"problem\":\"scripts can read the cookie, also those of an attacker who gets one into a page\",\
         \"remedy\":\"set it to true\"}]}\n"
    );
}

#[test]
fn on_a_narrow_terminal_its_sentences_are_wrapped() {
    let command = with(&[("SESSION_COOKIE_HTTPONLY", "false"), ("NO_COLOR", "1")]).command(&["check"]);
    let (status, text) = Screen::start(command, 40).ended();
    assert_eq!(status.code(), Some(1));
    assert_eq!(
        text,
        "weak  SESSION_COOKIE_HTTPONLY\n\
         \x20     scripts can read the cookie, also\n\
         \x20     those of an attacker who gets one\n\
         \x20     into a page;\n\
         \x20     set it to true.\n"
    );
}

#[tokio::test]
async fn files_that_everybody_can_read_are_named() {
    let store = Store::sqlite().migrated().await;
    fs::set_permissions(store.folder.path(), Permissions::from_mode(0o755)).expect("its mode");
    let config = store.folder.path().join("settings.toml");
    fs::write(&config, "SECRET_KEY = 'hunter2'").expect("a file");
    let url = store.setting("SESSION_DB_URL");
    let settings = [("SESSION_DB_URL", url), ("CLOAKROOM_CONFIG", config.to_str().expect("in UTF-8"))];
    let file = url.strip_prefix("sqlite:").expect("a path");
    for (mode, named) in [(0o644, &["SESSION_DB_URL", "CLOAKROOM_CONFIG"][..]), (0o600, &[])] {
        for file in [file.as_ref(), config.as_path()] {
            fs::set_permissions(file, Permissions::from_mode(mode)).expect("its mode");
        }
        let (code, weak) = weak(&settings);
        assert_eq!(
            (code, weak),
            (Some(i32::from(mode == 0o644)), named.iter().map(ToString::to_string).collect())
        );
    }
}

#[test]
fn settings_that_contradict_each_other_are_wrong_and_not_weak() {
    let line = "SESSION_COOKIE_NAME and the other attributes together: ";
    let Outcome { code, err, .. } = with(&[("SESSION_COOKIE_SECURE", "false")]).run(&["check"]);
    assert_eq!(code, Some(2));
    assert!(err.starts_with(&format!("cloakroom: {line}")), "{err}");
    let Outcome { code, err, .. } = with(&[("SESSION_DB_URL", "postgress://host/x")]).run(&["check"]);
    assert_eq!(code, Some(2));
    assert!(err.starts_with("cloakroom: SESSION_DB_URL: it begins with none of sqlite:"), "{err}");
}

#[test]
#[ignore = "needs a server: cargo xtask test starts one"]
fn a_redis_that_drops_sessions_when_it_is_full_is_weak() {
    let server = cloakroom_servers::Redis::start().expect("Redis starts");
    let settings = [("SESSION_ENGINE", "cache"), ("SESSION_CACHE_URL", server.url())];
    for (policy, named) in [
        ("noeviction", &[][..]),
        ("allkeys-lru", &["SESSION_CACHE_URL"]),
        ("volatile-ttl", &["SESSION_CACHE_URL"]),
    ] {
        server.command(&["CONFIG", "SET", "maxmemory-policy", policy]).expect("it is set");
        let (code, weak) = weak(&settings);
        assert_eq!(
            (code, weak),
            (Some(i32::from(policy != "noeviction")), named.iter().map(ToString::to_string).collect())
        );
    }
}

#[test]
fn what_is_known_is_told_also_where_the_server_does_not_answer() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("redis://{}", listener.local_addr().expect("its address"));
    drop(listener);
    let settings = [
        ("SESSION_ENGINE", "cache"),
        ("SESSION_CACHE_URL", url.as_str()),
        ("SESSION_COOKIE_HTTPONLY", "false"),
    ];
    let Outcome { code, out, err } = with(&settings).run(&["check"]);
    assert_eq!(code, Some(1));
    assert!(out.starts_with("weak\tSESSION_COOKIE_HTTPONLY\t"), "{out}");
    assert!(err.starts_with("cloakroom: SESSION_CACHE_URL: "), "{err}");
}
