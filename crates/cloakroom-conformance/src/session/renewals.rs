//! Keys that are renewed from time to time, and the requests that are on their way meanwhile.

use std::sync::Arc;
use std::time::Duration;

use cloakroom_core::{CookieChange, ErrorKind, Session, SessionKey, SessionOptions, Sessions};

use super::{Browser, answering, cut, logged_in, names, newcomer, number, stored, visit};
use crate::storage::walk::walked;
use crate::{Engine, Fault, Faulty, Gate, Limit, Operation};

pub(super) const MINUTE: Duration = Duration::from_mins(1);
pub(super) const HOUR: Duration = Duration::from_hours(1);

pub(super) fn hourly(options: &mut SessionOptions) {
    options.key_renewal = Some(HOUR);
}

/// Sessions whose keys are renewed every hour, and the key of one that is due. None on an engine that has no ids to
/// renew: just that must show.
pub(super) async fn due(engine: &Engine) -> Option<(Sessions, SessionKey)> {
    let sessions = engine.sessions_with(hourly);
    let key = stored(&sessions).await;
    engine.pass(HOUR);
    if engine.lacks(Limit::HashedIds).await {
        let session = visit(&sessions, &key).await;
        session.renew_key().await.unwrap();
        assert_eq!((session.key(), session.activity().cookie), (Some(key), CookieChange::Keep));
        return None;
    }
    Some((sessions, key))
}

/// A request that renews the key, and the new one.
async fn renewed(sessions: &Sessions, key: &SessionKey) -> SessionKey {
    let session = visit(sessions, key).await;
    session.renew_key().await.unwrap();
    assert_told(&session);
    let new = session.key().unwrap();
    assert_ne!(new, *key);
    new
}

/// Sees that the browser is told the key that the session has.
fn assert_told(session: &Session) {
    let CookieChange::Set(told, _) = session.activity().cookie else { panic!("the browser hears nothing") };
    assert_eq!(Some(told), session.key());
}

/// Whose time comes, and not before.
pub async fn a_key_is_renewed_when_it_is_due_and_its_session_stays_what_it_was(engine: Engine) {
    let Some((sessions, key)) = due(&engine).await else { return };
    let young = visit(&sessions, &stored(&sessions).await).await;
    assert!(!young.activity().key_due);
    let unasked = visit(&engine.sessions(), &key).await;
    assert!(!unasked.activity().key_due, "off unless asked for");
    let before = engine.get(&key.id()).await.unwrap().record;
    let new = renewed(&sessions, &key).await;
    let session = visit(&sessions, &new).await;
    assert_eq!(session.get::<i64>("seed").unwrap(), Some(1));
    assert_eq!(session.expiry_date(), before.expires_at, "a visit is no change");
    assert!(!session.activity().key_due);
}

/// Those that come with the old key, and those that have loaded the session by it.
pub async fn requests_on_their_way_with_a_renewed_key_are_served_and_told_the_new_one(engine: Engine) {
    let Some((sessions, key)) = due(&engine).await else { return };
    let (early, updating) = (visit(&sessions, &key).await, visit(&sessions, &key).await);
    early.insert("early", 1).unwrap();
    let new = renewed(&sessions, &key).await;
    early.save().await.unwrap();
    assert_eq!(updating.update("count", |n: &mut i64| *n += 1).await.unwrap(), 1);
    engine.pass(Duration::from_millis(59_999));
    let late = visit(&sessions, &key).await;
    assert_eq!(late.get::<i64>("seed").unwrap(), Some(1));
    assert!(late.activity().key_due, "so that an adapter has it told");
    late.renew_key().await.unwrap();
    for session in [&early, &updating, &late] {
        assert_eq!(session.key().as_ref(), Some(&new));
        assert_told(session);
    }
    assert_eq!(number(&sessions, &new, "early").await, Some(1));
    assert_eq!(number(&sessions, &new, "count").await, Some(1));
}

/// A minute later.
pub async fn a_renewed_key_is_dead_when_the_overlap_is_over(engine: Engine) {
    let Some((sessions, key)) = due(&engine).await else { return };
    let new = renewed(&sessions, &key).await;
    engine.pass(MINUTE);
    assert_eq!(visit(&sessions, &key).await.key(), None);
    assert!(visit(&sessions, &new).await.key().is_some());
    sessions.clear_expired(engine.now()).await.unwrap();
    assert!(engine.records().await.is_none_or(|records| records == 1));
}

