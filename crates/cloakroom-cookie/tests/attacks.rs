//! What somebody makes up, keeps, cuts, joins or carries over opens nothing.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use bytes::Bytes;
use cloakroom_cookie::{Backend, Config};
use cloakroom_core::{
    Clock, Deleted, ManualClock, Read, Record, Saved, SealKeys, SessionBackend, SessionId, Stamp, Timestamp,
    Touched,
};

const KEY: &str = "django-insecure-0123456789abcdefghijklmnopqrstuvwxyz";
const OTHER: &str = "django-insecure-zyxwvutsrqponmlkjihgfedcba9876543210";
const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

fn clock() -> ManualClock {
    ManualClock::at(NOW)
}

/// An engine at that time of day.
fn open(config: Config) -> Backend {
    config.clock(Arc::new(clock())).open().unwrap()
}

fn seal(key: u8) -> SealKeys {
    SealKeys::new([[key; 32]]).unwrap()
}

/// A signing and a sealing engine under the same secret key.
fn both() -> [Backend; 2] {
    [open(Config::new(KEY)), open(Config::new(KEY).sealed(seal(7)))]
}

fn record(owner: Option<&str>) -> Record {
    let stamp = Stamp { sequence: 1, nonce: 2 };
    let payload = Bytes::from_static(b"\x01what alice has in her cart");
    Record::new(payload, NOW.plus(Duration::from_hours(1)), owner.map(str::to_owned), stamp)
}

/// What an engine hands out for a record.
async fn issued(engine: &Backend, record: &Record) -> String {
    let id = SessionId::parse("any").unwrap();
    value(engine.create(&id, record).await.unwrap())
}

fn value(saved: Saved) -> String {
    match saved {
        Saved::Written(written) => written.present.unwrap(),
        other => panic!("{other:?}"),
    }
}

/// What a value opens; and whether all other ways to use it agree.
async fn opened(engine: &Backend, value: &str) -> Option<Record> {
    let id = SessionId::parse(value)?;
    let found = engine.load(&id, Read::Latest).await.unwrap().map(|stored| stored.record);
    let seen = record(None).stamp.into();
    let until = NOW.plus(Duration::from_hours(2));
    let touched = engine.touch(&id, until, &seen).await.unwrap();
    let saved = engine.save(&id, &record(None), &seen).await.unwrap();
    let rotated = engine.rotate(&id, &id, &record(None), &seen).await.unwrap();
    let ways = [
        engine.revision(&id).await.unwrap().is_some(),
        !matches!(touched, Touched::Gone),
        !matches!(saved, Saved::Gone),
        !matches!(rotated, Saved::Gone),
        engine.delete(&id, None).await.unwrap() != Deleted::Absent,
    ];
    assert_eq!(ways, [found.is_some(); 5], "one way in is as closed as the other");
    found
}

fn bytes(value: &str) -> Vec<u8> {
    BASE64_URL_SAFE_NO_PAD.decode(value).unwrap()
}

