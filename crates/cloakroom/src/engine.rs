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
        let name = Self::NAMES.into_iter().find(|(_, engine)| engine == self).map_or("", |(name, _)| name);
        f.write_str(name)
    }
}
