//! Sessions in a SQL database: SQLite, compiled in.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), cloakroom_core::Error> {
//! # let folder = tempfile::tempdir().expect("a temporary folder");
//! # let url = format!("sqlite:{}/sessions.sqlite3", folder.path().display());
//! let backend = cloakroom_db::Config::new(url).open().await?; // "sqlite:sessions.sqlite3", say
//! backend.migrate().await?;
//! let sessions = cloakroom_core::Sessions::new(backend);
//! # sessions.backend().close().await
//! # }
//! ```
//!
//! All SQL is written once, in `statements`; what databases do differently is in `dialect`; one
//! generic `driver` runs it on a pool of any of them.
//!
//! # SQLite
//!
//! The file is put into WAL mode: readers never wait for a writer. Writers of one process take turns
//! on one connection; writers of other processes are waited for, for 2 seconds. An acknowledged write
//! survives the death of the process, and with [`Config::power_safe`] a power cut.

#![cfg_attr(
    not(any(feature = "sqlite", feature = "postgres", feature = "mysql")),
    expect(
        dead_code,
        clippy::unused_async,
        reason = "without a database there is nothing to run statements on"
    )
)]

mod backend;
mod config;
mod detached;
mod dialect;
mod driver;
mod error;
#[cfg(feature = "mysql")]
mod mysql;
mod pool;
#[cfg(feature = "postgres")]
mod postgres;
mod row;
#[cfg(feature = "sqlite")]
mod sqlite;
mod statements;

pub use backend::Backend;
pub use config::Config;
