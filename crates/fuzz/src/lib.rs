//! What strangers can hand to cloakroom, as functions of bytes: each takes any bytes at all, panics where a promise is
//! broken, and says whether the bytes were what they pass for. The package in `fuzz/` drives them by coverage; `tests/corpus.rs` tries each with what that has found.
//!
//! They take the public way in. Two things have none that needs no server: how a session lies in Redis, and how a URL
//! of Redis is read. Their sources are compiled into this crate a second time instead of being made public.

#![allow(
    clippy::expect_used,
    clippy::missing_panics_doc,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a finding is a panic"
)]

mod cookie_header;
mod django;
mod django_cookie;
mod django_pickle;
mod django_text;
mod file;
mod kept;
mod payload;
mod redis_url;
mod redis_value;
mod sealed;
mod seeds;
mod settings;
mod signed_cookie;

/// The same source as the engine's.
#[allow(dead_code, reason = "reading is what is tried here")]
#[path = "../../cloakroom-cache/src/redis/address.rs"]
mod address;
/// The same source as the engine's.
#[allow(dead_code, reason = "the caches' half waits for servers")]
#[path = "../../cloakroom-cache/src/redis/value.rs"]
mod value;

pub use cookie_header::cookie_header;
pub use django_cookie::django_cookie;
pub use django_pickle::django_pickle;
pub use django_text::django_text;
pub use file::file;
pub use payload::payload;
pub use redis_url::redis_url;
pub use redis_value::redis_value;
pub use sealed::sealed;
pub use seeds::seeds;
pub use settings::settings;
pub use signed_cookie::signed_cookie;

/// Takes any bytes, and says whether they were what they pass for.
pub type Target = fn(&[u8]) -> bool;

/// Every target by its name: that of its folder in the corpus, and of its program in `fuzz/`.
pub const TARGETS: [(&str, Target); 11] = [
    ("cookie_header", cookie_header),
    ("django_cookie", django_cookie),
    ("django_pickle", django_pickle),
    ("django_text", django_text),
    ("file", file),
    ("payload", payload),
    ("redis_url", redis_url),
    ("redis_value", redis_value),
    ("sealed", sealed),
    ("settings", settings),
    ("signed_cookie", signed_cookie),
];
