//! Settings, and how the program starts and stops.

use std::time::Duration;

use crate::program::refused;
use crate::{Playground, Settings};

/// Refused as misconfigured, in one line that names the setting.
async fn assert_names(setting: &str, settings: Settings<'_>) -> String {
    let (code, line) = refused(settings).await;
    assert_eq!(code, Some(2), "{line}");
    assert_eq!(line.lines().count(), 1, "{line}");
    assert!(line.contains(setting), "{line}");
    line
}

/// A database in a folder that goes with the guard.
fn database() -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let url = format!("sqlite:{}", folder.path().join("sessions.sqlite3").display());
    (folder, url)
}

#[tokio::test]
async fn a_value_that_is_not_allowed_is_named_before_anything_is_served() {
    let (_folder, url) = database();
    for (setting, value, allowed) in [
        ("SESSION_ENGINE", "tape", "signed_cookies"),
        ("SESSION_COOKIE_AGE", "soon", "whole number"),
        ("SESSION_COOKIE_SECURE", "perhaps", "true or false"),
        ("SESSION_COOKIE_NAME", "a b", "name"),
        ("SESSION_DB_URL", "oracle://host/db", "sqlite:"),
        ("SESSION_DB_URL", "sqlite::memory:", "names no file"),
        ("BIND", "8000", "127.0.0.1:8000"),
        ("BIND", "127.0.0.1:99999", "127.0.0.1:8000"),
        ("CLOAKROOM_CONFIG", "/nowhere/settings.toml", "/nowhere/settings.toml"),
    ] {
        let line = assert_names(setting, &[("SESSION_DB_URL", &url), (setting, value)]).await;
        assert!(line.contains(allowed), "{line}");
    }
}

#[tokio::test]
async fn a_database_in_a_folder_that_is_missing_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("missing/sessions.sqlite3").display());
    assert_names("SESSION_DB_URL", &[("SESSION_DB_URL", &url)]).await;
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused_and_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes.txt");
    let notes = "not a database, and dear to somebody\n".repeat(100);
    std::fs::write(&path, &notes).unwrap();
    assert_names("SESSION_DB_URL", &[("SESSION_DB_URL", &format!("sqlite:{}", path.display()))]).await;
    assert_eq!(std::fs::read_to_string(&path).unwrap(), notes);
}

#[tokio::test]
async fn an_address_that_is_taken_is_named() {
    let (site, (_folder, url)) = (Playground::start().await, database());
    let (code, line) = refused(&[("SESSION_DB_URL", &url), ("BIND", &site.address.to_string())]).await;
    assert_eq!(code, Some(1), "{line}");
    assert!(line.contains("BIND") && line.lines().count() == 1, "{line}");
}

#[tokio::test]
async fn a_settings_file_is_read_and_the_environment_wins() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("settings.toml");
    std::fs::write(&path, "SESSION_COOKIE_NAME = \"ticket\"\nSESSION_COOKIE_AGE = 60\n").unwrap();
    let site =
        Playground::with(&[("CLOAKROOM_CONFIG", path.to_str().unwrap()), ("SESSION_COOKIE_NAME", "stub")])
            .await;
    let reply = site.visitor().put("/api/session/a", "1").await;
    let cookie = reply.set_cookie().expect("a cookie");
    assert!(cookie.starts_with("stub="), "{cookie}");
    assert!(cookie.contains("Max-Age=60") || cookie.contains("Max-Age=59"), "{cookie}");
}

#[tokio::test]
async fn the_cookie_is_for_plain_http_unless_it_is_said_otherwise() {
    for (settings, secure) in [(&[][..], false), (&[("SESSION_COOKIE_SECURE", "true")][..], true)] {
        let site = Playground::with(settings).await;
        let reply = site.visitor().put("/api/session/a", "1").await;
        let cookie = reply.set_cookie().expect("a cookie");
        assert_eq!(cookie.contains("; Secure"), secure, "{cookie}");
        assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");
    }
}

#[tokio::test]
async fn a_stop_lets_a_request_finish_and_exits_with_nothing_else_printed() {
    for name in ["TERM", "INT"] {
        let site = Playground::start().await;
        let mut visitor = site.visitor();
        let slow = tokio::spawn(async move { visitor.put("/api/session/a?delay_ms=600", "1").await });
        tokio::time::sleep(Duration::from_millis(200)).await;
        site.signal(name).await;
        assert_eq!(slow.await.unwrap().status, 204, "{name}");
        let (status, printed) = site.ended().await;
        assert_eq!((status.code(), printed.as_str()), (Some(0), ""), "{name}");
    }
}
