//! The suite on each database.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use cloakroom_core::SessionFormat;
use cloakroom_django::{Secrets, Signed, Site};

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

#[cfg(feature = "sqlite")]
mod sqlite_of_django {
    use cloakroom_conformance::Setup;
    use cloakroom_db::Config;

    cloakroom_conformance::backend_tests!(async |clock| {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}/sessions.sqlite3", folder.path().display());
        let backend = Config::new(url).django(super::format()).clock(clock).open().await.unwrap();
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

#[cfg(feature = "postgres")]
mod postgres_of_django {
    cloakroom_conformance::backend_tests!(
        ignore = "needs a server: cargo xtask test starts one";
        async |clock| super::remote::of_django("POSTGRES_URL", clock).await
    );
}

#[cfg(feature = "mysql")]
mod mariadb_of_django {
    cloakroom_conformance::backend_tests!(
        ignore = "needs a server: cargo xtask test starts one";
        async |clock| super::remote::of_django("MARIADB_URL", clock).await
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
        open(config(variable), clock).await
    }

    pub(crate) async fn of_django(variable: &str, clock: Arc<dyn Clock>) -> Backend {
        open(config(variable).django(super::format()), clock).await
    }

    fn config(variable: &str) -> Config {
        let url = std::env::var(variable).unwrap_or_else(|_| {
            panic!("{variable} is not set: `cargo xtask servers` starts a server and prints it")
        });
        Config::new(url)
    }

    async fn open(config: Config, clock: Arc<dyn Clock>) -> Backend {
        let name = SessionKey::generate(Addressing::Hashed).unwrap();
        let config = config.table(format!("suite_{}", name.expose()));
        let backend = config.connections(3).clock(clock).open().await.unwrap();
        backend.migrate().await.unwrap();
        backend
    }
}

/// As a Django site writes its sessions.
fn format() -> Arc<dyn SessionFormat> {
    Arc::new(Signed::new(Site::new(Secrets::new("secret").unwrap())))
}
