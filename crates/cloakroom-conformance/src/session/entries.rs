//! What a session holds, and whether it was read or changed.

use std::collections::BTreeMap;
use std::sync::Arc;

use cloakroom_core::{ErrorKind, Expiry, Session};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Value, json};

use super::{assert_ended, names, newcomer, stored, visit};
use crate::{Engine, Faulty, Operation};

/// Whether it was read or changed, and whether changes wait.
fn flags(session: &Session) -> (bool, bool) {
    (session.is_accessed(), session.is_modified())
}

/// By a visitor without a cookie as by one who comes back.
pub async fn what_was_only_loaded_is_neither_read_nor_changed(engine: Engine) {
    let sessions = engine.sessions();
    let key = stored(&sessions).await;
    for session in [newcomer(&sessions).await, visit(&sessions, &key).await] {
        let _ = (session.key(), session.id(), session.created_at());
        assert_eq!(flags(&session), (false, false));
    }
}

/// And nobody's.
pub async fn a_new_session_is_empty(engine: Engine) {
    let session = newcomer(&engine.sessions()).await;
    assert!(session.is_empty());
    assert_eq!((session.names(), session.iter().count()), (Vec::new(), 0));
    assert_eq!((session.key(), session.id(), session.created_at()), (None, None, None));
    assert_eq!((session.user(), session.authenticated_at()), (None, None));
    assert_eq!(session.expiry(), Expiry::Default);
}

/// Whatever is looked at; and nothing is sent for it.
pub async fn reading_is_no_change(engine: Engine) {
    let looks: [fn(&Session); 12] = [
        |session| assert_eq!(session.get::<i64>("seed").unwrap(), Some(1)),
        |session| assert_eq!(session.get::<i64>("missing").unwrap(), None),
        |session| assert_eq!(session.get_or_insert("seed", 2).unwrap(), 1),
        |session| assert!(session.contains("seed")),
        |session| assert_eq!(session.names(), ["seed"]),
        |session| assert_eq!(session.iter().count(), 1),
        |session| assert!(!session.is_empty()),
        |session| assert_eq!(session.read::<Value>().unwrap(), json!({ "seed": 1 })),
        |session| assert!(!session.test_cookie_worked()),
        |session| assert_eq!(session.expiry(), Expiry::Default),
        |session| assert_eq!(session.expiry_age(), session.sessions().options().lifetime.age),
        |session| assert_eq!(session.user(), None),
    ];
    let faulty = Faulty::new(Arc::clone(&engine.backend));
    let sessions = engine.sessions_over(faulty.clone(), |_| {});
    let key = stored(&sessions).await;
    faulty.calls();
    for (n, look) in looks.into_iter().enumerate() {
        let session = visit(&sessions, &key).await;
        look(&session);
        assert_eq!(flags(&session), (true, false), "look {n}");
        session.save().await.unwrap();
        assert_eq!(faulty.calls(), [Operation::Load], "look {n}");
    }
}

/// In the same request, and in the next.
pub async fn a_value_is_there_after_it_was_saved(engine: Engine) {
    let sessions = engine.sessions();
    let session = newcomer(&sessions).await;
    session.insert("n", 1).unwrap();
    assert_eq!(flags(&session), (true, true));
    session.save().await.unwrap();
    assert!(!session.is_modified());
    assert_eq!(session.get::<i64>("n").unwrap(), Some(1));
    assert_eq!(visit(&sessions, &session.key().unwrap()).await.get::<i64>("n").unwrap(), Some(1));
}

/// By its type and by its bytes, under a name of any characters.
pub async fn any_value_comes_back_as_it_was(engine: Engine) {
    let values = [
        json!(null),
        json!(true),
        json!(u64::MAX),
        json!(i64::MIN),
        json!(1e-5),
        json!("\0 \u{7f} ü 漢 \u{1F9E5} \" \\ </script>"),
        json!([[], {}, [1, [2, [3]]]]),
        json!({ "": { "a.b": [null, ""] } }),
    ];
    let sessions = engine.sessions();
    let session = newcomer(&sessions).await;
    for (n, value) in values.iter().enumerate() {
        session.insert(&format!("\0{n}ü"), value).unwrap();
    }
    session.insert("", "no name at all").unwrap();
    session.save().await.unwrap();
    let again = visit(&sessions, &session.key().unwrap()).await;
    for (n, value) in values.iter().enumerate() {
        assert_eq!(again.get::<Value>(&format!("\0{n}ü")).unwrap().as_ref(), Some(value));
    }
    assert_eq!(again.get::<String>("").unwrap().as_deref(), Some("no name at all"));
}

