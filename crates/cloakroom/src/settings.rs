//! All settings: from the environment, from a file, or from code.

use cloakroom_core::{Error, ErrorKind, Lifetime, Result};
use cloakroom_http::{CookieOptions, CookiePolicy};

use crate::Engine;
use crate::values::{seconds, switch};

/// Where a TOML file of settings is.
const FILE: &str = "CLOAKROOM_CONFIG";

/// Every name that is a setting.
const NAMES: [&str; 19] = [
    "SECRET_KEY",
    "SECRET_KEY_FALLBACKS",
    "SESSION_ABSOLUTE_TIMEOUT",
    "SESSION_CACHE_URL",
    "SESSION_COOKIE_AGE",
    "SESSION_COOKIE_DOMAIN",
    "SESSION_COOKIE_HTTPONLY",
    "SESSION_COOKIE_NAME",
    "SESSION_COOKIE_PATH",
    "SESSION_COOKIE_SAMESITE",
    "SESSION_COOKIE_SECURE",
    "SESSION_DB_URL",
    "SESSION_ENGINE",
    "SESSION_EXPIRE_AT_BROWSER_CLOSE",
    "SESSION_FILE_PATH",
    "SESSION_FORMAT",
    "SESSION_IDLE_TIMEOUT",
    "SESSION_SAVE_EVERY_REQUEST",
    "SESSION_SEAL_KEYS",
];

/// What an application lets its operator choose. The names are Django's; a value that is not allowed
/// is an error that names it, before anything is served.
///
/// | name | default |
/// |---|---|
/// | `SESSION_ENGINE` | `db` |
/// | `SESSION_DB_URL` | `sqlite:sessions.sqlite3` |
/// | `SESSION_COOKIE_NAME` | `sessionid` |
/// | `SESSION_COOKIE_AGE` | `1209600` seconds |
/// | `SESSION_COOKIE_DOMAIN` | none: the host alone |
/// | `SESSION_COOKIE_PATH` | `/` |
/// | `SESSION_COOKIE_SECURE` | `true`, unlike Django |
/// | `SESSION_COOKIE_HTTPONLY` | `true` |
/// | `SESSION_COOKIE_SAMESITE` | `Lax` |
/// | `SESSION_SAVE_EVERY_REQUEST` | `false` |
/// | `SESSION_EXPIRE_AT_BROWSER_CLOSE` | `false` |
/// | `SESSION_IDLE_TIMEOUT` | none; seconds |
/// | `SESSION_ABSOLUTE_TIMEOUT` | none; seconds |
///
/// ```
/// use cloakroom::Settings;
///
/// let mut settings = Settings::default();
/// settings.set("SESSION_COOKIE_AGE", "3600")?;
/// let error = settings.set("SESSION_COOKIE_AGE", "soon").unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     r#"SESSION_COOKIE_AGE: "soon" is not a whole number of seconds, 1 or more"#
/// );
/// # Ok::<(), cloakroom::Error>(())
/// ```
#[non_exhaustive]
#[derive(Clone, Debug)]
pub struct Settings {
    /// `SESSION_ENGINE`
    pub engine: Engine,
    /// `SESSION_DB_URL`
    pub db_url: String,
    /// `SESSION_COOKIE_…`
    pub cookie: CookieOptions,
    /// `SESSION_SAVE_EVERY_REQUEST`
    pub save_every_request: bool,
    /// `SESSION_COOKIE_AGE`, `SESSION_EXPIRE_AT_BROWSER_CLOSE` and the two timeouts
    pub lifetime: Lifetime,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            engine: Engine::default(),
            db_url: "sqlite:sessions.sqlite3".into(),
            cookie: CookieOptions::default(),
            save_every_request: false,
            lifetime: Lifetime::default(),
        }
    }
}

impl Settings {
    /// From the file that `CLOAKROOM_CONFIG` names, if it does, and from the environment, which wins.
    ///
    /// # Errors
    ///
    /// As [`read_env`](Settings::read_env).
    pub fn from_env() -> Result<Self> {
        let mut settings = Self::default();
        settings.read_env()?;
        Ok(settings)
    }

    /// The same, over what these settings are: an application's own defaults.
    ///
    /// # Errors
    ///
    /// `Misconfigured` for a file that can't be read, a name in it that is no setting, and a value that
    /// is not allowed.
    pub fn read_env(&mut self) -> Result<()> {
        if let Some(path) = std::env::var_os(FILE).filter(|path| !path.is_empty()) {
            let text = std::fs::read_to_string(&path).map_err(|source| {
                let message = format!("{FILE}: {} can't be read: {source}", path.display());
                Error::caused(ErrorKind::Misconfigured, message, source)
            })?;
            self.read_toml(&text)?;
        }
        for name in NAMES {
            // A variable that is empty is one that is not set.
            if let Some(value) = std::env::var_os(name).filter(|value| !value.is_empty()) {
                self.set(name, value.to_str().ok_or_else(|| unreadable(name))?)?;
            }
        }
        Ok(())
    }

    /// From the text of a TOML file: the settings' names, each with a string, a number or a boolean.
    ///
    /// # Errors
    ///
    /// `Misconfigured` for text that is no TOML, a name that is no setting, and a value that is not
    /// allowed.
    pub fn read_toml(&mut self, text: &str) -> Result<()> {
        let table: toml::Table = text.parse().map_err(|source: toml::de::Error| {
            // The error's own text quotes the file, which may hold secrets.
            Error::new(ErrorKind::Misconfigured, format!("the settings are no TOML: {}", source.message()))
        })?;
        for (name, value) in table {
            match value {
                toml::Value::String(text) => self.set(&name, &text)?,
                toml::Value::Integer(number) => self.set(&name, &number.to_string())?,
                toml::Value::Boolean(switch) => self.set(&name, &switch.to_string())?,
                _ => return Err(unreadable(&name)),
            }
        }
        Ok(())
    }

