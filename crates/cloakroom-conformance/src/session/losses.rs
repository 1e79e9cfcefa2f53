//! Answers that are lost, refused or never come.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use cloakroom_core::{CookieChange, ErrorKind, Result, Session, SessionKey, Sessions};
use tokio::task::JoinHandle;

use super::{assert_ended, cut, names, newcomer, number, saving, stored, visit};
use crate::engine::written;
use crate::{Engine, Fault, Faulty, Gate, Limit, Operation};

/// Sessions whose store fails when told to.
fn faulty(engine: &Engine) -> (Sessions, Faulty) {
    let faulty = Faulty::new(Arc::clone(&engine.backend));
    (engine.sessions_over(faulty.clone(), |_| {}), faulty)
}

/// The write was done; asking again finds it done.
pub async fn a_lost_reply_never_counts_an_update_twice(engine: Engine) {
    let (sessions, faults) = faulty(&engine);
    let key = stored(&sessions).await;
    let session = visit(&sessions, &key).await;
    faults.fail(Operation::Save, Fault::LoseReply);
    let updated = session.update("n", |n: &mut i64| *n += 1).await;
    if engine.recognises_own_write().await {
        assert_eq!(updated.unwrap(), 1);
        assert_eq!(session.update("n", |n: &mut i64| *n += 1).await.unwrap(), 2);
        assert_eq!(number(&sessions, &key, "n").await, Some(2));
    } else {
        assert_eq!(updated.unwrap_err().kind(), ErrorKind::Unknown);
        assert_eq!(number(&sessions, &key, "n").await, Some(1));
    }
}

/// Whether ours is under theirs, nobody can tell: it is reported, not applied again.
pub async fn a_lost_reply_before_somebody_elses_write_is_unknown_and_not_repeated(engine: Engine) {
    if engine.lacks(Limit::Arbitration).await {
        return;
    }
    let (sessions, faults) = faulty(&engine);
    let key = stored(&sessions).await;
    let (ours, theirs) = (visit(&sessions, &key).await, engine.sessions());
    let update = pausing_update(ours, &faults, &theirs, &key).await;
    visit(&theirs, &key).await.update("n", |n: &mut i64| *n += 10).await.unwrap();
    let updated = outlast(&engine, update, sessions.options().time_limit).await;
    assert_eq!(updated.unwrap_err().kind(), ErrorKind::Unknown);
    assert_eq!(number(&theirs, &key, "n").await, Some(11));
}

/// Under the key that the visitor gets.
pub async fn a_lost_reply_to_a_create_makes_one_session(engine: Engine) {
    let (sessions, faults) = faulty(&engine);
    let session = newcomer(&sessions).await;
    session.insert("n", 1).unwrap();
    faults.fail(Operation::Create, Fault::LoseReply);
    // It is nobody else's: its id was drawn for it.
    session.save().await.unwrap();
    assert_eq!(number(&sessions, &session.key().unwrap(), "n").await, Some(1));
    assert!(engine.records().await.is_none_or(|records| records == 1));
}

/// Else the visitor would hold a dead one.
pub async fn a_lost_reply_to_a_rotation_leaves_the_visitor_a_living_key(engine: Engine) {
    let (sessions, faults) = faulty(&engine);
    let old = stored(&sessions).await;
    let session = visit(&sessions, &old).await;
    session.login("alice").unwrap();
    faults.fail(Operation::Rotate, Fault::LoseReply);
    session.save().await.unwrap();
    let new = session.key().unwrap();
    assert_ne!(new, old);
    assert_eq!(visit(&sessions, &new).await.user().as_deref(), Some("alice"));
    assert_ended(&engine, &old).await;
}

/// Whether it was this request's doing, nobody can tell: the browser's cookie is left alone, and dead.
pub async fn a_lost_reply_to_a_logout_still_ends_the_session(engine: Engine) {
    let (sessions, faults) = faulty(&engine);
    let key = stored(&sessions).await;
    let session = visit(&sessions, &key).await;
    session.logout();
    faults.fail(Operation::Delete, Fault::LoseReply);
    session.save().await.unwrap();
    assert_ended(&engine, &key).await;
    // What lives on is found there the second time as well: then it was this request's doing.
    let still = visit(&sessions, &key).await.key().is_some();
    assert_eq!(session.activity().cookie, if still { CookieChange::Remove } else { CookieChange::Keep });
}

