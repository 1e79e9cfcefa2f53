//! A live Django site's signed cookies (`django.contrib.sessions.backends.signed_cookies`), shared with it: both read and write them.
//!
//! ```no_run
//! # use std::sync::Arc;
//! # fn open(signed: Arc<dyn cloakroom_core::SessionFormat>) -> Result<(), cloakroom_core::Error> {
//! // `cloakroom_django::Cookie`: under another salt than that of cookies nothing opens.
//! let backend = cloakroom_cookie::django::Config::new(signed).open();
//! let sessions = cloakroom_core::Sessions::new(backend);
//! # Ok(())
//! # }
//! ```
//!
//! The cookie's value is what the format writes, and nothing else: what the format does not take is no session. All that is said of
//! [the crate](crate) holds, with these differences:
//!
//! - A value ends when its session says, or so long after it was signed as the site's sessions last. Django itself looks at the latter alone.
//! - No [epoch](crate::Epochs) ends it, and nothing seals it: Django knows neither.
//! - No visit is noted: only a change is signed anew.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use cloakroom_core::{
    Addressing, Capabilities, Clock, Deleted, Durability, Error, ErrorKind, Lifetime, Read, Record, Result,
    Revision, Saved, SessionBackend, SessionFormat, SessionId, SessionIndex, SessionKey, SessionWalk, Stamp,
    Stored, Swept, SystemClock, Timestamp, Touched, Written,
};

use crate::value::{LONGEST_COOKIE, too_large};

/// How to make an engine of a site's cookies. Its secret keys are the format's.
#[must_use = "it opens nothing until it is told to"]
#[derive(Clone, Debug)]
pub struct Config {
    format: Arc<dyn SessionFormat>,
    cookie_name: String,
    age: Duration,
    clock: Arc<dyn Clock>,
}

impl Config {
    /// Values as this format writes them. It must tell when ([`Portable::saved_at`](cloakroom_core::Portable::saved_at)): a value that
    /// does not say so is dead, unless it says when it ends.
    pub fn new(format: Arc<dyn SessionFormat>) -> Self {
        let age = Lifetime::default().age;
        Self { format, cookie_name: "sessionid".into(), age, clock: Arc::new(SystemClock) }
    }

    /// The site's `SESSION_COOKIE_NAME`: it counts into the 4096 bytes that a cookie has. `sessionid`
    pub fn cookie_name(mut self, name: impl Into<String>) -> Self {
        self.cookie_name = name.into();
        self
    }

    /// The site's `SESSION_COOKIE_AGE`, and that of these sessions ([`Lifetime::age`]). Two weeks
    pub fn age(mut self, age: Duration) -> Self {
        self.age = age;
        self
    }

    /// As [`crate::Config::clock`].
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Makes the engine.
    pub fn open(self) -> Backend {
        let mut lifetime = Lifetime::default();
        lifetime.age = self.age;
        Backend { format: self.format, cookie_name: self.cookie_name, lifetime, clock: self.clock }
    }
}

/// A site's sessions in cookies. Made by [`Config::open`].
pub struct Backend {
    format: Arc<dyn SessionFormat>,
    cookie_name: String,
    lifetime: Lifetime,
    clock: Arc<dyn Clock>,
}

impl Backend {
    /// The living session that a visitor presents.
    fn presented(&self, id: &SessionId) -> Option<Stored> {
        let value = id.expose();
        // Nothing is unpacked that no browser can have been given.
        if self.cookie_name.len() + value.len() > LONGEST_COOKIE {
            return None;
        }
        let payload = Bytes::copy_from_slice(value.as_bytes());
        let session = self.format.decode(&payload).ok()?;
        let signed_at = session.saved_at.unwrap_or(Timestamp::MIN);
        let expires_at = self.lifetime.expiry_date(session.expiry, signed_at);
        // Whose it is the value tells, and no write has a stamp.
        let stamp = Stamp { sequence: 0, nonce: 0 };
        let record = Record::new(payload.clone(), expires_at, None, stamp);
        record.is_alive(self.clock.now()).then(|| Stored::new(record, Revision::opaque(payload)))
    }

    fn issue(&self, new: &Record) -> Result<Saved> {
        let needed = self.cookie_name.len() + new.payload.len();
        if needed > LONGEST_COOKIE {
            return Err(too_large(needed));
        }
        let value = str::from_utf8(&new.payload).ok();
        let Some(value) = value.filter(|value| SessionKey::parse(value, Addressing::Presented).is_some())
        else {
            return Err(Error::new(
                ErrorKind::Invalid,
                "the session's format writes what no cookie can hold",
            ));
        };
        let revision = Revision::opaque(new.payload.clone());
        Ok(Saved::Written(Written::presenting(revision, value.to_owned())))
    }
}

#[async_trait]
impl SessionBackend for Backend {
    fn capabilities(&self) -> Capabilities {
        let mut promised = Capabilities::new(Durability::PowerCut);
        promised.addressing = Addressing::Presented;
        // What a rotation leaves behind lives on.
        promised.atomic_rotate = false;
        promised
    }

    fn index(&self) -> Option<&dyn SessionIndex> {
        None
    }

    fn walk(&self) -> Option<&dyn SessionWalk> {
        None
    }

    fn format(&self) -> Option<&dyn SessionFormat> {
        Some(&*self.format)
    }

    async fn load(&self, id: &SessionId, _: Read) -> Result<Option<Stored>> {
        Ok(self.presented(id))
    }

    async fn revision(&self, id: &SessionId) -> Result<Option<(Revision, Timestamp)>> {
        Ok(self.presented(id).map(|stored| (stored.revision, stored.record.expires_at)))
    }

    async fn create(&self, _: &SessionId, new: &Record) -> Result<Saved> {
        self.issue(new)
    }

    async fn save(&self, id: &SessionId, new: &Record, seen: &Revision) -> Result<Saved> {
        match self.presented(id) {
            None => Ok(Saved::Gone),
            Some(there) if there.revision != *seen => Ok(Saved::Conflict(there)),
            Some(_) => self.issue(new),
        }
    }

    /// What a visit could move is signed, and a new signature is a change.
    async fn touch(&self, id: &SessionId, _: Timestamp, _: &Revision) -> Result<Touched> {
        Ok(if self.presented(id).is_some() { Touched::Skipped } else { Touched::Gone })
    }

    /// As [`save`](Backend::save): a value has no place, and there is nothing to move.
    async fn rotate(&self, from: &SessionId, _: &SessionId, new: &Record, seen: &Revision) -> Result<Saved> {
        self.save(from, new, seen).await
    }

    async fn delete(&self, id: &SessionId, seen: Option<&Revision>) -> Result<Deleted> {
        Ok(match self.presented(id) {
            None => Deleted::Absent,
            Some(there) if seen.is_some_and(|seen| there.revision != *seen) => Deleted::Conflict(there),
            Some(_) => Deleted::Ended,
        })
    }

    async fn clear_expired(&self, _: Timestamp, limit: u32) -> Result<Swept> {
        Ok(Swept::of(0, limit))
    }

    async fn close(&self) -> Result<()> {
        Ok(())
    }
}

impl fmt::Debug for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("django::Backend")
            .field("cookie", &self.cookie_name)
            .field("format", &self.format)
            .finish_non_exhaustive()
    }
}
