//! Sessions in Redis: a server, a Cluster, or a primary that Sentinels name; with or without TLS.

mod address;
mod answer;
mod backend;
mod cache;
mod client;
mod config;
mod connection;
mod failure;
mod index;
mod information;
mod keys;
mod lanes;
mod maker;
mod script;
mod sweep;
mod value;
mod walk;

pub use backend::Backend;
pub use cache::Cache;
pub use config::Config;
