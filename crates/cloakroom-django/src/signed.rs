//! The text that the engines `db`, `file` and `cached_db` keep, in `session_data` or a file.

use bytes::Bytes;
use cloakroom_core::{Error, ErrorKind, Portable, Result, SessionFormat, Timestamp};

use crate::corrupt::corrupt;
use crate::deflate::{deflated, inflated};
use crate::json::{entries, latin1, normal};
use crate::signing::Signer;
use crate::{LARGEST, Site, base64, session, session_auth_hashes};

/// Sessions as `signing.dumps` writes them: JSON, packed where that is shorter, and signed.
///
/// ```
/// use bytes::Bytes;
/// use cloakroom_core::{Portable, SessionFormat as _, Timestamp};
/// use cloakroom_django::{Secrets, Signed, Site};
///
/// let format = Signed::new(Site::new(Secrets::new("secret")?));
/// let mut session = Portable::default();
/// session.entries.push(("colour".to_owned(), Bytes::from_static(b"\"green\"")));
///
/// let now = Timestamp::from_millis(1_700_000_000_000);
/// let payload = format.encode(&session, now, 65_536)?;
/// assert!(payload.starts_with(b"eyJjb2xvdXIiOiJncmVlbiJ9:1r31eq:"));
/// assert_eq!(format.decode(&payload)?.entries, session.entries);
/// # Ok::<(), cloakroom_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Signed {
    site: Site,
    pub(crate) signer: Signer,
}

impl Signed {
    /// Under the salt of Django's own engines.
    pub fn new(site: Site) -> Self {
        Self::salted(site, "django.contrib.sessions.SessionStore")
    }

    /// Under the salt of an engine of the site's own: `django.contrib.sessions.` and the qualified name of its class, unless it
    /// has a `key_salt`.
    pub fn salted(site: Site, salt: &str) -> Self {
        Self { signer: Signer::new(&site.secrets, salt), site }
    }

    /// What a payload says as Python writes it, also where it is no session: to look at.
    ///
    /// # Errors
    ///
    /// `Corrupt` if it is not signed, or is no JSON that Python reads.
    pub fn json(&self, payload: &[u8]) -> Result<String> {
        let (text, _) = self.opened(payload)?;
        let mut out = String::new();
        normal(std::str::from_utf8(&text).unwrap_or_default(), 0, ErrorKind::Corrupt, &mut out)?;
        Ok(out)
    }

    /// The JSON text that was signed, and when.
    fn opened(&self, payload: &[u8]) -> Result<(Bytes, Timestamp)> {
        // Base64 takes four bytes for three.
        if payload.len() > LARGEST * 2 {
            return Err(corrupt("it is larger than any that is read"));
        }
        let said = self.signer.verified(payload)?;
        let packed = said.payload.strip_prefix(b".");
        let bytes =
            base64::decode(packed.unwrap_or(said.payload)).ok_or_else(|| corrupt("it is no Base64"))?;
        let bytes = match packed {
            Some(_) => inflated(&bytes).ok_or_else(|| corrupt("it does not unpack"))?,
            None => bytes,
        };
        if bytes.len() > LARGEST {
            return Err(corrupt("it is larger than any that is read"));
        }
        Ok((latin1(bytes.into()), said.moment()))
    }
}

impl SessionFormat for Signed {
    fn encode(&self, session: &Portable, now: Timestamp, limit: usize) -> Result<Bytes> {
        let json = session::written(session, &self.site)?;
        // Before it is packed; and what could not be read back is not written.
        fits(json.len(), limit.min(LARGEST))?;
        let payload = match deflated(json.as_bytes(), json.len() - 1) {
            Some(packed) => format!(".{}", base64::encode(&packed)),
            None => base64::encode(json.as_bytes()),
        };
        let text = self.signer.sign(&payload, now);
        fits(text.len(), limit)?;
        Ok(text.into())
    }

    fn decode(&self, payload: &Bytes) -> Result<Portable> {
        let (text, signed_at) = self.opened(payload)?;
        let mut session = session::portable(entries(&text)?, &self.site)?;
        session.saved_at = Some(signed_at);
        Ok(session)
    }

    fn proofs(&self, _user: &str, proof: &str) -> Vec<String> {
        session_auth_hashes(&self.site.secrets, proof)
    }
}

/// # Errors
///
/// `TooLarge` if so many bytes are more than the limit.
pub(crate) fn fits(size: usize, limit: usize) -> Result<()> {
    if size <= limit {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::TooLarge,
        format!("the session takes {size} bytes in Django's format, and {limit} are allowed"),
    ))
}
