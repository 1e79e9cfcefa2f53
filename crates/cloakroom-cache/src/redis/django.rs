//! A live Django site's sessions in Redis, shared with it: both write.
//!
//! [`Backend`] is for `django.contrib.sessions.backends.cache`, [`Cached`] for `cached_db`, whose sessions are in the site's database. Both
//! know keys as Django makes them, `KEY_PREFIX:VERSION:` and the engine's own part first; what these are
//! [`Config::prefix`](super::Config::prefix) says. On a Cluster a rotation could not be one step, so there they are refused.
//!
//! # What Django may still do
//!
//! It writes what it has, whatever has become of the session since it looked: between it and this crate the last writer wins, as among
//! its own processes, and a change that was stored here while a request at Django ran may be lost when that ends; so may a logout, which
//! Django then undoes. What this crate itself writes never goes over what it has not seen.
//!
//! In front of a database Django reads its copy first, and believes that. A request at Django that has read the row before it changes,
//! and stores its copy when the change and both deletions are through, leaves a copy that is behind until it ends, of a session that was ended meanwhile, too.

mod backend;
mod cached;

pub use backend::Backend;
pub use cached::Cached;
