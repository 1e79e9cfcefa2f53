//! Sessions in a cache: in Redis for all processes, or in this process's memory.
//!
//! ```no_run
//! # #[cfg(feature = "redis")]
//! # async fn open() -> Result<(), cloakroom_core::Error> {
//! let backend = cloakroom_cache::redis::Config::new("redis://127.0.0.1").open().await?;
//! let sessions = cloakroom_core::Sessions::new(backend);
//! # Ok(())
//! # }
//! ```
//!
//! Both have a `Cache` as well, for [`Cached`](cloakroom_core::Cached): copies in front of an engine that
//! keeps its sessions elsewhere.

#[cfg(feature = "memory")]
pub mod memory;
#[cfg(any(feature = "memory", feature = "redis"))]
mod page;
#[cfg(feature = "redis")]
pub mod redis;
