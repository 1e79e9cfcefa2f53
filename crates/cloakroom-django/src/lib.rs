#![doc = include_str!("../README.md")]
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
