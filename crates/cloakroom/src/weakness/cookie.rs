//! The cookie, and how long sessions live.

use cloakroom_http::SameSite;

use super::Weakness;
use crate::{Format, Settings};

pub(super) fn weaknesses(settings: &Settings) -> Vec<Weakness> {
    let Settings { cookie, lifetime, format, .. } = settings;
    let mut found = Vec::new();
    if !cookie.secure {
        found.push(Weakness::weak(
            "SESSION_COOKIE_SECURE",
            "browsers send the cookie over plain http, where anybody on the way can read it",
            "set it to true, and serve over https",
        ));
    }
    if !cookie.http_only {
        found.push(Weakness::weak(
            "SESSION_COOKIE_HTTPONLY",
            "scripts can read the cookie, also those of an attacker who gets one into a page",
            "set it to true",
        ));
    }
    if cookie.same_site == SameSite::None {
        let problem = "requests that other sites make in a visitor's browser bear the session";
        found.push(if cookie.partitioned {
            // It is there to be embedded; each embedding site has a session of its own.
            Weakness::hint(
                "SESSION_COOKIE_SAMESITE",
                problem,
                "check a token in each form, or set it to Lax if no other site embeds this one",
            )
        } else {
            Weakness::weak("SESSION_COOKIE_SAMESITE", problem, "set it to Lax or Strict")
        });
    }
    if cookie.domain.is_some() {
        found.push(Weakness::hint(
            "SESSION_COOKIE_DOMAIN",
            "every host under this domain gets the cookie, and can set another in its place",
            "leave it unset, unless several hosts share the sessions",
        ));
    } else if cookie.secure && cookie.path == "/" && !cookie.name.starts_with("__Host-") {
        found.push(Weakness::hint(
            "SESSION_COOKIE_NAME",
            "another host of the same domain can set a cookie of this name",
            format!("begin it with __Host-, as in __Host-{}", cookie.name.trim_start_matches("__Secure-")),
        ));
    }
    // Django's format can't keep them.
    if *format == Format::Native {
        if lifetime.idle.is_none() {
            found.push(Weakness::hint(
                "SESSION_IDLE_TIMEOUT",
                "a browser that was left alone stays logged in until the session's end",
                "set it to the seconds without a request after which that is over, say 1800",
            ));
        }
        if lifetime.absolute.is_none() {
            found.push(Weakness::hint(
                "SESSION_ABSOLUTE_TIMEOUT",
                "a session that goes on being used, also by a thief, never ends",
                "set it to the seconds after which everybody logs in again, say 43200",
            ));
        }
    }
    found
}
