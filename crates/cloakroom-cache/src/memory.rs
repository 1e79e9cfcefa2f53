//! Sessions in this process's memory: at most so many bytes of them, and the least recently used go first.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), cloakroom_core::Error> {
//! let backend = cloakroom_cache::memory::Config::new().open();
//! let sessions = cloakroom_core::Sessions::new(backend);
//! # let session = sessions.load(None).await?;
//! # session.insert("colour", "green")?;
//! # session.save().await
//! # }
//! ```
//!
//! They end with the process, and no other process sees them: for a service of one process that may forget its
//! visitors, for tests and for development.

mod backend;
mod cache;
mod cell;
mod config;
mod owners;
#[cfg(test)]
mod tests;

pub use backend::Backend;
pub use cache::Cache;
pub use config::Config;