/// Ours may have gone along to the new key.
pub async fn a_lost_reply_before_somebody_elses_rotation_is_unknown(engine: Engine) {
    if engine.lacks(Limit::Arbitration).await {
        return;
    }
    let (sessions, faults) = faulty(&engine);
    let key = stored(&sessions).await;
    let (ours, theirs) = (visit(&sessions, &key).await, engine.sessions());
    let update = pausing_update(ours, &faults, &theirs, &key).await;
    let theirs = visit(&theirs, &key).await;
    theirs.login("alice").unwrap();
    theirs.save().await.unwrap();
    let updated = outlast(&engine, update, sessions.options().time_limit).await;
    assert_eq!(updated.unwrap_err().kind(), ErrorKind::Unknown);
    assert_eq!(number(&sessions, &theirs.key().unwrap(), "n").await, Some(1));
}

/// Inserting once more would bring it back.
pub async fn a_create_whose_reply_was_lost_is_not_repeated_after_its_session_was_ended(engine: Engine) {
    if engine.lacks(Limit::Index).await {
        return;
    }
    let (sessions, faults) = faulty(&engine);
    let session = newcomer(&sessions).await;
    session.login("alice").unwrap();
    let gate = Gate::default();
    faults.fail(Operation::Create, Fault::LoseReply);
    faults.fail(Operation::Load, Fault::Hold(gate.clone()));
    let save = saving(&session);
    if engine.recognises_own_write().await {
        gate.reached().await;
        assert_eq!(engine.sessions().revoke("alice").await.unwrap(), 1);
        gate.open();
    }
    assert_eq!(save.await.unwrap().unwrap_err().kind(), ErrorKind::Unknown);
    engine.sessions().revoke("alice").await.unwrap();
    session.save().await.unwrap();
    assert_eq!(engine.records().await, Some(0));
}

/// The store has done it; the request that asked is gone, another part of it goes on.
pub async fn a_dropped_rotation_is_settled_by_the_next_commit(engine: Engine) {
    let (sessions, faults) = faulty(&engine);
    let old = stored(&sessions).await;
    let session = visit(&sessions, &old).await;
    session.login("alice").unwrap();
    drop_after_losing_a_reply(&engine, &session, &faults, Operation::Rotate).await;
    assert_ended(&engine, &old).await;
    session.save().await.unwrap();
    let new = session.key().unwrap();
    assert_eq!(visit(&sessions, &new).await.user().as_deref(), Some("alice"));
    assert!(matches!(session.activity().cookie, CookieChange::Set(key, _) if key == new));
    assert!(engine.records().await.is_none_or(|records| records == 1));
}

/// It was done, and theirs came after it.
pub async fn a_dropped_save_is_not_put_over_somebody_elses_write(engine: Engine) {
    if engine.lacks(Limit::Arbitration).await {
        return;
    }
    let (sessions, faults) = faulty(&engine);
    let key = stored(&sessions).await;
    let session = visit(&sessions, &key).await;
    session.insert("n", 1).unwrap();
    drop_after_losing_a_reply(&engine, &session, &faults, Operation::Save).await;
    let theirs = engine.sessions();
    assert_eq!(number(&theirs, &key, "n").await, Some(1));
    let later = visit(&theirs, &key).await;
    later.insert("n", 2).unwrap();
    later.save().await.unwrap();
    if engine.recognises_own_write().await {
        assert_eq!(session.save().await.unwrap_err().kind(), ErrorKind::Unknown);
    }
    session.save().await.unwrap();
    assert_eq!(number(&theirs, &key, "n").await, Some(2));
    session.insert("m", 3).unwrap();
    session.save().await.unwrap();
    assert_eq!(names(&theirs, &key).await, ["seed", "n", "m"]);
}

