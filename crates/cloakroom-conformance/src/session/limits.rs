//! What is refused, and what it costs.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use cloakroom_core::{CookieChange, ErrorKind, Read, SessionKey};
use serde_json::Value;
use serde_json::value::RawValue;

use super::{Browser, cut, names, newcomer, stored, visit};
use crate::engine::written;
use crate::{Engine, Fault, Faulty, Gate, Limit, Operation};

/// By a value as by many.
pub async fn a_session_over_the_limit_is_refused_and_the_old_one_stays(engine: Engine) {
    // What is compressed has room for more than a cookie has bytes; not every format does that.
    let limit = if engine.lacks(Limit::Room).await { 2_000 } else { 10_000 };
    let sessions = engine.sessions_with(|options| options.payload_limit = limit);
    let key = stored(&sessions).await;
    let session = visit(&sessions, &key).await;
    session.insert("large", "x".repeat(limit)).unwrap();
    assert_eq!(session.save().await.unwrap_err().kind(), ErrorKind::TooLarge);
    assert_eq!(names(&sessions, &key).await, ["seed"]);
    session.insert("large", "x".repeat(limit - 1_000)).unwrap();
    session.save().await.unwrap();
    assert_eq!(visit(&sessions, &key).await.get::<String>("large").unwrap().unwrap().len(), limit - 1_000);
    let newcomer = newcomer(&sessions).await;
    for n in 0..1_000 {
        newcomer.insert(&format!("name number {n}"), n).unwrap();
    }
    assert_eq!(newcomer.save().await.unwrap_err().kind(), ErrorKind::TooLarge);
}

/// Not a failure for the visitor, and nothing is overwritten.
pub async fn what_does_not_decode_is_a_fresh_session_and_stays_as_it_is(engine: Engine) {
    // Where the format also says what a visitor's value is, one that does not decode is none.
    if engine.format().is_some() && engine.lacks(Limit::Revocation).await {
        return;
    }
    let (sessions, bare) = (engine.sessions(), engine.bare());
    // Among it what others' decoders would take for a session, or for a program: JSON, pickle, Java's and PHP's
    // objects, MessagePack, YAML, Django's signed text.
    let garbage: [&[u8]; 12] = [
        b"",
        b"\x00",
        b"\x01garbage",
        b"\x02\xff\xff\xff\xff\x00",
        b"{\"a\": 1}",
        b"\x80\x04\x95\x0f\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x94\x8c\x06system\x94\x93\x94.",
        b"cos\nsystem\n(S'id'\ntR.",
        b"\xac\xed\x00\x05sr\x00\x11java.util.HashMap",
        b"_auth_user_id|s:1:\"1\";O:8:\"stdClass\":0:{}",
        b"\x81\xa8username\xa5admin",
        b"!!python/object/apply:os.system [id]",
        b"eyJfYXV0aF91c2VyX2lkIjoiMSJ9:1ud2Xc:AbCdEfGhIjKlMnOpQrStUvWxYz0123456789abcdefg",
    ];
    for garbage in garbage {
        let key = SessionKey::generate(engine.capabilities().addressing).unwrap();
        let id = key.id();
        let mut record = engine.record("");
        record.payload = Bytes::copy_from_slice(garbage);
        // What such a store can't hold is not there.
        let Ok(saved) = bare.create(&id, &record).await else {
            assert!(engine.format().is_some());
            continue;
        };
        let revision = written(saved);
        let session = visit(&sessions, &key).await;
        assert_eq!((session.key(), session.is_empty()), (None, true));
        session.insert("n", 1).unwrap();
        session.save().await.unwrap();
        assert_ne!(session.key().unwrap(), key);
        let still = bare.load(&id, Read::Latest).await.unwrap().unwrap();
        assert_eq!((still.record.payload, still.revision), (record.payload, revision));
    }
}

