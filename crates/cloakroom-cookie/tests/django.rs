//! Cookies that are shared with Django: what is in them, and when they end.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use cloakroom_conformance::PlainFormat;
use cloakroom_cookie::django::Config;
use cloakroom_core::{
    ErrorKind, Expiry, ManualClock, Portable, Read, Record, Result, Saved, SessionBackend, SessionFormat,
    SessionId, SessionKey, SessionOptions, Sessions, Stamp, Timestamp, Touched,
};

const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);
const HOUR: Duration = Duration::from_hours(1);

fn config(clock: &ManualClock) -> Config {
    Config::new(Arc::new(PlainFormat)).clock(Arc::new(clock.clone()))
}

/// What Django would send a browser.
fn djangos(expiry: Expiry) -> SessionId {
    let mut session = Portable::default();
    session.entries = vec![("cart".to_owned(), Bytes::from_static(b"1"))];
    session.expiry = expiry;
    let value = PlainFormat.encode(&session, NOW, usize::MAX).unwrap();
    SessionId::parse(std::str::from_utf8(&value).unwrap()).unwrap()
}

fn record(payload: impl Into<Bytes>) -> Record {
    Record::new(payload.into(), NOW.plus(HOUR), None, Stamp { sequence: 1, nonce: 7 })
}

#[tokio::test]
async fn a_value_is_what_the_format_writes_and_nothing_else() {
    let clock = ManualClock::at(NOW);
    let mut options = SessionOptions::default();
    options.clock = Arc::new(clock.clone());
    let sessions = Sessions::with(config(&clock).open(), options);
    let key = SessionKey::parse(djangos(Expiry::Default).expose(), cloakroom_core::Addressing::Presented);
    let session = sessions.load(key).await.unwrap();
    assert_eq!(session.get::<i64>("cart").unwrap(), Some(1));
    session.insert("more", 2).unwrap();
    session.save().await.unwrap();
    let value = Bytes::copy_from_slice(session.key().unwrap().expose().as_bytes());
    let told = PlainFormat.decode(&value).unwrap();
    assert_eq!((told.entries.len(), told.saved_at), (2, Some(NOW)));
}

#[tokio::test]
async fn every_end_counts_when_a_value_is_read() {
    let clock = ManualClock::at(NOW);
    let backend = config(&clock).age(HOUR * 2).open();
    let moment = NOW.plus(HOUR * 3);
    let values = [
        (djangos(Expiry::After(HOUR)), NOW.plus(HOUR)),
        (djangos(Expiry::Default), NOW.plus(HOUR * 2)),
        (djangos(Expiry::BrowserClose), NOW.plus(HOUR * 2)),
        (djangos(Expiry::At(moment)), moment),
    ];
    for _ in 0..4 {
        for (value, ends) in &values {
            let there = backend.load(value, Read::Any).await.unwrap();
            let expected = (clock_shows(&clock) < *ends).then_some(*ends);
            assert_eq!(there.map(|there| there.record.expires_at), expected);
            let saved = backend.save(value, &record("new"), &seen(value)).await.unwrap();
            assert_eq!(matches!(saved, Saved::Written(_)), expected.is_some(), "{saved:?}");
            let touched = backend.touch(value, NOW.plus(HOUR * 9), &seen(value)).await.unwrap();
            assert_eq!(touched, if expected.is_some() { Touched::Skipped } else { Touched::Gone });
        }
        clock.advance(HOUR);
    }
}

fn clock_shows(clock: &ManualClock) -> Timestamp {
    cloakroom_core::Clock::now(clock)
}

fn seen(value: &SessionId) -> cloakroom_core::Revision {
    cloakroom_core::Revision::opaque(Bytes::copy_from_slice(value.as_bytes()))
}

/// Says nothing of when.
#[derive(Debug)]
struct Undated;

impl SessionFormat for Undated {
    fn encode(&self, session: &Portable, now: Timestamp, limit: usize) -> Result<Bytes> {
        PlainFormat.encode(session, now, limit)
    }

    fn decode(&self, payload: &Bytes) -> Result<Portable> {
        let mut session = PlainFormat.decode(payload)?;
        session.saved_at = None;
        Ok(session)
    }

    fn proofs(&self, user: &str, proof: &str) -> Vec<String> {
        PlainFormat.proofs(user, proof)
    }
}

#[tokio::test]
async fn a_value_that_does_not_say_when_it_was_signed_is_dead() {
    let backend = Config::new(Arc::new(Undated)).clock(Arc::new(ManualClock::at(NOW))).open();
    assert_eq!(backend.load(&djangos(Expiry::Default), Read::Any).await.unwrap(), None);
    assert!(backend.load(&djangos(Expiry::At(NOW.plus(HOUR))), Read::Any).await.unwrap().is_some());
}

#[tokio::test]
async fn a_value_that_the_format_does_not_take_opens_nothing() {
    let backend = config(&ManualClock::at(NOW)).open();
    let value = djangos(Expiry::Default);
    let cut = &value.expose()[1..];
    let long = "a".repeat(4_096);
    for hostile in [cut, "eyJhIjoxfQ:1ud2Xc:AbCd", "x", &long] {
        assert_eq!(backend.load(&SessionId::parse(hostile).unwrap(), Read::Any).await.unwrap(), None);
    }
}

#[tokio::test]
async fn a_cookie_is_filled_to_its_last_byte_and_no_further() {
    let backend = config(&ManualClock::at(NOW)).cookie_name("sid").open();
    let id = djangos(Expiry::Default);
    assert!(matches!(backend.create(&id, &record("a".repeat(4_093))).await.unwrap(), Saved::Written(_)));
    let error = backend.create(&id, &record("a".repeat(4_094))).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge);
}

#[tokio::test]
async fn what_no_cookie_can_hold_is_refused_and_not_quoted() {
    let backend = config(&ManualClock::at(NOW)).open();
    for payload in [&b"a secret"[..], b"secret;", b"\xff", b"", b"secret\r\n"] {
        let error = backend.create(&djangos(Expiry::Default), &record(payload)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(!format!("{error:?}").contains("secret"));
    }
}
