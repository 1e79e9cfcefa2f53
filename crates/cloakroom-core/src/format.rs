//! Sessions as another framework writes them.

use std::fmt;

use bytes::Bytes;

use crate::content::{Content, Head};
use crate::data::{Data, Entry, MOST_NAMES, Piece};
use crate::payload::too_many_names;
use crate::{Error, ErrorKind, Expiry, Lifetime, Result, Stored, Timestamp};

/// How sessions are written, where that is not core's own way: for an engine whose store another framework reads and
/// writes as well ([`SessionBackend::format`](crate::SessionBackend::format)).
///
/// The names that begin with `_auth_user`, and `_session_expiry`, are the only ones that a format keeps for itself: nobody else sees
/// or sets them.
///
/// Such a session knows neither when it was created nor when its user logged in, nor with what; what it was given, and when
/// it ends, it keeps. Idle and absolute timeouts, which count from there, are refused with it.
pub trait SessionFormat: fmt::Debug + Send + Sync + 'static {
    /// The payload of a session that is written `now`.
    ///
    /// # Errors
    ///
    /// `TooLarge` over `limit` bytes, `Invalid` for what the format can't hold.
    fn encode(&self, session: &Portable, now: Timestamp, limit: usize) -> Result<Bytes>;

    /// The session in a payload.
    ///
    /// # Errors
    ///
    /// `Corrupt` for anything but what the format's own readers take, in bounded memory and time.
    fn decode(&self, payload: &Bytes) -> Result<Portable>;

    /// What a session keeps of a user's proof of login: first what is written now, then what counts from before. One at least, and none of
    /// them empty.
    fn proofs(&self, user: &str, proof: &str) -> Vec<String>;
}

/// A session's parts, as a [`SessionFormat`] reads and writes them.
#[non_exhaustive]
#[derive(Clone, Default, PartialEq)]
pub struct Portable {
    /// Names and their values in JSON, in order. The framework's own names are among them as they were read: those that begin
    /// with `_auth_user`, and `_session_expiry`. What they say now, the other fields tell.
    pub entries: Vec<(String, Bytes)>,
    /// Who is logged in.
    pub user: Option<String>,
    /// What is kept of the proof that the login was bound to.
    pub proof: Option<String>,
    /// When it ends.
    pub expiry: Expiry,
    /// When it was written; none where the format keeps no time. Engines whose visitors bear their sessions need it; encoding ignores it.
    pub saved_at: Option<Timestamp>,
}

impl fmt::Debug for Portable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Portable")
            .field("entries", &self.entries.len())
            .field("owned", &self.user.is_some())
            .field("expiry", &self.expiry)
            .finish_non_exhaustive()
    }
}

/// Names that are the framework's own, here and in Django: no application sets them, and none sees them.
pub(crate) fn is_reserved(name: &[u8]) -> bool {
    name.starts_with(b"_auth_user") || name == b"_session_expiry"
}

/// The name under which a login is kept, here by nobody: it tells of one that the format does not know for a user.
pub(crate) const LOGIN: &str = "_auth_user_id";

/// The payload of `content`, as `format` writes it.
pub(crate) fn encode(format: &dyn SessionFormat, content: &Content, limit: usize) -> Result<Bytes> {
    let Content { head, data, owner } = content;
    if data.entries.len() > MOST_NAMES {
        return Err(too_many_names());
    }
    let entry = |entry: &Entry| (entry.name.str(&data.text).to_owned(), entry.value.shared(&data.text));
    let portable = Portable {
        entries: data.entries.iter().map(entry).collect(),
        user: owner.clone(),
        proof: content.proof().map(str::to_owned),
        expiry: head.expiry,
        saved_at: None,
    };
    format.encode(&portable, head.saved_at, limit)
}

/// The session in a record that `format` has written.
pub(crate) fn decode(format: &dyn SessionFormat, stored: &Stored, lifetime: &Lifetime) -> Result<Content> {
    let Portable { entries, user, proof, expiry, .. } = format.decode(&stored.record.payload)?;
    if entries.len() > MOST_NAMES {
        let message = "a stored session has more names than any that is written";
        return Err(Error::new(ErrorKind::Corrupt, message));
    }
    let expires_at = stored.record.expires_at;
    let saved_at = match expiry {
        // Nothing counts from there.
        Expiry::At(_) => expires_at,
        _ => expires_at.minus(lifetime.expiry_age(expiry, Timestamp::MIN)),
    };
    let mut head = Head::new(saved_at);
    head.expiry = expiry;
    head.proof = proof.map(Piece::from);
    head.told =
        Some(lifetime.browser_end(&Head { saved_at: tenth(&head, lifetime), ..head.clone() }, saved_at));
    let entry = |(name, value): (String, Bytes)| Entry { name: name.into(), value: Piece::Own(value) };
    let data = Data { text: Bytes::new(), entries: entries.into_iter().map(entry).collect() };
    Ok(Content { head, data, owner: user })
}

/// The store does not say what the browser was told last. So time is divided into windows of a tenth of the session's age, and the first
/// change in each sends the cookie again: the browser was told no earlier than this window began.
fn tenth(head: &Head, lifetime: &Lifetime) -> Timestamp {
    let tenth = lifetime.expiry_age(head.expiry, head.saved_at) / 10;
    let into = head.saved_at.millis() % u64::try_from(tenth.as_millis()).unwrap_or(u64::MAX).max(1);
    Timestamp::from_millis(head.saved_at.millis() - into)
}