/// They are the framework's.
pub async fn reserved_names_are_refused(engine: Engine) {
    let session = newcomer(&engine.sessions()).await;
    for name in ["_auth_user_id", "_auth_user_backend", "_auth_user_hash", "_auth_users", "_session_expiry"] {
        assert_eq!(session.insert(name, 1).unwrap_err().kind(), ErrorKind::Invalid, "{name}");
        assert_eq!(
            session.update(name, |_: &mut i64| {}).await.unwrap_err().kind(),
            ErrorKind::Invalid,
            "{name}"
        );
    }
    for user in ["", "a\nb", "a\0b", &"x".repeat(256)] {
        assert_eq!(session.login(user).unwrap_err().kind(), ErrorKind::Invalid, "{user:?}");
    }
    assert!(!session.is_modified());
}

/// Who logs in, with what, and by which browser: visitors choose how long that is.
pub async fn what_is_kept_of_a_login_is_bounded(engine: Engine) {
    let sessions = engine.sessions();
    let session = newcomer(&sessions).await;
    let huge = "ü".repeat(500_000);
    for user in [&*huge, &"x".repeat(256)] {
        assert_eq!(session.login_with_proof(user, "proof").unwrap_err().kind(), ErrorKind::Invalid);
    }
    assert!(!session.is_modified());
    session.set_user_agent(&huge);
    session.set_address(&huge);
    session.login_with_proof(&"x".repeat(255), &huge).unwrap();
    session.save().await.unwrap();
    let payload = engine.payload(&session.id().unwrap()).await.unwrap();
    assert!(payload.len() < 700, "{}", payload.len());
    assert_eq!(visit(&sessions, &session.key().unwrap()).await.user(), Some("x".repeat(255)));
}

/// However short they are.
pub async fn a_session_has_a_bounded_number_of_names(engine: Engine) {
    let sessions = engine.sessions();
    let session = newcomer(&sessions).await;
    for n in 0..4_096 {
        session.insert(&n.to_string(), n).unwrap();
    }
    assert_eq!(session.insert("one more", 1).unwrap_err().kind(), ErrorKind::TooLarge);
    session.insert("0", 1).unwrap();
    if engine.lacks(Limit::Room).await {
        assert_eq!(session.save().await.unwrap_err().kind(), ErrorKind::TooLarge);
        return;
    }
    session.save().await.unwrap();
    assert_eq!(names(&sessions, &session.key().unwrap()).await.len(), 4_096);
}

/// Not even those that there is room for.
pub async fn too_many_names_at_once_change_nothing(engine: Engine) {
    let sessions = engine.sessions();
    let session = visit(&sessions, &stored(&sessions).await).await;
    let mut all: BTreeMap<_, _> = (0..4_096).map(|n| (n.to_string(), n)).collect();
    assert_eq!(session.write(&all).unwrap_err().kind(), ErrorKind::TooLarge);
    assert_eq!((session.names(), session.is_modified()), (vec!["seed".to_owned()], false));
    all.remove("0");
    all.insert("seed".to_owned(), 2);
    session.write(&all).unwrap();
    assert_eq!(session.names().len(), 4_096);
}

/// As it was written; parsing it goes no deeper than serde_json.
pub async fn a_value_that_is_nested_too_deep_to_be_parsed_is_kept_and_read_back_raw(engine: Engine) {
    let nested = |levels| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    let sessions = engine.sessions();
    let key = stored(&sessions).await;
    for (levels, parsed) in [(127, true), (128, false)] {
        let session = visit(&sessions, &key).await;
        session.insert("deep", RawValue::from_string(nested(levels)).unwrap()).unwrap();
        session.save().await.unwrap();
        let next = visit(&sessions, &key).await;
        let raw: Option<Box<RawValue>> = next.get("deep").unwrap();
        assert_eq!(raw.unwrap().get(), nested(levels));
        assert_eq!(next.get::<Value>("deep").is_ok(), parsed);
        if !parsed {
            let updated = next.update("deep", |_: &mut Value| {}).await;
            assert_eq!(updated.unwrap_err().kind(), ErrorKind::Mismatch);
            assert!(next.remove("deep"), "that is the way out");
        }
    }
}

