//! Django's own session tests hold with this library as the store: on each engine, as this library writes there and as Django does,
//! by each Django that is supported.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::Stdio;

use beside_django::{Ground, variable};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

const PROGRAM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/python/session_tests.py");

/// A test of each engine, with the Django of which the environment has a Python and the source's tests.
macro_rules! held {
    ($($django:ident $number:literal)*) => {
        $(mod $django {
            const NUMBER: &str = $number;
            engines! {
                sqlite Sqlite native
                sqlite_of_django Sqlite shared
                postgres Postgres native
                postgres_of_django Postgres shared
                mariadb Mariadb native
                mariadb_of_django Mariadb shared
                file File native
                file_of_django File shared
                redis RedisCache native
                redis_of_django RedisCache shared
                redis_of_django_redis DjangoRedis shared
                redis_of_django_redis_zlib DjangoRedisZlib shared
                redis_of_django_redis_json DjangoRedisJson shared
                memory RedisCache in_memory
                cached_db CachedDb native
                cached_db_of_django CachedDb shared
                signed_cookies SignedCookies native
                signed_cookies_of_django SignedCookies shared
            }
        })*
    };
}

macro_rules! engines {
    ($($name:ident $place:ident $format:ident)*) => {
        $(#[tokio::test(flavor = "multi_thread")]
        #[ignore = "needs Django, its tests and servers: cargo xtask test has them"]
        async fn $name() {
            let ground = beside_django::Place::$place.ground().await;
            super::hold(NUMBER, stringify!($name), super::$format(ground)).await;
        })*
    };
}

held! {
    django_4_2 "42"
    django_5_2 "52"
}

/// As Django writes.
fn shared(ground: Ground) -> Ground {
    ground
}

/// As this library does, where Django knows of nothing.
fn native(mut ground: Ground) -> Ground {
    ground.settings.retain(|(name, _)| !name.starts_with("DJANGO_"));
    ground.settings.push(("SESSION_FORMAT", "native".to_owned()));
    ground.site = json!({});
    ground
}

fn in_memory(ground: Ground) -> Ground {
    let mut ground = native(ground);
    ground.settings.push(("SESSION_CACHE_URL", "memory:".to_owned()));
    ground
}

/// Runs them, with time zones and without, and tells the outcome of each.
///
/// # Panics
///
/// With those that fail.
async fn hold(django: &str, engine: &str, mut ground: Ground) {
    let is_djangos = !ground.site["database"].is_null();
    ground.site["tests"] = variable(&format!("DJANGO_{django}_TESTS")).into();
    ground.site["worker"] = env!("CARGO_BIN_EXE_worker").into();
    for use_tz in [true, false] {
        ground.site["use_tz"] = use_tz.into();
        let mut command = Command::new(variable(&format!("DJANGO_{django}_PYTHON")));
        command.arg(PROGRAM).envs(ground.settings.iter().cloned());
        if is_djangos {
            command.env("DJANGO_USE_TZ", use_tz.to_string());
        }
        let (lines, troubles) = run(command, &ground.site).await;
        let mut lines = lines.lines();
        let version = lines.next().unwrap_or_default().replace(' ', ": ");
        let outcomes: Vec<_> = lines.filter_map(|line| line.split_once(' ')).collect();
        for (test, outcome) in &outcomes {
            println!("{version} | {engine} | USE_TZ {use_tz} | {test} | {outcome}");
        }
        let failed: Vec<_> = outcomes.iter().filter(|(_, outcome)| *outcome == "fail").collect();
        assert!(failed.is_empty(), "{engine}: {failed:#?}\n{troubles}");
        assert!(outcomes.iter().any(|(_, outcome)| *outcome == "ok"), "{engine}: nothing held\n{troubles}");
    }
}

/// What it says, and what it complains of.
///
/// # Panics
///
/// If it ends before its end, or with an error that it has no line for.
async fn run(mut command: Command, told: &Value) -> (String, String) {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut process = command.spawn().unwrap();
    process.stdin.take().unwrap().write_all(format!("{told}\n").as_bytes()).await.unwrap();
    let output = process.wait_with_output().await.unwrap();
    let [lines, troubles] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    assert!(output.status.success() || lines.contains(" fail\n"), "{}\n{troubles}", output.status);
    (lines, troubles)
}
