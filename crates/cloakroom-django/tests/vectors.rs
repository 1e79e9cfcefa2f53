//! What a real Django wrote, read and refused: `django_vectors.json`, each case by its id. Three kinds need a session or a server, and are
//! judged on the layers above: `set_cookie`, `auth_login` and `auth_get_user`, of which the hashes alone are looked at here.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use cloakroom_core::{ErrorKind, Expiry, Lifetime, Portable, SessionFormat, Timestamp};
use cloakroom_django::{
    Cookie, FILE_PREFIX, Pickled, Secrets, Serializer, Signed, Site, TABLE, cache_prefix, cached_db_prefix,
    session_auth_hashes,
};
use serde_json::Value;

const LIMIT: usize = 1 << 20;

/// What no test here judges, and why.
const LEFT: [(&str, &str); 1] = [("djredis-expiry-negative", "nothing is written")];

fn vectors() -> Value {
    serde_json::from_str(include_str!("django_vectors.json")).unwrap()
}

/// The cases of a kind that are judged here.
fn cases(kind: &str) -> Vec<Value> {
    let all = vectors()["cases"].as_array().unwrap().clone();
    let of_kind = all.into_iter().filter(|case| case["kind"] == kind);
    let left = |case: &Value| LEFT.iter().any(|(id, _)| case["id"] == *id);
    let cases: Vec<Value> = of_kind.filter(|case| !left(case)).collect();
    assert!(!cases.is_empty());
    cases
}

fn site(case: &Value) -> Site {
    let settings = &case["settings"];
    let default = vectors()["settings"]["SECRET_KEY"].clone();
    let key =
        [&settings["SECRET_KEY"], &settings["SECRET_KEY_utf8"], &default].into_iter().find_map(Value::as_str);
    let fallbacks = settings["SECRET_KEY_FALLBACKS"].as_array().cloned().unwrap_or_default();
    let secrets = Secrets::new(key.unwrap()).unwrap();
    let secrets = secrets.fallbacks(fallbacks.iter().map(|key| key.as_str().unwrap())).unwrap();
    Site::new(secrets).use_tz(settings["USE_TZ"] != false)
}

fn signed(case: &Value) -> Signed {
    match case["input"]["key_salt"].as_str() {
        Some(salt) => Signed::salted(site(case), salt),
        None => Signed::new(site(case)),
    }
}

fn now(case: &Value) -> Timestamp {
    Timestamp::from_millis(case["input"]["unix_time"].as_u64().unwrap_or(1_700_000_000) * 1_000)
}

fn text<'v>(case: &'v Value, part: &str, name: &str) -> &'v str {
    case[part][name].as_str().unwrap_or_else(|| panic!("{} has no {name}", case["id"]))
}

fn bytes(value: &str) -> Bytes {
    Bytes::copy_from_slice(value.as_bytes())
}

fn hex(digits: &str) -> Bytes {
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
}

/// The session that a JSON text says, by way of a value in a cache: no class of Django's has to sign it.
fn session(json: &str) -> Portable {
    Pickled::new(Site::new(Secrets::new("any").unwrap())).decode(&bytes(json)).unwrap()
}

#[test]
fn what_django_writes_is_written_the_same() {
    for case in cases("session_encode") {
        let (format, id) = (signed(&case), &case["id"]);
        let (encoded, json) = (text(&case, "expected", "encoded"), text(&case, "input", "session_json"));
        let read = format.decode(&bytes(encoded)).unwrap();
        assert_eq!(format.json(encoded.as_bytes()).unwrap(), text(&case, "expected", "decoded_json"), "{id}");
        for session in [&read, &session(json)] {
            let written = format.encode(session, now(&case), LIMIT).unwrap();
            let same = format.json(&written).unwrap();
            assert_eq!(same.as_bytes(), hex(text(&case, "expected", "json_bytes_hex")), "{id}");
            // Packed streams differ between implementations, and so does what is worth packing near the border.
            if !written.starts_with(b".") && !encoded.starts_with('.') {
                assert_eq!(written, encoded, "{id}");
            }
            let lengths = ["json_len", "zlib6_len"].map(|name| case["expected"][name].as_i64().unwrap());
            let is_near = (lengths[0] - lengths[1]).abs() < 4;
            assert!(is_near || written.starts_with(b".") == (case["expected"]["compressed"] == true), "{id}");
            assert_eq!(
                written.split(|byte| *byte == b':').nth(1),
                encoded.as_bytes().split(|byte| *byte == b':').nth(1)
            );
        }
    }
}

