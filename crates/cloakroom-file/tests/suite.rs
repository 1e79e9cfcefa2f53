//! The suite on files, with and without a wait for the disk.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod file {
    use cloakroom_conformance::Setup;
    use cloakroom_file::Config;

    cloakroom_conformance::backend_tests!(async |clock| {
        let folder = tempfile::tempdir().unwrap();
        let backend = Config::new(folder.path().join("sessions")).clock(clock).open().await.unwrap();
        Setup::keeping(backend, folder)
    });
}

mod file_of_django {
    use std::sync::Arc;

    use cloakroom_conformance::{PlainFormat, Setup};
    use cloakroom_file::django::Config;

    cloakroom_conformance::backend_tests!(async |clock| {
        let folder = tempfile::tempdir().unwrap();
        let backend = Config::new(folder.path(), Arc::new(PlainFormat)).clock(clock).open().await.unwrap();
        Setup::keeping(backend, folder)
    });
}

mod file_power_safe {
    use cloakroom_conformance::Setup;
    use cloakroom_file::Config;

    cloakroom_conformance::backend_tests!(async |clock| {
        let folder = tempfile::tempdir().unwrap();
        let config = Config::new(folder.path().join("sessions")).clock(clock).power_safe(true);
        Setup::keeping(config.open().await.unwrap(), folder)
    });
}