/// Nobody wants the answer any more, so it is only looked for; what is there then is no session, or none that
/// this version can read.
pub async fn a_lost_answer_under_something_unreadable_does_not_block_the_handle(engine: Engine) {
    for no_record in [true, false] {
        let (sessions, faults) = faulty(&engine);
        let key = stored(&sessions).await;
        let session = visit(&sessions, &key).await;
        let there = engine.get(&key.id()).await.unwrap();
        session.insert("n", 1).unwrap();
        cut(&faults, Operation::Save, &session).await;
        session.discard();
        if no_record {
            faults.fail(Operation::Load, Fault::Corrupt);
        } else {
            let mut newer = engine.record("");
            newer.payload = Bytes::from_static(b"from-the-future");
            engine.bare().save(&key.id(), &newer, &there.revision).await.map(written).unwrap();
        }
        session.insert("m", 2).unwrap();
        let saved = session.save().await;
        assert!(!session.activity().unsettled);
        if engine.lacks(Limit::Arbitration).await {
            // Nothing is looked at: what did not come back never was, and nobody else's is in the way.
            saved.unwrap();
        } else {
            assert_eq!(saved.unwrap_err().kind(), ErrorKind::Interrupted);
            assert_eq!(session.save().await.unwrap_err().kind(), ErrorKind::Interrupted, "and it stays so");
        }
        session.flush();
        session.insert("new", 3).unwrap();
        session.save().await.unwrap();
        assert_eq!(names(&engine.sessions(), &session.key().unwrap()).await, ["new"]);
    }
}

