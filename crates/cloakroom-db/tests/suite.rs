//! The suite on each database.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

#[cfg(feature = "sqlite")]
mod sqlite {
    use cloakroom_conformance::Setup;
    use cloakroom_db::Config;

    cloakroom_conformance::backend_tests!(async |clock| {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}/sessions.sqlite3", folder.path().display());
        let backend = Config::new(url).clock(clock).open().await.unwrap();
        backend.migrate().await.unwrap();
        Setup::keeping(backend, folder)
    });
}

#[cfg(feature = "postgres")]
mod postgres {
    cloakroom_conformance::backend_tests!(
        ignore = "needs a server: cargo xtask test starts one";
        async |clock| super::remote::backend("POSTGRES_URL", clock).await
    );
}

#[cfg(feature = "mysql")]
mod mariadb {
    cloakroom_conformance::backend_tests!(
        ignore = "needs a server: cargo xtask test starts one";
        async |clock| super::remote::backend("MARIADB_URL", clock).await
    );
}

#[cfg(any(feature = "postgres", feature = "mysql"))]
mod remote {
    use std::sync::Arc;

    use cloakroom_core::{Addressing, Clock, SessionKey};
    use cloakroom_db::{Backend, Config};

    /// A table of its own for each case, on a server that is thrown away.
    pub(crate) async fn backend(variable: &str, clock: Arc<dyn Clock>) -> Backend {
        let url = std::env::var(variable).unwrap_or_else(|_| {
            panic!("{variable} is not set: `cargo xtask servers` starts a server and prints it")
        });
        let name = SessionKey::generate(Addressing::Hashed).unwrap();
        let config = Config::new(url).table(format!("suite_{}", name.expose()));
        let backend = config.connections(3).clock(clock).open().await.unwrap();
        backend.migrate().await.unwrap();
        backend
    }
}
