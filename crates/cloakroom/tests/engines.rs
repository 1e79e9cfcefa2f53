//! Every engine by its settings: what a build has it opens, and of what it lacks it says what to enable.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use cloakroom::{ErrorKind, Format, Settings};
use tempfile::TempDir;

const SECRET: (&str, &str) = ("SECRET_KEY", "a secret key of the tests that is long enough for any engine");

/// Settings whose files are in a folder that goes with the guard.
fn settings(chosen: &[(&str, &str)]) -> (TempDir, Settings) {
    let folder = tempfile::tempdir().unwrap();
    let mut settings = Settings::default();
    settings.db_url = format!("sqlite:{}/sessions.sqlite3", folder.path().display());
    settings.file_path = folder.path().join("sessions");
    for (name, value) in chosen {
        settings.set(name, value).unwrap();
    }
    if settings.format == Format::Django {
        // A site's folder is there, or it is a wrong one.
        std::fs::create_dir(&settings.file_path).unwrap();
    }
    (folder, settings)
}

/// Stores a session and finds it again, if the build has `feature`; else the error must name that.
async fn works_or_names(feature: &str, enabled: bool, chosen: &[(&str, &str)]) {
    let (_folder, settings) = settings(chosen);
    if !enabled {
        let error = settings.sessions().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Misconfigured);
        assert!(error.to_string().contains(&format!("`{feature}`")), "{error}");
        return;
    }
    settings.migrate().await.unwrap();
    let sessions = settings.sessions().await.unwrap();
    let session = sessions.load(None).await.unwrap();
    session.insert("n", 1).unwrap();
    session.save().await.unwrap();
    let again = sessions.load(session.key()).await.unwrap();
    assert_eq!(again.get::<i64>("n").unwrap(), Some(1));
    sessions.backend().close().await.unwrap();
}

/// The same for an engine whose server is not there: a typed error in good time, which names the setting.
async fn reaches_or_names(feature: &str, enabled: bool, chosen: &[(&str, &str)]) {
    let (_folder, settings) = settings(chosen);
    let error = settings.sessions().await.unwrap_err();
    let text = error.to_string();
    if enabled {
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
        assert!(text.starts_with("SESSION_") && text.contains("_URL"), "{text}");
    } else {
        assert_eq!(error.kind(), ErrorKind::Misconfigured);
        assert!(text.contains(&format!("`{feature}`")), "{text}");
    }
    assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
}

/// A port of this machine where nobody listens.
fn nobody() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}

#[tokio::test]
async fn sqlite_is_opened_or_named() {
    works_or_names("sqlite", cfg!(feature = "sqlite"), &[]).await;
}

#[tokio::test]
async fn memory_is_opened_or_named() {
    works_or_names("memory", cfg!(feature = "memory"), &[("SESSION_ENGINE", "cache")]).await;
}

#[cfg(all(feature = "redis", not(feature = "memory")))]
#[tokio::test]
async fn a_cache_url_that_was_forgotten_is_named() {
    let (_folder, settings) = settings(&[("SESSION_ENGINE", "cache")]);
    let error = settings.sessions().await.unwrap_err();
    assert!(error.to_string().starts_with("SESSION_CACHE_URL (memory: unless it is set): "), "{error}");
}

#[tokio::test]
async fn files_are_opened_or_named() {
    works_or_names("file", cfg!(feature = "file"), &[("SESSION_ENGINE", "file")]).await;
}

#[tokio::test]
async fn signed_cookies_are_opened_or_named() {
    let chosen = [("SESSION_ENGINE", "signed_cookies"), SECRET];
    works_or_names("signed-cookies", cfg!(feature = "signed-cookies"), &chosen).await;
}

#[tokio::test]
async fn cached_db_is_opened_or_named() {
    if cfg!(feature = "cached-db") && !cfg!(all(feature = "sqlite", feature = "memory")) {
        return works_or_names(
            if cfg!(feature = "memory") { "sqlite" } else { "memory" },
            false,
            &[("SESSION_ENGINE", "cached_db")],
        )
        .await;
    }
    works_or_names("cached-db", cfg!(feature = "cached-db"), &[("SESSION_ENGINE", "cached_db")]).await;
}

#[tokio::test]
async fn postgres_is_reached_or_named() {
    let url = format!("postgres://me:hunter2@{}/db", nobody());
    reaches_or_names("postgres", cfg!(feature = "postgres"), &[("SESSION_DB_URL", &url)]).await;
}

