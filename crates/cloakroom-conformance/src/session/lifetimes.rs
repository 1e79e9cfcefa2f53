//! When a session ends.

use std::sync::Arc;
use std::time::Duration;

use cloakroom_core::{BrowserEnd, CookieChange, Expiry, Session, SessionKey, Sessions};

use super::{newcomer, stored, visit};
use crate::{Engine, Faulty, Limit, Operation};

const MINUTE: Duration = Duration::from_mins(1);

/// Whether a session lives: seen without noting the visit.
async fn lives(sessions: &Sessions, key: &SessionKey) -> bool {
    visit(sessions, key).await.key().is_some()
}

/// Sees that noting a visit tells the browser nothing; where it makes a new value, that it tells just that.
fn assert_told(session: &Session, quiet: bool, noted: bool) {
    match session.activity().cookie {
        CookieChange::Keep => assert!(quiet || !noted),
        CookieChange::Set(key, _) => {
            assert!(!quiet && noted);
            assert_eq!(Some(key), session.key());
        }
        CookieChange::Remove => panic!("nothing was ended"),
    }
}

/// Sessions with an age of ten minutes.
fn short(engine: &Engine) -> Sessions {
    engine.sessions_with(|options| options.lifetime.age = MINUTE * 10)
}

/// Ten minutes from the last change.
pub async fn a_change_starts_the_age_anew_and_a_visit_does_not(engine: Engine) {
    if engine.lacks(Limit::Deadlines).await {
        return;
    }
    let sessions = short(&engine);
    let key = stored(&sessions).await;
    engine.pass(MINUTE * 9);
    let session = visit(&sessions, &key).await;
    session.insert("n", 1).unwrap();
    session.save().await.unwrap();
    engine.pass(MINUTE * 9);
    visit(&sessions, &key).await.touch().await.unwrap();
    assert!(lives(&sessions, &key).await);
    engine.pass(MINUTE);
    assert!(!lives(&sessions, &key).await);
}

/// Never early, a tenth late at most.
pub async fn an_idle_session_ends_on_time_and_visits_keep_it(engine: Engine) {
    if engine.lacks(Limit::Beginnings).await {
        return;
    }
    let sessions = engine.sessions_with(|options| options.lifetime.idle = Some(MINUTE * 10));
    let key = stored(&sessions).await;
    for _ in 0..5 {
        engine.pass(MINUTE * 10);
        visit(&sessions, &key).await.touch().await.unwrap();
    }
    engine.pass(MINUTE * 10);
    assert!(lives(&sessions, &key).await, "never early");
    engine.pass(MINUTE);
    assert!(!lives(&sessions, &key).await, "a tenth late at most");
}

/// And it is not a new revision, and the cookie stays.
pub async fn a_visit_is_written_only_when_a_tenth_has_passed(engine: Engine) {
    if engine.lacks(Limit::Beginnings).await {
        return;
    }
    let faulty = Faulty::new(Arc::clone(&engine.backend));
    let sessions = engine.sessions_over(faulty.clone(), |options| options.lifetime.idle = Some(MINUTE * 10));
    let key = stored(&sessions).await;
    let writer = visit(&sessions, &key).await;
    let quiet = !engine.lacks(Limit::Quiet).await;
    faulty.calls();
    for (passed, calls) in [(MINUTE / 2, 0), (MINUTE / 2, 1), (MINUTE / 2, 0), (MINUTE / 2, 1)] {
        engine.pass(passed);
        let session = visit(&sessions, &key).await;
        assert_eq!(session.activity().touch_due, calls == 1);
        session.touch().await.unwrap();
        assert_told(&session, quiet, calls == 1);
        assert_eq!(faulty.calls().into_iter().filter(|call| *call == Operation::Touch).count(), calls);
    }
    writer.insert("n", 1).unwrap();
    writer.save().await.unwrap();
    assert_eq!(faulty.calls(), [Operation::Save], "no writer conflicts with a visit");
}

/// One request loads, another shortens the life, the first notes its visit.
pub async fn a_visit_never_undoes_a_shorter_expiry(engine: Engine) {
    if engine.lacks(Limit::Arbitration).await || engine.lacks(Limit::Beginnings).await {
        return;
    }
    let sessions = engine.sessions_with(|options| options.lifetime.idle = Some(MINUTE * 10));
    let key = stored(&sessions).await;
    engine.pass(MINUTE * 5);
    let (visiting, shortening) = (visit(&sessions, &key).await, visit(&sessions, &key).await);
    shortening.set_expiry(MINUTE);
    shortening.save().await.unwrap();
    visiting.touch().await.unwrap();
    engine.pass(MINUTE);
    assert!(!lives(&sessions, &key).await);
}

