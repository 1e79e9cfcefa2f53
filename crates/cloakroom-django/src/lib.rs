//! Django's session formats, for [cloakroom](https://docs.rs/cloakroom): what a Django site writes to its table, files, cookies and
//! cache, this reads; what this writes, Django reads. Nothing but codecs: no I/O, no engine, no HTTP.
//!
//! ```
//! use bytes::Bytes;
//! use cloakroom_core::SessionFormat as _;
//! use cloakroom_django::{Secrets, Signed, Site};
//!
//! let site = Site::new(Secrets::new("django-vectors-secret-key-0123456789-abcdefghijklmnopqrstuvwxyz!")?);
//! // A `session_data` that Django has written.
//! let data = "eyJhIjoxfQ:1r31eq:gnhLrvrBALTRNO2KverxIY_yA9xesk2G2LwWlnkdhB0";
//! let session = Signed::new(site).decode(&Bytes::from(data))?;
//! assert_eq!(session.entries, [("a".to_owned(), Bytes::from("1"))]);
//! # Ok::<(), cloakroom_core::Error>(())
//! ```
//!
//! [`Signed`] is the text of tables and files, [`Cookie`] that of cookies, [`Pickled`] what lies in a cache.

mod auth;
mod base62;
mod base64;
mod cookie;
mod corrupt;
mod deflate;
mod expiry;
mod json;
mod layout;
mod moment;
mod pickle;
mod pickled;
mod secrets;
mod session;
mod signed;
mod signing;
mod site;

pub use auth::session_auth_hashes;
pub use cookie::Cookie;
pub use layout::{FILE_PREFIX, TABLE, cache_prefix, cached_db_prefix};
pub use pickled::{Pickled, Serializer};
pub use secrets::Secrets;
pub use signed::Signed;
pub use site::Site;

/// Nothing larger is ever decoded, packed or not.
pub(crate) const LARGEST: usize = 16 * 1024 * 1024;
