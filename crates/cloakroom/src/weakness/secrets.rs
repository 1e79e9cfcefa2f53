//! Keys that sign and seal.

use super::Weakness;
use crate::{Engine, Format, Settings};

/// As many bytes as HMAC-SHA256 has to give.
const SHORTEST: usize = 32;
/// As Django's own check has it.
const FEWEST_DISTINCT: usize = 5;
/// What `django-admin startproject` writes before a key that was printed somewhere.
const INSECURE: &str = "django-insecure-";

pub(super) fn weaknesses(settings: &Settings) -> Vec<Weakness> {
    let django = settings.format == Format::Django;
    let mut found = Vec::new();
    if django || settings.engine == Engine::SignedCookies {
        if settings.secret_key.as_deref().is_some_and(is_guessable) {
            found.push(Weakness::weak(
                "SECRET_KEY",
                "it is short enough to be guessed, and who has it makes sessions of any user",
                "use 50 random characters",
            ));
        }
        if settings.secret_key_fallbacks.iter().any(|key| is_guessable(key)) {
            found.push(Weakness::weak(
                "SECRET_KEY_FALLBACKS",
                "one of them is short enough to be guessed, and what it signed is still accepted",
                "take it out",
            ));
        }
    }
    if settings.seal_keys.is_none() && !django {
        let problem = if settings.engine == Engine::SignedCookies {
            "visitors, and who gets at their browsers, can read what their sessions hold"
        } else {
            "who gets at the store, or at a backup, can read what sessions hold"
        };
        found.push(Weakness::hint(
            "SESSION_SEAL_KEYS",
            problem,
            "set it to 32 random bytes in base64, as from `openssl rand -base64 32`",
        ));
    }
    found
}

fn is_guessable(key: &str) -> bool {
    let mut distinct: Vec<_> = key.bytes().collect();
    distinct.sort_unstable();
    distinct.dedup();
    key.len() < SHORTEST || distinct.len() < FEWEST_DISTINCT || key.starts_with(INSECURE)
}
