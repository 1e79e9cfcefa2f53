#![doc = include_str!("../README.md")]
//!
//! How data flows: an adapter parses the cookie to a [`SessionKey`], [`Sessions::load`] asks the
//! engine for the record under the key's [`SessionId`] and decodes it to a [`Session`]; the handler
//! reads and changes that. At the end the adapter has the recorded changes committed: encoded to a
//! [`Record`], sent with the revision that was seen, and applied again to whatever another request
//! has stored meanwhile.
//!
//! # Types of others
//!
//! The public API shows `Bytes` of bytes 1 ([`Record`], [`Revision`], [`Portable`]), traits of serde 1 and `RawValue` of
//! serde_json 1 ([`Session::iter`]), and engines are written with async-trait 0.1; [`together`] takes
//! `Instant` of tokio 1. None of its others.

mod alias;
mod backend;
mod cache;
mod cached;
mod capabilities;
mod change;
mod clock;
mod content;
mod data;
mod error;
mod expiry;
#[cfg(feature = "metrics")]
mod figures;
mod format;
mod id;
mod inventory;
mod key;
mod login_limit;
#[cfg(feature = "metrics")]
mod measured;
mod memory;
mod notice;
mod owner;
mod payload;
mod queue;
mod random;
mod record;
mod seal;
mod sealed;
mod session;
mod sessions;
mod sweep;
mod text;
mod timestamp;
pub mod together;
mod translation;
mod walk;

pub use backend::{SessionBackend, SessionIndex};
pub use cache::SessionCache;
pub use cached::Cached;
pub use capabilities::{Addressing, Capabilities, Durability};
pub use clock::{Clock, ManualClock, Sleep, SystemClock};
pub use error::{Error, ErrorKind, Result};
pub use expiry::{BrowserEnd, Expiry, Lifetime};
pub use format::{Portable, SessionFormat};
pub use id::SessionId;
pub use inventory::{Listed, LookedUp};
pub use key::SessionKey;
pub use login_limit::{LoginLimit, LoginPolicy};
#[cfg(feature = "metrics")]
pub use measured::Measured;
pub use memory::Memory;
pub use owner::SessionInfo;
pub use record::{Deleted, Read, Record, Revision, Saved, Stamp, Stored, Touched, Written};
pub use seal::SealKeys;
pub use sealed::Sealed;
pub use session::{Activity, CookieChange, Session};
pub use sessions::{SessionOptions, Sessions};
pub use sweep::{ClearExpired, Swept};
pub use timestamp::Timestamp;
pub use walk::{Cursor, Page, SessionWalk};
