//! What only this engine does: a cookie's room, epochs, and what a session does with both.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use cloakroom_cookie::{Backend, Config, Epochs};
use cloakroom_core::{
    Addressing, Clock, CookieChange, Deleted, Error, ErrorKind, ManualClock, Record, Result, Saved, SealKeys,
    Session, SessionBackend, SessionId, SessionKey, SessionOptions, Sessions, Stamp, Stored, Timestamp,
    Touched,
};

const KEY: &str = "django-insecure-0123456789abcdefghijklmnopqrstuvwxyz";
const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

fn sessions(backend: Backend, clock: &ManualClock) -> Sessions {
    let mut options = SessionOptions::default();
    options.clock = Arc::new(clock.clone());
    Sessions::with(backend, options)
}

/// A session with this value under `text`, saved.
async fn holding(sessions: &Sessions, text: &str) -> Result<SessionKey> {
    let session = sessions.load(None).await?;
    session.insert("text", text)?;
    session.save().await?;
    Ok(session.key().unwrap())
}

#[tokio::test]
async fn a_cookie_is_filled_to_its_last_byte_and_no_further() {
    let clock = ManualClock::at(NOW);
    for name in ["sessionid", "s", "__Host-a-rather-long-name"] {
        for sealed in [false, true] {
            let config = Config::new(KEY).cookie_name(name).clock(Arc::new(clock.clone()));
            let keys = SealKeys::new([[7; 32]]).unwrap();
            let config = if sealed { config.sealed(keys) } else { config };
            let sessions = sessions(config.open().unwrap(), &clock);
            let mut longest = 0;
            let mut refused = None;
            for length in 2_700..3_100 {
                match holding(&sessions, &"x".repeat(length)).await {
                    Ok(key) => {
                        assert!(refused.is_none(), "what is longer does not fit either");
                        longest = name.len() + key.expose().len();
                        assert!(longest <= 4_096);
                        let found = sessions.load(Some(key)).await.unwrap();
                        assert_eq!(found.get::<String>("text").unwrap().unwrap().len(), length);
                    }
                    Err(error) => {
                        assert_eq!(error.kind(), ErrorKind::TooLarge);
                        refused.get_or_insert(error.to_string());
                    }
                }
            }
            // base64 writes 3 bytes as 4 characters.
            assert!(longest > 4_096 - 3, "{longest}");
            assert!(refused.unwrap().contains("and browsers keep 4096"));
        }
    }
}

#[tokio::test]
async fn the_old_session_stays_where_the_new_one_does_not_fit() {
    let clock = ManualClock::at(NOW);
    let backend = Config::new(KEY).clock(Arc::new(clock.clone())).open().unwrap();
    let sessions = sessions(backend, &clock);
    let key = holding(&sessions, "small").await.unwrap();
    let session = sessions.load(Some(key.clone())).await.unwrap();
    session.insert("more", "x".repeat(4_000)).unwrap();
    let error = session.save().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    assert!(!format!("{error:?}").contains("xxx"));
    assert_eq!((session.key().as_ref(), session.activity().cookie), (Some(&key), CookieChange::Keep));
    session.remove("more");
    session.insert("less", 1).unwrap();
    session.save().await.unwrap();
    assert_eq!(sessions.load(session.key()).await.unwrap().names(), ["text", "less"]);
}

#[tokio::test]
async fn the_last_of_a_requests_values_is_the_one_that_is_sent() {
    let clock = ManualClock::at(NOW);
    let sessions = sessions(Config::new(KEY).clock(Arc::new(clock.clone())).open().unwrap(), &clock);
    let session = sessions.load(None).await.unwrap();
    let mut keys = Vec::new();
    for n in 0..3 {
        session.insert("n", n).unwrap();
        session.save().await.unwrap();
        keys.extend(session.key());
    }
    assert!(keys[0] != keys[1] && keys[1] != keys[2]);
    assert!(matches!(session.activity().cookie, CookieChange::Set(key, _) if key == keys[2]));
    assert!(sessions.backend().index().is_none());
    assert_eq!(sessions.backend().capabilities().addressing, Addressing::Presented);
}