#[test]
fn what_django_reads_is_read() {
    for case in cases("session_decode") {
        let (format, encoded) = (signed(&case), text(&case, "input", "encoded"));
        let read = format.decode(&bytes(encoded)).unwrap();
        let again = format.encode(&read, now(&case), LIMIT).unwrap();
        assert_eq!(format.json(&again).unwrap(), text(&case, "expected", "decoded_json"), "{}", case["id"]);
    }
}

#[test]
fn what_django_refuses_is_corrupt() {
    for case in cases("session_reject") {
        let refused = signed(&case).decode(&bytes(text(&case, "input", "encoded"))).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Corrupt, "{}", case["id"]);
    }
}

#[test]
fn keys_are_derived_from_text_in_utf8() {
    for case in cases("derive_key") {
        let salt = text(&case, "input", "key_salt").strip_suffix("signer").unwrap();
        let secrets = Secrets::new(text(&case, "input", "secret")).unwrap();
        let written = Signed::salted(Site::new(secrets), salt)
            .encode(&session("{\"a\":1}"), now(&case), LIMIT)
            .unwrap();
        let (value, signature) =
            (text(&case, "input", "value"), text(&case, "expected", "hmac_b64url_nopad"));
        assert_eq!(written, format!("{value}:{signature}"), "{}", case["id"]);
    }
}

#[test]
fn a_cache_in_files_holds_a_pickle_behind_a_pickle() {
    for case in cases("filecache") {
        let content = hex(text(&case, "expected", "content_hex"));
        let packed = content.iter().position(|byte| *byte == b'x').unwrap();
        let format = Pickled::new(site(&case));
        assert_eq!(format.json(&content).unwrap(), "1701209600.0", "what follows is ignored: {}", case["id"]);
        assert_eq!(
            format.json(&content[packed..]).unwrap(),
            text(&case, "input", "session_json"),
            "{}",
            case["id"]
        );
    }
}

#[test]
fn seconds_have_djangos_digits() {
    for case in cases("base62") {
        let seconds = case["input"]["int"].as_i64().unwrap();
        let Ok(millis) = u64::try_from(seconds * 1_000) else {
            // No moment here is before 1970: `base62.rs` tries those.
            assert!(["b62--1", "b62--62"].iter().any(|id| case["id"] == *id));
            continue;
        };
        let written =
            signed(&case).encode(&Portable::default(), Timestamp::from_millis(millis), LIMIT).unwrap();
        let digits = written.split(|byte| *byte == b':').nth(1);
        assert_eq!(digits, Some(text(&case, "expected", "text").as_bytes()), "{}", case["id"]);
    }
}

/// The moment that a text of Python's `isoformat` names, naive ones in UTC: read by the format itself, in a session that says so.
fn moment(text: &str) -> Timestamp {
    let site = Site::new(Secrets::new("any").unwrap()).use_tz(false);
    let session = format!("{{\"_session_expiry\":\"{text}\"}}");
    match Pickled::new(site).decode(&bytes(&session)).unwrap().expiry {
        Expiry::At(moment) => moment,
        other => panic!("{other:?}"),
    }
}

fn ends_as_expected(case: &Value, expiry: Expiry) {
    let (id, expected) = (&case["id"], &case["expected"]);
    let now = moment(case["input"]["modification"].as_str().unwrap_or(text(case, "input", "now")));
    let mut lifetime = Lifetime::default();
    lifetime.at_browser_close = case["settings"]["SESSION_EXPIRE_AT_BROWSER_CLOSE"] == true;
    let age = match &expected["expiry_age"] {
        Value::Bool(age) => f64::from(*age),
        age => age.as_f64().unwrap(),
    };
    let ours = lifetime.expiry_age(expiry, now);
    assert!((Duration::from_secs_f64(age)..Duration::from_secs_f64(age + 1.0)).contains(&ours), "{id}");
    assert_eq!(lifetime.expiry_date(expiry, now), moment(text(case, "expected", "expiry_date")), "{id}");
    let at_close =
        matches!(expiry, Expiry::BrowserClose) || (expiry == Expiry::Default && lifetime.at_browser_close);
    assert_eq!(at_close, expected["expire_at_browser_close"], "{id}");
}