/// For the application to try again.
pub async fn a_refused_write_is_unavailable_and_its_changes_wait(engine: Engine) {
    let (sessions, faults) = faulty(&engine);
    let key = stored(&sessions).await;
    let session = visit(&sessions, &key).await;
    session.insert("n", 1).unwrap();
    faults.fail(Operation::Save, Fault::Refuse);
    assert_eq!(session.save().await.unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(names(&sessions, &key).await, ["seed"]);
    session.save().await.unwrap();
    assert_eq!(names(&sessions, &key).await, ["seed", "n"]);

    session.logout();
    faults.fail(Operation::Delete, Fault::Refuse);
    assert_eq!(session.save().await.unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(session.activity().cookie, CookieChange::Keep);
    session.save().await.unwrap();
    assert_eq!(session.activity().cookie, CookieChange::Remove);
    assert_ended(&engine, &key).await;
}

/// It was stored: `Unavailable` would say that it surely was not, and have it counted twice.
pub async fn a_refusal_says_nothing_of_the_attempt_whose_reply_was_lost(engine: Engine) {
    let (sessions, faults) = faulty(&engine);
    let key = stored(&sessions).await;
    let session = visit(&sessions, &key).await;
    faults.fail(Operation::Save, Fault::LoseReply);
    faults.fail(Operation::Save, Fault::Refuse);
    let update = tokio::spawn(async move { session.update("n", |n: &mut i64| *n += 1).await });
    let updated = outlast(&engine, update, sessions.options().time_limit).await;
    if engine.recognises_own_write().await {
        assert_eq!(updated.unwrap(), 1);
    } else {
        assert_eq!(updated.unwrap_err().kind(), ErrorKind::Unknown);
    }
    assert_eq!(number(&sessions, &key, "n").await, Some(1));
}

/// Each may still arrive.
pub async fn a_store_that_loses_every_create_is_asked_twice_and_no_more(engine: Engine) {
    let (sessions, faults) = faulty(&engine);
    let session = newcomer(&sessions).await;
    session.insert("n", 1).unwrap();
    (0..9).for_each(|_| faults.fail(Operation::Create, Fault::LoseRequest));
    assert_eq!(session.save().await.unwrap_err().kind(), ErrorKind::Unknown);
    let creates = faults.calls().into_iter().filter(|call| *call == Operation::Create).count();
    assert_eq!(creates, 2);
}

/// After the time limit: nothing was read, and what became of a write nobody knows.
pub async fn a_store_that_never_answers_is_given_up_in_time(engine: Engine) {
    let (sessions, faults) = faulty(&engine);
    let key = stored(&sessions).await;
    let limit = sessions.options().time_limit;

    faults.fail(Operation::Load, Fault::Hang);
    let load = tokio::spawn({
        let (sessions, key) = (sessions.clone(), key.clone());
        async move { sessions.load(Some(key)).await.map(|_| ()) }
    });
    assert_eq!(outlast(&engine, load, limit).await.unwrap_err().kind(), ErrorKind::Unavailable);

    let session = visit(&sessions, &key).await;
    session.insert("n", 1).unwrap();
    faults.fail(Operation::Save, Fault::Hang);
    let save = tokio::spawn(async move { session.save().await });
    assert_eq!(outlast(&engine, save, limit).await.unwrap_err().kind(), ErrorKind::Unknown);
    assert_eq!(names(&sessions, &key).await, ["seed"]);
}

/// The limit is the caller's, not one for each who waits.
pub async fn waiting_for_another_commit_of_the_same_request_counts_as_well(engine: Engine) {
    let (sessions, faults) = faulty(&engine);
    let key = stored(&sessions).await;
    let session = visit(&sessions, &key).await;
    session.insert("n", 1).unwrap();
    (0..4).for_each(|_| faults.fail(Operation::Save, Fault::Hang));
    let limit = sessions.options().time_limit;
    let start = engine.now();
    let commits: Vec<_> = (0..4)
        .map(|_| {
            let session = session.clone();
            tokio::spawn(async move { session.save().await })
        })
        .collect();
    // What nobody can tell is given up with its commit: those that wait have nothing to do then.
    let all = engine.recognises_own_write().await;
    let mut failed = 0;
    for commit in commits {
        failed += u32::from(outlast(&engine, commit, limit).await.is_err());
    }
    assert!(failed == 4 || failed > 0 && !all, "{failed}");
    assert!(engine.now().since(start) <= limit * 2, "they waited one after the other");
}

/// Saves, loses the answer to what was done, and drops the future as it asks again. (Where the engine
/// can't tell its own writes, it looks for a new id, and of anything else it has reported the loss by then.)
async fn drop_after_losing_a_reply(
    engine: &Engine,
    session: &Session,
    faults: &Faulty,
    operation: Operation,
) {
    let asks_again = engine.recognises_own_write().await;
    let gate = Gate::default();
    faults.fail(operation, Fault::LoseReply);
    if asks_again {
        faults.fail(operation, Fault::Hold(gate.clone()));
    }
    let save = saving(session);
    if asks_again {
        gate.reached().await;
        save.abort();
        assert!(save.await.unwrap_err().is_cancelled());
    } else if operation == Operation::Rotate {
        save.await.unwrap().unwrap();
    } else {
        assert_eq!(save.await.unwrap().unwrap_err().kind(), ErrorKind::Unknown);
    }
}

/// An update that is stored, loses its answer twice, and pauses then, on a clock that stands still.
async fn pausing_update(
    ours: Session,
    faults: &Faulty,
    theirs: &Sessions,
    key: &SessionKey,
) -> JoinHandle<Result<i64>> {
    faults.fail(Operation::Save, Fault::LoseReply);
    faults.fail(Operation::Save, Fault::LoseReply);
    let update = tokio::spawn(async move { ours.update("n", |n: &mut i64| *n += 1).await });
    while number(theirs, key, "n").await.is_none() {
        tokio::task::yield_now().await;
    }
    update
}

/// Lets time pass until a task is done, and sees that it takes no more than the limit.
async fn outlast<T>(engine: &Engine, task: JoinHandle<T>, limit: Duration) -> T {
    let start = engine.now();
    while !task.is_finished() {
        tokio::time::sleep(Duration::from_millis(1)).await;
        engine.pass(limit / 50);
        assert!(engine.now().since(start) < limit * 100, "it was not given up");
    }
    task.await.unwrap()
}