/// JSON has no name for them.
pub async fn a_float_that_is_no_number_becomes_null(engine: Engine) {
    let session = newcomer(&engine.sessions()).await;
    for float in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        session.insert("float", float).unwrap();
        assert_eq!(session.get::<Value>("float").unwrap(), Some(Value::Null));
    }
}

/// It is handed over once.
pub async fn a_value_that_is_taken_is_gone(engine: Engine) {
    let sessions = engine.sessions();
    let key = stored(&sessions).await;
    let session = visit(&sessions, &key).await;
    assert_eq!(session.take("seed").unwrap(), Some(1));
    assert_eq!(flags(&session), (true, true));
    assert_eq!(session.take::<i64>("seed").unwrap(), None);
    session.save().await.unwrap();
    assert!(names(&sessions, &key).await.is_empty());
}

/// There is nothing to hand over: the caller has a default.
pub async fn taking_or_removing_what_is_missing_is_no_change(engine: Engine) {
    let sessions = engine.sessions();
    let key = stored(&sessions).await;
    for session in [newcomer(&sessions).await, visit(&sessions, &key).await] {
        assert_eq!(session.take("missing").unwrap().unwrap_or("default".to_owned()), "default");
        assert!(!session.remove("missing"));
        session.delete_test_cookie();
        assert_eq!(flags(&session), (true, false));
    }
}

/// The second default finds the first.
pub async fn a_default_is_stored_where_there_is_no_value(engine: Engine) {
    let sessions = engine.sessions();
    let session = newcomer(&sessions).await;
    assert_eq!(session.get_or_insert("n", 1).unwrap(), 1);
    assert_eq!(flags(&session), (true, true));
    session.save().await.unwrap();
    let again = visit(&sessions, &session.key().unwrap()).await;
    assert_eq!(again.get_or_insert("n", 2).unwrap(), 1);
    assert!(!again.is_modified());
}

/// No field at all differs from nothing.
pub async fn writing_fields_is_a_change_where_one_differs(engine: Engine) {
    let sessions = engine.sessions();
    let key = stored(&sessions).await;
    for (fields, changed) in [(json!({}), false), (json!({ "seed": 1 }), false), (json!({ "n": 1 }), true)] {
        let session = visit(&sessions, &key).await;
        session.write(&fields).unwrap();
        assert_eq!(session.is_modified(), changed, "{fields}");
        assert_eq!(session.is_accessed(), fields != json!({}), "{fields}");
    }
}

/// Before a commit, after it and in the next request; a value that is replaced keeps its place.
pub async fn entries_are_shown_in_the_order_of_their_insertion(engine: Engine) {
    let sessions = engine.sessions();
    let shown = |session: &Session| {
        let entries: Vec<_> = session.iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(session.names().len(), entries.len());
        entries
    };
    let first = newcomer(&sessions).await;
    for (name, value) in [("b", 1), ("c", 2), ("a", 3)] {
        first.insert(name, value).unwrap();
    }
    assert_eq!(shown(&first), ["b=1", "c=2", "a=3"]);
    first.save().await.unwrap();
    let second = visit(&sessions, &first.key().unwrap()).await;
    second.insert("b", 4).unwrap();
    assert_eq!(shown(&second), ["b=4", "c=2", "a=3"]);
    second.save().await.unwrap();
    let third = visit(&sessions, &second.key().unwrap()).await;
    assert_eq!(shown(&third), ["b=4", "c=2", "a=3"]);
    assert_eq!(third.names(), ["b", "c", "a"]);
}

/// The key, the user and the expiry stay what they are.
pub async fn clearing_removes_all_entries_and_nothing_else(engine: Engine) {
    let sessions = engine.sessions();
    let session = newcomer(&sessions).await;
    session.login("alice").unwrap();
    session.set_expiry(Expiry::BrowserClose);
    session.insert("n", 1).unwrap();
    session.save().await.unwrap();
    let key = session.key().unwrap();
    let session = visit(&sessions, &key).await;
    session.clear();
    assert!(session.is_empty());
    assert_eq!(flags(&session), (true, true));
    session.save().await.unwrap();
    let again = visit(&sessions, &key).await;
    assert_eq!((again.key(), again.names()), (Some(key), Vec::new()));
    assert_eq!((again.user().as_deref(), again.expiry()), (Some("alice"), Expiry::BrowserClose));
}

/// A visitor's first session, and one that was emptied.
pub async fn clearing_what_is_empty_is_no_change(engine: Engine) {
    let sessions = engine.sessions();
    let key = stored(&sessions).await;
    let emptying = visit(&sessions, &key).await;
    emptying.clear();
    emptying.save().await.unwrap();
    for session in [newcomer(&sessions).await, visit(&sessions, &key).await] {
        session.clear();
        assert_eq!(flags(&session), (true, false));
    }
}

