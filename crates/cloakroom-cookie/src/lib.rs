#![doc = include_str!("../README.md")]
//!
//! A value is base64url of a version, the moment it was issued, its deadline, the record's stamp, its owner
//! and its payload, and of an HMAC-SHA256 over all of them under a key that is derived from the secret key
//! for the cookie's name. With [`Config::sealed`] all of it but the version is sealed by AES-256-GCM first.
//!
//! # What it promises
//!
//! - Nobody without the secret key makes or changes a value, nor uses one under another cookie's name.
//! - A value is dead from its deadline on, whatever the browser makes of the cookie's age.
//! - A secret key can be changed without logging anybody out ([`Config::fallbacks`]), or at once for
//!   everybody: without a fallback, no value opens any more.
//! - What is too large for a cookie (4096 bytes, name and value) is `TooLarge`, and the old session stays.
//! - Without sealing visitors can read their sessions. With it they see only how long it is.
//! - An engine that seals refuses what is only signed, and the other way round.
//!
//! # What it can't promise
//!
//! - **A logout ends nothing.** It takes the cookie from the browser. A copy that somebody has kept, or a
//!   request that was on its way, goes on until its deadline, and each change moves that: set
//!   [`Lifetime::absolute`](cloakroom_core::Lifetime::absolute), which no change moves. The same goes for the
//!   value before a login. [`Config::epochs`] ends what was issued before a moment of your choice.
//! - **The last answer wins.** Of two requests at once each starts from the cookie that it brought, and the
//!   browser keeps the later answer: the other one's changes are lost, although it was told that they are
//!   stored. `update` is no more exact than that. An answer that is late by a login takes that login along.
//! - **A visitor can go back.** Any earlier value opens the session as it was then. What a visitor must not
//!   undo (a voucher that is spent, attempts that are counted) does not belong here.
//! - **No list** of a user's sessions, and no logging out everywhere: both are `Unsupported`.
//! - **Nothing after the headers.** A change, a visit or a logout once the response's headers have left is
//!   `TooLate`. So is, silently, a logout whose visitor does not wait for the answer.
//! - Every change sends the cookie, and every request carries it.

mod backend;
mod config;
pub mod django;
mod epochs;
mod signature;
mod token;
mod value;

pub use backend::Backend;
pub use config::Config;
pub use epochs::Epochs;
