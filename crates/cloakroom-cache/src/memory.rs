//! Sessions in this process's memory: at most so many bytes of them, and the least recently used go first.

mod backend;
mod cache;
mod cell;
mod config;
mod owners;

pub use backend::Backend;
pub use cache::Cache;
pub use config::Config;