#[tokio::test]
async fn mysql_is_reached_or_named() {
    let url = format!("mysql://me:hunter2@{}/db", nobody());
    reaches_or_names("mysql", cfg!(feature = "mysql"), &[("SESSION_DB_URL", &url)]).await;
}

#[tokio::test]
async fn redis_is_reached_or_named() {
    for scheme in ["redis", "rediss", "redis+cluster", "redis+sentinel"] {
        let url = format!("{scheme}://:hunter2@{}/service", nobody());
        let url = if scheme == "redis+sentinel" { url } else { url.replace("/service", "") };
        let chosen = [("SESSION_ENGINE", "cache"), ("SESSION_CACHE_URL", &*url)];
        reaches_or_names("redis", cfg!(feature = "redis"), &chosen).await;
    }
}

#[cfg(all(feature = "cached-db", feature = "redis", feature = "sqlite"))]
#[tokio::test]
async fn a_cache_that_is_down_at_the_start_costs_speed_and_nothing_else() {
    let url = format!("redis://{}", nobody());
    let chosen = [("SESSION_ENGINE", "cached_db"), ("SESSION_CACHE_URL", &*url)];
    works_or_names("cached-db", true, &chosen).await;
}

/// Each engine of this build, in Django's layout; a build without the format names it.
#[tokio::test]
async fn the_format_django_is_opened_or_named() {
    let engines = [
        (cfg!(feature = "sqlite"), "db"),
        (cfg!(feature = "memory"), "cache"),
        (cfg!(all(feature = "cached-db", feature = "memory", feature = "sqlite")), "cached_db"),
        (cfg!(feature = "file"), "file"),
        (cfg!(feature = "signed-cookies"), "signed_cookies"),
    ];
    for engine in engines.into_iter().filter_map(|(enabled, engine)| enabled.then_some(engine)) {
        let chosen = [("SESSION_FORMAT", "django"), ("SESSION_ENGINE", engine), SECRET];
        works_or_names("django", cfg!(feature = "django"), &chosen).await;
    }
}

