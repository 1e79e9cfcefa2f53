//! No update is lost.

use std::sync::Arc;

use cloakroom_core::{Error, ErrorKind, Session};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::{assert_ended, cut, names, newcomer, number, stored, visit};
use crate::{Engine, Fault, Faulty, Gate, Limit, Operation};

/// Both have loaded before either commits.
pub async fn different_names_of_two_requests_both_survive(engine: Engine) {
    if engine.lacks(Limit::Arbitration).await {
        return;
    }
    let sessions = engine.sessions();
    let key = stored(&sessions).await;
    let (one, two) = (visit(&sessions, &key).await, visit(&sessions, &key).await);
    one.insert("one", 1).unwrap();
    two.insert("two", 2).unwrap();
    one.save().await.unwrap();
    two.save().await.unwrap();
    assert_eq!(names(&sessions, &key).await, ["seed", "one", "two"]);
    assert_eq!(two.get::<i64>("one").unwrap(), Some(1), "the later one sees what it was merged with");
}

/// As 64 requests of one page would.
pub async fn different_names_of_64_parallel_tasks_all_survive(engine: Engine) {
    if engine.lacks(Limit::Arbitration).await {
        return;
    }
    let sessions = engine.sessions_that_wait();
    let key = stored(&sessions).await;
    let mut tasks = JoinSet::new();
    for n in 0..64 {
        let session = visit(&sessions, &key).await;
        tasks.spawn(async move {
            session.insert(&format!("name{n}"), n).unwrap();
            session.save().await.unwrap();
        });
    }
    tasks.join_all().await;
    assert_eq!(names(&sessions, &key).await.len(), 65);
}

/// Each adds one and is told another number.
pub async fn a_counter_is_exact_under_64_parallel_tasks(engine: Engine) {
    if engine.lacks(Limit::Arbitration).await {
        return;
    }
    let sessions = engine.sessions_that_wait();
    let key = stored(&sessions).await;
    let mut tasks = JoinSet::new();
    for _ in 0..64 {
        let session = visit(&sessions, &key).await;
        tasks.spawn(async move { session.update("n", |n: &mut i64| *n += 1).await.unwrap() });
    }
    let mut told = tasks.join_all().await;
    told.sort_unstable();
    assert_eq!(told, (1..=64).collect::<Vec<i64>>());
    assert_eq!(number(&sessions, &key, "n").await, Some(64));
}

/// Two that know nothing of each other's queues.
pub async fn a_counter_is_exact_across_processes(engine: Engine) {
    if engine.lacks(Limit::Arbitration).await {
        return;
    }
    let processes = [engine.sessions_that_wait(), engine.sessions_that_wait()];
    let key = stored(&processes[0]).await;
    let mut tasks = JoinSet::new();
    for n in 0..32 {
        let session = visit(&processes[n % 2], &key).await;
        tasks.spawn(async move { session.update("n", |n: &mut i64| *n += 1).await.unwrap() });
    }
    tasks.join_all().await;
    assert_eq!(number(&processes[0], &key, "n").await, Some(32));
}

/// A merge of maps would bring it back.
pub async fn a_removal_is_not_undone_by_another_requests_write(engine: Engine) {
    if engine.lacks(Limit::Arbitration).await {
        return;
    }
    let sessions = engine.sessions();
    let key = stored(&sessions).await;
    let (one, two) = (visit(&sessions, &key).await, visit(&sessions, &key).await);
    one.remove("seed");
    two.insert("two", 2).unwrap();
    one.save().await.unwrap();
    two.save().await.unwrap();
    assert_eq!(names(&sessions, &key).await, ["two"]);
}

/// One removes the last name while another puts a new one and is told that it is stored.
pub async fn emptying_never_kills_another_requests_write(engine: Engine) {
    if engine.lacks(Limit::Arbitration).await {
        return;
    }
    let remove = |session: &Session| assert!(session.remove("seed"));
    for empty in [remove, Session::clear] {
        let sessions = engine.sessions();
        let key = stored(&sessions).await;
        let (one, two) = (visit(&sessions, &key).await, visit(&sessions, &key).await);
        empty(&one);
        two.insert("two", 2).unwrap();
        let both = names(&sessions, &key).await;
        one.save().await.unwrap();
        two.save().await.unwrap();
        assert_eq!(both, ["seed"]);
        assert_eq!(names(&sessions, &key).await, ["two"]);
        assert_eq!(visit(&sessions, &key).await.key(), Some(key), "it lives on under its key");
    }
}

