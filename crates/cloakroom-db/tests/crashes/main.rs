//! Processes and servers that are killed, and networks that break. See `cloakroom_conformance::crashes`.

#![cfg(any(feature = "sqlite", all(feature = "postgres", feature = "mysql")))]
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test fails by panicking")]

#[cfg(all(feature = "postgres", feature = "mysql"))]
mod servers;
#[cfg(feature = "sqlite")]
mod sqlite;

use cloakroom_db::{Backend, Config};

async fn migrated(config: Config) -> Backend {
    let backend = config.open().await.unwrap();
    backend.migrate().await.unwrap();
    backend
}
