//! `ENGINE=URL`: where sessions are copied from, and where to.

use std::path::{Path, PathBuf};

use cloakroom::{DjangoSite, Engine, Format, Settings};

use crate::trouble::Trouble;

/// The settings of one side of a copy: all of the application's, but for where it is, how it is written, and what
/// is about something else then.
///
/// # Errors
///
/// `Usage` for what is no engine, and for engines whose sessions can't be copied. No URL is quoted: it may hold a
/// password.
pub(crate) fn settings(
    side: &'static str,
    text: &str,
    format: Format,
    all: &Settings,
) -> Result<Settings, Trouble> {
    let wrong = |why: &str| Err(Trouble::Usage(format!("{side}: {why}")));
    let (name, url) = text.split_once('=').map_or((text, None), |(name, url)| (name, Some(url)));
    let url = url.filter(|url| !url.is_empty());
    let mut settings = all.clone();
    settings.format = format;
    settings.engine = match name {
        // What is in its cache are copies of what is in the database.
        "cached_db" | "db" => {
            url.unwrap_or(&all.db_url).clone_into(&mut settings.db_url);
            Engine::Db
        }
        "cache" => {
            url.unwrap_or(&all.cache_url).clone_into(&mut settings.cache_url);
            Engine::Cache
        }
        "file" => {
            settings.file_path = url.map_or_else(|| all.file_path.clone(), PathBuf::from);
            Engine::File
        }
        "signed_cookies" => {
            return wrong("with signed_cookies visitors bear their sessions: there is nothing to copy");
        }
        _ => return wrong("it begins with none of db=, cached_db=, cache= and file="),
    };
    if settings.engine == Engine::Cache && settings.cache_url.starts_with("memory:") {
        return wrong("memory: is each process's own: name a Redis server, as in cache=redis://host");
    }
    settings.db_pooler &= settings.engine == Engine::Db && settings.db_url.starts_with("postgres");
    settings.power_safe &= match settings.engine {
        Engine::Db => settings.db_url.starts_with("sqlite:"),
        engine => engine == Engine::File,
    };
    if settings.engine != Engine::Cache {
        settings.cache_replicas = 0;
    }
    // A copy logs nobody in and renews no key.
    settings.key_renewal = None;
    (settings.login_limit, settings.login_policy) = (None, None);
    match format {
        // These are the other side's, which keeps them.
        Format::Django => {
            (settings.lifetime.idle, settings.lifetime.absolute, settings.seal_keys) = (None, None, None);
        }
        _ => settings.django = DjangoSite::default(),
    }
    Ok(settings)
}

/// Whether both are one store: by what their URLs name, as far as that can be told.
pub(crate) fn is_same(one: &Settings, other: &Settings) -> bool {
    let place = |settings: &Settings| match settings.engine {
        Engine::File => real(&settings.file_path).display().to_string(),
        Engine::Cache => settings.cache_url.trim_end_matches('/').to_owned(),
        _ => match settings.db_url.strip_prefix("sqlite:") {
            Some(rest) => {
                let path = rest.split('?').next().unwrap_or_default();
                real(Path::new(path.strip_prefix("//").unwrap_or(path))).display().to_string()
            }
            None => settings.db_url.split('?').next().unwrap_or_default().to_owned(),
        },
    };
    (one.engine, one.format, place(one)) == (other.engine, other.format, place(other))
}

/// The path that it is, whichever links lead there. What is not there yet is where its folder is.
fn real(path: &Path) -> PathBuf {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let beside = || Some(folder.canonicalize().ok()?.join(path.file_name()?));
    path.canonicalize().ok().or_else(beside).unwrap_or_else(|| path.to_owned())
}