/// An empty session is as good a state as any other: what was removed does not come back.
pub async fn removing_every_name_is_stored(engine: Engine) {
    let sessions = engine.sessions();
    let one_by_one =
        |session: &Session| session.names().iter().for_each(|name| assert!(session.remove(name)));
    let taking = |session: &Session| {
        for name in ["seed", "admin"] {
            assert!(session.take::<Value>(name).unwrap().is_some());
        }
    };
    for (empty, logs_in) in [
        (one_by_one as fn(&Session), false),
        (taking, false),
        (Session::clear, false),
        (Session::clear, true),
    ] {
        let session = visit(&sessions, &stored(&sessions).await).await;
        session.insert("admin", true).unwrap();
        if logs_in {
            session.login("alice").unwrap();
        }
        session.save().await.unwrap();
        let key = session.key().unwrap();
        let emptied = visit(&sessions, &key).await;
        assert_eq!(emptied.names(), ["seed", "admin"]);
        empty(&emptied);
        emptied.save().await.unwrap();
        for _ in 0..2 {
            let again = visit(&sessions, &key).await;
            assert_eq!((again.names(), again.user().is_some()), (vec![], logs_in));
            again.insert("n", 1).unwrap();
            again.remove("n");
            again.refresh().await.unwrap();
        }
    }
}

/// The commit takes what was there when it began.
pub async fn what_is_inserted_during_a_commit_is_committed_by_the_next(engine: Engine) {
    let sessions = engine.sessions();
    let key = stored(&sessions).await;
    let session = visit(&sessions, &key).await;
    let during = session.clone();
    // The update's closure runs between the commit's beginning and its end.
    session
        .update("n", |n: &mut i64| {
            *n += 1;
            during.insert("during", *n).unwrap();
        })
        .await
        .unwrap();
    assert_eq!(names(&sessions, &key).await, ["seed", "n"]);
    assert!(session.is_modified());
    session.save().await.unwrap();
    assert_eq!(names(&sessions, &key).await, ["seed", "n", "during"]);
}

/// They take turns.
pub async fn two_first_updates_of_one_request_make_one_session(engine: Engine) {
    let faulty = Faulty::new(Arc::clone(&engine.backend));
    let sessions = engine.sessions_over(faulty.clone(), |_| {});
    let session = newcomer(&sessions).await;
    let gate = Gate::default();
    faulty.fail(Operation::Create, Fault::Hold(gate.clone()));
    let ((), one, two) = tokio::join!(
        async {
            gate.reached().await;
            gate.open();
        },
        session.update("one", |n: &mut i64| *n += 1),
        session.update("two", |n: &mut i64| *n += 1),
    );
    assert_eq!((one.unwrap(), two.unwrap()), (1, 1));
    assert_eq!(faulty.calls(), [Operation::Create, Operation::Save]);
    assert_eq!(names(&sessions, &session.key().unwrap()).await, ["one", "two"]);
}

/// And its error reaches the caller.
pub async fn a_refused_change_changes_nothing(engine: Engine) {
    #[derive(Debug, PartialEq)]
    enum Refusal {
        SoldOut,
        Session(ErrorKind),
    }
    impl From<Error> for Refusal {
        fn from(error: Error) -> Self {
            Self::Session(error.kind())
        }
    }
    let sessions = engine.sessions();
    let key = stored(&sessions).await;
    let session = visit(&sessions, &key).await;
    let take = |n: &mut i64| {
        *n -= 1;
        if *n < 0 { Err(Refusal::SoldOut) } else { Ok(()) }
    };
    assert_eq!(session.try_update("seed", take).await, Ok(0));
    assert_eq!(session.try_update("seed", take).await, Err(Refusal::SoldOut));
    assert_eq!(session.try_update("_auth_user_id", take).await, Err(Refusal::Session(ErrorKind::Invalid)));
    assert_eq!(number(&sessions, &key, "seed").await, Some(0));
}

/// No call, no new revision.
pub async fn an_equal_value_is_not_written(engine: Engine) {
    let faulty = Faulty::new(Arc::clone(&engine.backend));
    let sessions = engine.sessions_over(faulty.clone(), |_| {});
    let key = stored(&sessions).await;
    let session = visit(&sessions, &key).await;
    faulty.calls();
    session.insert("seed", 1).unwrap();
    assert!(!session.is_modified());
    session.insert("seed", 2).unwrap();
    session.insert("seed", 1).unwrap();
    session.save().await.unwrap();
    assert_eq!(session.update("seed", |_: &mut i64| {}).await.unwrap(), 1);
    assert_eq!(faulty.calls(), []);
}