/// Neither an update nor two requests that each add one.
pub async fn no_way_of_changing_a_session_gets_past_the_number_of_names(engine: Engine) {
    if engine.lacks(Limit::Room).await {
        return;
    }
    let sessions = engine.sessions();
    let session = newcomer(&sessions).await;
    for n in 0..4_095 {
        session.insert(&n.to_string(), n).unwrap();
    }
    session.save().await.unwrap();
    let key = session.key().unwrap();
    let (one, two) = (visit(&sessions, &key).await, visit(&sessions, &key).await);
    one.insert("one", 1).unwrap();
    two.insert("two", 2).unwrap();
    one.save().await.unwrap();
    assert_eq!(two.save().await.unwrap_err().kind(), ErrorKind::TooLarge);
    let updated = visit(&sessions, &key).await.update("three", |n: &mut i64| *n += 1).await;
    assert_eq!(updated.unwrap_err().kind(), ErrorKind::TooLarge);
    assert_eq!(names(&sessions, &key).await.len(), 4_096);
}

/// A newer version of the service, say: nothing goes over it.
pub async fn what_somebody_else_made_unreadable_interrupts_the_request(engine: Engine) {
    if engine.lacks(Limit::Arbitration).await {
        return;
    }
    let sessions = engine.sessions();
    let key = stored(&sessions).await;
    let session = visit(&sessions, &key).await;
    let there = engine.get(&key.id()).await.unwrap();
    let mut newer = engine.record("");
    newer.payload = Bytes::from_static(b"from-the-future");
    let bare = engine.bare();
    bare.save(&key.id(), &newer, &there.revision).await.map(written).unwrap();
    session.insert("n", 1).unwrap();
    assert_eq!(session.save().await.unwrap_err().kind(), ErrorKind::Interrupted);
    assert_eq!(bare.load(&key.id(), Read::Latest).await.unwrap().unwrap().record.payload, newer.payload);
}

/// Its error does not quote it.
pub async fn a_value_of_another_type_is_a_mismatch_and_stays(engine: Engine) {
    let sessions = engine.sessions();
    let session = newcomer(&sessions).await;
    session.insert("secret", "hunter2").unwrap();
    session.save().await.unwrap();
    let key = session.key().unwrap();
    let errors = [
        session.get::<i64>("secret").unwrap_err(),
        session.get_or_insert("secret", 1).unwrap_err(),
        session.take::<i64>("secret").unwrap_err(),
        session.update("secret", |n: &mut i64| *n += 1).await.unwrap_err(),
        session.read::<Vec<i64>>().unwrap_err(),
    ];
    let not_a_struct = session.write(&"hunter2").unwrap_err();
    assert!(!format!("{not_a_struct:?}").contains("hunter2"), "{not_a_struct:?}");
    for error in errors {
        assert_eq!(error.kind(), ErrorKind::Mismatch);
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    }
    assert_eq!(visit(&sessions, &key).await.get::<Value>("secret").unwrap().unwrap(), "hunter2");
    assert_eq!(session.take::<String>("secret").unwrap().as_deref(), Some("hunter2"));
}

/// Uncontended; and committing nothing costs nothing.
pub async fn a_read_is_one_call_and_a_change_is_one_more(engine: Engine) {
    let faulty = Faulty::new(Arc::clone(&engine.backend));
    let sessions = engine.sessions_over(faulty.clone(), |_| {});
    let key = stored(&sessions).await;
    assert_eq!(faulty.calls(), [Operation::Create]);
    let session = visit(&sessions, &key).await;
    session.get::<i64>("seed").unwrap();
    session.save().await.unwrap();
    assert_eq!(faulty.calls(), [Operation::Load]);
    session.insert("a", 1).unwrap();
    session.insert("b", 2).unwrap();
    session.update("c", |n: &mut i64| *n += 1).await.unwrap();
    session.save().await.unwrap();
    assert_eq!(faulty.calls(), [Operation::Save]);
    session.login("alice").unwrap();
    session.insert("d", 4).unwrap();
    session.save().await.unwrap();
    assert_eq!(faulty.calls(), [Operation::Rotate]);
    session.logout();
    session.save().await.unwrap();
    assert_eq!(faulty.calls(), [Operation::Delete]);
}