#[tokio::test]
async fn a_revision_that_is_not_the_presented_values_own_changes_nothing() {
    let clock = ManualClock::at(NOW);
    let backend = Config::new(KEY).clock(Arc::new(clock.clone())).open().unwrap();
    let stamp = |nonce| Stamp { sequence: 1, nonce };
    let record = |nonce| Record::new(Bytes::new(), NOW.plus(Duration::from_hours(1)), None, stamp(nonce));
    let any = SessionId::parse("any").unwrap();
    let Saved::Written(written) = backend.create(&any, &record(1)).await.unwrap() else { unreachable!() };
    let id = SessionId::parse(&written.present.unwrap()).unwrap();
    let (there, seen) = (Stored::stamped(record(1)), stamp(2).into());
    assert_eq!(backend.save(&id, &record(3), &seen).await.unwrap(), Saved::Conflict(there.clone()));
    assert_eq!(backend.rotate(&id, &any, &record(3), &seen).await.unwrap(), Saved::Conflict(there.clone()));
    assert_eq!(backend.delete(&id, Some(&seen)).await.unwrap(), Deleted::Conflict(there));
    assert_eq!(backend.touch(&id, Timestamp::MAX, &seen).await.unwrap(), Touched::Skipped);
}

/// Epochs by user; a user whose epoch is `None` can't be asked for.
#[derive(Clone, Debug, Default)]
struct Users(Arc<Mutex<HashMap<String, Option<Timestamp>>>>);

impl Users {
    fn set(&self, user: &str, epoch: Option<Timestamp>) {
        self.0.lock().unwrap().insert(user.to_owned(), epoch);
    }
}

#[async_trait::async_trait]
impl Epochs for Users {
    async fn not_before(&self, owner: Option<&str>) -> Result<Option<Timestamp>> {
        match self.0.lock().unwrap().get(owner.unwrap_or("nobody")) {
            None => Ok(None),
            Some(Some(epoch)) => Ok(Some(*epoch)),
            Some(None) => Err(Error::new(ErrorKind::Corrupt, "the table of users is gone")),
        }
    }
}

struct Site {
    clock: ManualClock,
    users: Users,
    sessions: Sessions,
}

impl Site {
    fn new() -> Self {
        let (clock, users) = (ManualClock::at(NOW), Users::default());
        let backend = Config::new(KEY).epochs(users.clone()).clock(Arc::new(clock.clone())).open().unwrap();
        let sessions = sessions(backend, &clock);
        Self { clock, users, sessions }
    }

    async fn login(&self, user: &str) -> SessionKey {
        let session = self.sessions.load(None).await.unwrap();
        session.login(user).unwrap();
        session.save().await.unwrap();
        session.key().unwrap()
    }

    async fn visit(&self, key: &SessionKey) -> Session {
        self.sessions.load(Some(key.clone())).await.unwrap()
    }

    fn log_out_everywhere(&self, user: &str) {
        self.users.set(user, Some(self.clock.now()));
    }
}

#[tokio::test]
async fn an_epoch_ends_what_was_issued_before_it_and_nobody_elses() {
    let site = Site::new();
    let (alices, bobs) = (site.login("alice").await, site.login("bob").await);
    let anonymous = holding(&site.sessions, "cart").await.unwrap();
    site.clock.advance(Duration::from_millis(1));
    site.log_out_everywhere("alice");
    assert_eq!(site.visit(&alices).await.user(), None);
    assert_eq!(site.visit(&bobs).await.user().as_deref(), Some("bob"));
    assert!(!site.visit(&anonymous).await.is_empty());
    let again = site.login("alice").await;
    assert_eq!(site.visit(&again).await.user().as_deref(), Some("alice"));
    site.clock.advance(Duration::from_millis(1));
    site.log_out_everywhere("nobody");
    assert!(site.visit(&anonymous).await.is_empty());
}

