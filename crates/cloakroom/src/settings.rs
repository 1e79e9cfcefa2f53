//! All settings: from the environment, from a file, or from code.

#[cfg(test)]
mod documented;

use std::fmt;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use cloakroom_core::{Error, ErrorKind, Lifetime, LoginPolicy, Result, SealKeys};
use cloakroom_http::CookieOptions;

use crate::site::paths;
use crate::values::{
    a_minute_or_more, number, policy, positive, seal_keys, seconds, secret, secrets, switch,
};
use crate::{DjangoSite, Engine, Format};

/// Where a TOML file of settings is.
pub(crate) const FILE: &str = "CLOAKROOM_CONFIG";

/// Sets one setting from its text.
type Setter = fn(&mut Settings, &str) -> Result<()>;

/// Every setting: its name, and how it is set.
#[rustfmt::skip] // a table
#[expect(clippy::unit_arg, reason = "a row is one assignment")]
const TABLE: [(&str, Setter); 32] = [
    ("DJANGO_AUTHENTICATION_BACKENDS", |settings, value| Ok(settings.django.authentication_backends = paths(value)?)),
    ("DJANGO_CACHE_KEY_PREFIX", |settings, value| Ok(value.clone_into(&mut settings.django.cache_key_prefix))),
    ("DJANGO_CACHE_SERIALIZER", |settings, value| Ok(settings.django.cache_serializer = value.parse()?)),
    ("DJANGO_CACHE_VERSION", |settings, value| Ok(settings.django.cache_version = number(value)?)),
    ("DJANGO_CACHE_ZLIB", |settings, value| Ok(settings.django.cache_zlib = switch(value)?)),
    ("DJANGO_USE_TZ", |settings, value| Ok(settings.django.use_tz = switch(value)?)),
    ("SECRET_KEY", |settings, value| Ok(settings.secret_key = Some(secret(value)?))),
    ("SECRET_KEY_FALLBACKS", |settings, value| Ok(settings.secret_key_fallbacks = secrets(value)?)),
    ("SESSION_ABSOLUTE_TIMEOUT", |settings, value| Ok(settings.lifetime.absolute = Some(seconds(value)?))),
    ("SESSION_CACHE_REPLICAS", |settings, value| Ok(settings.cache_replicas = number(value)?)),
    ("SESSION_CACHE_URL", |settings, value| Ok(value.clone_into(&mut settings.cache_url))),
    ("SESSION_COOKIE_AGE", |settings, value| Ok(settings.lifetime.age = seconds(value)?)),
    ("SESSION_COOKIE_DOMAIN", |settings, value| Ok(settings.cookie.domain = Some(value.to_owned()))),
    ("SESSION_COOKIE_HTTPONLY", |settings, value| Ok(settings.cookie.http_only = switch(value)?)),
    ("SESSION_COOKIE_NAME", |settings, value| Ok(value.clone_into(&mut settings.cookie.name))),
    ("SESSION_COOKIE_PARTITIONED", |settings, value| Ok(settings.cookie.partitioned = switch(value)?)),
    ("SESSION_COOKIE_PATH", |settings, value| Ok(value.clone_into(&mut settings.cookie.path))),
    ("SESSION_COOKIE_SAMESITE", |settings, value| Ok(settings.cookie.same_site = value.parse()?)),
    ("SESSION_COOKIE_SECURE", |settings, value| Ok(settings.cookie.secure = switch(value)?)),
    ("SESSION_DB_POOLER", |settings, value| Ok(settings.db_pooler = switch(value)?)),
    ("SESSION_DB_URL", |settings, value| Ok(value.clone_into(&mut settings.db_url))),
    ("SESSION_ENGINE", |settings, value| Ok(settings.engine = value.parse()?)),
    ("SESSION_EXPIRE_AT_BROWSER_CLOSE", |settings, value| Ok(settings.lifetime.at_browser_close = switch(value)?)),
    ("SESSION_FILE_PATH", |settings, value| Ok(settings.file_path = value.into())),
    ("SESSION_FORMAT", |settings, value| Ok(settings.format = value.parse()?)),
    ("SESSION_IDLE_TIMEOUT", |settings, value| Ok(settings.lifetime.idle = Some(seconds(value)?))),
    ("SESSION_KEY_RENEWAL", |settings, value| Ok(settings.key_renewal = Some(a_minute_or_more(value)?))),
    ("SESSION_LOGIN_LIMIT", |settings, value| Ok(settings.login_limit = Some(positive(value)?))),
    ("SESSION_LOGIN_POLICY", |settings, value| Ok(settings.login_policy = Some(policy(value)?))),
    ("SESSION_POWER_SAFE", |settings, value| Ok(settings.power_safe = switch(value)?)),
    ("SESSION_SAVE_EVERY_REQUEST", |settings, value| Ok(settings.save_every_request = switch(value)?)),
    ("SESSION_SEAL_KEYS", |settings, value| Ok(settings.seal_keys = Some(seal_keys(value)?))),
];

