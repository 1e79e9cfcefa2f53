//! Logins in limited number that are cut, refused or left: nothing of them stays.

use std::sync::Arc;

use cloakroom_core::{CookieChange, ErrorKind, LoginPolicy, Result, Session, Sessions};
use cloakroom_http::{Step, plan};
use tokio::task::JoinHandle;

use super::super::{cut, cut_at, logged_in, names, newcomer, saving, stored, visit};
use super::MINUTE;
use super::limited::{SECOND, limit, limited_over};
use crate::{Engine, Fault, Faulty, Gate, Operation};

/// One place for alice, and two who want it.
struct Rivals {
    faulty: Faulty,
    sessions: Sessions,
    /// A visitor with a seed who has logged in as alice, and has not saved that.
    late: Session,
    /// Who has logged in a moment before, and knows of no limit.
    early: Session,
}

impl Rivals {
    /// Or just the limit, of an engine that lists nobody's sessions.
    async fn over(engine: &Engine) -> Option<Self> {
        engine.index_or_limit().await?;
        let faulty = Faulty::new(Arc::clone(&engine.backend));
        let sessions = limited_over(engine, &faulty, 1, LoginPolicy::Refuse);
        let early = visit(&engine.sessions(), &stored(&sessions).await).await;
        early.login("alice").unwrap();
        engine.pass(SECOND);
        let late = visit(&sessions, &stored(&sessions).await).await;
        late.login("alice").unwrap();
        Some(Self { faulty, sessions, late, early })
    }

    /// The late one is stored, and has not looked yet, when the early one takes the place. It is told that.
    async fn refused(&self, meanwhile: impl FnOnce()) {
        assert_eq!(
            self.refusing(meanwhile).await.await.unwrap().unwrap_err().kind(),
            ErrorKind::TooManySessions
        );
    }

    /// The same, on its way.
    async fn refusing(&self, meanwhile: impl FnOnce()) -> JoinHandle<Result<()>> {
        let gate = Gate::default();
        self.faulty.fail(Operation::Rotate, Fault::HoldReply(gate.clone()));
        let login = saving(&self.late);
        gate.reached().await;
        self.early.save().await.unwrap();
        meanwhile();
        gate.open();
        login
    }

    /// Its future is dropped before it has looked.
    async fn cut(&self) {
        cut_at(&self.faulty, Operation::Rotate, true, &self.late).await;
        self.early.save().await.unwrap();
    }

    /// Sees that the early one is alice's only session, and that the visitor has what they had before.
    async fn assert_taken_back(&self) {
        let next = visit(&self.sessions, &self.late.key().unwrap()).await;
        assert_eq!((next.user(), next.names()), (None, vec!["seed".to_owned()]));
        let alices = self.sessions.of_user("alice").await.unwrap();
        assert_eq!(alices.into_iter().map(|one| one.id).collect::<Vec<_>>(), [self.early.id().unwrap()]);
    }
}

/// What adapters do where a handler has failed.
async fn fail(session: &Session) {
    assert_eq!(plan(&session.activity(), 500, false), Some(Step::Finish));
    Step::Finish.take(session).await.unwrap();
}

/// It was stored, and is found as the next one is committed or before.
pub async fn a_login_that_was_cut_and_given_up_shows_the_next_user_nothing(engine: Engine) {
    let counted = engine.index_or_limit().await.is_some();
    let faulty = Faulty::new(Arc::clone(&engine.backend));
    let sessions = engine.sessions_over(faulty.clone(), |options| {
        if counted {
            limit(options, 2, LoginPolicy::Refuse);
        }
    });
    for failed in [false, true] {
        let session = newcomer(&sessions).await;
        session.login("alice").unwrap();
        session.insert("cart", 1).unwrap();
        cut_at(&faulty, Operation::Create, true, &session).await;
        if failed {
            fail(&session).await;
        } else {
            session.discard();
        }
        session.login("bob").unwrap();
        session.save().await.unwrap();
        let next = visit(&sessions, &session.key().unwrap()).await;
        for session in [session, next] {
            assert_eq!((session.user().as_deref(), session.names()), (Some("bob"), vec![]), "{failed}");
        }
    }
}

/// What was there before is back, and lives for as long as it would have.
pub async fn a_login_that_is_refused_after_it_was_stored_leaves_nothing_that_was_committed_with_it(
    engine: Engine,
) {
    let Some(rivals) = Rivals::over(&engine).await else { return };
    rivals.late.clear();
    rivals.late.insert("name", "Alice").unwrap();
    rivals.late.set_expiry(MINUTE);
    rivals.refused(|| {}).await;
    engine.pass(MINUTE);
    rivals.assert_taken_back().await;
}

/// That one was left by the login. What waits is the visitor's own.
pub async fn a_login_that_is_refused_after_it_was_stored_leaves_nothing_of_another_users_session(
    engine: Engine,
) {
    let Some(mut rivals) = Rivals::over(&engine).await else { return };
    let bobs = logged_in(&rivals.sessions, "bob").await;
    bobs.update("cart", |n: &mut i64| *n += 1).await.unwrap();
    rivals.late = visit(&rivals.sessions, &bobs.key().unwrap()).await;
    rivals.late.login("alice").unwrap();
    rivals.refused(|| rivals.late.insert("waits", 1).unwrap()).await;
    assert_eq!((rivals.late.key(), rivals.late.activity().cookie), (None, CookieChange::Remove));
    assert!(rivals.sessions.of_user("bob").await.unwrap().is_empty());
    assert_eq!(rivals.sessions.of_user("alice").await.unwrap().len(), 1);
    rivals.late.save().await.unwrap();
    let next = visit(&rivals.sessions, &rivals.late.key().unwrap()).await;
    assert_eq!((next.user(), next.names()), (None, vec!["waits".to_owned()]));
}

