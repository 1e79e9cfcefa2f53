//! Whose table it is: this library's own, or a Django site's.

use std::sync::Arc;

use cloakroom_core::{
    Addressing, Capabilities, Durability, Error, ErrorKind, Record, Result, Revision, SessionFormat,
    SessionId, Stored, Timestamp,
};

use crate::driver::Value;

/// How a record lies in its row, and by what a write tells that nobody has changed it.
#[derive(Clone)]
pub(crate) enum Layout {
    /// By the stamp beside the payload.
    Native,
    /// Django's table has no place for a stamp: the text itself is compared.
    Django(Arc<dyn SessionFormat>),
}

/// What a write compares with what is stored.
pub(crate) enum Token<'t> {
    Stamp([u8; 16]),
    Text(&'t str),
}

impl Layout {
    pub(crate) fn capabilities(&self, durable_when: Durability) -> Capabilities {
        let mut capabilities = Capabilities::new(durable_when);
        if let Self::Django(_) = self {
            capabilities.addressing = Addressing::Verbatim;
            // Two equal texts can't be told apart.
            capabilities.recognises_own_write = false;
        }
        capabilities
    }

    /// Its name, unless another is set.
    pub(crate) fn table(&self) -> &'static str {
        match self {
            Self::Native => "cloakroom_sessions",
            Self::Django(_) => "django_session",
        }
    }

    pub(crate) fn format(&self) -> Option<&dyn SessionFormat> {
        match self {
            Self::Native => None,
            Self::Django(format) => Some(&**format),
        }
    }

    /// What was an id's column, as its value again.
    pub(crate) fn raw_id<'v>(&self, id: &'v [u8]) -> Option<Value<'v>> {
        match self {
            Self::Native => Some(Value::Bytes(id)),
            Self::Django(_) => std::str::from_utf8(id).ok().map(Value::Text),
        }
    }

    pub(crate) fn id<'v>(&self, id: &'v SessionId) -> Value<'v> {
        match self {
            Self::Native => Value::Bytes(id.as_bytes()),
            Self::Django(_) => Value::Text(id.expose()),
        }
    }

    /// What a write stores, in the order in which statements name it, followed by `rest`.
    ///
    /// # Errors
    ///
    /// `Misconfigured` for a payload that another format has written.
    pub(crate) fn columns<'v>(
        &self,
        new: &'v Record,
        stamp: &'v [u8; 16],
        rest: &[Value<'v>],
    ) -> Result<Vec<Value<'v>>> {
        let mut values = Vec::with_capacity(4 + rest.len());
        match self {
            Self::Native => {
                let owner = Value::OptionalBytes(new.owner.as_deref().map(str::as_bytes));
                let stamp = Value::Bytes(stamp);
                values.extend([Value::Bytes(&new.payload), moment(new.expires_at), owner, stamp]);
            }
            Self::Django(_) => values.extend([Value::Text(text(&new.payload)?), moment(new.expires_at)]),
        }
        values.extend_from_slice(rest);
        Ok(values)
    }

    /// What a row holds that was found.
    pub(crate) fn found(&self, stored: Stored) -> Stored {
        match self {
            Self::Native => stored,
            Self::Django(_) => {
                let revision = Revision::opaque(stored.record.payload.clone());
                Stored::new(stored.record, revision)
            }
        }
    }

    /// The revision that a write makes.
    pub(crate) fn revision(&self, new: &Record) -> Revision {
        match self {
            Self::Native => new.stamp.into(),
            Self::Django(_) => Revision::opaque(new.payload.clone()),
        }
    }

    /// Whether this is what a write has stored, and surely that one.
    pub(crate) fn is_own(&self, stored: &Stored, new: &Record) -> bool {
        matches!(self, Self::Native) && stored.record.stamp == new.stamp
    }

    /// # Errors
    ///
    /// `Misconfigured` for a revision of another engine's making.
    pub(crate) fn token<'t>(&self, seen: &'t Revision) -> Result<Token<'t>> {
        let another = || Error::new(ErrorKind::Misconfigured, "this revision is another engine's");
        Ok(match self {
            Self::Native => Token::Stamp(seen.stamp().ok_or_else(another)?.to_bytes()),
            Self::Django(_) => Token::Text(text(seen.as_opaque().ok_or_else(another)?)?),
        })
    }
}

impl Token<'_> {
    pub(crate) fn value(&self) -> Value<'_> {
        match self {
            Self::Stamp(stamp) => Value::Bytes(stamp),
            Self::Text(text) => Value::Text(text),
        }
    }
}

pub(crate) fn moment(timestamp: Timestamp) -> Value<'static> {
    // A Timestamp ends with the year 9999, long before an i64 does.
    Value::Number(i64::try_from(timestamp.millis()).unwrap_or(i64::MAX))
}

fn text(payload: &[u8]) -> Result<&str> {
    let another = |_| Error::new(ErrorKind::Misconfigured, "this session is not in the table's format");
    std::str::from_utf8(payload).map_err(another)
}