#[test]
fn an_expiry_says_what_it_says_to_django() {
    for case in cases("expiry") {
        let (format, encoded) = (signed(&case), text(&case, "expected", "encoded"));
        let read = format.decode(&bytes(encoded)).unwrap();
        ends_as_expected(&case, read.expiry);
        let at = moment(text(&case, "input", "now"));
        assert_eq!(format.encode(&read, at, LIMIT).unwrap(), encoded, "{}", case["id"]);
        // Set anew, it is written as Django sets it, but for booleans, an offset and what is less than a millisecond.
        let mut anew = Portable::default();
        anew.expiry = read.expiry;
        let differs = ["exp-bool-true", "exp-bool-false", "exp-dt-offset", "exp-td-us"];
        let same = format.encode(&anew, at, LIMIT).unwrap() == encoded;
        assert_eq!(same, !differs.iter().any(|id| case["id"] == *id), "{}", case["id"]);
    }
}

#[test]
fn a_date_is_read_as_python_reads_it() {
    for case in cases("expiry_parse") {
        let stored = format!("{{\"_session_expiry\":\"{}\"}}", text(&case, "input", "_session_expiry"));
        let read = Pickled::new(site(&case)).decode(&bytes(&stored)).unwrap();
        ends_as_expected(&case, read.expiry);
    }
}

#[test]
fn a_cookie_is_written_and_read_as_by_django() {
    for case in cases("signed_cookie") {
        let (format, value) = (Cookie::new(site(&case)), text(&case, "expected", "cookie_value"));
        let read = format.decode(&bytes(value)).unwrap();
        assert_eq!(format.verify(value.as_bytes(), now(&case), Duration::ZERO).unwrap(), now(&case));
        assert_eq!(read.saved_at, Some(now(&case)));
        let written = format.encode(&read, now(&case), LIMIT).unwrap();
        assert_eq!(format.json(&written).unwrap(), text(&case, "expected", "decoded_json"), "{}", case["id"]);
        if !value.starts_with('.') {
            assert_eq!(written, value, "{}", case["id"]);
        }
    }
}

#[test]
fn what_is_written_is_signed_with_the_newest_key() {
    let secret = |key: &str| Secrets::new(key).unwrap();
    let both = Site::new(secret("the new one").fallbacks(["the one before"]).unwrap());
    let [new, old] = ["the new one", "the one before"].map(|key| Site::new(secret(key)));
    let before = Signed::new(old.clone()).encode(&session("{\"a\":1}"), Timestamp::MIN, LIMIT).unwrap();
    let read = Signed::new(both.clone()).decode(&before).unwrap();
    let formats: [fn(Site) -> Box<dyn SessionFormat>; 2] =
        [|site| Box::new(Signed::new(site)), |site| Box::new(Cookie::new(site))];
    for format in formats {
        let written = format(both.clone()).encode(&read, Timestamp::MIN, LIMIT).unwrap();
        assert_eq!(format(new.clone()).decode(&written).unwrap().entries, read.entries);
        assert_eq!(format(old.clone()).decode(&written).unwrap_err().kind(), ErrorKind::Corrupt);
    }
}

#[test]
fn a_cookie_counts_where_it_counts_for_django() {
    for case in cases("signed_cookie_load") {
        let (format, value) = (Cookie::new(site(&case)), text(&case, "input", "cookie_value"));
        let age = Duration::from_secs(case["settings"]["SESSION_COOKIE_AGE"].as_u64().unwrap_or(1_209_600));
        let counts = format.verify(value.as_bytes(), now(&case), age).is_ok();
        assert_eq!(counts, case["expected"]["accept"], "{}", case["id"]);
        if counts {
            let said = format.json(value.as_bytes()).unwrap();
            assert_eq!(serde_json::from_str::<Value>(&said).unwrap(), case["expected"]["load_returns"]);
        }
    }
}

/// The cache's key of a case, by its settings.
fn key(case: &Value) -> String {
    let prefix = case["input"]["cache_alias_config"]["KEY_PREFIX"].as_str().unwrap_or_default();
    let prefix =
        if case["id"] == "redis-cached-db" { cached_db_prefix(prefix, 1) } else { cache_prefix(prefix, 1) };
    prefix + text(case, "input", "session_key")
}