#[tokio::test]
async fn a_request_that_was_on_its_way_saves_nothing_past_an_epoch() {
    let site = Site::new();
    let key = site.login("alice").await;
    site.clock.advance(Duration::from_mins(1));
    for way in ["save", "cycle", "logout"] {
        let slow = site.visit(&key).await;
        assert_eq!(slow.user().as_deref(), Some("alice"));
        site.log_out_everywhere("alice");
        let done = match way {
            "logout" => {
                slow.logout();
                slow.save().await
            }
            "cycle" => {
                slow.cycle_key();
                slow.save().await
            }
            _ => slow.update("n", |n: &mut i64| *n += 1).await.map(|_| ()),
        };
        if way == "logout" {
            done.unwrap();
        } else {
            assert_eq!(done.unwrap_err().kind(), ErrorKind::Interrupted, "{way}");
        }
        assert_eq!(slow.activity().cookie, CookieChange::Keep, "the browser may have logged in again by now");
        site.users.0.lock().unwrap().clear();
    }
}

#[tokio::test]
async fn a_value_that_is_issued_as_an_epoch_begins_is_of_before_it() {
    /// Whoever asks is told what was; it begins anew as they are told.
    #[derive(Debug)]
    struct Overtaking(ManualClock, Mutex<Option<Timestamp>>);
    #[async_trait::async_trait]
    impl Epochs for Overtaking {
        async fn not_before(&self, _: Option<&str>) -> Result<Option<Timestamp>> {
            self.0.advance(Duration::from_millis(1));
            Ok(self.1.lock().unwrap().replace(self.0.now()))
        }
    }
    let clock = ManualClock::at(NOW);
    let epochs = Overtaking(clock.clone(), Mutex::default());
    let sessions =
        sessions(Config::new(KEY).epochs(epochs).clock(Arc::new(clock.clone())).open().unwrap(), &clock);
    let session = sessions.load(None).await.unwrap();
    session.insert("n", 1).unwrap();
    session.save().await.unwrap();
    session.insert("n", 2).unwrap();
    session.save().await.unwrap();
    assert!(sessions.load(session.key()).await.unwrap().is_empty());
}

#[tokio::test]
async fn an_epoch_that_can_not_be_asked_for_fails_the_request_and_leaves_the_cookie() {
    let site = Site::new();
    let key = site.login("alice").await;
    let session = site.visit(&key).await;
    site.users.set("alice", None);
    let load = site.sessions.load(Some(key.clone())).await.unwrap_err();
    session.insert("n", 1).unwrap();
    let save = session.save().await.unwrap_err();
    session.logout();
    let logout = session.save().await.unwrap_err();
    for error in [load, save, logout] {
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert!(!error.to_string().contains("alice"), "{error}");
    }
    assert_eq!(session.activity().cookie, CookieChange::Keep);
    site.users.set("alice", Some(Timestamp::MIN));
    assert_eq!(site.visit(&key).await.user().as_deref(), Some("alice"));
}

#[tokio::test]
async fn whoever_forges_is_not_asked_about() {
    #[derive(Debug)]
    struct Never;
    #[async_trait::async_trait]
    impl Epochs for Never {
        async fn not_before(&self, _: Option<&str>) -> Result<Option<Timestamp>> {
            panic!("asked for what nobody has signed")
        }
    }
    let clock = ManualClock::at(NOW);
    let sessions =
        sessions(Config::new(KEY).epochs(Never).clock(Arc::new(clock.clone())).open().unwrap(), &clock);
    let forged = sessions.parse_key(&"A".repeat(200)).unwrap();
    assert_eq!(sessions.load(Some(forged)).await.unwrap().key(), None);
}
