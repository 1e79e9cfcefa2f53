//! What must hold in every place.

use std::time::Duration;

use beside_django::Beside;
use cloakroom::core::{Clock as _, ErrorKind, Expiry, Session, SystemClock, Timestamp};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::values::{VALUES, long, object};

const MINUTE: u64 = 60;
const PASSWORD: &str = "correct horse battery staple";

fn raw(json: &str) -> Box<RawValue> {
    serde_json::from_str(json).unwrap()
}

/// What an answer says under a name, as text.
fn text(answer: &Value, name: &str) -> String {
    answer[name].as_str().unwrap_or_else(|| panic!("no {name} in {answer}")).to_owned()
}

/// One serializer of django-redis puts blanks behind its separators; no text here has such.
fn tight(json: &str) -> String {
    json.replace(", ", ",").replace(": ", ":")
}

/// The cookie that opens the session from now on.
async fn saved(session: &Session) -> String {
    session.save().await.unwrap();
    session.key().unwrap().expose().to_owned()
}

/// The values of a session that Django has read, as JSON texts by Django.
async fn read(beside: &Beside, cookie: &str) -> Value {
    serde_json::from_str(&text(&beside.judge.ask(json!({ "do": "read", "key": cookie })).await, "data"))
        .unwrap()
}

pub(crate) async fn what_django_writes_is_read_here(beside: Beside) {
    for data in [object(), format!("{{\"long\":{}}}", long()), "{\"one\":1}".to_owned()] {
        let cookie = text(&beside.judge.ask(json!({ "do": "write", "data": data })).await, "key");
        let session = beside.session(&cookie).await;
        let there: Vec<_> = session.iter().map(|(name, json)| (name, tight(json.get()))).collect();
        if data.len() < 100 {
            assert_eq!(there, [("one".to_owned(), "1".to_owned())]);
        } else if data == object() {
            let expected = VALUES.map(|(name, json)| (name.to_owned(), json.to_owned()));
            assert_eq!(there, expected);
        } else {
            assert_eq!(there, [("long".to_owned(), long())]);
        }
        assert_eq!(session.user(), None);
    }
    // What JSON proper can't say is there and can be named, taken away, and never read as something else.
    let data = r#"{"nan":NaN,"inf":-Infinity,"half":"a\ud800b","one":1}"#;
    let cookie = text(&beside.judge.ask(json!({ "do": "write", "data": data })).await, "key");
    let session = beside.session(&cookie).await;
    assert_eq!(session.names(), ["nan", "inf", "half", "one"]);
    for name in ["nan", "inf", "half"] {
        assert_eq!(session.get::<Value>(name).unwrap_err().kind(), ErrorKind::Mismatch, "{name}");
    }
    assert_eq!(session.get::<u8>("one").unwrap(), Some(1));
}

pub(crate) async fn what_is_written_here_django_reads(beside: Beside) {
    let session = beside.session("").await;
    for (name, json) in VALUES {
        session.insert(name, raw(json)).unwrap();
    }
    session.insert("long", raw(&long())).unwrap();
    // As Rust writes them.
    session.insert("float", 1e-5).unwrap();
    session.insert("words", "gr\u{fc}n \u{1f600}\u{7f}").unwrap();
    let cookie = saved(&session).await;
    let answer = beside.judge.ask(json!({ "do": "read", "key": cookie })).await;
    let object = object();
    let rest =
        format!(",\"long\":{},\"float\":1e-05,\"words\":\"gr\\u00fcn \\ud83d\\ude00\\u007f\"}}", long());
    let expected = format!("{}{rest}", &object[..object.len() - 1]);
    // Django shows it with its own default separators.
    let shown = beside.judge.ask(json!({ "do": "write", "data": expected })).await;
    let same = beside.judge.ask(json!({ "do": "read", "key": shown["key"] })).await;
    assert_eq!(answer["data"], same["data"]);
    assert_eq!(answer["closes"], json!(false));
}