#[test]
fn a_caches_value_is_read_and_has_djangos_key() {
    for case in cases("redis") {
        let id = &case["id"];
        let stored = &case["expected"]["commands"]["save_must_create"][0];
        assert_eq!(stored[1], key(&case), "{id}");
        let value = stored[2].as_str().map_or_else(|| hex(stored[2]["hex"].as_str().unwrap()), bytes);
        let format = Pickled::new(site(&case));
        let read = format.decode(&value).unwrap();
        assert_eq!(format.json(&value).unwrap(), text(&case, "input", "session_json"), "{id}");
        for serializer in [Serializer::Pickle4, Serializer::Pickle5, Serializer::Json] {
            for zlib in [false, true] {
                let format = format.clone().serializer(serializer).zlib(zlib);
                let written = format.encode(&read, now(&case), LIMIT).unwrap();
                assert_eq!(format.json(&written).unwrap(), text(&case, "input", "session_json"), "{id}");
            }
        }
    }
}

#[test]
fn what_a_cache_holds_is_read_where_django_reads_it() {
    for case in cases("redis_load") {
        let read = Pickled::new(site(&case)).json(&hex(text(&case, "input", "value_hex")));
        if case["expected"]["treated_as_missing"] == true {
            assert_eq!(read.unwrap_err().kind(), ErrorKind::Corrupt, "{}", case["id"]);
        } else {
            let expected = text(&case, "expected", "load_returns_json").replace(": ", ":").replace(", ", ",");
            assert_eq!(read.unwrap(), expected, "{}", case["id"]);
        }
    }
}

#[test]
fn a_pickle_of_any_protocol_is_read() {
    for case in cases("pickle") {
        let read = Pickled::new(site(&case)).json(&hex(text(&case, "expected", "pickle_hex"))).unwrap();
        assert_eq!(read, text(&case, "expected", "decoded_json"), "{}", case["id"]);
    }
}

#[test]
fn a_password_has_djangos_hashes() {
    for case in cases("auth_hash") {
        let format = signed(&case);
        let proofs = format.proofs("7", text(&case, "input", "user_password_field"));
        assert_eq!(proofs[0], text(&case, "expected", "auth_hash"), "{}", case["id"]);
        let fallbacks = case["expected"]["fallback_hashes"].as_array().cloned().unwrap_or_default();
        assert_eq!(proofs[1..], fallbacks, "{}", case["id"]);
    }
    for case in cases("auth_login") {
        let password = text(&case, "input", "user_password_field");
        let secrets = Secrets::new(vectors()["settings"]["SECRET_KEY"].as_str().unwrap()).unwrap();
        let hash = &case["expected"]["session_after"]["_auth_user_hash"];
        assert_eq!(session_auth_hashes(&secrets, password)[0], *hash, "{}", case["id"]);
    }
}

#[test]
fn sessions_lie_where_djangos_do() {
    assert_eq!((TABLE, FILE_PREFIX), ("django_session", "sessionid"));
}

#[test]
fn each_case_is_judged_or_left_for_a_reason() {
    let judged = [
        "derive_key",
        "filecache",
        "session_encode",
        "session_decode",
        "session_reject",
        "base62",
        "expiry",
        "expiry_parse",
        "signed_cookie",
        "signed_cookie_load",
        "redis",
        "redis_load",
        "pickle",
        "auth_hash",
    ];
    let above = ["set_cookie", "auth_login", "auth_get_user"];
    let all = vectors()["cases"].as_array().unwrap().clone();
    let is_in = |kinds: &[&str], case: &Value| kinds.iter().any(|kind| case["kind"] == *kind);
    let others = all.iter().filter(|case| !is_in(&judged, case) && !is_in(&above, case));
    let others: BTreeSet<&str> = others.map(|case| case["id"].as_str().unwrap()).collect();
    let left: BTreeSet<&str> = LEFT.iter().map(|(id, _)| *id).collect();
    assert!(others.is_subset(&left), "{:?}", others.difference(&left));
    assert!(
        left.iter().all(|id| all.iter().any(|case| case["id"] == **id)),
        "nothing is left that is not there"
    );
}
