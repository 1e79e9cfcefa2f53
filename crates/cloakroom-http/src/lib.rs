//! The HTTP half of a session: which cookie, and what becomes of it at the end of a request.
//!
//! Everything here is a function of its arguments. An adapter for a web framework [finds](find) the
//! cookie, lets core load the session, asks [`plan`] what is to be committed once the handler has
//! answered, takes that [`Step`], and writes the [`headers`] that follow: it only moves bytes.
//!
//! ```
//! use cloakroom_http::{CookieOptions, CookiePolicy, find};
//!
//! let policy = CookiePolicy::new(CookieOptions::default())?;
//! let header: &[u8] = b"theme=dark; sessionid=abc";
//! assert_eq!(find([header], policy.name()), Some("abc"));
//! # Ok::<(), cloakroom_core::Error>(())
//! ```

mod cookie;
mod lifecycle;
mod policy;
mod vary;

pub use cookie::find;
pub use lifecycle::{Headers, Step, headers, plan, status};
pub use policy::{CookieOptions, CookiePolicy, SameSite};
pub use vary::varies;
