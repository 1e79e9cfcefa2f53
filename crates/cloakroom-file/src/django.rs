//! A folder that a live Django site keeps its sessions in (`django.contrib.sessions.backends.file`), shared with it: both write.
//!
//! ```no_run
//! # use std::sync::Arc;
//! # async fn open(signed: Arc<dyn cloakroom_core::SessionFormat>) -> Result<(), cloakroom_core::Error> {
//! // The site's SESSION_FILE_PATH, and `cloakroom_django::Signed`.
//! let config = cloakroom_file::django::Config::new("/var/lib/shop/sessions", signed);
//! let sessions = cloakroom_core::Sessions::new(config.open().await?);
//! # Ok(())
//! # }
//! ```
//!
//! A session's file is `sessionid` and its key, and holds what the format writes and nothing else. It ends when its format says, or so
//! long after its time of modification. Its revision is its text: of two equal ones nobody can tell which it is.
//!
//! # Beside a writer that takes no locks
//!
//! Django writes a file beside the old one and renames it over that, whatever has become of it. So a change here is never written over
//! what is there: the new file and the old one swap names in one step (Linux and macOS), and what comes out is looked at. Was it not
//! what the change was made to, it is put back, and the change is made again to what Django has written. A file system that can't swap
//! names is refused.
//!
//! Processes that use this crate take turns by a lock file besides: else one of them could take what another is about to put back for
//! what is stored.
//!
//! What can't be had without a lock that Django takes as well:
//!
//! - Django overwrites whatever it has not seen, here as between its own processes. A change that is stored while a request at Django
//!   runs may be lost when that ends, and so may a logout, or the end of an old key: it is there again.
//! - For the microseconds in which a change is put back, Django may read it, and store it with its own.
//! - A process that dies in the microseconds between a swap and the look at what came out may leave its change over one that Django made
//!   within the same microseconds. One that dies within a rotation may leave the old content under the new key, which nobody knows: its
//!   visitor is logged out. Never do both keys open the session.
//! - In the microseconds in which a rotation, a logout or a sweep finds that Django has just written, the session is not there for
//!   Django.

mod backend;
mod config;
mod folder;
mod store;
mod sweep;
mod walk;

pub use backend::Backend;
pub use config::Config;
