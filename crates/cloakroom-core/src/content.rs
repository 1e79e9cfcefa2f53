//! A session as core works on it: its entries, and what the framework keeps beside them.

use bytes::Bytes;

use crate::data::{Data, Piece};
use crate::{BrowserEnd, Expiry, Timestamp};

/// Everything that one record says.
#[derive(Clone, Debug)]
pub(crate) struct Content {
    pub(crate) head: Head,
    pub(crate) data: Data,
    pub(crate) owner: Option<String>,
}

impl Content {
    pub(crate) fn new(now: Timestamp) -> Self {
        Self { head: Head::new(now), data: Data::default(), owner: None }
    }

    /// Nothing worth a record.
    pub(crate) fn is_blank(&self) -> bool {
        self.data.is_empty() && self.owner.is_none() && self.head.expiry == Expiry::Default
    }

    /// What is in it belongs to a user: also to one whom only the framework knows that has written it.
    pub(crate) fn is_somebodys(&self) -> bool {
        self.owner.is_some() || self.data.tells_of_a_login()
    }

    /// The same session, the framework's own notes of its last write aside.
    pub(crate) fn says_the_same(&self, other: &Self) -> bool {
        self.data == other.data
            && self.owner == other.owner
            && self.head.expiry == other.head.expiry
            && self.head.authenticated_at == other.head.authenticated_at
    }

    pub(crate) fn proof(&self) -> Option<&str> {
        self.head.proof.as_ref().map(|proof| proof.str(&self.data.text))
    }

    pub(crate) fn user_agent(&self) -> Option<&str> {
        self.head.user_agent.as_ref().map(|agent| agent.str(&self.data.text))
    }

    pub(crate) fn address(&self) -> Option<&str> {
        self.head.address.as_ref().map(|address| address.str(&self.data.text))
    }
}

/// What the framework knows of a session.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    pub(crate) created_at: Timestamp,
    /// When it was last committed: ages count from here.
    pub(crate) saved_at: Timestamp,
    pub(crate) authenticated_at: Option<Timestamp>,
    /// Since when it has the key that it has.
    pub(crate) keyed_at: Timestamp,
    /// A digest of what the login was bound to.
    pub(crate) proof: Option<Piece>,
    /// With what it was created, or logged in.
    pub(crate) user_agent: Option<Piece>,
    /// From where it was created, or logged in.
    pub(crate) address: Option<Piece>,
    pub(crate) expiry: Expiry,
    /// The end that the browser was last told, if it was told any.
    pub(crate) told: Option<BrowserEnd>,
}

impl Head {
    pub(crate) fn new(now: Timestamp) -> Self {
        Self {
            created_at: now,
            saved_at: now,
            authenticated_at: None,
            keyed_at: now,
            proof: None,
            user_agent: None,
            address: None,
            expiry: Expiry::Default,
            told: None,
        }
    }

    /// From where the absolute limit counts: the login, else the creation.
    pub(crate) fn started_at(&self) -> Timestamp {
        self.authenticated_at.unwrap_or(self.created_at)
    }
}

/// The bytes of an optional piece.
pub(crate) fn bytes<'t>(piece: Option<&'t Piece>, text: &'t Bytes) -> &'t [u8] {
    piece.map(|piece| piece.bytes(text)).unwrap_or_default()
}
