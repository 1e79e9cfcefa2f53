//! What settings of the right form can still get wrong, alone or with the others.

use std::time::Duration;

use cloakroom_core::{Error, ErrorKind, Lifetime, Result};
use cloakroom_http::{CookieOptions, CookiePolicy};

use crate::{Engine, Format, Settings};

/// As long as a renewed key works on: less than that core would raise to it.
const MINUTE: Duration = Duration::from_mins(1);

impl Settings {
    /// The cookie, checked.
    ///
    /// # Errors
    ///
    /// `Misconfigured` for attributes that browsers would not accept, alone or together.
    pub fn cookie_policy(&self) -> Result<CookiePolicy> {
        let CookieOptions { name, path, domain, .. } = &self.cookie;
        let mut alone = [CookieOptions::default(), CookieOptions::default(), CookieOptions::default()];
        alone[0].name.clone_from(name);
        alone[1].path.clone_from(path);
        alone[2].domain.clone_from(domain);
        for (setting, options) in ["NAME", "PATH", "DOMAIN"].into_iter().zip(alone) {
            CookiePolicy::new(options).map_err(|error| error.of(format_args!("SESSION_COOKIE_{setting}")))?;
        }
        CookiePolicy::new(self.cookie.clone())
            .map_err(|error| error.of("SESSION_COOKIE_NAME and the other attributes together"))
    }

    /// Whether values of the right form are wrong all the same, alone or together, without opening anything: what
    /// opening would refuse as well. What works and is unwise is in [`weaknesses`](Settings::weaknesses).
    ///
    /// # Errors
    ///
    /// `Misconfigured` with the setting's name.
    pub fn check(&self) -> Result<()> {
        let Lifetime { age, idle, absolute, .. } = self.lifetime;
        let database = matches!(self.engine, Engine::Db | Engine::CachedDb);
        let postgres = database && self.db_url.starts_with("postgres");
        let sqlite = database && self.db_url.starts_with("sqlite:");
        let cache = matches!(self.engine, Engine::Cache | Engine::CachedDb);
        let django = self.format == Format::Django;
        let memory = self.cache_url.starts_with("memory:");
        let wrong = [
            ("SESSION_COOKIE_AGE", age.is_zero(), "no session would live"),
            ("SESSION_IDLE_TIMEOUT", idle.is_some_and(|idle| idle.is_zero()), "no session would live"),
            (
                "SESSION_ABSOLUTE_TIMEOUT",
                absolute.is_some_and(|limit| limit.is_zero()),
                "no session would live",
            ),
            (
                "SESSION_KEY_RENEWAL",
                self.key_renewal.is_some_and(|every| every < MINUTE),
                "less than a minute",
            ),
            (
                "SESSION_LOGIN_POLICY",
                self.login_policy.is_some() && self.login_limit.is_none(),
                "there is no SESSION_LOGIN_LIMIT for it to be about",
            ),
            (
                "SESSION_CACHE_REPLICAS",
                self.cache_replicas > 0 && (memory || !cache),
                "only Redis has replicas",
            ),
            ("SESSION_DB_POOLER", self.db_pooler && !postgres, "it is about PostgreSQL alone"),
            (
                "SESSION_POWER_SAFE",
                self.power_safe && !sqlite && self.engine != Engine::File,
                "it is about SQLite and files alone",
            ),
            (
                "SESSION_CACHE_URL",
                cache && memory && self.cache_url != "memory:",
                "memory: takes nothing after it",
            ),
            ("SESSION_IDLE_TIMEOUT", django && idle.is_some(), "Django's format can't keep it"),
            (
                "SESSION_KEY_RENEWAL",
                django && self.key_renewal.is_some(),
                "Django would not follow a renewed key",
            ),
            (
                "SESSION_LOGIN_LIMIT",
                django && self.login_limit.is_some(),
                "Django's format lists no user's sessions",
            ),
            ("SESSION_ABSOLUTE_TIMEOUT", django && absolute.is_some(), "Django's format can't keep it"),
            ("SESSION_SEAL_KEYS", django && self.seal_keys.is_some(), "Django could not read what is sealed"),
            (
                "SESSION_CACHE_URL",
                django && cache && self.cache_url.contains("+cluster:"),
                "Django's format has no keys for a Cluster",
            ),
            (
                self.django.first_set().unwrap_or("DJANGO_USE_TZ"),
                !django && self.django.first_set().is_some(),
                "it is about SESSION_FORMAT=django alone",
            ),
            ("SESSION_DB_URL", self.db_url.trim().is_empty(), "it is blank"),
            ("SESSION_FILE_PATH", self.file_path.to_string_lossy().trim().is_empty(), "it is blank"),
        ];
        let wrong = wrong.into_iter().find(|(_, wrong, _)| *wrong);
        let wrong = wrong.map(|(setting, _, why)| format!("{setting}: {why}"));
        let wrong = wrong.or_else(|| self.engine.unknown(&self.db_url, &self.cache_url));
        wrong.map_or(Ok(()), |wrong| Err(Error::new(ErrorKind::Misconfigured, wrong)))
    }
}
