//! Sessions on an engine, by its name, as an application would open them.

use std::env;
use std::path::Path;

use cloakroom::core::{Error, ErrorKind, Memory, Result};
use cloakroom::{CookiePolicy, Engine, Sessions, Settings};

/// Opens the sessions of the engine that is called so. What it keeps in files it keeps in `folder`; servers are where
/// `REDIS_URL` and `POSTGRES_URL` say.
///
/// # Errors
///
/// `Misconfigured` for a name that is none, and for a server that no variable names; else those of opening it.
pub async fn open(name: &str, folder: &Path) -> Result<(Sessions, CookiePolicy)> {
    if name == "memory" {
        return Ok((Sessions::new(Memory::new()), CookiePolicy::default()));
    }
    let mut settings = Settings::default();
    settings.engine = match name {
        "moka" | "redis" => Engine::Cache,
        "sqlite" | "postgres" => Engine::Db,
        "cached_db" => Engine::CachedDb,
        "file" => Engine::File,
        "signed_cookies" => Engine::SignedCookies,
        _ => return Err(Error::new(ErrorKind::Misconfigured, format!("{name:?} is no engine"))),
    };
    settings.db_url = match name {
        "postgres" => server("POSTGRES_URL")?,
        _ => format!("sqlite:{}", folder.join("sessions.sqlite3").display()),
    };
    if name == "redis" {
        settings.cache_url = server("REDIS_URL")?;
    }
    settings.file_path = folder.join("sessions");
    settings.secret_key = Some("no secret: it signs the cookies of a bench".to_owned());
    settings.migrate().await?;
    Ok((settings.sessions().await?, settings.cookie_policy()?))
}

fn server(variable: &str) -> Result<String> {
    env::var(variable)
        .map_err(|_| Error::new(ErrorKind::Misconfigured, format!("{variable} names no server")))
}
