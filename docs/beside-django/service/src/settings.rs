//! The session's settings, each as site/foyer/settings.py has it.

use std::path::Path;

use cloakroom::core::{Addressing, Result, SessionKey};
use cloakroom::{Engine, Format, Settings};

/// Sessions in Django's table, with a secret key of their own.
///
/// # Errors
///
/// If the operating system has no random bytes.
pub(crate) fn beside(database: &Path) -> Result<Settings> {
    let mut settings = Settings::default();
    settings.format = Format::Django; // SESSION_FORMAT=django
    settings.engine = Engine::Db; // SESSION_ENGINE
    settings.db_url = format!("sqlite:{}", database.display()); // DATABASES
    settings.secret_key = Some(secret()?); // SECRET_KEY
    settings.cookie.secure = false; // SESSION_COOKIE_SECURE
    // The cookie's name, age, path and SameSite, AUTHENTICATION_BACKENDS and USE_TZ are Django's defaults on both sides.
    Ok(settings)
}

/// As long as Django wants one to be. Nothing outlives the program that it has signed.
fn secret() -> Result<String> {
    let keys = [SessionKey::generate(Addressing::Hashed)?, SessionKey::generate(Addressing::Hashed)?];
    Ok(keys.map(|key| key.expose().to_owned()).concat())
}