#[tokio::test]
async fn what_the_format_django_can_not_keep_is_refused_by_its_name() {
    let cluster = format!("redis+cluster://{}", nobody());
    let refused: [(&str, &[(&str, &str)]); 8] = [
        ("SESSION_IDLE_TIMEOUT", &[("SESSION_IDLE_TIMEOUT", "60")]),
        ("SESSION_ABSOLUTE_TIMEOUT", &[("SESSION_ABSOLUTE_TIMEOUT", "60")]),
        ("SESSION_KEY_RENEWAL", &[("SESSION_KEY_RENEWAL", "60")]),
        ("SESSION_LOGIN_LIMIT", &[("SESSION_LOGIN_LIMIT", "3")]),
        ("SESSION_SEAL_KEYS", &[("SESSION_SEAL_KEYS", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")]),
        ("SESSION_CACHE_URL", &[("SESSION_ENGINE", "cache"), ("SESSION_CACHE_URL", &cluster)]),
        ("DJANGO_CACHE_VERSION", &[("SESSION_FORMAT", "native"), ("DJANGO_CACHE_VERSION", "2")]),
        ("DJANGO_USE_TZ", &[("SESSION_FORMAT", "native"), ("DJANGO_USE_TZ", "false")]),
    ];
    for (name, chosen) in refused {
        let (_folder, settings) = settings(&[&[("SESSION_FORMAT", "django"), SECRET], chosen].concat());
        let error = settings.sessions().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Misconfigured, "{name}");
        assert!(error.to_string().starts_with(&format!("{name}: ")), "{name}: {error}");
    }
}

#[cfg(all(feature = "django", feature = "sqlite"))]
#[tokio::test]
async fn the_format_django_does_not_start_without_the_sites_secret_key() {
    let (_folder, settings) = settings(&[("SESSION_FORMAT", "django")]);
    let error = settings.sessions().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Misconfigured);
    assert!(error.to_string().starts_with("SECRET_KEY: "), "{error}");
}

#[tokio::test]
async fn sealing_reaches_what_is_stored() {
    for (enabled, engine) in [(cfg!(feature = "sqlite"), "db"), (cfg!(feature = "file"), "file")] {
        if enabled {
            let (_folder, mut settings) = settings(&[("SESSION_ENGINE", engine)]);
            settings.set("SESSION_SEAL_KEYS", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=").unwrap();
            settings.migrate().await.unwrap();
            let sessions = settings.sessions().await.unwrap();
            let session = sessions.load(None).await.unwrap();
            session.insert("note", "attack at dawn").unwrap();
            session.save().await.unwrap();
            settings.seal_keys = None;
            let stored = settings.sessions().await.unwrap();
            let id = session.id().unwrap();
            let kept = stored.backend().load(&id, cloakroom::core::Read::Latest).await.unwrap().unwrap();
            assert!(!kept.record.payload.windows(6).any(|window| window == b"attack"), "{engine}");
        }
    }
}

#[tokio::test]
async fn a_url_that_no_build_knows_is_refused_with_what_is_known() {
    for (engine, setting, known) in
        [("cache", "SESSION_CACHE_URL", "redis+cluster:"), ("db", "SESSION_DB_URL", "sqlite:")]
    {
        let (_folder, settings) =
            settings(&[("SESSION_ENGINE", engine), (setting, "memcached://hunter2@host")]);
        let error = settings.sessions().await.unwrap_err();
        let text = error.to_string();
        assert_eq!(error.kind(), ErrorKind::Misconfigured);
        assert!(text.starts_with(setting) && text.contains(known), "{text}");
        assert!(!text.contains("hunter2"), "{text}");
    }
}

#[cfg(feature = "signed-cookies")]
#[tokio::test]
async fn signed_cookies_without_a_secret_key_do_not_start() {
    let (_folder, settings) = settings(&[("SESSION_ENGINE", "signed_cookies")]);
    let error = settings.sessions().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Misconfigured);
    assert!(error.to_string().contains("SECRET_KEY"), "{error}");
}

#[tokio::test]
async fn a_setting_that_would_be_passed_over_is_refused() {
    for (chosen, named) in [
        ([("SESSION_ENGINE", "db"), ("SESSION_LOGIN_POLICY", "refuse")], "SESSION_LOGIN_POLICY"),
        ([("SESSION_ENGINE", "cache"), ("SESSION_CACHE_REPLICAS", "1")], "SESSION_CACHE_REPLICAS"),
        ([("SESSION_ENGINE", "file"), ("SESSION_CACHE_REPLICAS", "1")], "SESSION_CACHE_REPLICAS"),
        ([("SESSION_ENGINE", "db"), ("SESSION_DB_POOLER", "true")], "SESSION_DB_POOLER"),
        ([("SESSION_ENGINE", "cache"), ("SESSION_POWER_SAFE", "true")], "SESSION_POWER_SAFE"),
        ([("SESSION_ENGINE", "cache"), ("SESSION_CACHE_URL", "memory:100")], "SESSION_CACHE_URL"),
    ] {
        let (_folder, settings) = settings(&chosen);
        let error = settings.sessions().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Misconfigured);
        assert!(error.to_string().starts_with(named), "{error}");
    }
}

#[tokio::test]
async fn a_lifetime_of_nothing_is_refused_also_where_code_has_set_it() {
    let (_folder, mut settings) = settings(&[]);
    settings.lifetime.idle = Some(std::time::Duration::ZERO);
    let error = settings.sessions().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Misconfigured);
    assert!(error.to_string().starts_with("SESSION_IDLE_TIMEOUT"), "{error}");
}

#[test]
fn what_browsers_drop_is_refused_by_the_name_of_its_setting() {
    for (name, value) in [
        ("SESSION_COOKIE_NAME", "a b"),
        ("SESSION_COOKIE_PATH", "app"),
        ("SESSION_COOKIE_DOMAIN", "https://example.org"),
    ] {
        let (_folder, settings) = settings(&[(name, value)]);
        let text = settings.cookie_policy().unwrap_err().to_string();
        assert!(text.starts_with(name) && text.contains(value), "{text}");
    }
}

#[cfg(feature = "signed-cookies")]
#[tokio::test]
async fn what_signed_cookies_can_not_keep_is_refused_at_the_start() {
    for (name, value) in [("SESSION_KEY_RENEWAL", "900"), ("SESSION_LOGIN_LIMIT", "3")] {
        let (_folder, settings) = settings(&[("SESSION_ENGINE", "signed_cookies"), SECRET, (name, value)]);
        let error = settings.sessions().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Misconfigured);
        let text = error.to_string();
        assert!(text.starts_with(name) && text.contains("signed_cookies"), "{text}");
    }
}