/// And all end with the same key.
pub async fn of_many_requests_that_renew_a_key_one_does(engine: Engine) {
    let Some((_, key)) = due(&engine).await else { return };
    let sessions = engine.sessions_with(|options| {
        hourly(options);
        options.clock = engine.waiting_clock();
    });
    let mut requests = Vec::new();
    for _ in 0..8 {
        let session = visit(&sessions, &key).await;
        requests.push(tokio::spawn(async move {
            session.renew_key().await.unwrap();
            session.update("count", |n: &mut i64| *n += 1).await.unwrap();
            session.key().unwrap()
        }));
    }
    let mut keys = Vec::new();
    for request in requests {
        keys.push(request.await.unwrap());
    }
    assert!(keys.iter().any(|new| *new != key));
    let last = visit(&sessions, &key).await.key().unwrap();
    assert!(keys.iter().all(|new| *new == last || *new == key), "two keys were made");
    assert_eq!(number(&sessions, &last, "count").await, Some(8));
}

/// One has begun, and its record still stands under the old key.
pub async fn a_key_that_another_request_is_renewing_is_left_to_that(engine: Engine) {
    let Some((_, key)) = due(&engine).await else { return };
    let faulty = Faulty::new(Arc::clone(&engine.backend));
    let sessions = engine.sessions_over(faulty.clone(), hourly);
    let gate = Gate::default();
    faulty.fail(Operation::Rotate, Fault::Hold(gate.clone()));
    let (first, second) = (visit(&sessions, &key).await, visit(&sessions, &key).await);
    let renewing = tokio::spawn(async move {
        first.renew_key().await.unwrap();
        first.key().unwrap()
    });
    gate.reached().await;
    second.renew_key().await.unwrap();
    assert_eq!((second.key().as_ref(), second.activity().cookie), (Some(&key), CookieChange::Keep));
    gate.open();
    let new = renewing.await.unwrap();
    assert_ne!(new, key);
    for known in [&key, &new] {
        assert_eq!(visit(&sessions, known).await.key().as_ref(), Some(&new));
    }
}

/// For the commit that the request asks for itself.
pub async fn what_waits_goes_on_waiting_while_a_key_is_renewed(engine: Engine) {
    let Some((sessions, key)) = due(&engine).await else { return };
    let session = visit(&sessions, &key).await;
    session.insert("n", 1).unwrap();
    session.renew_key().await.unwrap();
    assert!(session.is_modified());
    let new = session.key().unwrap();
    assert_eq!(number(&sessions, &new, "n").await, None);
    session.save().await.unwrap();
    assert_eq!(number(&sessions, &new, "n").await, Some(1));
}

/// It is the commit's to say that, and nobody's to forget.
pub async fn a_change_whose_fate_is_unknown_is_reported_also_where_a_key_is_due(engine: Engine) {
    let Some((_, key)) = due(&engine).await else { return };
    let faulty = Faulty::new(Arc::clone(&engine.backend));
    let sessions = engine.sessions_over(faulty.clone(), hourly);
    let session = visit(&sessions, &key).await;
    session.insert("n", 1).unwrap();
    cut(&faulty, Operation::Save, &session).await;
    for value in [1, 2] {
        let other = visit(&engine.sessions(), &key).await;
        other.insert("other", value).unwrap();
        other.save().await.unwrap();
    }
    // As an adapter does at the end of a request.
    let _ = session.renew_key().await;
    assert_eq!(session.save().await.unwrap_err().kind(), ErrorKind::Unknown);
}

/// It came while the way from the old key to the new one was made.
pub async fn a_login_during_a_renewal_leaves_no_way_from_the_old_key(engine: Engine) {
    let Some((_, key)) = due(&engine).await else { return };
    let faulty = Faulty::new(Arc::clone(&engine.backend));
    let sessions = engine.sessions_over(faulty.clone(), hourly);
    let gate = Gate::default();
    faulty.fail(Operation::Create, Fault::HoldReply(gate.clone()));
    let session = visit(&sessions, &key).await;
    let renewing = tokio::spawn({
        let session = session.clone();
        async move { session.renew_key().await.unwrap() }
    });
    gate.reached().await;
    session.login("alice").unwrap();
    gate.open();
    renewing.await.unwrap();
    session.save().await.unwrap();
    assert_eq!(visit(&sessions, &key).await.key(), None);
    assert_eq!(visit(&sessions, &session.key().unwrap()).await.user().as_deref(), Some("alice"));
}

