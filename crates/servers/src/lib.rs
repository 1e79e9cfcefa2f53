//! Private, throw-away servers for tests and for development, and a browser to look at what is tested.
//!
//! Each starts on a free port of 127.0.0.1, keeps what it has in a temporary folder, and is ready when `start`
//! returns:
//!
//! ```no_run
//! # fn main() -> cloakroom_servers::Result<()> {
//! let mut postgres = cloakroom_servers::Postgres::start()?;
//! println!("{}", postgres.url());
//! postgres.kill()?; // as a crash
//! postgres.restart()?; // on the same port, over the same data
//! # Ok(())
//! # }
//! ```
//!
//! Dropping a server ends it and removes its folder. The same happens when the process that started it ends in any
//! other way, SIGKILL included: a watchdog, a process of its own, waits for that.
//!
//! All calls block. [`install`] gets what is missing on the machine.

mod certificates;
mod chromium;
mod cluster;
mod error;
mod folder;
pub mod install;
mod mariadb;
mod mischief;
mod node;
mod nodes;
mod patience;
mod pgbouncer;
mod port;
mod postgres;
mod process;
mod programs;
mod proxy;
mod redis;
mod resp;
mod sentinel;
mod user;
pub mod venv;

pub use chromium::Chromium;
pub use cluster::Cluster;
pub use error::{Error, Result};
pub use mariadb::MariaDb;
pub use mischief::Storm;
pub use pgbouncer::PgBouncer;
pub use postgres::Postgres;
pub use proxy::{Direction, Proxy};
pub use redis::{Redis, RedisConfig};
pub use sentinel::Sentinel;