pub(crate) async fn what_others_put_there_survives_byte_for_byte(beside: Beside) {
    let theirs = r#"{"_csrftoken":"abc\u00e9","_messages":"[[\"__json_message\",0,25,\"gr\u00fc\u00df dich\"]]","weird":[NaN,-Infinity,1e+22,-0.0,"\ud800"],"\ud801":1,"mine":0,"last":{"z":1,"a":2}}"#;
    let cookie = text(&beside.judge.ask(json!({ "do": "write", "data": theirs })).await, "key");
    let before = text(&beside.judge.ask(json!({ "do": "read", "key": cookie })).await, "data");
    let session = beside.session(&cookie).await;
    session.insert("mine", 1).unwrap();
    session.insert("new", true).unwrap();
    let cookie = saved(&session).await;
    let after = text(&beside.judge.ask(json!({ "do": "read", "key": cookie })).await, "data");
    let expected = before.replace("\"mine\": 0", "\"mine\": 1");
    assert_eq!(after, format!("{}, \"new\": true}}", &expected[..expected.len() - 1]));
}

pub(crate) async fn all_expiries_mean_the_same_on_both_sides(beside: Beside) {
    let now = SystemClock.now().millis() / 1_000;
    let hour = Duration::from_hours(1);
    let at = Timestamp::from_millis(now * 1_000).plus(hour);
    let two_weeks = 14 * 24 * 60 * MINUTE;
    let cases = [
        (json!(null), Expiry::Default, two_weeks, false),
        (json!({ "seconds": 300 }), Expiry::After(Duration::from_mins(5)), 300, false),
        (json!({ "seconds": 0 }), Expiry::BrowserClose, two_weeks, true),
        (json!({ "at": now + 3_600 }), Expiry::At(at), 3_600, false),
    ];
    for (theirs, ours, age, closes) in cases {
        let question = json!({ "do": "write", "data": "{\"a\":1}", "expiry": theirs });
        let cookie = text(&beside.judge.ask(question).await, "key");
        let session = beside.session(&cookie).await;
        assert_eq!(session.get::<u8>("a").unwrap(), Some(1), "{ours:?}");
        assert_eq!(session.expires_at_browser_close(), closes, "{ours:?}");
        let seen = session.expiry_age().as_secs();
        assert!(seen.abs_diff(age) <= 10, "{ours:?}: {seen} of {age}");

        let session = beside.session("").await;
        session.insert("a", 1).unwrap();
        session.set_expiry(ours);
        let cookie = saved(&session).await;
        let seen = beside.judge.ask(json!({ "do": "read", "key": cookie })).await;
        assert_eq!(seen["closes"], json!(closes), "{ours:?}");
        let shown = seen["age"].as_f64().unwrap();
        #[expect(clippy::cast_precision_loss, reason = "weeks in seconds")]
        let expected = age as f64;
        assert!((shown - expected).abs() <= 10.0, "{ours:?}: {shown} of {age}");
    }
}

pub(crate) async fn what_an_older_key_has_signed_is_read_on_both_sides(beside: Beside) {
    if !beside.place.is_signed() {
        return;
    }
    let before = beside.with_older_key().await;
    let cookie = text(&before.ask(json!({ "do": "write", "data": "{\"a\":1}" })).await, "key");
    // Who does not know that key has never seen the session.
    assert!(beside.session(&cookie).await.is_empty());
    let sessions = beside.knowing_the_older_key().await;
    let session = sessions.load(sessions.parse_key(&cookie)).await.unwrap();
    assert_eq!(session.get::<u8>("a").unwrap(), Some(1));
    session.insert("b", 2).unwrap();
    let cookie = saved(&session).await;
    assert_eq!(read(&beside, &cookie).await, json!({ "a": 1, "b": 2 }));
}

/// A user of the site, by the number 7: what the password's column holds.
async fn user(beside: &Beside) -> String {
    text(&beside.judge.ask(json!({ "do": "adduser", "pk": 7, "password": PASSWORD })).await, "password")
}

