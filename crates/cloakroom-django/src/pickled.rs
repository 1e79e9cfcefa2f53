//! What the engines `cache` and `cached_db` keep in a cache: the session itself, by the cache's own serializer.

use std::borrow::Cow;

use bytes::Bytes;
use cloakroom_core::{ErrorKind, Portable, Result, SessionFormat, Timestamp};

use crate::corrupt::corrupt;
use crate::deflate::{HEADER, deflated, inflated};
use crate::json::{entries, normal};
use crate::signed::fits;
use crate::{LARGEST, Site, pickle, session, session_auth_hashes};

/// django-redis packs nothing shorter.
const WORTH_PACKING: usize = 15;

/// How a cache's values are written. All forms are read.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Serializer {
    /// Pickle of protocol 4: django-redis, up to Python 3.13.
    Pickle4,
    /// Pickle of protocol 5: Django's `RedisCache`.
    #[default]
    Pickle5,
    /// django-redis' `JSONSerializer`.
    Json,
}

/// Sessions as values of a cache: `RedisCache` and django-redis.
///
/// A pickle may hold what JSON doesn't. Tuples are read as lists, names that are numbers as text; anything but plain data (a date,
/// a set, bytes, an object) makes a session corrupt here. Nothing that a pickle names is ever looked up or called.
///
/// ```
/// use bytes::Bytes;
/// use cloakroom_core::SessionFormat as _;
/// use cloakroom_django::{Pickled, Secrets, Site};
///
/// let format = Pickled::new(Site::new(Secrets::new("secret")?));
/// // pickle.dumps({"a": 1}, 5)
/// let value = b"\x80\x05\x95\x0a\x00\x00\x00\x00\x00\x00\x00}\x94\x8c\x01a\x94K\x01s.";
/// let session = format.decode(&Bytes::from_static(value))?;
/// assert_eq!(session.entries, [("a".to_owned(), Bytes::from_static(b"1"))]);
/// # Ok::<(), cloakroom_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Pickled {
    site: Site,
    serializer: Serializer,
    zlib: bool,
}

impl Pickled {
    /// Writes as Django's `RedisCache` does.
    pub fn new(site: Site) -> Self {
        Self { site, serializer: Serializer::default(), zlib: false }
    }

    /// Writes in this form.
    pub fn serializer(mut self, serializer: Serializer) -> Self {
        self.serializer = serializer;
        self
    }

    /// Whether what is written is packed, as django-redis' `ZlibCompressor` does. No. A value that is packed is read either way.
    pub fn zlib(mut self, on: bool) -> Self {
        self.zlib = on;
        self
    }

    /// What a value says as Python writes it in JSON, also where it is no session: to look at.
    ///
    /// # Errors
    ///
    /// `Corrupt` if it is neither a pickle of plain data nor an object in JSON.
    pub fn json(&self, value: &[u8]) -> Result<String> {
        let text = opened(value)?;
        let mut out = String::new();
        let text = std::str::from_utf8(&text).map_err(|_| corrupt("its JSON is no text"))?;
        normal(text, 0, ErrorKind::Corrupt, &mut out)?;
        Ok(out)
    }
}

/// The JSON text of what is in a value.
fn opened(value: &[u8]) -> Result<Bytes> {
    if value.len() > LARGEST {
        return Err(corrupt("it is larger than any that is read"));
    }
    let plain = if value.first() == Some(&HEADER) {
        Cow::Owned(inflated(value).ok_or_else(|| corrupt("it does not unpack"))?)
    } else {
        Cow::Borrowed(value)
    };
    Ok(if plain.first() == Some(&b'{') { plain.into_owned().into() } else { pickle::read(&plain)?.into() })
}

impl SessionFormat for Pickled {
    fn encode(&self, session: &Portable, _now: Timestamp, limit: usize) -> Result<Bytes> {
        let json = session::written(session, &self.site)?;
        // Before it is packed; and what could not be read back is not written.
        fits(json.len(), limit.min(LARGEST))?;
        let plain = match self.serializer {
            Serializer::Pickle4 => pickle::write(&json, 4)?,
            Serializer::Pickle5 => pickle::write(&json, 5)?,
            Serializer::Json => json.into_bytes(),
        };
        fits(plain.len(), LARGEST)?;
        let most = plain.len().saturating_add(64);
        let packed = if self.zlib && plain.len() > WORTH_PACKING { deflated(&plain, most) } else { None };
        let value = packed.unwrap_or(plain);
        fits(value.len(), limit)?;
        Ok(value.into())
    }

    fn decode(&self, payload: &Bytes) -> Result<Portable> {
        session::portable(entries(&opened(payload)?)?, &self.site)
    }

    fn proofs(&self, _user: &str, proof: &str) -> Vec<String> {
        session_auth_hashes(&self.site.secrets, proof)
    }
}