/// Whoever logs out means the session.
pub async fn a_logout_with_a_renewed_key_ends_the_session(engine: Engine) {
    let Some((sessions, key)) = due(&engine).await else { return };
    let early = visit(&sessions, &key).await;
    let new = renewed(&sessions, &key).await;
    early.logout();
    early.save().await.unwrap();
    assert_eq!(early.activity().cookie, CookieChange::Remove);
    for key in [&key, &new] {
        assert_eq!(visit(&sessions, key).await.key(), None);
    }
    let (sessions, key) = due(&engine).await.unwrap();
    let new = renewed(&sessions, &key).await;
    let late = visit(&sessions, &key).await;
    late.logout();
    late.save().await.unwrap();
    assert_eq!(late.activity().cookie, CookieChange::Remove);
    for key in [&key, &new] {
        assert_eq!(visit(&sessions, key).await.key(), None);
    }
}

/// Whoever knew a key before a login is left behind, however lately it was renewed.
pub async fn a_login_leaves_no_way_from_a_renewed_key(engine: Engine) {
    let Some((sessions, key)) = due(&engine).await else { return };
    let new = renewed(&sessions, &key).await;
    let session = visit(&sessions, &key).await;
    session.login("alice").unwrap();
    session.save().await.unwrap();
    for old in [&key, &new] {
        assert_eq!(visit(&sessions, old).await.key(), None);
    }
    assert_told(&session);
    assert_eq!(visit(&sessions, &session.key().unwrap()).await.user().as_deref(), Some("alice"));
}

/// The browser holds the one that a login in another tab has given it.
pub async fn a_late_answer_to_a_renewed_key_takes_no_newer_one_away(engine: Engine) {
    let Some((sessions, key)) = due(&engine).await else { return };
    let new = renewed(&sessions, &key).await;
    let late = visit(&sessions, &key).await;
    let login = visit(&sessions, &new).await;
    login.login("alice").unwrap();
    login.save().await.unwrap();
    late.renew_key().await.unwrap();
    assert_eq!(late.activity().cookie, CookieChange::Keep);
}

/// Before it was done, and after.
pub async fn a_renewal_that_is_cut_leaves_the_visitor_a_living_key(engine: Engine) {
    let Some((_, key)) = due(&engine).await else { return };
    let faulty = Faulty::new(Arc::clone(&engine.backend));
    let sessions = engine.sessions_over(faulty.clone(), hourly);
    for done in [false, true] {
        let gate = Gate::default();
        let fault = if done { Fault::HoldReply(gate.clone()) } else { Fault::Hold(gate.clone()) };
        faulty.fail(Operation::Rotate, fault);
        let session = visit(&sessions, &key).await;
        let renewing = tokio::spawn(async move { session.renew_key().await });
        gate.reached().await;
        renewing.abort();
        assert!(renewing.await.unwrap_err().is_cancelled());
        let again = visit(&sessions, &key).await;
        assert_eq!(again.get::<i64>("seed").unwrap(), Some(1));
        assert_eq!(again.key().as_ref() != Some(&key), done);
        engine.pass(MINUTE);
        sessions.clear_expired(engine.now()).await.unwrap();
    }
}

/// And another request renews it later.
pub async fn a_key_that_can_not_be_renewed_stays(engine: Engine) {
    let Some((_, key)) = due(&engine).await else { return };
    let faulty = Faulty::new(Arc::clone(&engine.backend));
    let sessions = engine.sessions_over(faulty.clone(), hourly);
    for (operation, fault) in [(Operation::Create, Fault::Refuse), (Operation::Rotate, Fault::Refuse)] {
        faulty.fail(operation, fault);
        let session = visit(&sessions, &key).await;
        session.insert("n", 1).unwrap();
        assert!(session.renew_key().await.is_err());
        session.save().await.unwrap();
        assert_eq!(session.key().as_ref(), Some(&key));
    }
    engine.pass(MINUTE);
    sessions.clear_expired(engine.now()).await.unwrap();
    renewed(&sessions, &key).await;
}

/// One renewal, and the browser is told its key.
pub async fn a_lost_reply_to_a_renewal_is_one_renewal(engine: Engine) {
    let Some((_, key)) = due(&engine).await else { return };
    let faulty = Faulty::new(Arc::clone(&engine.backend));
    let sessions = engine.sessions_over(faulty.clone(), hourly);
    faulty.fail(Operation::Rotate, Fault::LoseReply);
    let session = visit(&sessions, &key).await;
    session.renew_key().await.unwrap();
    assert_told(&session);
    assert_eq!(visit(&sessions, &key).await.key(), session.key());
}