/// The store had refused that. Until then the visitor is not logged in either, for who asks this handle.
pub async fn a_refused_login_that_still_stands_is_taken_back_also_where_the_handler_fails(engine: Engine) {
    let Some(rivals) = Rivals::over(&engine).await else { return };
    rivals.refused(|| rivals.faulty.fail(Operation::Rotate, Fault::Refuse)).await;
    assert_eq!((rivals.late.user(), rivals.late.names()), (None, vec!["seed".to_owned()]));
    assert_eq!(rivals.sessions.of_user("alice").await.unwrap().len(), 2);
    fail(&rivals.late).await;
    rivals.assert_taken_back().await;
}

/// The store has done that or not, and may not even be there to tell as the handler has failed. A next commit tells the refusal.
pub async fn a_refused_login_whose_taking_back_was_cut_is_taken_back_by_what_comes_next(engine: Engine) {
    for done in [false, true] {
        for next in ["a commit", "a failure", "a failure without an answer"] {
            let Some(rivals) = Rivals::over(&engine).await else { return };
            let gate = Gate::default();
            let held = if done { Fault::HoldReply(gate.clone()) } else { Fault::Hold(gate.clone()) };
            let login = rivals.refusing(|| rivals.faulty.fail(Operation::Rotate, held)).await;
            gate.reached().await;
            login.abort();
            assert!(login.await.unwrap_err().is_cancelled());
            if next == "a commit" {
                let refused = rivals.late.save().await.unwrap_err();
                assert_eq!(refused.kind(), ErrorKind::TooManySessions);
            } else {
                if next == "a failure without an answer" {
                    rivals.faulty.fail(Operation::Load, Fault::Refuse);
                }
                fail(&rivals.late).await;
            }
            rivals.assert_taken_back().await;
            rivals.early.logout();
            rivals.early.save().await.unwrap();
        }
    }
}

/// The browser can't be told another key than that of the login by then.
pub async fn a_login_that_is_refused_after_the_headers_have_left_is_taken_back(engine: Engine) {
    let Some(rivals) = Rivals::over(&engine).await else { return };
    rivals.refused(|| rivals.late.headers_left()).await;
    let CookieChange::Set(told, _) = rivals.late.activity().cookie else { panic!("the login's key is told") };
    assert_eq!(rivals.late.key(), Some(told));
    rivals.assert_taken_back().await;
}

/// Of two handles on one session.
pub async fn a_login_by_another_handle_survives_the_refusal_of_the_one_before(engine: Engine) {
    let Some(rivals) = Rivals::over(&engine).await else { return };
    let clone = rivals.late.clone();
    rivals.refused(|| clone.login("bob").unwrap()).await;
    clone.save().await.unwrap();
    let next = visit(&rivals.sessions, &clone.key().unwrap()).await;
    for session in [clone, next] {
        assert_eq!((session.user().as_deref(), session.names()), (Some("bob"), vec![]));
    }
    assert_eq!(rivals.sessions.of_user("alice").await.unwrap().len(), 1);
}

/// Who was to take the refused one's place finds none either: it does not stand for that.
pub async fn a_login_that_is_refused_is_taken_back_also_if_the_next_one_fails(engine: Engine) {
    let Some(rivals) = Rivals::over(&engine).await else { return };
    logged_in(&rivals.sessions, "bob").await;
    rivals.refused(|| rivals.late.login("bob").unwrap()).await;
    assert_eq!(rivals.late.save().await.unwrap_err().kind(), ErrorKind::TooManySessions);
    rivals.assert_taken_back().await;
}

/// It is one more than are allowed, asked for once or twice.
pub async fn a_login_that_was_cut_and_is_asked_for_again_is_refused_as_well(engine: Engine) {
    let Some(rivals) = Rivals::over(&engine).await else { return };
    rivals.cut().await;
    rivals.late.login("alice").unwrap();
    assert_eq!(rivals.late.save().await.unwrap_err().kind(), ErrorKind::TooManySessions);
    rivals.late.discard();
    rivals.assert_taken_back().await;
}

/// To take it back is a commit. What waits does not go with it, and goes on waiting.
pub async fn a_login_that_is_taken_back_where_the_handler_fails_takes_nothing_along_that_waited(
    engine: Engine,
) {
    let Some(rivals) = Rivals::over(&engine).await else { return };
    rivals.cut().await;
    rivals.late.insert("waits", 1).unwrap();
    fail(&rivals.late).await;
    rivals.assert_taken_back().await;
    rivals.late.save().await.unwrap();
    assert_eq!(names(&rivals.sessions, &rivals.late.key().unwrap()).await, ["seed", "waits"]);
}

/// It was stored, and was about to end the oldest.
pub async fn a_login_whose_look_was_cut_is_looked_at_also_where_the_handler_fails(engine: Engine) {
    if engine.index_or_limit().await.is_none() {
        return;
    }
    let faulty = Faulty::new(Arc::clone(&engine.backend));
    let sessions = limited_over(&engine, &faulty, 1, LoginPolicy::EndOldest);
    let oldest = logged_in(&sessions, "alice").await;
    engine.pass(SECOND);
    let session = newcomer(&sessions).await;
    session.login("alice").unwrap();
    cut(&faulty, Operation::Delete, &session).await;
    assert!(visit(&sessions, &oldest.key().unwrap()).await.user().is_some());
    fail(&session).await;
    assert_eq!(visit(&sessions, &oldest.key().unwrap()).await.key(), None);
    assert_eq!(visit(&sessions, &session.key().unwrap()).await.user().as_deref(), Some("alice"));
}
