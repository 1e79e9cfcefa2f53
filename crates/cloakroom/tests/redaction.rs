//! What logs and error pages get to see of a session's whole life: no key, no id, no user, nothing of what it holds.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]
#![cfg(all(
    feature = "sqlite",
    feature = "postgres",
    feature = "mysql",
    feature = "redis",
    feature = "memory",
    feature = "cached-db",
    feature = "file",
    feature = "signed-cookies",
    feature = "axum",
    feature = "metrics"
))]

use std::fmt::{Debug, Write as _};
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::http::header::{COOKIE, SET_COOKIE};
use axum::routing::get;
use cloakroom::core::{Addressing, Error, Read, Saved, Session, Stamp};
use cloakroom::{ErrorKind, Settings};
use metrics_util::debugging::{DebuggingRecorder, Snapshotter};
use tower::ServiceExt as _;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

const SECRET_KEY: &str = "a secret key of the tests that is long enough for any engine";
const SEAL_KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// Writes down every event and every span of this process, whoever makes it, at any level.
struct Everything;

static HEARD: Mutex<String> = Mutex::new(String::new());

struct Fields<'h>(&'h mut String);

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, " {field}={value:?}").unwrap();
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        write!(self.0, " {field}={}", all_of(value)).unwrap();
    }
}

impl Everything {
    fn hear(metadata: &Metadata<'_>, record: impl FnOnce(&mut dyn Visit)) {
        let mut heard = HEARD.lock().unwrap();
        write!(heard, "\n{} {}:", metadata.target(), metadata.name()).unwrap();
        record(&mut Fields(&mut heard));
    }
}

impl Subscriber for Everything {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        Self::hear(span.metadata(), |visit| span.record(visit));
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        values.record(&mut Fields(&mut HEARD.lock().unwrap()));
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        Self::hear(event.metadata(), |visit| event.record(visit));
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// An error as a program may print it, and all that it was caused by.
fn all_of(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = format!("{error} {error:?} {error:#?}");
    let mut source = error.source();
    while let Some(error) = source {
        write!(text, " {error} {error:?}").unwrap();
        source = error.source();
    }
    text
}

/// What is secret, and what was shown.
#[derive(Default)]
struct Witness {
    secrets: Vec<String>,
    shown: String,
}

impl Witness {
    fn show(&mut self, thing: &dyn Debug) {
        write!(self.shown, "\n{thing:?} {thing:#?}").unwrap();
    }

    fn fail<T: Debug>(&mut self, failed: Result<T, Error>) {
        let error = failed.unwrap_err();
        self.shown.push_str(&all_of(&error));
    }

    /// Shows a session and all that can be had of it; its key and its id are secrets from now on.
    fn look(&mut self, session: &Session) {
        // Of the place, its first characters, nothing is secret.
        self.secrets.extend(session.key().map(|key| key.expose()[3..].to_owned()));
        self.secrets.extend(session.id().map(|id| id.expose()[3..].to_owned()));
        self.show(session);
        self.show(&session.activity());
        self.show(&(session.key(), session.id(), session.sessions(), session.expiry_date()));
    }