/// The way from one key to the other is closed to who reads the store.
pub async fn neither_key_of_a_renewal_is_ever_stored(engine: Engine) {
    let Some((sessions, key)) = due(&engine).await else { return };
    let new = renewed(&sessions, &key).await;
    let all = walked(&*engine.backend, 100).await.unwrap();
    assert_eq!(all.len(), 2);
    for (id, stored) in all {
        for secret in [&key, &new] {
            let secret = &secret.expose().as_bytes()[3..];
            let shows = |text: &[u8]| text.windows(secret.len()).any(|part| part == secret);
            assert!(!shows(id.as_bytes()) && !shows(&stored.record.payload));
        }
    }
}

/// Whatever key they have by now.
pub async fn logging_out_everywhere_reaches_a_session_that_is_being_renewed(engine: Engine) {
    if engine.index_or_limit().await.is_none() {
        return;
    }
    let faulty = Faulty::new(Arc::clone(&engine.backend));
    let sessions = engine.sessions_over(faulty.clone(), hourly);
    let session = visit(&sessions, &stored(&sessions).await).await;
    session.login("alice").unwrap();
    session.save().await.unwrap();
    let key = session.key().unwrap();
    engine.pass(HOUR);
    let gate = Gate::default();
    faulty.fail(Operation::Rotate, Fault::HoldReply(gate.clone()));
    let renewing = visit(&sessions, &key).await;
    let renewal = tokio::spawn({
        let renewing = renewing.clone();
        async move { renewing.renew_key().await }
    });
    gate.reached().await;
    assert_eq!(sessions.revoke("alice").await.unwrap(), 1);
    gate.open();
    let _ = renewal.await.unwrap();
    assert_eq!(visit(&sessions, &key).await.key(), None);
    assert_eq!(visit(&sessions, &renewing.key().unwrap()).await.key(), None);
}

/// A documented limit: who goes on for longer has to look once a minute.
pub async fn a_handle_older_than_the_overlap_is_interrupted_although_its_session_lives(engine: Engine) {
    let Some((sessions, key)) = due(&engine).await else { return };
    let (reading, writing) = (visit(&sessions, &key).await, visit(&sessions, &key).await);
    let looking = visit(&sessions, &key).await;
    let new = renewed(&sessions, &key).await;
    engine.pass(Duration::from_millis(59_999));
    looking.reload().await.unwrap();
    engine.pass(Duration::from_millis(1));
    assert_eq!(reading.reload().await.unwrap_err().kind(), ErrorKind::Interrupted);
    writing.insert("n", 1).unwrap();
    assert_eq!(writing.save().await.unwrap_err().kind(), ErrorKind::Interrupted);
    looking.reload().await.unwrap();
    assert_eq!(names(&sessions, &new).await, ["seed"]);
}

/// Nothing leads there any more, but it is found by whose it is: where sessions are listed by that.
pub async fn a_logout_later_than_the_overlap_ends_a_users_session(engine: Engine) {
    if engine.lacks(Limit::HashedIds).await {
        return;
    }
    let sessions = engine.sessions_with(hourly);
    let spared = logged_in(&sessions, "alice").await.key().unwrap();
    for by_proof in [false, true] {
        engine.pass(MINUTE);
        let alices = newcomer(&sessions).await;
        alices.login_with_proof("alice", "old hash").unwrap();
        alices.save().await.unwrap();
        engine.pass(HOUR);
        let key = alices.key().unwrap();
        let late = visit(&sessions, &key).await;
        let new = renewed(&sessions, &key).await;
        engine.pass(MINUTE);
        if by_proof {
            assert!(!late.verify_login("new hash"));
        } else {
            late.logout();
        }
        late.save().await.unwrap();
        let lives = visit(&sessions, &new).await.key().is_some();
        if engine.index_or_limit().await.is_some() {
            assert_eq!((lives, late.activity().cookie), (false, CookieChange::Remove), "{by_proof}");
            assert!(visit(&sessions, &spared).await.key().is_some());
        } else {
            assert_eq!((lives, late.activity().cookie), (true, CookieChange::Keep), "{by_proof}");
        }
    }
}

