#![doc = include_str!("../README.md")]
//!
//! The rules are functions of their arguments: [`find`] the cookie, [`plan`] what is to be committed once the
//! handler has answered, write the [`headers`] that follow. A [`Visit`] is a request that goes by them: an adapter
//! for a web framework makes one of each request, has it commit, and moves the bytes of what it tells.

mod commit;
mod cookie;
mod ending;
mod lifecycle;
mod policy;
mod rules;
mod task;
mod vary;
mod visit;

pub use commit::Commit;
pub use cookie::find;
pub use ending::Ending;
pub use lifecycle::{Headers, Step, headers, plan, sentence, status};
pub use policy::{CookieOptions, CookiePolicy, SameSite};
pub use rules::Rules;
pub use vary::varies;
pub use visit::{Entered, UserAgent, Visit};
