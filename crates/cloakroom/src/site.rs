//! What the settings of a Django site say of its sessions, beyond what the two have in common.

use std::str::FromStr;

use cloakroom_core::{Error, ErrorKind, Result};

/// How sessions are written.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Format {
    /// As this library writes them.
    #[default]
    Native,
    /// As Django does, in its places: to share them with a Django site.
    Django,
}

impl FromStr for Format {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "native" => Ok(Self::Native),
            "django" => Ok(Self::Django),
            _ => Err(none_of(text, "native or django")),
        }
    }
}

/// A Django site, where [`Format::Django`] shares its sessions. What has a name of its own there has it here.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DjangoSite {
    /// `AUTHENTICATION_BACKENDS`: a login by another one is nobody's. The first is written at a login here.
    pub authentication_backends: Vec<String>,
    /// Its cache's `KEY_PREFIX`
    pub cache_key_prefix: String,
    /// Its cache's `VERSION`
    pub cache_version: u32,
    /// How its cache writes values
    pub cache_serializer: CacheSerializer,
    /// Whether its cache packs them: django-redis' `ZlibCompressor`
    pub cache_zlib: bool,
    /// `USE_TZ`
    pub use_tz: bool,
}

impl Default for DjangoSite {
    fn default() -> Self {
        Self {
            authentication_backends: vec!["django.contrib.auth.backends.ModelBackend".into()],
            cache_key_prefix: String::new(),
            cache_version: 1,
            cache_serializer: CacheSerializer::default(),
            cache_zlib: false,
            use_tz: true,
        }
    }
}

impl DjangoSite {
    /// The first setting here that says something else than Django's default.
    pub(crate) fn first_set(&self) -> Option<&'static str> {
        let default = Self::default();
        let set = [
            (
                "DJANGO_AUTHENTICATION_BACKENDS",
                self.authentication_backends != default.authentication_backends,
            ),
            ("DJANGO_CACHE_KEY_PREFIX", self.cache_key_prefix != default.cache_key_prefix),
            ("DJANGO_CACHE_SERIALIZER", self.cache_serializer != default.cache_serializer),
            ("DJANGO_CACHE_VERSION", self.cache_version != default.cache_version),
            ("DJANGO_CACHE_ZLIB", self.cache_zlib != default.cache_zlib),
            ("DJANGO_USE_TZ", self.use_tz != default.use_tz),
        ];
        set.into_iter().find(|(_, set)| *set).map(|(name, _)| name)
    }
}

/// How a Django site's cache writes values. All forms are read.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum CacheSerializer {
    /// Pickle of protocol 5: Django's `RedisCache`.
    #[default]
    Pickle5,
    /// Pickle of protocol 4: django-redis.
    Pickle4,
    /// django-redis' `JSONSerializer`.
    Json,
}

impl FromStr for CacheSerializer {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "pickle5" => Ok(Self::Pickle5),
            "pickle4" => Ok(Self::Pickle4),
            "json" => Ok(Self::Json),
            _ => Err(none_of(text, "pickle5, pickle4 or json")),
        }
    }
}

/// Dotted paths with commas between them.
pub(crate) fn paths(text: &str) -> Result<Vec<String>> {
    let paths: Vec<_> = text.split(',').map(|path| path.trim().to_owned()).collect();
    if paths.iter().any(String::is_empty) {
        return Err(Error::new(ErrorKind::Misconfigured, "one of its paths is empty"));
    }
    Ok(paths)
}

fn none_of(text: &str, allowed: &str) -> Error {
    Error::new(ErrorKind::Misconfigured, format!("{text:?} is not {allowed}"))
}
