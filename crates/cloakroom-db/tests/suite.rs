//! The suite on each database.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

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