fn text(bytes: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

#[tokio::test]
async fn a_value_opens_what_was_handed_out() {
    for engine in both() {
        let value = issued(&engine, &record(Some("alice"))).await;
        assert_eq!(opened(&engine, &value).await, Some(record(Some("alice"))));
    }
}

#[tokio::test]
async fn no_value_with_a_changed_byte_opens_anything() {
    for engine in both() {
        let value = issued(&engine, &record(Some("alice"))).await;
        let said = bytes(&value);
        for at in 0..said.len() {
            for flip in [1, 2, 4, 8, 16, 32, 64, 128] {
                let mut changed = said.clone();
                changed[at] ^= flip;
                assert_eq!(opened(&engine, &text(&changed)).await, None, "{at} {flip}");
            }
        }
    }
}

#[tokio::test]
async fn no_value_with_a_changed_character_opens_anything() {
    for engine in both() {
        let value = issued(&engine, &record(Some("alice"))).await;
        for at in 0..value.len() {
            // The last character has bits that stand for nothing: they must be none.
            for other in
                "ABCDWXYZabcdwxyz0189-_.:+/=%~".bytes().filter(|other| *other != value.as_bytes()[at])
            {
                let mut changed = value.clone().into_bytes();
                changed[at] = other;
                let changed = String::from_utf8(changed).unwrap();
                assert_eq!(opened(&engine, &changed).await, None, "{at} {}", char::from(other));
            }
        }
    }
}

#[tokio::test]
async fn no_value_that_was_cut_or_extended_opens_anything() {
    for engine in both() {
        let value = issued(&engine, &record(Some("alice"))).await;
        for end in 0..value.len() {
            assert_eq!(opened(&engine, &value[..end]).await, None, "{end}");
            assert_eq!(opened(&engine, &value[end + 1..]).await, None, "{end}");
        }
        for more in ["A", "AA", "AAA", "AAAA", "=", "==", ".", ":", &value] {
            assert_eq!(opened(&engine, &format!("{value}{more}")).await, None, "{more}");
            assert_eq!(opened(&engine, &format!("{more}{value}")).await, None, "{more}");
        }
    }
}

#[tokio::test]
async fn what_one_value_says_does_not_go_with_anothers_signature() {
    for engine in both() {
        let (mine, hers) =
            (issued(&engine, &record(None)).await, issued(&engine, &record(Some("alice"))).await);
        let (mine, hers) = (bytes(&mine), bytes(&hers));
        for tail in [16, 32, 48] {
            let joined = [&hers[..hers.len() - tail], &mine[mine.len() - tail..]].concat();
            assert_eq!(opened(&engine, &text(&joined)).await, None);
        }
    }
}

#[tokio::test]
async fn a_value_of_another_key_or_another_cookie_opens_nothing() {
    let others = [
        open(Config::new(OTHER)),
        open(Config::new(KEY).cookie_name("sessionid2")),
        open(Config::new(KEY).cookie_name("")),
        open(Config::new(OTHER).sealed(seal(7))),
        open(Config::new(KEY).sealed(seal(8))),
        open(Config::new(KEY).sealed(seal(7)).cookie_name("__Host-sessionid")),
    ];
    for other in &others {
        let foreign = issued(other, &record(Some("alice"))).await;
        assert!(opened(other, &foreign).await.is_some());
        for engine in both() {
            assert_eq!(opened(&engine, &foreign).await, None, "{other:?} at {engine:?}");
            let own = issued(&engine, &record(Some("alice"))).await;
            assert_eq!(opened(other, &own).await, None, "{engine:?} at {other:?}");
        }
    }
}

#[tokio::test]
async fn a_signed_value_opens_no_sealed_session_nor_the_other_way_round() {
    let [signing, sealing] = both();
    let signed = issued(&signing, &record(Some("alice"))).await;
    let sealed = issued(&sealing, &record(Some("alice"))).await;
    assert_eq!(opened(&sealing, &signed).await, None);
    assert_eq!(opened(&signing, &sealed).await, None);
    // Nor under each other's version.
    for (engine, value, version) in [(&sealing, &signed, 2), (&signing, &sealed, 1)] {
        let mut claimed = bytes(value);
        claimed[0] = version;
        assert_eq!(opened(engine, &text(&claimed)).await, None);
    }
}

#[tokio::test]
async fn a_version_that_is_unknown_opens_nothing_even_with_a_good_signature() {
    // As an engine of a later version would sign it, with the same keys.
    use ring::hkdf::{HKDF_SHA256, Salt};
    use ring::hmac::{HMAC_SHA256, Key, sign};
    let root = Salt::new(HKDF_SHA256, b"cloakroom signed cookie 1").extract(KEY.as_bytes());
    let key = Key::from(root.expand(&[b"sessionid"], HMAC_SHA256).unwrap());
    let engine = open(Config::new(KEY));
    let mut said = bytes(&issued(&engine, &record(Some("alice"))).await);
    said.truncate(said.len() - 32);
    for version in 0..=255 {
        said[0] = version;
        let signed = [&said, sign(&key, &said).as_ref()].concat();
        assert_eq!(opened(&engine, &text(&signed)).await.is_some(), version == 1, "{version}");
    }
    // And what such a signature holds together without being a token is nothing, and no panic.
    for length in 0..64 {
        let nonsense = vec![1; length];
        let signed = [&nonsense[..], sign(&key, &nonsense).as_ref()].concat();
        let found = opened(&engine, &text(&signed)).await;
        assert_eq!(found, None, "{length}");
    }
}

/// Every list of secret keys, in every order, with every list of seal keys, and without.
fn every_configuration() -> Vec<(Backend, bool)> {
    const THIRD: &str = "django-insecure-third-third-third-third-third-third-";
    let secrets: [&[&str]; 9] = [
        &[KEY],
        &[OTHER],
        &[KEY, OTHER],
        &[OTHER, KEY],
        &[KEY, OTHER, THIRD],
        &[THIRD, KEY, OTHER],
        &[OTHER, THIRD, KEY],
        &[THIRD, OTHER, KEY],
        &[KEY, KEY],
    ];
    let seals: [&[u8]; 6] = [&[], &[7], &[8], &[7, 8], &[8, 7], &[9, 8, 7]];
    let mut all = Vec::new();
    for secrets in secrets {
        for seals in seals {
            let config = Config::new(secrets[0]).fallbacks(&secrets[1..]);
            all.push((
                open(if seals.is_empty() { config } else { config.sealed(seal_keys(seals)) }),
                !seals.is_empty(),
            ));
        }
    }
    all
}

fn seal_keys(seals: &[u8]) -> SealKeys {
    SealKeys::new(seals.iter().map(|seal| [*seal; 32])).unwrap()
}

/// An HMAC under the key of a secret for the cookie, as the engine makes it.
fn signed(secret: &str, said: &[u8]) -> Vec<u8> {
    use ring::hkdf::{HKDF_SHA256, Salt};
    use ring::hmac::{HMAC_SHA256, Key, sign};
    let root = Salt::new(HKDF_SHA256, b"cloakroom signed cookie 1").extract(secret.as_bytes());
    let key = Key::from(root.expand(&[b"sessionid"], HMAC_SHA256).unwrap());
    [said, sign(&key, said).as_ref()].concat()
}

/// A decoder that is tried when another has failed makes a session of what nobody has sealed.
#[tokio::test]
async fn what_does_not_open_is_given_to_no_other_decoder_under_any_keys() {
    use ring::hmac::{HMAC_SHA256, Key, sign};
    let [signing, _] = both();
    let token = {
        let bytes = bytes(&issued(&signing, &record(Some("admin"))).await);
        bytes[1..bytes.len() - 32].to_vec()
    };
    let versioned = |version: u8, said: &[u8]| [&[version], said].concat();
    let json =
        br#"{"_auth_user_id": "1", "_auth_user_backend": "django.contrib.auth.backends.ModelBackend"}"#;
    let pickle = b"\x80\x04\x95\x1b\x00\x00\x00\x00\x00\x00\x00}\x94\x8c\x04user\x94\x8c\x05admin\x94s.";
    let mut forms: Vec<Vec<u8>> = vec![token.clone(), json.to_vec(), pickle.to_vec()];
    for version in [0, 1, 2, 3, b'{', 0x80, 0xff] {
        forms.extend([&token[..], json, pickle].map(|said| versioned(version, said)));
    }
    let mut foreign: Vec<String> = Vec::new();
    for form in &forms {
        // As it is; with a signature that is none; with the secret key itself in the derived one's place.
        foreign.push(text(form));
        foreign.push(text(&[form, &[0; 32][..]].concat()));
        let direct = sign(&Key::new(HMAC_SHA256, KEY.as_bytes()), form);
        foreign.push(text(&[form, direct.as_ref()].concat()));
        // As Rack and Flask have them: what it says, a separator, who says so.
        for separator in ["--", ".", ":"] {
            foreign.push(format!("{}{separator}{}", text(form), text(direct.as_ref())));
        }
    }
    // Well sealed and not signed; well signed, and sealed with a key that nobody knows, for another cookie, or cut.
    let sealed = |key: u8, place: &[u8]| seal_keys(&[key]).seal(place, &[], &token).unwrap();
    foreign.push(text(&versioned(2, &sealed(7, b"sessionid"))));
    for secret in [KEY, OTHER] {
        let well_signed = |said: &[u8]| text(&signed(secret, said));
        foreign.push(well_signed(&versioned(2, &sealed(6, b"sessionid"))));
        foreign.push(well_signed(&versioned(2, &sealed(7, b"other"))));
        foreign.push(well_signed(&versioned(2, &sealed(7, b"sessionid")[..40])));
        foreign.push(well_signed(&versioned(1, &sealed(7, b"sessionid"))));
        // In the clear, under the version of what is sealed, and other forms under any version.
        foreign.push(well_signed(&versioned(2, &token)));
        foreign.push(well_signed(&versioned(2, &versioned(1, &token))));
        for version in [0, 3, 0xff] {
            foreign.push(well_signed(&versioned(version, &token)));
            foreign.push(well_signed(&versioned(version, &sealed(7, b"sessionid"))));
        }
        for said in [&json[..], pickle] {
            foreign.push(well_signed(said));
        }
    }
    let mut opens = 0;
    for (engine, seals) in every_configuration() {
        for value in &foreign {
            let Some(id) = SessionId::parse(value) else { continue };
            let found = engine.load(&id, Read::Latest).await.unwrap();
            assert_eq!(found, None, "{value} at {engine:?}");
        }
        for (value, sealed) in [
            (text(&signed(KEY, &versioned(1, &token))), false),
            (text(&signed(KEY, &versioned(2, &sealed(7, b"sessionid")))), true),
        ] {
            let found = opened(&engine, &value).await.is_some();
            assert!(!found || sealed == seals, "{value} at {engine:?}");
            opens += u32::from(found);
        }
    }
    // Those that have the keys, wherever in their lists: else all of the above would prove nothing.
    assert_eq!(opens, 8 + 8 * 4);
}

#[tokio::test]
async fn an_older_key_still_opens_and_the_first_one_signs() {
    let old = open(Config::new(OTHER));
    let changed = open(Config::new(KEY).fallbacks([OTHER]));
    let value_of_old = issued(&old, &record(Some("alice"))).await;
    assert!(opened(&changed, &value_of_old).await.is_some());

    let id = SessionId::parse(&value_of_old).unwrap();
    let seen = record(None).stamp.into();
    let next = value(changed.save(&id, &record(Some("alice")), &seen).await.unwrap());
    let visited = match changed.touch(&id, NOW.plus(Duration::from_hours(2)), &seen).await.unwrap() {
        Touched::Moved(written) => written.present.unwrap(),
        other => panic!("{other:?}"),
    };
    let fresh = issued(&changed, &record(None)).await;
    for value in [next, visited, fresh] {
        assert!(opened(&open(Config::new(KEY)), &value).await.is_some(), "the new key alone knows it");
        assert_eq!(opened(&old, &value).await, None, "nothing is signed with the old one");
    }
    assert_eq!(opened(&open(Config::new(KEY)), &value_of_old).await, None, "without a fallback it is over");
}

#[tokio::test]
async fn older_seal_keys_still_open_and_the_first_one_seals() {
    let config = |keys: &[[u8; 32]]| Config::new(KEY).sealed(SealKeys::new(keys.iter().copied()).unwrap());
    let (old, changed, new) =
        (open(config(&[[7; 32]])), open(config(&[[8; 32], [7; 32]])), open(config(&[[8; 32]])));
    let value = issued(&old, &record(None)).await;
    assert!(opened(&changed, &value).await.is_some());
    assert_eq!(opened(&new, &value).await, None);
    assert!(opened(&new, &issued(&changed, &record(None)).await).await.is_some());
}

#[tokio::test]
async fn a_value_is_replayed_in_vain_from_its_deadline_on() {
    let moved = clock();
    for config in [Config::new(KEY), Config::new(KEY).sealed(seal(7))] {
        let engine = config.clock(Arc::new(moved.clone())).open().unwrap();
        let mut until = record(Some("alice"));
        until.expires_at = moved.now().plus(Duration::from_mins(1));
        let value = issued(&engine, &until).await;
        moved.advance(Duration::from_millis(59_999));
        assert!(opened(&engine, &value).await.is_some());
        moved.advance(Duration::from_millis(1));
        assert_eq!(opened(&engine, &value).await, None);
        moved.advance(Duration::from_hours(24 * 365 * 100));
        assert_eq!(opened(&engine, &value).await, None);
    }
}

#[tokio::test]
async fn keys_of_other_engines_and_foreign_values_open_nothing() {
    for engine in both() {
        for foreign in [
            "a",
            "abcdefghijklmnopqrstuvwxyz012345",
            "abcZTuxJF6Cj82k-lP81aPe9b",
            "eyJfYXV0aF91c2VyX2lkIjoiMSJ9:1ud2Xc:AbCdEfGhIjKlMnOpQrStUvWxYz0123456789abcdefg",
            "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbGljZSJ9.",
            "s:nQ6Q1.vJ1",
            &"A".repeat(4096),
            &"_".repeat(4087),
        ] {
            assert_eq!(opened(&engine, foreign).await, None, "{foreign}");
        }
    }
}

#[tokio::test]
async fn a_megabyte_of_garbage_is_refused_before_it_is_read() {
    let sessions = cloakroom_core::Sessions::new(open(Config::new(KEY)));
    let huge = "A".repeat(1 << 20);
    assert!(sessions.parse_key(&huge).is_none() && SessionId::parse(&huge).is_none());
    // And as much as can arrive, a million bytes of it, in a build without optimisation.
    let longest = SessionId::parse(&"A".repeat(4096)).unwrap();
    let start = Instant::now();
    for engine in both() {
        for _ in 0..128 {
            assert_eq!(engine.load(&longest, Read::Any).await.unwrap(), None);
        }
    }
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_sealed_value_shows_nothing_and_never_the_same_twice() {
    let [signing, sealing] = both();
    let shows = |value: &str, what: &[u8]| bytes(value).windows(what.len()).any(|window| window == what);
    let signed = issued(&signing, &record(Some("alice"))).await;
    assert!(shows(&signed, b"alice") && shows(&signed, b"cart"));
    let sealed = issued(&sealing, &record(Some("alice"))).await;
    let deadline = record(None).expires_at.millis().to_be_bytes();
    for secret in [b"alice".as_slice(), b"cart", &deadline[2..], &record(None).stamp.to_bytes()] {
        assert!(!shows(&sealed, secret));
    }
    assert_ne!(sealed, issued(&sealing, &record(Some("alice"))).await);
}