/// The browser would never hear of it. What needs none is stored.
pub async fn a_new_key_after_the_headers_have_left_is_too_late(engine: Engine) {
    let sessions = engine.sessions();
    let late = newcomer(&sessions).await;
    late.headers_left();
    late.insert("n", 1).unwrap();
    assert_eq!(late.save().await.unwrap_err().kind(), ErrorKind::TooLate);

    let key = stored(&sessions).await;
    let streaming = visit(&sessions, &key).await;
    streaming.headers_left();
    streaming.insert("n", 1).unwrap();
    let kept: &[_] = if engine.lacks(Limit::Afterwards).await {
        assert_eq!(streaming.save().await.unwrap_err().kind(), ErrorKind::TooLate);
        &["seed"]
    } else {
        streaming.save().await.unwrap();
        &["seed", "n"]
    };
    streaming.cycle_key();
    assert_eq!(streaming.save().await.unwrap_err().kind(), ErrorKind::TooLate);
    assert_eq!(names(&sessions, &key).await, kept);
}

/// The browser could not be told the new key, and would lose the old one.
pub async fn a_rotation_that_was_cut_is_not_sent_after_the_headers_have_left(engine: Engine) {
    let faulty = Faulty::new(Arc::clone(&engine.backend));
    let sessions = engine.sessions_over(faulty.clone(), |_| {});
    let key = stored(&sessions).await;
    let session = visit(&sessions, &key).await;
    session.cycle_key();
    cut(&faulty, Operation::Rotate, &session).await;
    session.headers_left();
    assert!(session.save().await.is_err());
    assert_eq!(names(&sessions, &key).await, ["seed"]);
}

/// What is done after them is done for what the browser holds by then, or it is refused and changes nothing.
pub async fn what_is_acknowledged_after_the_headers_have_left_holds_for_the_browser(engine: Engine) {
    let minutes = Duration::from_mins;
    let idle = (!engine.lacks(Limit::Beginnings).await).then_some(minutes(10));
    let sessions = engine.sessions_by_value(|options| options.lifetime.idle = idle);
    let mut acknowledged = Vec::new();
    for way in ["save", "update", "refresh", "touch", "cycle", "login", "logout"] {
        let mut browser = Browser::default();
        let first = browser.visit(&sessions).await;
        first.insert("n", 1).unwrap();
        first.save().await.unwrap();
        browser.hear(&first);
        engine.pass(minutes(5));

        let session = browser.visit(&sessions).await;
        session.headers_left();
        let done = match way {
            "update" => session.update("n", |n: &mut i64| *n += 1).await.map(|_| ()),
            "refresh" => session.refresh().await,
            "touch" => session.touch().await,
            "save" => {
                session.insert("n", 2).unwrap();
                session.save().await
            }
            "cycle" => {
                session.cycle_key();
                session.save().await
            }
            "login" => {
                session.login("alice").unwrap();
                session.save().await
            }
            _ => {
                session.logout();
                session.save().await
            }
        };
        let found = async || browser.visit(&sessions).await.get::<i64>("n").unwrap();
        match &done {
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::TooLate, "{way}");
                assert_eq!(found().await, Some(1), "{way}");
            }
            Ok(()) if way == "logout" => assert_eq!(found().await, None),
            Ok(()) => {
                // It lives past the end that it had before.
                engine.pass(minutes(7));
                let changed = matches!(way, "save" | "update").then_some(2);
                assert_eq!(found().await, changed.or(Some(1)), "{way}");
            }
        }
        if done.is_ok() {
            acknowledged.push(way);
        }
    }
    let all: &[_] = &["save", "update", "refresh", "touch", "logout"];
    // Where no visit is noted, there is nothing to be told.
    let untold: &[_] = if idle.is_none() { &["touch"] } else { &[] };
    assert_eq!(acknowledged, if engine.lacks(Limit::Afterwards).await { untold } else { all });
}