    /// Sets one, by name.
    ///
    /// # Errors
    ///
    /// `Misconfigured` for a name that is no setting and a value that is not allowed.
    pub fn set(&mut self, name: &str, value: &str) -> Result<()> {
        self.assign(name, value)
            .map_err(|error| Error::caused(ErrorKind::Misconfigured, format!("{name}: {error}"), error))
    }

    fn assign(&mut self, name: &str, value: &str) -> Result<()> {
        match name {
            "SESSION_ENGINE" => self.engine = value.parse()?,
            "SESSION_DB_URL" => value.clone_into(&mut self.db_url),
            "SESSION_COOKIE_NAME" => value.clone_into(&mut self.cookie.name),
            "SESSION_COOKIE_AGE" => self.lifetime.age = seconds(value)?,
            "SESSION_COOKIE_DOMAIN" => self.cookie.domain = Some(value.to_owned()),
            "SESSION_COOKIE_PATH" => value.clone_into(&mut self.cookie.path),
            "SESSION_COOKIE_SECURE" => self.cookie.secure = switch(value)?,
            "SESSION_COOKIE_HTTPONLY" => self.cookie.http_only = switch(value)?,
            "SESSION_COOKIE_SAMESITE" => self.cookie.same_site = value.parse()?,
            "SESSION_SAVE_EVERY_REQUEST" => self.save_every_request = switch(value)?,
            "SESSION_EXPIRE_AT_BROWSER_CLOSE" => self.lifetime.at_browser_close = switch(value)?,
            "SESSION_IDLE_TIMEOUT" => self.lifetime.idle = Some(seconds(value)?),
            "SESSION_ABSOLUTE_TIMEOUT" => self.lifetime.absolute = Some(seconds(value)?),
            // They speak of engines that are not chosen: nothing here uses them.
            "SECRET_KEY" | "SECRET_KEY_FALLBACKS" | "SESSION_CACHE_URL" | "SESSION_FILE_PATH" => {}
            // Asked for and not to be had: never pass over that in silence.
            "SESSION_FORMAT" if value == "native" => {}
            "SESSION_FORMAT" => return refuse("this version writes the format `native` only"),
            "SESSION_SEAL_KEYS" => return refuse("this version can't seal sessions"),
            _ => return refuse("there is no such setting"),
        }
        Ok(())
    }

    /// The cookie, checked.
    ///
    /// # Errors
    ///
    /// `Misconfigured` for attributes that browsers would not accept together.
    pub fn cookie_policy(&self) -> Result<CookiePolicy> {
        CookiePolicy::new(self.cookie.clone()).map_err(|error| {
            let message = format!("SESSION_COOKIE_NAME and its attributes: {error}");
            Error::caused(ErrorKind::Misconfigured, message, error)
        })
    }
}

fn refuse(why: &'static str) -> Result<()> {
    Err(Error::new(ErrorKind::Misconfigured, why))
}

fn unreadable(name: &str) -> Error {
    Error::new(ErrorKind::Misconfigured, format!("{name}: its value is no text, number or boolean"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_a_setting_and_others_are_not() {
        for name in NAMES {
            let error = Settings::default().set(name, "\u{1}").err();
            assert!(error.is_none_or(|error| !error.to_string().contains("no such")), "{name}");
        }
        assert!(Settings::default().set("SESSION_COOKIE_SECUR", "true").is_err());
    }

    #[test]
    fn a_file_sets_what_the_environment_can() {
        let mut settings = Settings::default();
        let file =
            "SESSION_COOKIE_AGE = 60\nSESSION_COOKIE_SECURE = false\nSESSION_COOKIE_SAMESITE = \"Strict\"";
        settings.read_toml(file).unwrap();
        assert_eq!(settings.lifetime.age.as_secs(), 60);
        assert!(!settings.cookie.secure);
    }

    #[test]
    fn a_value_that_is_not_allowed_is_named_with_its_setting_and_what_is_allowed() {
        for (name, value, allowed) in [
            ("SESSION_ENGINE", "dbb", "db, cache, cached_db, file, signed_cookies"),
            ("SESSION_COOKIE_SECURE", "perhaps", "true or false"),
            ("SESSION_COOKIE_SAMESITE", "loose", "Strict, Lax or None"),
            ("SESSION_IDLE_TIMEOUT", "0", "1 or more"),
            ("SESSION_FORMAT", "django", "native"),
        ] {
            let error = Settings::default().set(name, value).unwrap_err();
            let text = error.to_string();
            assert_eq!(error.kind(), ErrorKind::Misconfigured);
            assert!(text.starts_with(name) && text.contains(allowed), "{text}");
        }
    }

    #[test]
    fn sealing_that_is_asked_for_is_never_passed_over() {
        assert!(Settings::default().set("SESSION_SEAL_KEYS", "AAAA").is_err());
    }

    #[test]
    fn a_broken_file_is_an_error_that_does_not_quote_it() {
        let error = Settings::default().read_toml("SECRET_KEY = hunter2").unwrap_err();
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    }
}
