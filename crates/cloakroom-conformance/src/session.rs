//! Cases for the promises that sessions make, on top of any engine.

pub mod endings;
pub mod entries;
pub mod expiries;
pub mod keys;
pub mod lifetimes;
pub mod limits;
pub mod logins;
pub mod losses;
pub mod reloads;
pub mod renewals;
pub mod tellings;
pub mod updates;

use cloakroom_core::{CookieChange, Result, Session, SessionKey, Sessions};
use cloakroom_http::plan;
use tokio::task::JoinHandle;

use crate::{Engine, Fault, Faulty, Gate, Limit, Operation};

/// A request of a visitor who has no cookie.
async fn newcomer(sessions: &Sessions) -> Session {
    sessions.load(None).await.unwrap()
}

/// A request of the visitor who holds this key.
async fn visit(sessions: &Sessions, key: &SessionKey) -> Session {
    sessions.load(Some(key.clone())).await.unwrap()
}

/// The key of a stored session with one entry, `seed`.
async fn stored(sessions: &Sessions) -> SessionKey {
    let session = newcomer(sessions).await;
    session.insert("seed", 1).unwrap();
    session.save().await.unwrap();
    session.key().unwrap()
}

/// A stored session of this user.
async fn logged_in(sessions: &Sessions, user: &str) -> Session {
    let session = newcomer(sessions).await;
    session.login(user).unwrap();
    session.save().await.unwrap();
    session
}

/// Another part of the same request saves the session meanwhile.
fn saving(session: &Session) -> JoinHandle<Result<()>> {
    let session = session.clone();
    tokio::spawn(async move { session.save().await })
}

/// A save whose future is dropped before the engine has done anything.
async fn cut(faulty: &Faulty, operation: Operation, session: &Session) {
    cut_at(faulty, operation, false, session).await;
}

/// A save whose future is dropped before the engine has done anything, or when it has and nobody knows.
async fn cut_at(faulty: &Faulty, operation: Operation, done: bool, session: &Session) {
    let gate = Gate::default();
    faulty.fail(operation, if done { Fault::HoldReply(gate.clone()) } else { Fault::Hold(gate.clone()) });
    let save = saving(session);
    gate.reached().await;
    save.abort();
    assert!(save.await.unwrap_err().is_cancelled());
}

/// Sees that a key opens nothing any more; or, where the engine can't end what it has handed out, that it
/// still opens something.
async fn assert_ended(engine: &Engine, key: &SessionKey) {
    let found = visit(&engine.sessions(), key).await.key();
    if engine.lacks(Limit::Revocation).await {
        assert!(found.is_some(), "the limit does not show");
    } else {
        assert_eq!(found, None);
    }
}

/// A browser that holds what it was told.
#[derive(Debug, Default)]
pub(crate) struct Browser(Option<SessionKey>);

impl Browser {
    /// A request of this browser.
    async fn visit(&self, sessions: &Sessions) -> Session {
        sessions.load(self.0.clone()).await.unwrap()
    }

    /// What it holds.
    pub(crate) fn key(&self) -> Option<SessionKey> {
        self.0.clone()
    }

    /// The answer to that request arrives.
    pub(crate) fn hear(&mut self, session: &Session) {
        match session.activity().cookie {
            CookieChange::Keep => {}
            CookieChange::Set(key, _) => self.0 = Some(key),
            CookieChange::Remove => self.0 = None,
        }
    }

    /// The request ends as adapters end it, and its answer arrives. Its error is what a commit that fails is answered with.
    async fn answer(&mut self, session: &Session) -> Result<()> {
        let done = match plan(&session.activity(), 200, false) {
            Some(step) => step.take(session).await,
            None => Ok(()),
        };
        session.headers_left();
        if session.activity().unsettled {
            let _ = session.finish().await;
        }
        self.hear(session);
        done
    }
}

/// The end of a request in a task of its own; the browser has not heard yet.
fn answering(session: &Session) -> JoinHandle<Result<()>> {
    let session = session.clone();
    tokio::spawn(async move { Browser::default().answer(&session).await })
}

/// The number under `name`, as a new request finds it.
async fn number(sessions: &Sessions, key: &SessionKey, name: &str) -> Option<i64> {
    visit(sessions, key).await.get(name).unwrap()
}

/// The names that a new request finds.
async fn names(sessions: &Sessions, key: &SessionKey) -> Vec<String> {
    visit(sessions, key).await.names()
}
