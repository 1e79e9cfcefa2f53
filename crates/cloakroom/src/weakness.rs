//! Settings that work and yet weaken security, each with what to change.

use std::borrow::Cow;
use std::fmt;

use crate::Settings;

mod cookie;
mod files;
mod network;
mod secrets;

/// A setting that weakens security, or could be better ([`Settings::weaknesses`]).
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Weakness {
    /// How much it matters.
    pub severity: Severity,
    /// The setting to change.
    pub setting: &'static str,
    /// What is wrong, in one sentence. No secret is quoted.
    pub problem: Cow<'static, str>,
    /// What to do about it, in one sentence.
    pub remedy: Cow<'static, str>,
}

/// How much a [`Weakness`] matters.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Severity {
    /// An attacker gains by it.
    Weak,
    /// Safe as it is, and safer otherwise.
    Hint,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Weak => "weak",
            Self::Hint => "hint",
        })
    }
}

impl Weakness {
    /// What gives an attacker something.
    pub fn weak(
        setting: &'static str,
        problem: impl Into<Cow<'static, str>>,
        remedy: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self { severity: Severity::Weak, setting, problem: problem.into(), remedy: remedy.into() }
    }

    /// What could be better.
    pub fn hint(
        setting: &'static str,
        problem: impl Into<Cow<'static, str>>,
        remedy: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self { severity: Severity::Hint, ..Self::weak(setting, problem, remedy) }
    }
}

