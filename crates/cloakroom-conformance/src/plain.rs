//! The plainest format another framework might have: sessions in JSON.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use bytes::Bytes;
use cloakroom_core::{Error, ErrorKind, Expiry, Portable, Result, SessionFormat, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// For tests of engines that keep another framework's sessions: JSON in base64url, so that a cookie can hold it. Nobody signs it.
#[derive(Clone, Copy, Debug, Default)]
pub struct PlainFormat;

#[derive(Deserialize, Serialize)]
struct Written {
    entries: Vec<(String, Box<RawValue>)>,
    user: Option<String>,
    proof: Option<String>,
    expiry: Ending,
    saved_at: u64,
    /// No two payloads are equal: what is equal is another's case.
    serial: u64,
}

static SERIAL: AtomicU64 = AtomicU64::new(0);

/// Moments and spans in milliseconds.
#[derive(Deserialize, Serialize)]
enum Ending {
    Default,
    After(u64),
    At(u64),
    BrowserClose,
}

impl SessionFormat for PlainFormat {
    fn encode(&self, session: &Portable, now: Timestamp, limit: usize) -> Result<Bytes> {
        let entry = |(name, value): &(String, Bytes)| {
            let value = String::from_utf8(value.to_vec()).ok()?;
            Some((name.clone(), RawValue::from_string(value).ok()?))
        };
        let entries = session.entries.iter().map(entry).collect::<Option<_>>();
        let Some(entries) = entries else { return Err(Error::new(ErrorKind::Invalid, "a value is no JSON")) };
        let expiry = match session.expiry {
            Expiry::Default => Ending::Default,
            Expiry::After(span) => Ending::After(u64::try_from(span.as_millis()).unwrap_or(u64::MAX)),
            Expiry::At(moment) => Ending::At(moment.millis()),
            Expiry::BrowserClose => Ending::BrowserClose,
        };
        let (user, proof) = (session.user.clone(), session.proof.clone());
        let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
        let written = Written { entries, user, proof, expiry, saved_at: now.millis(), serial };
        let json = serde_json::to_vec(&written).unwrap();
        if json.len() > limit {
            return Err(Error::new(ErrorKind::TooLarge, "the session is too large"));
        }
        Ok(BASE64_URL_SAFE_NO_PAD.encode(json).into())
    }

    fn decode(&self, payload: &Bytes) -> Result<Portable> {
        let json = BASE64_URL_SAFE_NO_PAD.decode(payload).ok();
        let written = json.and_then(|json| serde_json::from_slice::<Written>(&json).ok());
        let Some(written) = written else {
            return Err(Error::new(ErrorKind::Corrupt, "a payload is no session in plain JSON"));
        };
        let entry = |(name, value): (String, Box<RawValue>)| (name, Bytes::from(value.get().to_owned()));
        let mut session = Portable::default();
        session.entries = written.entries.into_iter().map(entry).collect();
        session.user = written.user;
        session.proof = written.proof;
        session.expiry = match written.expiry {
            Ending::Default => Expiry::Default,
            Ending::After(span) => Expiry::After(Duration::from_millis(span)),
            Ending::At(moment) => Expiry::At(Timestamp::from_millis(moment)),
            Ending::BrowserClose => Expiry::BrowserClose,
        };
        session.saved_at = Some(Timestamp::from_millis(written.saved_at));
        Ok(session)
    }

    fn proofs(&self, user: &str, proof: &str) -> Vec<String> {
        let mut hasher = DefaultHasher::new();
        (user, proof).hash(&mut hasher);
        vec![format!("{:x}", hasher.finish())]
    }
}