/// A documented limit: nothing says whose it is. The browser keeps the key that it has by now.
pub async fn a_logout_later_than_the_overlap_does_not_find_an_anonymous_visitors_session(engine: Engine) {
    let Some((sessions, key)) = due(&engine).await else { return };
    let late = visit(&sessions, &key).await;
    let new = renewed(&sessions, &key).await;
    engine.pass(MINUTE);
    late.logout();
    late.save().await.unwrap();
    assert_eq!(late.activity().cookie, CookieChange::Keep);
    assert_eq!(names(&sessions, &new).await, ["seed"]);
}

/// It may have been stored before, and is reported; where the session is by now can't be seen at that moment.
pub async fn a_change_that_was_cut_before_a_renewal_is_never_acknowledged_and_lost(engine: Engine) {
    let Some((_, key)) = due(&engine).await else { return };
    if !engine.recognises_own_write().await {
        return;
    }
    let faulty = Faulty::new(Arc::clone(&engine.backend));
    let sessions = engine.sessions_over(faulty.clone(), hourly);
    let session = visit(&sessions, &key).await;
    session.insert("n", 1).unwrap();
    cut(&faulty, Operation::Save, &session).await;
    let new = renewed(&sessions, &key).await;
    faulty.fail(Operation::Load, Fault::Refuse);
    assert_eq!(session.save().await.unwrap_err().kind(), ErrorKind::Unknown);
    session.insert("after", 1).unwrap();
    session.save().await.unwrap();
    assert_eq!(names(&sessions, &new).await, ["seed", "after"]);
}

/// Others have stored something over it by the time that it is asked for.
pub async fn what_waits_is_stored_also_where_the_fate_of_a_renewal_is_unknown(engine: Engine) {
    let Some((_, key)) = due(&engine).await else { return };
    if !engine.recognises_own_write().await {
        return;
    }
    let faulty = Faulty::new(Arc::clone(&engine.backend));
    let sessions = engine.sessions_over(faulty.clone(), hourly);
    let mut browser = Browser(Some(key.clone()));
    let session = browser.visit(&sessions).await;
    session.insert("order", 1).unwrap();
    let gate = Gate::default();
    faulty.fail(Operation::Rotate, Fault::LoseRequest);
    faulty.fail(Operation::Rotate, Fault::Hold(gate.clone()));
    let answer = answering(&session);
    gate.reached().await;
    for _ in 0..2 {
        visit(&sessions, &key).await.update("n", |n: &mut i64| *n += 1).await.unwrap();
    }
    gate.open();
    answer.await.unwrap().unwrap();
    browser.hear(&session);
    assert_eq!(browser.visit(&sessions).await.names(), ["seed", "n", "order"]);
}

/// Its time is over when the request is answered: that is not taken for a renewal that came to nothing.
pub async fn what_is_refused_without_a_renewal_is_refused_with_one(engine: Engine) {
    if engine.lacks(Limit::Beginnings).await {
        return;
    }
    for every in [None, Some(HOUR)] {
        let sessions = engine.sessions_with(|options| {
            options.key_renewal = every;
            options.lifetime.absolute = Some(HOUR * 2);
        });
        let mut browser = Browser(Some(stored(&sessions).await));
        engine.pass(HOUR + MINUTE * 59);
        let session = browser.visit(&sessions).await;
        session.insert("order", 1).unwrap();
        engine.pass(MINUTE);
        let answer = browser.answer(&session).await;
        assert_eq!(answer.unwrap_err().kind(), ErrorKind::Interrupted, "{every:?}");
    }
}

/// Nor asks for anything.
pub async fn a_request_whose_session_was_ended_renews_nothing(engine: Engine) {
    let Some((_, key)) = due(&engine).await else { return };
    let faulty = Faulty::new(Arc::clone(&engine.backend));
    let sessions = engine.sessions_over(faulty.clone(), hourly);
    let (session, logout) = (visit(&sessions, &key).await, visit(&sessions, &key).await);
    logout.logout();
    logout.save().await.unwrap();
    session.insert("n", 1).unwrap();
    assert_eq!(session.save().await.unwrap_err().kind(), ErrorKind::Interrupted);
    faulty.calls();
    let mut browser = Browser(Some(key.clone()));
    let answer = browser.answer(&session).await;
    assert_eq!(answer.unwrap_err().kind(), ErrorKind::Interrupted);
    assert_eq!((browser.0, faulty.calls()), (Some(key), vec![]));
}
