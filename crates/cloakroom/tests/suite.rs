//! The suite on databases behind a cache: the engines that only the facade can put together.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

#[cfg(all(feature = "cached-db", feature = "sqlite", feature = "memory"))]
mod sqlite_cached_in_process {
    use std::sync::Arc;

    use cloakroom::cache::memory;
    use cloakroom::core::Cached;
    use cloakroom::db;
    use cloakroom_conformance::Setup;

    cloakroom_conformance::backend_tests!(async |clock| {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}/sessions.sqlite3", folder.path().display());
        let engine = db::Config::new(url).clock(Arc::clone(&clock)).open().await.unwrap();
        engine.migrate().await.unwrap();
        let cache = memory::Config::new().clock(Arc::clone(&clock)).open_cache();
        Setup::keeping(Cached::with_clock(engine, cache, clock), folder)
    });
}

/// As much as can be put together: sealed, behind a cache that processes share, on a server's database.
#[cfg(all(feature = "cached-db", feature = "postgres", feature = "redis"))]
mod postgres_cached_in_redis {
    use std::sync::Arc;

    use cloakroom::cache::redis;
    use cloakroom::core::{Addressing, Cached, SealKeys, Sealed, SessionKey};
    use cloakroom::db;

    fn server(variable: &str) -> String {
        std::env::var(variable).unwrap_or_else(|_| {
            panic!("{variable} is not set: `cargo xtask servers` starts a server and prints it")
        })
    }

    cloakroom_conformance::backend_tests!(
        ignore = "needs a server: cargo xtask test starts one";
        async |clock| {
            let name = SessionKey::generate(Addressing::Hashed).unwrap();
            let table = format!("suite_{}", name.expose());
            let config = db::Config::new(server("POSTGRES_URL")).table(table).connections(3);
            let engine = config.clock(Arc::clone(&clock)).open().await.unwrap();
            engine.migrate().await.unwrap();
            let config = redis::Config::new(server("REDIS_URL")).prefix(format!("suite:{}:", name.expose()));
            let cache = config.clock(Arc::clone(&clock)).open_cache().await.unwrap();
            Sealed::new(Cached::with_clock(engine, cache, clock), SealKeys::new([[7; 32]]).unwrap())
        }
    );
}
