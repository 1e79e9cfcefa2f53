#![doc = include_str!("../README.md")]
//!
//! Everything here is a function of its arguments. An adapter for a web framework [finds](find) the
//! cookie, lets core load the session, asks [`plan`] what is to be committed once the handler has
//! answered, takes that [`Step`], and writes the [`headers`] that follow: it only moves bytes.

mod cookie;
mod lifecycle;
mod policy;
mod vary;

pub use cookie::find;
pub use lifecycle::{Headers, Step, headers, plan, status};
pub use policy::{CookieOptions, CookiePolicy, SameSite};
pub use vary::varies;
