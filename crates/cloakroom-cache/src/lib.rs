//! Sessions in a cache: Redis, or this process's memory.

#[cfg(feature = "memory")]
pub mod memory;
#[cfg(any(feature = "memory", feature = "redis"))]
mod page;
#[cfg(feature = "redis")]
pub mod redis;