/// What an application lets its operator choose. The names are Django's; a value that is not allowed
/// is an error that names it, before anything is served.
///
/// | name | default |
/// |---|---|
/// | `SESSION_ENGINE` | `db` |
/// | `SESSION_DB_URL` | `sqlite:sessions.sqlite3` |
/// | `SESSION_CACHE_URL` | `memory:` |
/// | `SESSION_FILE_PATH` | `cloakroom-sessions` in the system's temporary folder |
/// | `SESSION_DB_POOLER` | `false`; whether a pooler in transaction mode is in front of PostgreSQL |
/// | `SESSION_CACHE_REPLICAS` | `0`; how many of Redis' replicas must have a write |
/// | `SESSION_POWER_SAFE` | `false`; whether writes to SQLite and to files survive a power cut |
/// | `SECRET_KEY` | none |
/// | `SECRET_KEY_FALLBACKS` | none; older keys, with commas between them |
/// | `SESSION_SEAL_KEYS` | none; 32 bytes in base64 each, with commas between them |
/// | `SESSION_COOKIE_NAME` | `sessionid` |
/// | `SESSION_COOKIE_AGE` | `1209600` seconds |
/// | `SESSION_COOKIE_DOMAIN` | none: the host alone |
/// | `SESSION_COOKIE_PATH` | `/` |
/// | `SESSION_COOKIE_SECURE` | `true`, unlike Django |
/// | `SESSION_COOKIE_HTTPONLY` | `true` |
/// | `SESSION_COOKIE_SAMESITE` | `Lax` |
/// | `SESSION_COOKIE_PARTITIONED` | `false`; whether browsers keep it apart for each site that embeds this one |
/// | `SESSION_SAVE_EVERY_REQUEST` | `false` |
/// | `SESSION_EXPIRE_AT_BROWSER_CLOSE` | `false` |
/// | `SESSION_IDLE_TIMEOUT` | none; seconds |
/// | `SESSION_ABSOLUTE_TIMEOUT` | none; seconds |
/// | `SESSION_KEY_RENEWAL` | none; seconds, 60 or more, until a session gets another key |
/// | `SESSION_LOGIN_LIMIT` | none; how many sessions a user may have |
/// | `SESSION_LOGIN_POLICY` | `end_oldest`; or `refuse`: what becomes of one more |
/// | `SESSION_FORMAT` | `native`; or `django`: what Django reads and writes, to share sessions with a Django site |
/// | `DJANGO_AUTHENTICATION_BACKENDS` | `django.contrib.auth.backends.ModelBackend`; the site's own, with commas between them |
/// | `DJANGO_CACHE_KEY_PREFIX` | none; the site's cache's `KEY_PREFIX` |
/// | `DJANGO_CACHE_VERSION` | `1`; the site's cache's `VERSION` |
/// | `DJANGO_CACHE_SERIALIZER` | `pickle5`, as `RedisCache`; or `pickle4`, as django-redis; or `json`: how the cache's values are written |
/// | `DJANGO_CACHE_ZLIB` | `false`; whether they are packed |
/// | `DJANGO_USE_TZ` | `true`; the site's `USE_TZ` |
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
/// # Ok::<(), cloakroom::core::Error>(())
/// ```
#[non_exhaustive]
#[derive(Clone)]
pub struct Settings {
    /// `SESSION_ENGINE`
    pub engine: Engine,
    /// `SESSION_DB_URL`
    pub db_url: String,
    /// `SESSION_DB_POOLER`
    pub db_pooler: bool,
    /// `SESSION_CACHE_URL`
    pub cache_url: String,
    /// `SESSION_CACHE_REPLICAS`
    pub cache_replicas: u32,
    /// `SESSION_FILE_PATH`
    pub file_path: PathBuf,
    /// `SESSION_POWER_SAFE`
    pub power_safe: bool,
    /// `SECRET_KEY`
    pub secret_key: Option<String>,
    /// `SECRET_KEY_FALLBACKS`
    pub secret_key_fallbacks: Vec<String>,
    /// `SESSION_SEAL_KEYS`
    pub seal_keys: Option<SealKeys>,
    /// `SESSION_COOKIE_…`
    pub cookie: CookieOptions,
    /// `SESSION_SAVE_EVERY_REQUEST`
    pub save_every_request: bool,
    /// `SESSION_COOKIE_AGE`, `SESSION_EXPIRE_AT_BROWSER_CLOSE` and the two timeouts
    pub lifetime: Lifetime,
    /// `SESSION_KEY_RENEWAL`
    pub key_renewal: Option<Duration>,
    /// `SESSION_LOGIN_LIMIT`
    pub login_limit: Option<NonZeroU32>,
    /// `SESSION_LOGIN_POLICY`
    pub login_policy: Option<LoginPolicy>,
    /// `SESSION_FORMAT`
    pub format: Format,
    /// `DJANGO_…`
    pub django: DjangoSite,
}