/// Somebody has just stored it: that is as good as storing it again.
pub async fn a_renewal_that_meets_a_newer_write_is_content_with_it(engine: Engine) {
    if engine.lacks(Limit::Arbitration).await {
        return;
    }
    let faulty = Faulty::new(Arc::clone(&engine.backend));
    let sessions = engine.sessions_over(faulty.clone(), |_| {});
    let key = stored(&sessions).await;
    let (renewing, writing) = (visit(&sessions, &key).await, visit(&sessions, &key).await);
    writing.insert("n", 1).unwrap();
    writing.save().await.unwrap();
    faulty.calls();
    renewing.refresh().await.unwrap();
    assert_eq!(faulty.calls(), [Operation::Save]);
    assert_eq!(renewing.get::<i64>("n").unwrap(), Some(1));
    renewing.refresh().await.unwrap();
    assert_eq!(faulty.calls(), [Operation::Save]);
}

/// A struct is as good as its fields.
pub async fn struct_fields_are_names_and_only_those_that_differ_are_written(engine: Engine) {
    let sessions = engine.sessions();
    let key = stored(&sessions).await;
    let (one, two) = (visit(&sessions, &key).await, visit(&sessions, &key).await);
    one.write(&json!({ "seed": 1, "b": { "deep": [1, 2] } })).unwrap();
    two.write(&json!({ "seed": 7 })).unwrap();
    two.save().await.unwrap();
    one.save().await.unwrap();
    // Where nobody arbitrates, the later one has never heard of the other.
    let seed = if engine.lacks(Limit::Arbitration).await { 1 } else { 7 };
    let all: Value = visit(&sessions, &key).await.read().unwrap();
    assert_eq!(all, json!({ "seed": seed, "b": { "deep": [1, 2] } }));
    let refused = one.write(&json!({ "fine": 1, "_auth_user_id": 1 })).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Invalid);
    assert_eq!(one.write(&1).unwrap_err().kind(), ErrorKind::Invalid);
    assert!(!one.is_modified());
}

/// The session is what was last stored; a flush is not taken back.
pub async fn changes_can_be_given_up(engine: Engine) {
    let sessions = engine.sessions();
    let key = stored(&sessions).await;
    let session = visit(&sessions, &key).await;
    session.insert("n", 1).unwrap();
    session.login("alice").unwrap();
    session.discard();
    assert!(!session.is_modified());
    assert_eq!((session.names(), session.user()), (vec!["seed".to_owned()], None));
    session.save().await.unwrap();
    assert_eq!(session.key(), Some(key.clone()));
    session.logout();
    session.discard();
    session.save().await.unwrap();
    assert_eq!(session.key(), None);
    assert_ended(&engine, &key).await;
}

/// Nor does the next commit send it again.
pub async fn what_a_dropped_commit_has_not_stored_can_be_given_up(engine: Engine) {
    let faulty = Faulty::new(Arc::clone(&engine.backend));
    let sessions = engine.sessions_over(faulty.clone(), |_| {});
    for operation in [Operation::Rotate, Operation::Save] {
        let key = stored(&sessions).await;
        let session = visit(&sessions, &key).await;
        match operation {
            Operation::Rotate => session.login("alice").unwrap(),
            _ => session.insert("n", 1).unwrap(),
        }
        cut(&faulty, operation, &session).await;
        session.discard();
        assert_eq!((session.user(), session.names()), (None, vec!["seed".to_owned()]));
        session.insert("m", 2).unwrap();
        session.save().await.unwrap();
        let again = visit(&sessions, &session.key().unwrap()).await;
        assert_eq!((again.user(), again.names()), (None, vec!["seed".to_owned(), "m".to_owned()]));
    }
}

/// Its changes came to nothing.
pub async fn an_update_back_to_what_is_stored_shows_what_is_stored(engine: Engine) {
    let sessions = engine.sessions();
    let key = stored(&sessions).await;
    let session = visit(&sessions, &key).await;
    session.insert("seed", 2).unwrap();
    assert_eq!(session.update("seed", |n: &mut i64| *n -= 1).await.unwrap(), 1);
    assert_eq!(session.get::<i64>("seed").unwrap(), Some(1));
    session.insert("seed", 2).unwrap();
    session.save().await.unwrap();
    assert_eq!(number(&sessions, &key, "seed").await, Some(2));
}