pub(crate) async fn who_logs_in_at_django_is_logged_in_here(beside: Beside) {
    let column = user(&beside).await;
    let session = beside.session("").await;
    session.insert("cart", [1, 2]).unwrap();
    let anonymous = saved(&session).await;
    let answer = beside.judge.ask(json!({ "do": "request", "cookie": anonymous, "login": 7 })).await;
    let cookie = text(&answer, "cookie");
    assert_ne!(cookie, anonymous);
    let session = beside.session(&cookie).await;
    assert_eq!(session.user().as_deref(), Some("7"));
    assert!(session.verify_login(&column));
    assert_eq!(session.get::<Vec<u8>>("cart").unwrap(), Some(vec![1, 2]));
    assert_eq!(session.names(), ["cart"], "the framework's own names are nobody else's");
    assert_eq!((session.created_at(), session.authenticated_at()), (None, None));
    assert!(!session.verify_login("another password's hash"));
    assert_eq!(session.user(), None);
}

pub(crate) async fn who_logs_in_here_is_logged_in_at_django(beside: Beside) {
    let column = user(&beside).await;
    let answer = beside.judge.ask(json!({ "do": "request", "cookie": null, "put": { "cart": [1] } })).await;
    let session = beside.session(&text(&answer, "cookie")).await;
    session.login_with_proof("7", &column).unwrap();
    let cookie = saved(&session).await;
    let seen = beside.judge.ask(json!({ "do": "request", "cookie": cookie })).await;
    assert_eq!((&seen["user"], &seen["data"]), (&json!(7), &json!({ "cart": [1] })));
    // And stays so after a change on either side.
    session.insert("more", 1).unwrap();
    let cookie = saved(&session).await;
    let seen = beside.judge.ask(json!({ "do": "request", "cookie": cookie, "put": { "there": 1 } })).await;
    assert_eq!(seen["user"], json!(7));
    let cookie = seen["cookie"].as_str().unwrap_or(&cookie);
    assert_eq!(beside.session(cookie).await.user().as_deref(), Some("7"));
}

pub(crate) async fn who_logs_in_here_without_a_proof_is_nobody_at_django(beside: Beside) {
    user(&beside).await;
    let session = beside.session("").await;
    session.login("7").unwrap();
    assert_eq!(session.user().as_deref(), Some("7"));
    let cookie = saved(&session).await;
    let seen = beside.judge.ask(json!({ "do": "request", "cookie": cookie })).await;
    assert_eq!(seen["user"], json!(null));
}

pub(crate) async fn a_password_that_django_changes_ends_the_login_here(beside: Beside) {
    let column = user(&beside).await;
    let session = beside.session("").await;
    session.login_with_proof("7", &column).unwrap();
    let cookie = saved(&session).await;
    let changed = beside.judge.ask(json!({ "do": "password", "pk": 7, "password": "another" })).await;
    let session = beside.session(&cookie).await;
    assert_eq!(session.user().as_deref(), Some("7"));
    assert!(!session.verify_login(&text(&changed, "password")));
    assert_eq!(session.user(), None);
}

pub(crate) async fn a_logout_on_either_side_ends_both(beside: Beside) {
    let column = user(&beside).await;
    for here in [true, false] {
        let session = beside.session("").await;
        session.login_with_proof("7", &column).unwrap();
        let cookie = saved(&session).await;
        let late = beside.session(&cookie).await;
        // Where there is a cache in front, Django has a copy now.
        let seen = beside.judge.ask(json!({ "do": "request", "cookie": cookie })).await;
        assert_eq!(seen["user"], json!(7), "{here}");
        if here {
            session.logout();
            session.save().await.unwrap();
        } else {
            beside.judge.ask(json!({ "do": "request", "cookie": cookie, "logout": true })).await;
        }
        if !beside.place.is_kept() {
            // Who has kept a copy of a cookie still has it: that is what this place is.
            continue;
        }
        let seen = beside.judge.ask(json!({ "do": "request", "cookie": cookie })).await;
        assert_eq!(seen["user"], json!(null), "{here}");
        assert_eq!(beside.session(&cookie).await.user(), None, "{here}");
        // A request that was under way brings nothing back.
        late.insert("late", 1).unwrap();
        assert_eq!(late.save().await.unwrap_err().kind(), ErrorKind::Interrupted, "{here}");
        assert_eq!(beside.judge.ask(json!({ "do": "read", "key": cookie })).await["known"], json!(false));
    }
}

