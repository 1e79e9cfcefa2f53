//! The engines by name, complete in every build: what a build lacks it can still name.

use std::fmt;
use std::str::FromStr;

use cloakroom_core::{Error, ErrorKind, Result};

/// Where sessions are kept, by the names that Django gives.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Engine {
    /// In a SQL database.
    #[default]
    Db,
    /// In a cache.
    Cache,
    /// In a SQL database, read through a cache.
    CachedDb,
    /// In files.
    File,
    /// In the cookie itself, signed.
    SignedCookies,
}

impl Engine {
    const NAMES: [(&'static str, Self); 5] = [
        ("db", Self::Db),
        ("cache", Self::Cache),
        ("cached_db", Self::CachedDb),
        ("file", Self::File),
        ("signed_cookies", Self::SignedCookies),
    ];

    /// The name that Django gives it.
    pub fn name(self) -> &'static str {
        Self::NAMES.into_iter().find(|(_, engine)| *engine == self).map_or("", |(name, _)| name)
    }

    /// What is wrong with a URL that no build could open.
    pub(crate) fn unknown(self, db_url: &str, cache_url: &str) -> Option<String> {
        let database = || feature("SESSION_DB_URL", db_url, &DATABASES).err();
        let cache = || feature("SESSION_CACHE_URL", cache_url, &CACHES).err();
        match self {
            Self::Db => database(),
            Self::Cache => cache(),
            Self::CachedDb => database().or_else(cache),
            Self::File | Self::SignedCookies => None,
        }
    }

    /// Why a build can't open it with these URLs: what to enable, or what else to name.
    pub(crate) fn lacking(self, db_url: &str, cache_url: &str) -> String {
        let (setting, feature) = match self {
            Self::Db => ("SESSION_DB_URL", feature("SESSION_DB_URL", db_url, &DATABASES)),
            Self::CachedDb if !cfg!(feature = "cached-db") => ("SESSION_ENGINE", Ok("cached-db")),
            Self::Cache | Self::CachedDb => {
                ("SESSION_CACHE_URL", feature("SESSION_CACHE_URL", cache_url, &CACHES))
            }
            Self::File => ("SESSION_ENGINE", Ok("file")),
            Self::SignedCookies => ("SESSION_ENGINE", Ok("signed-cookies")),
        };
        // What nobody may have meant.
        let unless_set = if feature.as_deref() == Ok("memory") { " (memory: unless it is set)" } else { "" };
        match feature {
            Ok(feature) => format!(
                "{setting}{unless_set}: this build can't open {self} as it is set: enable the feature `{feature}` of cloakroom"
            ),
            Err(wrong) => wrong,
        }
    }
}

/// A URL's scheme, and the feature that brings what it names.
type Schemes = [(&'static str, &'static str)];

const DATABASES: [(&str, &str); 5] = [
    ("sqlite", "sqlite"),
    ("postgres", "postgres"),
    ("postgresql", "postgres"),
    ("mysql", "mysql"),
    ("mariadb", "mysql"),
];

pub(crate) const CACHES: [(&str, &str); 7] = [
    ("memory", "memory"),
    ("redis", "redis"),
    ("rediss", "redis"),
    ("redis+cluster", "redis"),
    ("rediss+cluster", "redis"),
    ("redis+sentinel", "redis"),
    ("rediss+sentinel", "redis"),
];

/// The feature that `url` needs, or that it is none that any build knows. It may hold a password: of it
/// only what is known is told.
pub(crate) fn feature(
    setting: &str,
    url: &str,
    known: &Schemes,
) -> std::result::Result<&'static str, String> {
    let scheme = url.split_once(':').map_or("", |(scheme, _)| scheme);
    known.iter().find(|(known, _)| *known == scheme).map(|(_, feature)| *feature).ok_or_else(|| {
        let schemes: Vec<_> = known.iter().map(|(scheme, _)| format!("{scheme}:")).collect();
        format!("{setting}: it begins with none of {}", schemes.join(", "))
    })
}

impl FromStr for Engine {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let known = Self::NAMES.into_iter().find(|(name, _)| *name == text);
        known.map(|(_, engine)| engine).ok_or_else(|| {
            let names = Self::NAMES.map(|(name, _)| name).join(", ");
            Error::new(ErrorKind::Misconfigured, format!("{text:?} is none of {names}"))
        })
    }
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