impl Settings {
    /// Which of these settings weaken security, the worst first: by OWASP's Session Management Cheat Sheet and
    /// ASVS 5.0 (3.3, 7.3, 11.5). It looks at the settings, and at the modes of the files that they name and of
    /// the one that `CLOAKROOM_CONFIG` names; no server is asked. An application may refuse to start over them.
    ///
    /// ```
    /// use cloakroom::{Settings, Severity};
    ///
    /// let mut settings = Settings::default();
    /// settings.cookie.secure = false;
    /// let worst = settings.weaknesses().remove(0);
    /// assert_eq!((worst.severity, worst.setting), (Severity::Weak, "SESSION_COOKIE_SECURE"));
    /// ```
    pub fn weaknesses(&self) -> Vec<Weakness> {
        let mut found = cookie::weaknesses(self);
        found.extend(secrets::weaknesses(self));
        found.extend(network::weaknesses(self));
        found.extend(files::weaknesses(self));
        // What is equally bad stays in the order above.
        found.sort_by_key(|weakness| weakness.severity != Severity::Weak);
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(chosen: &[(&str, &str)]) -> Vec<(Severity, &'static str)> {
        let mut settings = Settings::default();
        // As good as it gets: each test makes one thing worse.
        for (name, value) in [
            ("SESSION_DB_URL", "sqlite:/nowhere/sessions.sqlite3"),
            ("SESSION_FILE_PATH", "/srv/sessions"),
            ("SESSION_CACHE_URL", "rediss://cache.example.org"),
            ("SESSION_COOKIE_NAME", "__Host-id"),
            ("SESSION_IDLE_TIMEOUT", "1800"),
            ("SESSION_ABSOLUTE_TIMEOUT", "43200"),
            ("SESSION_SEAL_KEYS", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="),
            ("SECRET_KEY", "0123456789abcdefghijklmnopqrstuvwxyz0123456789abcd"),
        ]
        .iter()
        .chain(chosen)
        {
            settings.set(name, value).unwrap();
        }
        settings.weaknesses().iter().map(|weakness| (weakness.severity, weakness.setting)).collect()
    }

    #[test]
    fn the_best_settings_have_no_weakness_on_any_engine() {
        for engine in ["db", "cache", "cached_db", "file", "signed_cookies"] {
            assert_eq!(found(&[("SESSION_ENGINE", engine)]), [], "{engine}");
        }
    }

    #[test]
    fn what_gives_an_attacker_something_is_weak_and_names_its_setting() {
        let insecure = "django-insecure-0123456789abcdefghijklmnopqrstuvwxyz";
        for (chosen, setting) in [
            (&[("SESSION_COOKIE_SECURE", "false")][..], "SESSION_COOKIE_SECURE"),
            (&[("SESSION_COOKIE_HTTPONLY", "false")], "SESSION_COOKIE_HTTPONLY"),
            (&[("SESSION_COOKIE_SAMESITE", "None")], "SESSION_COOKIE_SAMESITE"),
            (&[("SESSION_ENGINE", "signed_cookies"), ("SECRET_KEY", "twenty characters ok")], "SECRET_KEY"),
            (&[("SESSION_ENGINE", "signed_cookies"), ("SECRET_KEY", &"a".repeat(50))], "SECRET_KEY"),
            (&[("SESSION_FORMAT", "django"), ("SECRET_KEY", insecure)], "SECRET_KEY"),
            (&[("SESSION_FORMAT", "django"), ("SECRET_KEY_FALLBACKS", "short")], "SECRET_KEY_FALLBACKS"),
            (&[("SESSION_DB_URL", "postgres://db.example.org/x")], "SESSION_DB_URL"),
            (&[("SESSION_DB_URL", "postgres://db.example.org/x?sslmode=prefer")], "SESSION_DB_URL"),
            (&[("SESSION_DB_URL", "mysql://db.example.org/x")], "SESSION_DB_URL"),
            (&[("SESSION_ENGINE", "cache"), ("SESSION_CACHE_URL", "redis://10.0.0.7")], "SESSION_CACHE_URL"),
            (&[("SESSION_ENGINE", "cache"), ("SESSION_CACHE_URL", "memory:")], "SESSION_CACHE_URL"),
            (&[("SESSION_ENGINE", "file"), ("SESSION_FILE_PATH", "/tmp/s")], "SESSION_FILE_PATH"),
        ] {
            assert_eq!(found(chosen), [(Severity::Weak, setting)], "{chosen:?}");
        }
    }

    #[test]
    fn what_could_be_better_is_a_hint() {
        for (chosen, setting) in [
            (&[("SESSION_COOKIE_NAME", "sessionid")][..], "SESSION_COOKIE_NAME"),
            (&[("SESSION_COOKIE_NAME", "id"), ("SESSION_COOKIE_DOMAIN", "x.org")], "SESSION_COOKIE_DOMAIN"),
            (
                &[("SESSION_COOKIE_SAMESITE", "None"), ("SESSION_COOKIE_PARTITIONED", "true")],
                "SESSION_COOKIE_SAMESITE",
            ),
            (&[("SESSION_DB_URL", "postgres://db.example.org/x?sslmode=require")], "SESSION_DB_URL"),
            (&[("SESSION_DB_URL", "mysql://db.example.org/x?ssl-mode=VERIFY_CA")], "SESSION_DB_URL"),
        ] {
            assert_eq!(found(chosen), [(Severity::Hint, setting)], "{chosen:?}");
        }
        let all = Settings { db_url: "sqlite:/nowhere/x".into(), ..Settings::default() };
        let hints: Vec<_> = all.weaknesses().iter().map(|weakness| weakness.setting).collect();
        let expected =
            ["SESSION_COOKIE_NAME", "SESSION_IDLE_TIMEOUT", "SESSION_ABSOLUTE_TIMEOUT", "SESSION_SEAL_KEYS"];
        assert_eq!(hints, expected);
    }

    #[test]
    fn what_a_setting_is_not_used_for_does_not_weaken_it() {
        let none: [(Severity, &str); 0] = [];
        assert_eq!(found(&[("SECRET_KEY", "short")]), none);
        assert_eq!(found(&[("SESSION_CACHE_URL", "redis://10.0.0.7")]), none);
        assert_eq!(
            found(&[("SESSION_DB_URL", "postgres://db.example.org/x"), ("SESSION_ENGINE", "file")]),
            none
        );
        // A path can't have a __Host- cookie.
        assert_eq!(found(&[("SESSION_COOKIE_NAME", "id"), ("SESSION_COOKIE_PATH", "/app")]), none);
    }
}
