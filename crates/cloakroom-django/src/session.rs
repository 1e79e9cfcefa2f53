//! What the names mean that Django keeps for itself.

use bytes::Bytes;
use cloakroom_core::{ErrorKind, Expiry, Portable, Result};

use crate::json::{Scanner, Token, Unit, object, quoted};
use crate::{Site, expiry};

const USER: &str = "_auth_user_id";
const BACKEND: &str = "_auth_user_backend";
const HASH: &str = "_auth_user_hash";
const EXPIRY: &str = "_session_expiry";

type Entries = [(String, Bytes)];

/// What becomes of one of Django's own names.
enum Fate {
    /// It says what it has to.
    Stays,
    Becomes(String),
    Goes,
}

/// The session that these entries are.
///
/// # Errors
///
/// `Corrupt` if its expiry is none.
pub(crate) fn portable(entries: Vec<(String, Bytes)>, site: &Site) -> Result<Portable> {
    let mut session = Portable::default();
    (session.user, session.proof) = login(&entries, site);
    session.expiry = expiry_of(&entries, site)?;
    session.entries = entries;
    Ok(session)
}

/// The session as one object of Python's. What it says already is written byte for byte as it was read, at its place.
///
/// # Errors
///
/// `Invalid` if a value is no JSON.
pub(crate) fn written(session: &Portable, site: &Site) -> Result<String> {
    let own = fates(session, site);
    let fate = |name: &str| own.iter().find(|(other, _)| *other == name).map(|(_, fate)| fate);
    let kept = session.entries.iter().filter_map(|(name, value)| match fate(name) {
        None | Some(Fate::Stays) => Some((name.as_str(), value.as_ref())),
        Some(Fate::Becomes(value)) => Some((name, value.as_bytes())),
        Some(Fate::Goes) => None,
    });
    let new = own.iter().filter_map(|(name, fate)| match fate {
        Fate::Becomes(value) if value_of(&session.entries, name).is_none() => Some((*name, value.as_bytes())),
        _ => None,
    });
    object(kept.chain(new))
}

/// In the order in which Django adds them.
fn fates(session: &Portable, site: &Site) -> [(&'static str, Fate); 4] {
    let (user, proof) = login(&session.entries, site);
    let is_same = user == session.user;
    let first = site.backends.first();
    let becomes = |stays: bool, value: Option<&String>| match value {
        _ if stays => Fate::Stays,
        Some(value) => Fate::Becomes(json(value)),
        None => Fate::Goes,
    };
    // Nobody has no proof: what another backend has left there is none of ours.
    let is_proved = is_same && (session.user.is_none() || proof == session.proof);
    let expires = match expiry_of(&session.entries, site) {
        Ok(expiry) if expiry == session.expiry => Fate::Stays,
        _ => expiry::written(session.expiry, site.use_tz).map_or(Fate::Goes, Fate::Becomes),
    };
    [
        (USER, becomes(is_same, session.user.as_ref())),
        (BACKEND, becomes(is_same, session.user.as_ref().and(first))),
        (HASH, becomes(is_proved, session.user.as_ref().and(session.proof.as_ref()))),
        (EXPIRY, expires),
    ]
}

/// Who is logged in, if by a backend of the site, and the auth hash.
fn login(entries: &Entries, site: &Site) -> (Option<String>, Option<String>) {
    let backend = string(entries, BACKEND);
    if !backend.is_some_and(|backend| site.backends.contains(&backend)) {
        return (None, None);
    }
    let user = string(entries, USER);
    let proof = user.as_ref().and_then(|_| string(entries, HASH));
    (user, proof)
}

fn expiry_of(entries: &Entries, site: &Site) -> Result<Expiry> {
    value_of(entries, EXPIRY).map_or(Ok(Expiry::Default), |value| expiry::read(value, site.use_tz))
}

/// The string that a name has; none if its value is something else.
fn string(entries: &Entries, name: &str) -> Option<String> {
    match Scanner::over(value_of(entries, name)?, 1, ErrorKind::Corrupt).token() {
        Ok(Some(Token::Text(text))) => text.string(),
        _ => None,
    }
}

fn value_of<'e>(entries: &'e Entries, name: &str) -> Option<&'e str> {
    let (_, value) = entries.iter().find(|(other, _)| other == name)?;
    std::str::from_utf8(value).ok()
}

fn json(text: &str) -> String {
    let mut out = String::new();
    quoted(text.chars().map(Unit::Char), &mut out);
    out
}