/// Another part of the request commits while an adapter lets the headers leave: what it has sent by then is
/// waited for and told, or what it did not get told is too late, or the browser need not hear of it.
pub async fn what_is_on_its_way_as_the_headers_leave_is_told_or_too_late(engine: Engine) {
    let faulty = Faulty::new(Arc::clone(&engine.backend));
    let minutes = Duration::from_mins;
    let idle = (!engine.lacks(Limit::Beginnings).await).then_some(minutes(10));
    let sessions = engine.sessions_by_value_over(faulty.clone(), |options| options.lifetime.idle = idle);
    let all = [Operation::Create, Operation::Save, Operation::Rotate, Operation::Touch, Operation::Delete];
    // Without an idle timeout no visit is noted.
    for operation in all.into_iter().filter(|operation| idle.is_some() || *operation != Operation::Touch) {
        let mut browser = Browser::default();
        let first = browser.visit(&sessions).await;
        if operation != Operation::Create {
            first.insert("n", 1).unwrap();
            first.save().await.unwrap();
            browser.hear(&first);
        }
        engine.pass(minutes(5));
        let session = browser.visit(&sessions).await;
        match operation {
            Operation::Create | Operation::Save => session.insert("n", 2).unwrap(),
            Operation::Rotate => session.login("alice").unwrap(),
            Operation::Delete => session.logout(),
            _ => {}
        }
        let gate = Gate::default();
        faulty.fail(operation, Fault::Hold(gate.clone()));
        let other = tokio::spawn({
            let session = session.clone();
            async move { if operation == Operation::Touch { session.touch().await } else { session.save().await } }
        });
        gate.reached().await;
        session.headers_left();
        if session.activity().unsettled {
            // As adapters do: they wait for it.
            let finish = session.finish();
            let ((), finished) = tokio::join!(async { gate.open() }, finish);
            finished.unwrap();
            browser.hear(&session);
        } else {
            browser.hear(&session);
            gate.open();
        }
        let done = other.await.unwrap();
        let found = browser.visit(&sessions).await;
        let now = (found.get::<i64>("n").unwrap(), found.user());
        match (done, operation) {
            (Err(error), _) => {
                assert_eq!(error.kind(), ErrorKind::TooLate, "{operation:?}");
                let before = (operation != Operation::Create).then_some(1);
                assert_eq!(now, (before, None), "{operation:?}");
            }
            (Ok(()), Operation::Create | Operation::Save) => assert_eq!(now, (Some(2), None)),
            (Ok(()), Operation::Rotate) => assert_eq!(now, (Some(1), Some("alice".to_owned()))),
            (Ok(()), Operation::Delete) => assert_eq!(now, (None, None)),
            (Ok(()), _) => {
                engine.pass(minutes(7));
                assert_eq!(browser.visit(&sessions).await.get::<i64>("n").unwrap(), Some(1), "it was noted");
            }
        }
    }
}

/// They left while the commit was made ready: nothing is sent that the browser would have to hear of.
pub async fn a_new_key_that_the_headers_overtake_is_too_late(engine: Engine) {
    let faulty = Faulty::new(Arc::clone(&engine.backend));
    let sessions = engine.sessions_over(faulty.clone(), |_| {});
    let key = stored(&sessions).await;
    let cycling = visit(&sessions, &key).await;
    cycling.cycle_key();
    for session in [newcomer(&sessions).await, cycling, visit(&sessions, &key).await] {
        let saves = session.key().is_some() && !session.is_modified();
        let leaving = session.clone();
        faulty.calls();
        let updated = session.update("n", |n: &mut i64| {
            *n += 1;
            leaving.headers_left();
        });
        let updated = updated.await;
        if saves && !engine.lacks(Limit::Afterwards).await {
            assert_eq!(updated.unwrap(), 1);
        } else {
            assert_eq!(updated.unwrap_err().kind(), ErrorKind::TooLate);
            assert_eq!(faulty.calls(), []);
        }
        assert_eq!(session.activity().cookie, CookieChange::Keep);
    }
}