/// Its last visits move the deadline by less than a tenth.
pub async fn an_idle_session_that_is_visited_lives_to_its_absolute_end(engine: Engine) {
    if engine.lacks(Limit::Beginnings).await {
        return;
    }
    let sessions = engine.sessions_with(|options| {
        options.lifetime.idle = Some(MINUTE * 10);
        options.lifetime.absolute = Some(Duration::from_secs(690));
    });
    let key = stored(&sessions).await;
    for _ in 0..11 {
        engine.pass(MINUTE);
        visit(&sessions, &key).await.touch().await.unwrap();
    }
    engine.pass(Duration::from_secs(29));
    assert!(lives(&sessions, &key).await);
    engine.pass(Duration::from_secs(1));
    assert!(!lives(&sessions, &key).await);
}

/// The first visit brings its deadline nearer; without a visit it is over.
pub async fn an_idle_timeout_reaches_sessions_that_were_stored_without_one(engine: Engine) {
    if engine.lacks(Limit::Beginnings).await {
        return;
    }
    let (visited, left) = (stored(&engine.sessions()).await, stored(&engine.sessions()).await);
    let strict = engine.sessions_with(|options| options.lifetime.idle = Some(MINUTE * 10));
    engine.pass(MINUTE * 5);
    let session = visit(&strict, &visited).await;
    assert!(session.activity().touch_due);
    session.touch().await.unwrap();
    assert_told(&session, !engine.lacks(Limit::Quiet).await, true);
    engine.pass(MINUTE * 6);
    assert!(lives(&strict, &visited).await);
    assert!(!lives(&strict, &left).await);
    engine.pass(MINUTE * 5);
    assert!(!lives(&strict, &visited).await);
}

/// Whatever else was set, and however often it is used; a login starts it anew.
pub async fn the_absolute_limit_ends_a_busy_session(engine: Engine) {
    if engine.lacks(Limit::Beginnings).await {
        return;
    }
    let sessions = engine.sessions_with(|options| options.lifetime.absolute = Some(MINUTE * 10));
    let key = stored(&sessions).await;
    for n in 0..9 {
        engine.pass(MINUTE);
        let session = visit(&sessions, &key).await;
        session.set_expiry(MINUTE * 60);
        session.insert("n", n).unwrap();
        session.save().await.unwrap();
    }
    assert!(lives(&sessions, &key).await);
    let session = visit(&sessions, &key).await;
    session.login("alice").unwrap();
    session.save().await.unwrap();
    let key = session.key().unwrap();
    engine.pass(MINUTE * 9);
    assert!(lives(&sessions, &key).await, "login starts it anew");
    engine.pass(MINUTE);
    assert!(!lives(&sessions, &key).await);
}

/// Their deadlines are older than the limit.
pub async fn a_lowered_limit_reaches_sessions_that_are_already_stored(engine: Engine) {
    if engine.lacks(Limit::Beginnings).await {
        return;
    }
    let key = stored(&engine.sessions()).await;
    let strict = engine.sessions_with(|options| options.lifetime.absolute = Some(MINUTE));
    assert!(lives(&strict, &key).await);
    engine.pass(MINUTE);
    assert!(!lives(&strict, &key).await);
    assert!(lives(&engine.sessions(), &key).await, "its record was left as it is");
}

/// Another process is told that sessions live longer, and that they live shorter.
pub async fn a_stored_end_counts_whatever_age_is_set_by_now(engine: Engine) {
    if engine.lacks(Limit::Deadlines).await {
        return;
    }
    let key = stored(&short(&engine)).await;
    let (end, last) = (engine.now().plus(MINUTE * 10), Duration::from_millis(1));
    let ages = [MINUTE * 600, MINUTE].map(|age| engine.sessions_with(|options| options.lifetime.age = age));
    engine.pass(end.minus(last).since(engine.now()));
    for sessions in &ages {
        let session = visit(sessions, &key).await;
        assert_eq!(session.expiry_date(), end);
        session.touch().await.unwrap();
        session.save().await.unwrap();
        assert_eq!((session.expiry_date(), session.activity().cookie), (end, CookieChange::Keep));
    }
    engine.pass(last);
    for sessions in &ages {
        assert!(!lives(sessions, &key).await);
    }
}

