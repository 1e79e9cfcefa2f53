//! Sessions in Redis: a server, a Cluster, or a primary that Sentinels name; with or without TLS. Redis 6.2
//! or later.
//!
//! Alone, a load, a save, a touch and a create are one request each; where a session gets an owner or a new id, its
//! owner's index is one more. No request ever walks past the keys. Loads and saves that come while a few are under
//! way are made together, each with an answer of its own; a lone one is sent at once. On a Cluster each is
//! sent by itself.
//!
//! # What is kept, and how long
//!
//! Redis acknowledges a write before its replicas have it, and before it is on a disk unless it is told
//! otherwise (`appendonly`). A server that dies takes the last moments along; a replica that takes over may
//! bring back a session that had just been ended. [`Config::durable`] waits for replicas. With
//! `min-replicas-to-write` set, a primary that was cut off soon refuses what it would lose.
//!
//! A server with `maxmemory` and a policy other than `noeviction` drops living sessions when it is full
//! ([`may_evict`](cloakroom_core::Capabilities::may_evict)), and may drop an owner's index: then logging that
//! user out everywhere misses some. Give sessions a server of their own, and `noeviction`.
//!
//! # How it is stored
//!
//! One string per session: a short head with deadline and stamp, the owner, the payload. Scripts compare and
//! write in one step. Both ids of a rotation share a hash tag, so that a Cluster keeps them together; while
//! their slot moves to another node, a rotation is refused (`Unavailable`). Deadlines go by the clock of the
//! processes; the key's own time to live is an hour longer, and collects what nobody sweeps.
//!
//! # Connections
//!
//! One, or a few, long-lived ones carry everybody's requests, pipelined. A connection that fails is replaced by
//! the next request; nothing has to be opened anew after a restart or a fail-over. What was sent is never sent
//! again by itself: whoever asks again with the same stamp is told that it was done.

mod address;
mod answer;
mod backend;
mod cache;
mod client;
mod config;
mod connection;
pub mod django;
mod failure;
mod index;
mod information;
mod keys;
mod lanes;
mod loads;
mod maker;
mod saves;
mod script;
mod sweep;
mod value;
mod walk;

pub use backend::Backend;
pub use cache::Cache;
pub use config::Config;
