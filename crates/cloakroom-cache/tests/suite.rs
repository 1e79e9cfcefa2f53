//! The suite on each engine.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

#[cfg(feature = "memory")]
mod moka {
    use cloakroom_cache::memory::Config;

    cloakroom_conformance::backend_tests!(async |clock| Config::new().clock(clock).open());

    mod cache {
        use cloakroom_cache::memory::Config;

        cloakroom_conformance::cache_tests!(async |clock| Config::new().clock(clock).open_cache());
    }
}

#[cfg(feature = "memory")]
mod moka_of_another_format {
    use std::sync::Arc;

    use cloakroom_cache::memory::Config;
    use cloakroom_conformance::PlainFormat;

    cloakroom_conformance::backend_tests!(async |clock| {
        Config::new().format(Arc::new(PlainFormat)).clock(clock).open()
    });
}

/// Room for a few large sessions, or some thousand small ones.
#[cfg(feature = "memory")]
mod moka_that_is_full {
    use cloakroom_cache::memory::Config;

    cloakroom_conformance::backend_tests!(async |clock| Config::new().capacity(2 << 20).clock(clock).open());
}

#[cfg(feature = "redis")]
macro_rules! redis_tests {
    ($module:ident, $url:literal) => {
        mod $module {
            use cloakroom_cache::redis::Config;

            /// Cases share a server: each has a prefix of its own.
            fn config() -> Config {
                let key = cloakroom_core::SessionKey::generate(cloakroom_core::Addressing::Hashed).unwrap();
                let prefix = format!("test:{}:", key.expose());
                let url = std::env::var($url).expect(concat!($url, " names a server"));
                Config::new(url).prefix(prefix)
            }

            cloakroom_conformance::backend_tests!(ignore = "needs a server: cargo xtask test starts one"; async |clock| {
                config().clock(clock).open().await.unwrap()
            });

            mod cache {
                cloakroom_conformance::cache_tests!(ignore = "needs a server: cargo xtask test starts one"; async |clock| {
                    super::config().clock(clock).open_cache().await.unwrap()
                });
            }
        }
    };
}

#[cfg(feature = "redis")]
redis_tests!(redis, "REDIS_URL");
#[cfg(feature = "redis")]
redis_tests!(redis_cluster, "REDIS_CLUSTER_URL");
#[cfg(feature = "redis")]
redis_tests!(redis_sentinel, "REDIS_SENTINEL_URL");
