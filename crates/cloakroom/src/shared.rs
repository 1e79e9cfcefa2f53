//! From settings to an engine that a Django site shares.

#![cfg_attr(
    not(any(feature = "cache", feature = "db", feature = "file", feature = "signed-cookies")),
    expect(dead_code, unused_imports, reason = "without an engine there is nothing to share")
)]

use std::sync::Arc;

use cloakroom_core::{Error, ErrorKind, Result, SessionBackend};
#[cfg(feature = "cache")]
use cloakroom_django::{Pickled, Serializer};
use cloakroom_django::{Secrets, Site};

#[cfg(feature = "cache")]
use crate::CacheSerializer;
#[cfg(feature = "redis")]
use crate::DjangoSite;
use crate::{Engine, Settings};

impl Settings {
    /// The engine in the layout of a Django site's.
    ///
    /// # Errors
    ///
    /// As [`Settings::sessions`].
    #[allow(clippy::unused_async, reason = "an engine that a build lacks is not waited for")]
    pub(crate) async fn shared(&self) -> Result<Arc<dyn SessionBackend>> {
        match self.engine {
            #[cfg(feature = "db")]
            Engine::Db => Ok(Arc::new(self.shared_db().await?)),
            #[cfg(feature = "cache")]
            Engine::Cache => self.shared_cache().await,
            #[cfg(feature = "cached-db")]
            Engine::CachedDb => self.shared_cached_db().await,
            #[cfg(feature = "file")]
            Engine::File => {
                let config = cloakroom_file::django::Config::new(&self.file_path, self.signed()?);
                let config = config.cookie_name(&self.cookie.name).age(self.lifetime.age);
                let opened = config.power_safe(self.power_safe).open().await;
                Ok(Arc::new(opened.map_err(|error| error.of("SESSION_FILE_PATH or SESSION_COOKIE_NAME"))?))
            }
            #[cfg(feature = "signed-cookies")]
            Engine::SignedCookies => {
                let format = Arc::new(cloakroom_django::Cookie::new(self.site()?));
                let config = cloakroom_cookie::django::Config::new(format);
                Ok(Arc::new(config.cookie_name(&self.cookie.name).age(self.lifetime.age).open()))
            }
            #[allow(unreachable_patterns, reason = "a build with all features lacks none")]
            _ => Err(self.lacking()),
        }
    }

    #[cfg(feature = "db")]
    pub(crate) async fn shared_db(&self) -> Result<cloakroom_db::Backend> {
        let config = self.db_config().django(self.signed()?);
        config.open().await.map_err(|error| error.of("SESSION_DB_URL"))
    }

    #[cfg(feature = "cache")]
    #[allow(clippy::unused_async, reason = "an engine that a build lacks is not waited for")]
    async fn shared_cache(&self) -> Result<Arc<dyn SessionBackend>> {
        match self.cache_feature() {
            #[cfg(feature = "memory")]
            Some("memory") => {
                Ok(Arc::new(cloakroom_cache::memory::Config::new().format(self.pickled()?).open()))
            }
            #[cfg(feature = "redis")]
            Some("redis") => {
                let DjangoSite { cache_key_prefix, cache_version, .. } = &self.django;
                let prefix = cloakroom_django::cache_prefix(cache_key_prefix, *cache_version);
                let opened = self.redis_config().prefix(prefix).open_django(self.pickled()?).await;
                Ok(Arc::new(
                    opened.map_err(|error| error.of("SESSION_CACHE_URL or DJANGO_CACHE_KEY_PREFIX"))?,
                ))
            }
            _ => Err(self.lacking()),
        }
    }

    #[cfg(feature = "cached-db")]
    async fn shared_cached_db(&self) -> Result<Arc<dyn SessionBackend>> {
        match self.cache_feature() {
            // Rows are what is read here, and a copy in this process is none that Django would find.
            #[cfg(feature = "memory")]
            Some("memory") => Ok(Arc::new(self.shared_db().await?)),
            #[cfg(feature = "redis")]
            Some("redis") => {
                let DjangoSite { cache_key_prefix, cache_version, .. } = &self.django;
                let prefix = cloakroom_django::cached_db_prefix(cache_key_prefix, *cache_version);
                let opened =
                    self.redis_config().prefix(prefix).open_django_cached(self.shared_db().await?).await;
                Ok(Arc::new(
                    opened.map_err(|error| error.of("SESSION_CACHE_URL or DJANGO_CACHE_KEY_PREFIX"))?,
                ))
            }
            _ => Err(self.lacking()),
        }
    }

    /// What a table and files hold.
    #[cfg(any(feature = "db", feature = "file"))]
    fn signed(&self) -> Result<Arc<dyn cloakroom_core::SessionFormat>> {
        Ok(Arc::new(cloakroom_django::Signed::new(self.site()?)))
    }

    /// What a cache holds.
    #[cfg(feature = "cache")]
    fn pickled(&self) -> Result<Arc<dyn cloakroom_core::SessionFormat>> {
        let serializer = match self.django.cache_serializer {
            CacheSerializer::Pickle5 => Serializer::Pickle5,
            CacheSerializer::Pickle4 => Serializer::Pickle4,
            CacheSerializer::Json => Serializer::Json,
        };
        let pickled = Pickled::new(self.site()?).serializer(serializer).zlib(self.django.cache_zlib);
        Ok(Arc::new(pickled))
    }

    fn site(&self) -> Result<Site> {
        let secret = self.secret_key.as_ref().ok_or_else(|| {
            let message = "SECRET_KEY: the format django needs the site's, and there is none";
            Error::new(ErrorKind::Misconfigured, message)
        })?;
        let fallbacks = self.secret_key_fallbacks.iter().map(String::as_str);
        let secrets = Secrets::new(secret.as_str()).and_then(|secrets| secrets.fallbacks(fallbacks));
        let secrets = secrets.map_err(|error| error.of("SECRET_KEY or SECRET_KEY_FALLBACKS"))?;
        let site = Site::new(secrets).use_tz(self.django.use_tz);
        let backends = &self.django.authentication_backends;
        site.backends(backends).map_err(|error| error.of("DJANGO_AUTHENTICATION_BACKENDS"))
    }
}