pub(crate) async fn a_new_key_on_either_side_is_the_sessions_key(beside: Beside) {
    let first = text(&beside.judge.ask(json!({ "do": "write", "data": "{\"a\":1}" })).await, "key");
    let session = beside.session(&first).await;
    session.cycle_key();
    session.insert("b", 2).unwrap();
    let second = saved(&session).await;
    assert_eq!(read(&beside, &second).await, json!({ "a": 1, "b": 2 }));
    let third = text(&beside.judge.ask(json!({ "do": "cycle", "key": second })).await, "key");
    assert_eq!(beside.session(&third).await.get::<u8>("b").unwrap(), Some(2));
    if beside.place.is_kept() {
        for old in [first, second] {
            assert!(beside.session(&old).await.is_empty());
            assert_eq!(beside.judge.ask(json!({ "do": "read", "key": old })).await["known"], json!(false));
        }
    }
}

pub(crate) async fn what_django_changes_in_between_is_never_overwritten(beside: Beside) {
    const TIMES: u64 = 200;
    if !beside.place.is_kept() {
        return;
    }
    let cookie = text(&beside.judge.ask(json!({ "do": "write", "data": "{\"there\":0}" })).await, "key");
    let django = beside.another().await;
    let (key, done) = (cookie.clone(), tokio::sync::watch::channel(false));
    let (tell, hear) = done;
    let bumps = tokio::spawn(async move {
        django.ask(json!({ "do": "bump", "key": key, "name": "there", "times": TIMES })).await;
        tell.send(true).unwrap();
    });
    let mut writers = Vec::new();
    for writer in 0..3 {
        let (sessions, hear) = (beside.sessions.clone(), hear.clone());
        let key = sessions.parse_key(&cookie);
        writers.push(tokio::spawn(async move {
            let mut written = 0_u64;
            while !*hear.borrow() {
                let session = sessions.load(key.clone()).await.unwrap();
                let name = format!("here{writer}");
                match session.update(&name, |n: &mut u64| *n += 1).await {
                    Ok(_) => written += 1,
                    // Where own writes can't be recognised, many at once may not get their turn in time.
                    Err(error) => assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}"),
                }
            }
            written
        }));
    }
    bumps.await.unwrap();
    let mut written = 0;
    for writer in writers {
        written += writer.await.unwrap();
    }
    let seen = read(&beside, &cookie).await;
    assert_eq!(seen["there"], json!(TIMES), "each of Django's saves was built upon, by {written} of ours");
    assert!(written > 0);
}

pub(crate) async fn what_has_expired_is_nobodys_and_is_cleared_on_either_side(beside: Beside) {
    if !beside.place.is_kept() {
        return;
    }
    for here in [true, false] {
        // A moment, since what lasts so many seconds never ends in Django's files; a cache cuts off what is no whole second.
        let dead = json!({ "do": "write", "data": "{\"a\":1}", "expiry": { "in": 2 } });
        let dead = text(&beside.judge.ask(dead).await, "key");
        let alive = text(&beside.judge.ask(json!({ "do": "write", "data": "{\"a\":2}" })).await, "key");
        let there =
            async || beside.judge.ask(json!({ "do": "exists", "key": dead })).await["exists"] == json!(true);
        assert!(there().await, "{here}");
        // Django's clock is the machine's: it is waited for.
        while !beside.session(&dead).await.is_empty() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        if here {
            beside.sessions.clear_expired(SystemClock.now()).await.unwrap();
        } else {
            tokio::time::sleep(Duration::from_millis(50)).await;
            beside.judge.ask(json!({ "do": "clear" })).await;
        }
        assert!(!there().await, "{here}");
        assert_eq!(beside.session(&alive).await.get::<u8>("a").unwrap(), Some(2), "{here}");
    }
}
