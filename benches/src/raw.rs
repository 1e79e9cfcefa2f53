//! Drivers alone, with the same bytes.

mod cookie;
mod files;
mod memory;
mod redis;
mod script;
mod sql;

pub(crate) use cookie::Cookie;
pub(crate) use files::Files;
pub(crate) use memory::Memory;
pub(crate) use redis::{Redis, connect};
pub(crate) use script::Script;
pub(crate) use sql::Rows;

use cloakroom_contest::Result;
use cloakroom_core::{Addressing, SessionKey};

/// How long sessions live, in milliseconds.
const LIFE: u64 = 3_600_000;

/// An id as long as an engine's, and as costly to draw.
fn id() -> Result<String> {
    Ok(SessionKey::generate(Addressing::Hashed)?.id().expose().to_owned())
}

/// The number that a text begins with.
fn count(text: &[u8]) -> Result<u64> {
    let head = std::str::from_utf8(text.get(..16).ok_or("a session is too short")?)?;
    Ok(u64::from_str_radix(head, 16)?)
}
