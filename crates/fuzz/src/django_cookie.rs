//! What a browser presents where Django's cookies bear the sessions; also what somebody has signed who has the key.

use std::time::Duration;

use cloakroom_django::Cookie;

use crate::django::{read, signed, site};
use crate::kept::{NOW, places};

const SALT: &str = "django.contrib.sessions.backends.signed_cookies";

/// A value; or, behind a byte that says so, a payload (1) that is signed as Django does it.
pub fn django_cookie(data: &[u8]) -> bool {
    let format = Cookie::new(site());
    let value = match data.split_first() {
        Some((1, payload)) => signed(payload, SALT),
        _ => data.to_vec(),
    };
    let Ok(at) = format.verify(&value, NOW, Duration::MAX) else {
        assert!(!read(&format, &value), "what nobody has signed is no session");
        return false;
    };
    assert_eq!(
        format.verify(&value, at, Duration::ZERO).unwrap(),
        at,
        "it counts in the second it was signed in"
    );
    for at in places(value.len()) {
        let mut changed = value.clone();
        changed[at] = if value[at] == b'A' { b'B' } else { b'A' };
        assert!(format.verify(&changed, NOW, Duration::MAX).is_err(), "changed at {at}");
        assert!(format.verify(&value[..at], NOW, Duration::MAX).is_err(), "cut at {at}");
    }
    read(&format, &value)
}