/// Before anything is committed.
pub async fn a_flushed_session_is_a_new_one_at_once(engine: Engine) {
    let sessions = engine.sessions();
    let session = newcomer(&sessions).await;
    session.login("alice").unwrap();
    session.set_expiry(Expiry::BrowserClose);
    session.insert("n", 1).unwrap();
    session.save().await.unwrap();
    let old = session.key().unwrap();
    let session = visit(&sessions, &old).await;
    session.flush();
    assert!(session.is_accessed() && session.is_modified());
    assert!(session.is_empty());
    assert_eq!((session.key(), session.id(), session.created_at()), (None, None, None));
    assert_eq!((session.user(), session.authenticated_at()), (None, None));
    assert_eq!(session.expiry(), Expiry::Default);
    assert!(names(&sessions, &old).await == ["n"], "its record ends with the next commit");
    session.save().await.unwrap();
    assert!(!session.is_modified());
    assert_ended(&engine, &old).await;
}

/// What is done to it is no change until it is put back.
pub async fn a_value_that_was_got_is_a_copy(engine: Engine) {
    let sessions = engine.sessions();
    let session = newcomer(&sessions).await;
    session.insert("cart", ["hat"]).unwrap();
    session.save().await.unwrap();
    let mut cart: Vec<String> = session.get("cart").unwrap().unwrap();
    cart.push("coat".into());
    assert!(!session.is_modified());
    assert_eq!(session.get::<Vec<String>>("cart").unwrap().unwrap(), ["hat"]);
    session.insert("cart", &cart).unwrap();
    assert!(session.is_modified());
    assert_eq!(session.get::<Vec<String>>("cart").unwrap().unwrap(), cart);
}

/// Set, brought back, deleted.
pub async fn a_test_cookie_works_for_a_browser_that_brings_it_back(engine: Engine) {
    let sessions = engine.sessions();
    let session = newcomer(&sessions).await;
    assert!(!session.test_cookie_worked());
    session.set_test_cookie().unwrap();
    assert_eq!(flags(&session), (true, true));
    session.save().await.unwrap();
    let again = visit(&sessions, &session.key().unwrap()).await;
    assert!(again.test_cookie_worked());
    again.delete_test_cookie();
    assert!(again.is_modified() && !again.test_cookie_worked());
    again.insert("testcookie", "another value").unwrap();
    assert!(!again.test_cookie_worked());
}

/// Whose value does not become JSON.
#[derive(Debug, Default, Deserialize)]
struct Unwilling;

impl Serialize for Unwilling {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("it is not willing"))
    }
}

#[derive(Debug, Serialize)]
struct Fields {
    seed: i64,
    new: Unwilling,
}

/// A type that refuses, and a map whose names are no text.
pub async fn what_does_not_serialise_is_refused_and_changes_nothing(engine: Engine) {
    let sessions = engine.sessions();
    let key = stored(&sessions).await;
    let session = visit(&sessions, &key).await;
    let by_point = BTreeMap::from([((1, 2), "a point")]);
    let refused = [
        session.insert("seed", Unwilling),
        session.insert("seed", &by_point),
        session.insert("new", Unwilling),
        session.get_or_insert("new", Unwilling).map(|_| ()),
        session.write(&Fields { seed: 2, new: Unwilling }),
        session.write(&by_point),
        session.update("new", |_: &mut Unwilling| {}).await.map(|_| ()),
    ];
    for (n, refused) in refused.into_iter().enumerate() {
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::Invalid, "way {n}");
    }
    assert!(!session.is_modified());
    session.insert("fine", 1).unwrap();
    session.save().await.unwrap();
    let all: Value = visit(&sessions, &key).await.read().unwrap();
    assert_eq!(all, json!({ "seed": 1, "fine": 1 }));
}

/// It may quote what it was asked to keep.
pub async fn what_a_value_says_as_it_refuses_is_in_no_error(engine: Engine) {
    let session = newcomer(&engine.sessions()).await;
    let refused = [
        session.insert("new", Unwilling),
        session.get_or_insert("new", Unwilling).map(|_| ()),
        session.write(&Fields { seed: 2, new: Unwilling }),
        session.update("new", |_: &mut Unwilling| {}).await.map(|_| ()),
    ];
    for (n, refused) in refused.into_iter().enumerate() {
        let error = refused.unwrap_err();
        assert!(!format!("{error:?} {error}").contains("willing"), "way {n}: {error:?}");
    }
}
