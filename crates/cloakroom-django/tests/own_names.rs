//! The names that Django keeps for itself: what they say, and that what they say already is left alone.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use bytes::Bytes;
use cloakroom_core::{ErrorKind, Expiry, Portable, SessionFormat, Timestamp};
use cloakroom_django::{Pickled, Secrets, Serializer, Site};

const BACKEND: &str = r#""_auth_user_backend":"django.contrib.auth.backends.ModelBackend""#;

fn format() -> Pickled {
    Pickled::new(site()).serializer(Serializer::Json)
}

fn site() -> Site {
    Site::new(Secrets::new("secret").unwrap())
}

fn read(json: &str) -> Portable {
    format().decode(&Bytes::copy_from_slice(json.as_bytes())).unwrap()
}

fn written(session: &Portable) -> String {
    written_by(&format(), session)
}

fn written_by(format: &Pickled, session: &Portable) -> String {
    let value = format.encode(session, Timestamp::MIN, 1 << 20).unwrap();
    String::from_utf8(value.to_vec()).unwrap()
}

#[test]
fn a_login_is_ours_if_it_is_by_a_backend_of_the_site() {
    let login = |backend: &str| format!(r#"{{"_auth_user_id":"7",{backend},"_auth_user_hash":"ab"}}"#);
    let ours = read(&login(BACKEND));
    assert_eq!((ours.user.as_deref(), ours.proof.as_deref()), (Some("7"), Some("ab")));
    for backend in [r#""_auth_user_backend":"elsewhere.Backend""#, r#""_auth_user_backend":7"#, r#""x":1"#] {
        let other = read(&login(backend));
        assert_eq!((other.user.as_deref(), other.proof.as_deref()), (None, None), "{backend}");
        assert_eq!(written(&other), login(backend), "and it is left alone");
    }
}

#[test]
fn a_user_is_a_text() {
    for id in ["7", "null", r#"["7"]"#, r#""\ud800""#] {
        let stored = format!(r#"{{"_auth_user_id":{id},{BACKEND}}}"#);
        assert_eq!(read(&stored).user, None, "{id}");
        assert_eq!(written(&read(&stored)), stored);
    }
}

#[test]
fn a_login_is_added_at_the_end_in_djangos_order() {
    let mut session = read(r#"{"cart":[1]}"#);
    session.user = Some("7".to_owned());
    session.proof = Some("ab".to_owned());
    session.expiry = Expiry::from_secs(300);
    let expected = format!(
        r#"{{"cart":[1],"_auth_user_id":"7",{BACKEND},"_auth_user_hash":"ab","_session_expiry":300}}"#
    );
    assert_eq!(written(&session), expected);
}

#[test]
fn a_login_is_by_the_first_backend_and_stays_by_the_one_it_was() {
    let site = site().backends(["a.First", "b.Second"]).unwrap();
    let format = Pickled::new(site).serializer(Serializer::Json);
    let stored = r#"{"_auth_user_id":"7","_auth_user_backend":"b.Second","_auth_user_hash":"ab"}"#;
    let mut session = format.decode(&Bytes::copy_from_slice(stored.as_bytes())).unwrap();
    assert_eq!(session.user.as_deref(), Some("7"));
    session.proof = Some("cd".to_owned());
    assert_eq!(written_by(&format, &session), stored.replace("ab", "cd"), "the password has changed");
    session.user = Some("8".to_owned());
    let other = r#"{"_auth_user_id":"8","_auth_user_backend":"a.First","_auth_user_hash":"cd"}"#;
    assert_eq!(written_by(&format, &session), other);
}

#[test]
fn what_says_the_same_already_is_written_byte_for_byte_at_its_place() {
    let stored = format!(
        r#"{{"_session_expiry":300.0,"_auth_user_hash":"\u0061b","a":1,{BACKEND},"_auth_user_id":"\u0037","b":2}}"#
    );
    let same = written(&read(&stored));
    assert_eq!(
        same,
        stored.replace(r"\u0061", "a").replace(r"\u0037", "7"),
        "but for the form that Python gives it"
    );
}

#[test]
fn what_is_no_longer_so_goes() {
    let stored =
        format!(r#"{{"a":1,"_auth_user_id":"7",{BACKEND},"_auth_user_hash":"ab","_session_expiry":0}}"#);
    let mut session = read(&stored);
    session.proof = None;
    assert_eq!(written(&session), stored.replace(r#","_auth_user_hash":"ab""#, ""));
    session.user = None;
    assert_eq!(written(&session), r#"{"a":1,"_session_expiry":0}"#);
    session.expiry = Expiry::Default;
    assert_eq!(written(&session), r#"{"a":1}"#);
}

#[test]
fn an_expiry_that_changes_keeps_its_place() {
    let mut session = read(r#"{"_session_expiry":"2023-11-14T23:13:20.123456+00:00","a":1}"#);
    let moment = Timestamp::from_millis(1_700_003_600_123);
    assert_eq!(session.expiry, Expiry::At(moment));
    session.expiry = Expiry::At(moment.plus(Duration::from_millis(1)));
    assert_eq!(written(&session), r#"{"_session_expiry":"2023-11-14T23:13:20.124000+00:00","a":1}"#);
    session.expiry = Expiry::After(Duration::from_millis(1_500));
    assert_eq!(written(&session), r#"{"_session_expiry":1.5,"a":1}"#);
}

#[test]
fn an_expiry_that_is_none_to_django_is_corrupt() {
    for expiry in [r#""soon""#, r#""2023-11-14T23:13:20""#, "[1]", "NaN"] {
        let stored = format!(r#"{{"a":1,"_session_expiry":{expiry}}}"#);
        let refused = format().decode(&Bytes::from(stored)).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Corrupt, "{expiry}");
    }
}

#[test]
fn a_site_without_backends_is_refused() {
    let none: [&str; 0] = [];
    assert_eq!(site().backends(none).unwrap_err().kind(), ErrorKind::Misconfigured);
}
