#![doc = include_str!("../README.md")]
//!
//! # What it promises
//!
//! - An acknowledged write survives the death of the process, and with [`Config::power_safe`] a power cut.
//!   Without it a power cut may take the last seconds' writes, may leave a session unreadable
//!   ([`Corrupt`](cloakroom_core::ErrorKind::Corrupt): its visitor starts afresh), and may keep a session
//!   from its owner's list. What is half written is never taken for a session.
//! - Any number of processes on one host may share the folder. Writers of one folder of sessions (there
//!   are 1,296) take turns; readers never wait.
//! - A rotation is one `rename`: at any moment exactly one of the two ids is alive, also after a crash.
//! - Files are 0600 and folders 0700, whatever the umask. A folder that somebody else owns or may write to
//!   is refused, and so is a network file system unless it is [allowed](Config::network_file_system).
//!
//! Nothing else may delete or move files in the folder while it is in use: least of all the lock files, and
//! no cleaner of temporary folders.
//!
//! # In the folder
//!
//! ```text
//! k3/lock                          never deleted; whoever writes in k3 holds it
//! k3/draft                         what is being written; a leftover is replaced by the next writer
//! k3/6b33…                         a session: its id in hexadecimal, so a listing is in order by name
//! owners/4f1/4f1b…-6b33…           empty: this owner has, or had, this session
//! ```
//!
//! A session's folder goes by the first two characters of its id, which survive rotation.

#[cfg(not(unix))]
compile_error!("cloakroom-file needs a Unix: it relies on flock, rename and file modes");

mod backend;
mod config;
pub mod django;
mod error;
mod file_system;
mod files;
mod hint;
mod listing;
mod location;
mod lock;
mod owners;
mod root;
mod section;
mod store;
mod sweep;

pub use backend::Backend;
pub use config::Config;