/// Without what is a secret or may hold one.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("engine", &self.engine)
            .field("file_path", &self.file_path)
            .field("sealed", &self.seal_keys.is_some())
            .field("cookie", &self.cookie)
            .field("save_every_request", &self.save_every_request)
            .field("lifetime", &self.lifetime)
            .field("key_renewal", &self.key_renewal)
            .field("login_limit", &self.login_limit)
            .field("login_policy", &self.login_policy)
            .field("format", &self.format)
            .field("django", &self.django)
            .finish_non_exhaustive()
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            engine: Engine::default(),
            db_url: "sqlite:sessions.sqlite3".into(),
            db_pooler: false,
            cache_url: "memory:".into(),
            cache_replicas: 0,
            file_path: std::env::temp_dir().join("cloakroom-sessions"),
            power_safe: false,
            secret_key: None,
            secret_key_fallbacks: Vec::new(),
            seal_keys: None,
            cookie: CookieOptions::default(),
            save_every_request: false,
            lifetime: Lifetime::default(),
            key_renewal: None,
            login_limit: None,
            login_policy: None,
            format: Format::default(),
            django: DjangoSite::default(),
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
                let message = format!("{FILE}: {} can't be read", path.display());
                Error::caused(ErrorKind::Misconfigured, message, source)
            })?;
            self.read_toml(&text).map_err(|error| error.of(format_args!("{FILE}: {}", path.display())))?;
        }
        for (name, _) in TABLE {
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
            // The error's own text quotes the file, which may hold secrets: the place has to do.
            let before = source.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
            let line = before.matches('\n').count() + 1;
            Error::new(ErrorKind::Misconfigured, format!("the settings are no TOML, at line {line}"))
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
        let known = TABLE.iter().find(|(known, _)| *known == name);
        let set = known.map_or_else(|| refuse("there is no such setting"), |(_, setter)| setter(self, value));
        set.map_err(|error| error.of(name))
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
    use cloakroom_http::SameSite;

    use super::*;

    #[test]
    fn the_defaults_are_djangos_but_for_secure() {
        let Settings { engine, cookie, lifetime, save_every_request, secret_key_fallbacks, .. } =
            Settings::default();
        assert_eq!((engine, save_every_request), (Engine::Db, false));
        assert_eq!((cookie.name.as_str(), cookie.path.as_str(), cookie.domain), ("sessionid", "/", None));
        assert_eq!((cookie.same_site, cookie.http_only, cookie.secure), (SameSite::Lax, true, true));
        assert_eq!((lifetime.age.as_secs(), lifetime.at_browser_close), (1_209_600, false));
        assert!(secret_key_fallbacks.is_empty());
    }

    #[test]
    fn each_of_djangos_settings_sets_what_it_sets_there() {
        type Seen = fn(&Settings) -> bool;
        let table: [(&str, &str, Seen); 18] = [
            ("SECRET_KEY", "a, b", |settings| settings.secret_key.as_deref() == Some("a, b")),
            ("SECRET_KEY_FALLBACKS", "a, b", |settings| settings.secret_key_fallbacks == ["a", "b"]),
            ("SESSION_COOKIE_AGE", "60", |settings| settings.lifetime.age.as_secs() == 60),
            ("SESSION_COOKIE_DOMAIN", "example.org", |settings| {
                settings.cookie.domain.as_deref() == Some("example.org")
            }),
            ("SESSION_COOKIE_HTTPONLY", "False", |settings| !settings.cookie.http_only),
            ("SESSION_COOKIE_NAME", "id", |settings| settings.cookie.name == "id"),
            ("SESSION_COOKIE_PATH", "/app", |settings| settings.cookie.path == "/app"),
            ("SESSION_COOKIE_SAMESITE", "Strict", |settings| settings.cookie.same_site == SameSite::Strict),
            ("SESSION_COOKIE_SAMESITE", "none", |settings| settings.cookie.same_site == SameSite::None),
            ("SESSION_COOKIE_SECURE", "False", |settings| !settings.cookie.secure),
            ("SESSION_ENGINE", "cache", |settings| settings.engine == Engine::Cache),
            ("SESSION_ENGINE", "cached_db", |settings| settings.engine == Engine::CachedDb),
            ("SESSION_ENGINE", "file", |settings| settings.engine == Engine::File),
            ("SESSION_ENGINE", "signed_cookies", |settings| settings.engine == Engine::SignedCookies),
            ("SESSION_EXPIRE_AT_BROWSER_CLOSE", "True", |settings| settings.lifetime.at_browser_close),
            ("SESSION_FILE_PATH", "/srv/s", |settings| settings.file_path == std::path::Path::new("/srv/s")),
            ("SESSION_SAVE_EVERY_REQUEST", "True", |settings| settings.save_every_request),
            ("SESSION_CACHE_URL", "redis://host", |settings| settings.cache_url == "redis://host"),
        ];
        for (name, value, seen) in table {
            let mut settings = Settings::default();
            assert!(!seen(&settings), "{name} is {value} by itself");
            settings.set(name, value).unwrap();
            assert!(seen(&settings), "{name}={value}");
        }
    }

    #[test]
    fn a_name_that_is_no_setting_is_refused() {
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
    fn a_partitioned_cookie_that_is_not_secure_is_refused() {
        let mut settings = Settings::default();
        assert!(!settings.cookie.partitioned);
        settings.set("SESSION_COOKIE_PARTITIONED", "true").unwrap();
        assert!(settings.cookie_policy().unwrap().options().partitioned);
        settings.set("SESSION_COOKIE_SECURE", "false").unwrap();
        let error = settings.cookie_policy().unwrap_err();
        assert!(error.to_string().contains("Partitioned needs Secure"), "{error}");
    }

    #[test]
    fn a_value_that_is_not_allowed_is_named_with_its_setting_and_what_is_allowed() {
        for (name, value, allowed) in [
            ("SESSION_ENGINE", "dbb", "db, cache, cached_db, file, signed_cookies"),
            ("SESSION_COOKIE_SECURE", "perhaps", "true or false"),
            ("SESSION_COOKIE_SAMESITE", "loose", "Strict, Lax or None"),
            ("SESSION_IDLE_TIMEOUT", "0", "1 or more"),
            ("SESSION_FORMAT", "jango", "native or django"),
            ("SESSION_CACHE_REPLICAS", "-1", "0 or more"),
            ("SESSION_KEY_RENEWAL", "59", "60 or more"),
            ("SESSION_LOGIN_LIMIT", "0", "1 or more"),
            ("SESSION_LOGIN_POLICY", "oldest", "end_oldest or refuse"),
        ] {
            let error = Settings::default().set(name, value).unwrap_err();
            let text = error.to_string();
            assert_eq!(error.kind(), ErrorKind::Misconfigured);
            assert!(text.starts_with(name) && text.contains(allowed), "{text}");
        }
    }

    #[test]
    fn a_secret_that_is_none_is_refused_without_being_quoted() {
        let short = "c2VjcmV0";
        for (name, value) in [
            ("SESSION_SEAL_KEYS", short),
            ("SESSION_SEAL_KEYS", "hunter2"),
            ("SESSION_SEAL_KEYS", ","),
            ("SECRET_KEY_FALLBACKS", "hunter2,"),
        ] {
            let error = Settings::default().set(name, value).unwrap_err();
            assert!(error.to_string().starts_with(name), "{error}");
            assert!(!error.to_string().contains("hunter2") && !error.to_string().contains(short), "{error}");
        }
    }

    #[test]
    fn keys_to_seal_with_may_be_of_either_base64_with_or_without_padding() {
        for key in
            ["//////////////////////////////////////////8=", "__________________________________________8"]
        {
            Settings::default().set("SESSION_SEAL_KEYS", &format!("{key}, {key}")).unwrap();
        }
    }

    #[test]
    fn no_secret_shows_in_debug() {
        let mut settings = Settings::default();
        settings.set("SECRET_KEY", "hunter2").unwrap();
        settings.set("SESSION_CACHE_URL", "redis://:hunter2@host").unwrap();
        settings.set("SESSION_DB_URL", "postgres://me:hunter2@host").unwrap();
        assert!(!format!("{settings:?}").contains("hunter2"), "{settings:?}");
    }

    #[test]
    fn a_number_that_is_no_setting_of_a_file_is_not_quoted_either() {
        assert!(Settings::default().read_toml("A = 1\n= 2").unwrap_err().to_string().contains("line 2"));
        let secret = "987654321987654321987654321";
        let error = Settings::default().read_toml(&format!("\nSECRET_KEY = {secret}")).unwrap_err();
        assert!(error.to_string().contains("line 2"), "{error}");
        assert!(!format!("{error:?}").contains(secret), "{error:?}");
    }

    #[test]
    fn a_broken_file_is_an_error_that_does_not_quote_it() {
        let error = Settings::default().read_toml("SECRET_KEY = hunter2").unwrap_err();
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    }
}