/// Until then, and not a moment longer.
pub async fn a_fixed_moment_is_not_moved_by_changes(engine: Engine) {
    let sessions = engine.sessions();
    let end = engine.now().plus(MINUTE * 10);
    let session = newcomer(&sessions).await;
    session.set_expiry(end);
    session.insert("n", 1).unwrap();
    session.save().await.unwrap();
    let key = session.key().unwrap();
    engine.pass(MINUTE * 5);
    let session = visit(&sessions, &key).await;
    assert_eq!((session.expiry(), session.expiry_age()), (Expiry::At(end), MINUTE * 5));
    session.insert("n", 2).unwrap();
    session.save().await.unwrap();
    assert_eq!(session.expiry_date(), end);
    engine.pass(MINUTE * 5);
    assert!(!lives(&sessions, &key).await);
}

/// And the browser hears of it.
pub async fn setting_the_same_expiry_again_starts_it_anew(engine: Engine) {
    let sessions = engine.sessions();
    let key = stored(&sessions).await;
    for _ in 0..3 {
        let session = visit(&sessions, &key).await;
        session.set_expiry(MINUTE);
        session.save().await.unwrap();
        let end = engine.now().plus(MINUTE);
        assert_eq!(session.expiry_date(), end);
        assert_eq!(session.activity().cookie, CookieChange::Set(session.key().unwrap(), BrowserEnd::At(end)));
        engine.pass(MINUTE / 2);
    }
}

/// Deadline and owner are derived again from what the conflict brought.
pub async fn a_write_that_meets_a_new_expiry_keeps_it(engine: Engine) {
    if engine.lacks(Limit::Arbitration).await {
        return;
    }
    let sessions = engine.sessions();
    let key = stored(&sessions).await;
    let (writing, shortening) = (visit(&sessions, &key).await, visit(&sessions, &key).await);
    shortening.set_expiry(MINUTE);
    shortening.save().await.unwrap();
    writing.insert("n", 1).unwrap();
    writing.save().await.unwrap();
    assert_eq!(engine.get(&key.id()).await.unwrap().record.expires_at, engine.now().plus(MINUTE));
    assert_eq!(writing.expiry(), Expiry::After(MINUTE));
}

/// After its age, whether or not the browser was ever closed.
pub async fn a_session_until_the_browser_closes_still_ends_on_the_server(engine: Engine) {
    if engine.lacks(Limit::Deadlines).await {
        return;
    }
    let sessions = short(&engine);
    let session = newcomer(&sessions).await;
    session.set_expiry(Expiry::BrowserClose);
    session.insert("n", 1).unwrap();
    session.save().await.unwrap();
    assert!(session.expires_at_browser_close());
    assert!(matches!(session.activity().cookie, CookieChange::Set(_, BrowserEnd::Close)));
    let key = session.key().unwrap();
    engine.pass(MINUTE * 10);
    assert!(!lives(&sessions, &key).await);
}

/// And the browser hears of its new end.
pub async fn a_session_that_is_marked_is_stored_again_and_starts_its_age_anew(engine: Engine) {
    if engine.lacks(Limit::Deadlines).await {
        return;
    }
    let faulty = Faulty::new(Arc::clone(&engine.backend));
    let sessions = engine.sessions_over(faulty.clone(), |options| options.lifetime.age = MINUTE * 10);
    let key = stored(&sessions).await;
    engine.pass(MINUTE * 9);
    let session = visit(&sessions, &key).await;
    faulty.calls();
    session.mark_modified();
    assert!(session.is_accessed() && session.is_modified());
    assert_eq!(session.expiry_age(), MINUTE * 10);
    session.save().await.unwrap();
    assert!(!session.is_modified());
    session.save().await.unwrap();
    assert_eq!(faulty.calls(), [Operation::Save]);
    let end = engine.now().plus(MINUTE * 10);
    assert_eq!(session.activity().cookie, CookieChange::Set(session.key().unwrap(), BrowserEnd::At(end)));
    engine.pass(MINUTE * 9);
    assert!(lives(&sessions, &key).await);
    engine.pass(MINUTE);
    assert!(!lives(&sessions, &key).await);
}

/// There is nothing to remember.
pub async fn marking_a_session_that_is_not_stored_stores_nothing(engine: Engine) {
    let faulty = Faulty::new(Arc::clone(&engine.backend));
    let session = newcomer(&engine.sessions_over(faulty.clone(), |_| {})).await;
    session.mark_modified();
    session.save().await.unwrap();
    assert_eq!((session.key(), faulty.calls()), (None, Vec::new()));
}
