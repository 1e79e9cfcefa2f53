//! A session that a Django site has written, in the hands of a request here.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use cloakroom::core::{
    Addressing, BrowserEnd, Clock as _, CookieChange, ManualClock, Read, Record, Session, SessionBackend,
    SessionFormat, SessionKey, Stamp,
};
use cloakroom::db::{Backend, Config};
use cloakroom::django::{Pickled, Secrets, Signed, Site, session_auth_hashes};
use cloakroom::{ErrorKind, Memory, SessionOptions, Sessions, Timestamp, copy};
use cloakroom_conformance::{Fault, Faulty, Operation};
use serde_json::{Value, json};
use tempfile::TempDir;

const COLUMN: &str = "pbkdf2_sha256$1000000$salt$hash";

const MODEL: &str = "django.contrib.auth.backends.ModelBackend";
const AGE: Duration = Duration::from_hours(14 * 24);

fn secrets() -> Secrets {
    Secrets::new("the new one").unwrap().fallbacks(["the one before"]).unwrap()
}

fn site() -> Site {
    Site::new(secrets())
}

fn key() -> SessionKey {
    SessionKey::parse("aaaabbbbccccddddeeeeffffgggghhhh", Addressing::Verbatim).unwrap()
}

/// `django_session` in SQLite.
struct Table {
    backend: Arc<Backend>,
    sessions: Sessions,
    format: Arc<Signed>,
    clock: Arc<ManualClock>,
    _folder: TempDir,
}

impl Table {
    async fn open() -> Self {
        let clock = Arc::new(ManualClock::at(Timestamp::from_millis(1_700_000_000_000)));
        let format = Arc::new(Signed::new(site()));
        let folder = tempfile::tempdir().unwrap();
        let config = Config::new(format!("sqlite:{}/site.sqlite3", folder.path().display()));
        let backend = config.django(format.clone()).clock(clock.clone()).open().await.unwrap();
        backend.migrate().await.unwrap();
        let backend = Arc::new(backend);
        let mut options = SessionOptions::default();
        options.clock = clock.clone();
        let sessions = Sessions::with(Arc::clone(&backend), options);
        Self { backend, sessions, format, clock, _folder: folder }
    }

    /// With a session in it that Django has written.
    async fn holding(session: &Value) -> Self {
        let table = Self::open().await;
        // What a cache holds is not signed.
        let any = Pickled::new(site()).decode(&Bytes::from(session.to_string())).unwrap();
        let now = table.clock.now();
        let payload = table.format.encode(&any, now, 1 << 20).unwrap();
        let record = Record::new(payload, now.plus(AGE), None, Stamp { sequence: 1, nonce: 1 });
        table.backend.create(&key().id(), &record).await.unwrap();
        table
    }

    async fn session(&self, key: &SessionKey) -> Session {
        self.sessions.load(Some(key.clone())).await.unwrap()
    }

    /// All that Django would find under this key.
    async fn row(&self, key: &SessionKey) -> Value {
        let stored = self.backend.load(&key.id(), Read::Latest).await.unwrap().unwrap();
        serde_json::from_str(&self.format.json(&stored.record.payload).unwrap()).unwrap()
    }
}

fn login(backend: &str, hash: &str) -> Value {
    json!({ "cart": [1], "_auth_user_id": "7", "_auth_user_backend": backend, "_auth_user_hash": hash })
}

/// Django drops it as well: whoever was logged in, by whatever backend, was somebody.
#[tokio::test]
async fn a_login_takes_nothing_along_of_a_user_whom_another_backend_has_logged_in() {
    for known in ["7", "8"] {
        let table = Table::holding(&login("elsewhere.Backend", "ab")).await;
        let session = table.session(&key()).await;
        assert_eq!(session.user(), None);
        session.login_with_proof(known, COLUMN).unwrap();
        assert!(session.is_empty());
        session.insert("own", 1).unwrap();
        session.save().await.unwrap();
        let hash = session_auth_hashes(&secrets(), COLUMN).remove(0);
        let expected =
            json!({ "own": 1, "_auth_user_id": known, "_auth_user_backend": MODEL, "_auth_user_hash": hash });
        assert_eq!(table.row(&session.key().unwrap()).await, expected, "{known}");
    }
}

