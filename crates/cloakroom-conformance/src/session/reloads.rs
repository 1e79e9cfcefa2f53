//! A session that is looked at again: for what goes on for long.

use std::time::Duration;

use cloakroom_core::{CookieChange, ErrorKind};
use serde_json::{Value, json};

use super::{names, newcomer, number, stored, visit};
use crate::{Engine, Limit};

/// They are neither lost nor stored by it.
pub async fn a_reload_shows_what_others_changed_under_ones_own_waiting_changes(engine: Engine) {
    if engine.lacks(Limit::Arbitration).await {
        return;
    }
    let sessions = engine.sessions();
    let key = stored(&sessions).await;
    let (long, other) = (visit(&sessions, &key).await, visit(&sessions, &key).await);
    long.insert("own", 1).unwrap();
    long.insert("both", "long").unwrap();
    other.insert("both", "other").unwrap();
    other.remove("seed");
    other.save().await.unwrap();
    long.reload().await.unwrap();
    let all: Value = long.read().unwrap();
    assert_eq!(all, json!({ "both": "long", "own": 1 }));
    assert!(long.is_modified(), "they still wait");
    assert_eq!(names(&sessions, &key).await, ["both"], "and a reload stores nothing");
    long.save().await.unwrap();
    assert_eq!(visit(&sessions, &key).await.read::<Value>().unwrap(), all);
}

/// There is nothing to look at.
pub async fn a_reload_of_what_is_not_stored_changes_nothing(engine: Engine) {
    let session = newcomer(&engine.sessions()).await;
    session.insert("n", 1).unwrap();
    session.reload().await.unwrap();
    assert_eq!((session.key(), session.names()), (None, vec!["n".to_owned()]));
    assert!(session.is_modified());
}

/// Its changes have nowhere to go, and that stays so.
pub async fn a_reload_of_an_ended_session_is_interrupted(engine: Engine) {
    if engine.lacks(Limit::Revocation).await {
        return;
    }
    let sessions = engine.sessions();
    let key = stored(&sessions).await;
    let (long, logout) = (visit(&sessions, &key).await, visit(&sessions, &key).await);
    long.insert("late", 1).unwrap();
    logout.logout();
    logout.save().await.unwrap();
    for _ in 0..2 {
        assert_eq!(long.reload().await.unwrap_err().kind(), ErrorKind::Interrupted);
        assert_eq!(long.save().await.unwrap_err().kind(), ErrorKind::Interrupted);
    }
    assert_eq!(long.activity().cookie, CookieChange::Keep);
    assert_eq!(visit(&sessions, &key).await.key(), None);
}

/// Nobody has ended it but time.
pub async fn a_reload_after_the_sessions_end_is_interrupted(engine: Engine) {
    if engine.lacks(Limit::Deadlines).await {
        return;
    }
    let minute = Duration::from_mins(1);
    let sessions = engine.sessions_with(|options| options.lifetime.age = minute);
    let session = visit(&sessions, &stored(&sessions).await).await;
    session.reload().await.unwrap();
    engine.pass(minute);
    assert_eq!(session.reload().await.unwrap_err().kind(), ErrorKind::Interrupted);
}

/// It commits there what waits, and the browser is told.
pub async fn a_reload_after_a_renewal_goes_on_under_the_new_key(engine: Engine) {
    if engine.lacks(Limit::HashedIds).await {
        return;
    }
    let hour = Duration::from_hours(1);
    let sessions = engine.sessions_with(|options| options.key_renewal = Some(hour));
    let old = stored(&sessions).await;
    engine.pass(hour);
    let (long, renewing) = (visit(&sessions, &old).await, visit(&sessions, &old).await);
    long.insert("own", 1).unwrap();
    renewing.renew_key().await.unwrap();
    let new = renewing.key().unwrap();
    assert_ne!(new, old);
    long.reload().await.unwrap();
    assert_eq!(long.key().as_ref(), Some(&new));
    assert!(long.is_modified());
    long.save().await.unwrap();
    assert_eq!(number(&sessions, &new, "own").await, Some(1));
    assert!(matches!(long.activity().cookie, CookieChange::Set(told, _) if told == new));
}