    fn see(&self) {
        assert!(self.shown.contains("redacted"), "{}", self.shown);
        let heard = HEARD.lock().unwrap().clone();
        let counted = counted();
        for secret in &self.secrets {
            let texts = [("shown", &self.shown), ("told to tracing", &heard), ("a metric's", &counted)];
            for (whose, text) in texts {
                let at = text.find(secret.as_str());
                assert!(
                    at.is_none(),
                    "{secret:?} is {whose}: {:?}",
                    at.map(|at| &text[at.saturating_sub(300)..at])
                );
            }
        }
    }
}

fn listen() {
    static LISTENING: OnceLock<()> = OnceLock::new();
    LISTENING.get_or_init(|| tracing::subscriber::set_global_default(Everything).unwrap());
    COUNTING.get_or_init(|| {
        let recorder = DebuggingRecorder::new();
        let snapshotter = recorder.snapshotter();
        recorder.install().unwrap();
        snapshotter
    });
}

static COUNTING: OnceLock<Snapshotter> = OnceLock::new();

/// The names, the labels and the descriptions of all metrics that anything was counted under.
fn counted() -> String {
    let all = COUNTING.get().unwrap().snapshot().into_vec();
    let told = all.iter().map(|(key, unit, description, _)| format!("{key:?} {unit:?} {description:?}\n"));
    told.collect()
}

/// A visitor comes, logs in, is listed, meets every kind of failure, and leaves.
async fn nothing_is_shown(chosen: &[(&str, &str)]) {
    listen();
    let folder = tempfile::tempdir().unwrap();
    let mut settings = Settings::default();
    settings.db_url = format!("sqlite:{}/sessions.sqlite3", folder.path().display());
    settings.file_path = folder.path().join("sessions");
    let given = [("SECRET_KEY", SECRET_KEY), ("SESSION_IDLE_TIMEOUT", "600")];
    for (name, value) in given.iter().chain(chosen) {
        settings.set(name, value).unwrap();
    }
    settings.migrate().await.unwrap();
    let layer = settings.layer().await.unwrap();
    let sessions = layer.sessions().clone();
    let mut witness = Witness::default();
    witness.show(&(&settings, &layer, &sessions, sessions.options()));
    witness.show(&sessions.backend());
    let seal = settings.seal_keys.is_some().then_some(SEAL_KEY);
    // The servers' password.
    witness.secrets.push("sesame".to_owned());
    witness.secrets.extend([SECRET_KEY].into_iter().chain(seal).map(str::to_owned));
    // Words that no other visitor has: all share what was heard.
    let word = folder.path().file_name().unwrap().display().to_string();
    let [user, secret, proof] = ["user", "secret", "proof"].map(|what| format!("{what} of {word}"));
    witness.secrets.extend([&user, &secret, &proof].map(String::clone));

    let session = sessions.load(None).await.unwrap();
    witness.look(&session);
    session.insert("note", &secret).unwrap();
    session.set_user_agent(&format!("{secret}'s browser"));
    session.save().await.unwrap();
    witness.look(&session);
    let found = sessions.load(session.key()).await.unwrap();
    assert!(found.key().is_some(), "a load that finds something is told of as well");
    session.login_with_proof(&user, &proof).unwrap();
    witness.look(&session);
    session.save().await.unwrap();
    witness.look(&session);
    session.update("n", |n: &mut i64| *n += 1).await.unwrap();
    session.refresh().await.unwrap();
    session.touch().await.unwrap();
    session.cycle_key();
    session.set_expiry(Duration::from_mins(30));
    session.save().await.unwrap();
    witness.look(&session);
    let presented = sessions.backend().capabilities().addressing == Addressing::Presented;
    if !presented {
        witness.show(&sessions.of_user(&user).await);
    }

    // What goes wrong by itself.
    witness.fail(session.get::<i64>("note"));
    witness.fail(session.update("note", |n: &mut i64| *n += 1).await);
    witness.fail(session.try_update("n", |_: &mut i64| Err(Error::new(ErrorKind::Invalid, "no"))).await);
    witness.fail(session.login(&format!("{user}\n")));
    session.insert("large", secret.repeat(100_000)).unwrap();
    witness.fail(session.save().await);
    session.discard();

    // What an engine shows of itself, and of a record that somebody has damaged.
    let id = session.id().unwrap();
    let there = sessions.backend().load(&id, Read::Latest).await.unwrap().unwrap();
    witness.show(&there);
    let mut damaged = there.record.clone();
    damaged.payload = format!("\u{ff}{secret}").into();
    damaged.stamp = Stamp { sequence: damaged.stamp.sequence + 1, nonce: 7 };
    let saved = sessions.backend().save(&id, &damaged, &there.revision).await.unwrap();
    witness.show(&saved);
    witness.show(&sessions.backend().save(&id, &there.record, &there.revision).await);
    let issued = match saved {
        Saved::Written(written) => written.present,
        other => panic!("not written: {other:?}"),
    };
    let key = issued.and_then(|value| sessions.parse_key(&value)).or(session.key());
    witness.secrets.extend(key.iter().map(|key| key.expose()[3..].to_owned()));
    assert_eq!(sessions.load(key.clone()).await.unwrap().key(), None, "unreadable");
    if !presented {
        session.insert("late", &secret).unwrap();
        witness.fail(session.save().await);
        sessions.backend().delete(&id, None).await.unwrap();
    }

    answers(&mut witness, layer, &secret).await;

    // And when its store is gone.
    let last = sessions.load(None).await.unwrap();
    last.insert("note", &secret).unwrap();
    last.save().await.unwrap();
    witness.look(&last);
    sessions.backend().close().await.unwrap();
    last.insert("late", &secret).unwrap();
    if let Err(error) = last.save().await {
        witness.shown.push_str(&all_of(&error));
    }
    witness.see();
    for heard in ["unreadable session", "session.commit", "session.load"] {
        assert!(HEARD.lock().unwrap().contains(heard), "else nobody has listened");
    }
    assert!(counted().contains("cloakroom_operations_total"), "else nobody has counted");
}

/// What the layer answers to cookies that are none, and what a handler shows.
async fn answers(witness: &mut Witness, layer: cloakroom::axum::SessionLayer, secret: &str) {
    let handler = {
        let secret = secret.to_owned();
        async move |session: cloakroom::axum::Session| {
            session.insert("note", &secret).unwrap();
            session.login("somebody").unwrap();
            format!("{session:?}")
        }
    };
    let router = Router::new().route("/", get(handler)).layer(layer);
    for cookie in ["sessionid=", &format!("sessionid={}", "k".repeat(32)), &format!("sessionid={secret}")] {
        let request = Request::get("/").header(COOKIE, cookie).body(Body::empty()).unwrap();
        let response = router.clone().oneshot(request).await.unwrap();
        let set = response.headers()[SET_COOKIE].to_str().unwrap();
        let value = set.strip_prefix("sessionid=").and_then(|rest| rest.split(';').next()).unwrap();
        witness.secrets.push(value[3..].to_owned());
        witness.show(&response);
        let body = axum::body::to_bytes(response.into_body(), 10_000).await.unwrap();
        witness.show(&str::from_utf8(&body).unwrap());
    }
}

fn server(variable: &str) -> String {
    std::env::var(variable).unwrap_or_else(|_| {
        panic!("{variable} is not set: `cargo xtask servers` starts a server and prints it")
    })
}

#[tokio::test]
async fn nothing_of_a_session_in_sqlite_is_shown() {
    nothing_is_shown(&[]).await;
    nothing_is_shown(&[("SESSION_SEAL_KEYS", SEAL_KEY)]).await;
}

#[tokio::test]
async fn nothing_of_a_session_in_files_is_shown() {
    nothing_is_shown(&[("SESSION_ENGINE", "file")]).await;
}

#[tokio::test]
async fn nothing_of_a_session_in_memory_is_shown() {
    nothing_is_shown(&[("SESSION_ENGINE", "cache")]).await;
    nothing_is_shown(&[("SESSION_ENGINE", "cached_db")]).await;
}

#[tokio::test]
async fn nothing_of_a_session_in_a_cookie_is_shown() {
    nothing_is_shown(&[("SESSION_ENGINE", "signed_cookies")]).await;
    nothing_is_shown(&[("SESSION_ENGINE", "signed_cookies"), ("SESSION_SEAL_KEYS", SEAL_KEY)]).await;
}

#[tokio::test]
#[ignore = "needs a server: cargo xtask test starts one"]
async fn nothing_of_a_session_on_a_server_is_shown() {
    let [postgres, mariadb, redis] = ["POSTGRES_URL", "MARIADB_URL", "REDIS_URL"].map(server);
    nothing_is_shown(&[("SESSION_DB_URL", &postgres)]).await;
    nothing_is_shown(&[("SESSION_DB_URL", &postgres), ("SESSION_DB_POOLER", "true")]).await;
    nothing_is_shown(&[("SESSION_DB_URL", &mariadb)]).await;
    nothing_is_shown(&[("SESSION_ENGINE", "cache"), ("SESSION_CACHE_URL", &redis)]).await;
    let cached =
        [("SESSION_ENGINE", "cached_db"), ("SESSION_DB_URL", &*postgres), ("SESSION_CACHE_URL", &*redis)];
    nothing_is_shown(&cached).await;
}