#[tokio::test]
async fn a_login_that_an_older_key_proves_is_bound_to_the_new_one_under_a_new_key() {
    let hashes = session_auth_hashes(&secrets(), COLUMN);
    let table = Table::holding(&login(MODEL, &hashes[1])).await;
    let session = table.session(&key()).await;
    assert!(session.verify_login(COLUMN));
    session.save().await.unwrap();
    let after = session.key().unwrap();
    assert_ne!(after, key());
    assert_eq!(table.row(&after).await, login(MODEL, &hashes[0]));
}

/// Nothing of the framework's own is anybody's to read, to set or to take away.
#[tokio::test]
async fn djangos_own_names_are_neither_seen_nor_changed() {
    let mut stored = login(MODEL, "ab");
    stored["_auth_user_more"] = json!(1);
    stored["_session_expiry"] = json!(300);
    let table = Table::holding(&stored).await;
    let session = table.session(&key()).await;
    assert_eq!(session.names(), ["cart"]);
    for name in ["_auth_user_id", "_auth_user_more", "_session_expiry"] {
        assert_eq!((session.contains(name), session.get::<Value>(name).unwrap()), (false, None), "{name}");
        assert!(!session.remove(name), "{name}");
        assert_eq!(session.insert(name, 1).unwrap_err().kind(), ErrorKind::Invalid, "{name}");
    }
    session.clear();
    session.save().await.unwrap();
    stored.as_object_mut().unwrap().remove("cart");
    assert_eq!(table.row(&key()).await, stored);
}

#[tokio::test]
async fn when_a_session_of_djangos_began_nobody_says() {
    let table = Table::holding(&login(MODEL, "ab")).await;
    let session = table.session(&key()).await;
    assert_eq!((session.created_at(), session.authenticated_at()), (None, None));
}

/// What it was told is not in the row: of each tenth of the age the first change is told, and no other.
#[tokio::test]
async fn a_browser_whose_session_is_changed_again_and_again_never_loses_its_cookie() {
    let table = Table::holding(&json!({ "a": 0 })).await;
    let mut told = 0;
    let mut until = table.clock.now().plus(AGE);
    for change in 1..=120 {
        table.clock.advance(AGE / 40);
        let session = table.session(&key()).await;
        session.insert("a", change).unwrap();
        session.save().await.unwrap();
        if let CookieChange::Set(_, BrowserEnd::At(end)) = session.activity().cookie {
            (told, until) = (told + 1, end);
        }
        let left = until.since(table.clock.now());
        assert!(left > AGE / 5 * 4, "{change}: {left:?}");
    }
    assert_eq!(told, 30);
}

#[tokio::test]
async fn what_django_has_changed_since_a_copy_was_cut_short_is_moved_by_the_next() {
    let table = Table::holding(&json!({ "n": 1 })).await;
    let at = |backend: Arc<dyn SessionBackend>| {
        let mut options = SessionOptions::default();
        options.clock = table.clock.clone();
        Sessions::with(backend, options)
    };
    let failing = Faulty::new(Arc::clone(&table.backend));
    failing.fail(Operation::Delete, Fault::LoseRequest);
    let native = at(Arc::new(Memory::with_clock(table.clock.clone())));
    copy(&at(Arc::new(failing)), &native, |_| {}).await.unwrap_err();
    let session = table.session(&key()).await;
    session.insert("n", 2).unwrap();
    session.save().await.unwrap();
    assert_eq!(copy(&table.sessions, &native, |_| {}).await.unwrap().copied, 1);
    let moved = native.load(native.parse_key(key().expose())).await.unwrap();
    assert_eq!(moved.get::<i64>("n").unwrap(), Some(2));
}
