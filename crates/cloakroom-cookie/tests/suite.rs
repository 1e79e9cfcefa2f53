//! The suite on cookies that are signed, and on cookies that are sealed.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

const SECRET_KEY: &str = "django-insecure-0123456789abcdefghijklmnopqrstuvwxyz";

mod signed_cookies {
    use cloakroom_cookie::Config;

    cloakroom_conformance::backend_tests!(async |clock| {
        Config::new(super::SECRET_KEY).clock(clock).open().unwrap()
    });
}

mod signed_cookies_sealed {
    use cloakroom_cookie::Config;
    use cloakroom_core::SealKeys;

    cloakroom_conformance::backend_tests!(async |clock| {
        let keys = SealKeys::new([[7; 32]]).unwrap();
        Config::new(super::SECRET_KEY).sealed(keys).clock(clock).open().unwrap()
    });
}

mod signed_cookies_of_django {
    use std::sync::Arc;

    use cloakroom_conformance::PlainFormat;
    use cloakroom_cookie::django::Config;

    cloakroom_conformance::backend_tests!(async |clock| Config::new(Arc::new(PlainFormat))
        .clock(clock)
        .open());
}
