//! From settings to an engine: the only file that asks what this build has.

use std::sync::Arc;

use cloakroom_core::{
    Addressing, Error, ErrorKind, LoginLimit, Result, Sealed, SessionBackend, SessionOptions, Sessions,
};

#[cfg(feature = "cache")]
use crate::engine::{CACHES, feature};
use crate::{Engine, Format, Settings};

impl Settings {
    /// The sessions that these settings describe.
    ///
    /// # Errors
    ///
    /// `Misconfigured` for an engine that this build lacks and for one that can't be opened with these
    /// settings, `Unavailable` if it does not answer. The text names the setting.
    pub async fn sessions(&self) -> Result<Sessions> {
        self.check()?;
        let backend = self.backend().await?;
        let refuse = |setting: &str, why: &str| {
            let message = format!("{setting}: the engine {} {why}", self.engine);
            Err(Error::new(ErrorKind::Misconfigured, message))
        };
        if self.key_renewal.is_some() && backend.capabilities().addressing != Addressing::Hashed {
            return refuse("SESSION_KEY_RENEWAL", "has no keys to renew");
        }
        if self.login_limit.is_some() && backend.index().is_none() {
            return refuse("SESSION_LOGIN_LIMIT", "keeps no list of a user's sessions");
        }
        let mut options = SessionOptions::default();
        options.lifetime = self.lifetime;
        options.key_renewal = self.key_renewal;
        let policy = self.login_policy.unwrap_or_default();
        options.login_limit = self.login_limit.map(|most| LoginLimit::new(most, policy));
        Ok(Sessions::with(backend, options))
    }

    #[allow(
        clippy::unused_async,
        unreachable_code,
        unused_variables,
        reason = "an engine that a build lacks is not waited for"
    )]
    async fn backend(&self) -> Result<Arc<dyn SessionBackend>> {
        if self.format == Format::Django {
            #[cfg(feature = "django")]
            return self.shared().await;
            #[cfg(not(feature = "django"))]
            return Err(Error::new(
                ErrorKind::Misconfigured,
                "SESSION_FORMAT: this build knows `native` alone: enable the feature `django` of cloakroom",
            ));
        }
        let backend: Arc<dyn SessionBackend> = match self.engine {
            #[cfg(feature = "db")]
            Engine::Db => Arc::new(self.db().await?),
            #[cfg(feature = "cache")]
            Engine::Cache => self.cache().await?,
            #[cfg(feature = "cached-db")]
            Engine::CachedDb => self.cached_db().await?,
            #[cfg(feature = "file")]
            Engine::File => Arc::new(self.file().await?),
            // Nothing is at rest: what it seals is the cookie.
            #[cfg(feature = "signed-cookies")]
            Engine::SignedCookies => return Ok(Arc::new(self.signed_cookies()?)),
            #[allow(unreachable_patterns, reason = "a build with all features lacks none")]
            _ => return Err(self.lacking()),
        };
        Ok(match &self.seal_keys {
            Some(keys) => Arc::new(Sealed::new(backend, keys.clone())),
            None => backend,
        })
    }

    /// Makes the tables that the engine needs, if it needs any. Running it again changes nothing.
    ///
    /// # Errors
    ///
    /// As [`sessions`](Settings::sessions).
    #[allow(clippy::unused_async, reason = "an engine that a build lacks is not waited for")]
    pub async fn migrate(&self) -> Result<()> {
        self.check()?;
        match self.engine {
            #[cfg(feature = "db")]
            Engine::Db | Engine::CachedDb => {
                #[cfg(feature = "django")]
                let backend = match self.format {
                    Format::Native => self.db().await?,
                    Format::Django => self.shared_db().await?,
                };
                #[cfg(not(feature = "django"))]
                let backend = self.db().await?;
                backend.migrate().await.map_err(|error| error.of("SESSION_DB_URL"))?;
                backend.close().await
            }
            #[cfg(not(feature = "db"))]
            Engine::Db | Engine::CachedDb => Err(self.lacking()),
            Engine::Cache | Engine::File | Engine::SignedCookies => Ok(()),
        }
    }

    /// The layer that these settings describe, for a router or any tower service.
    ///
    /// # Errors
    ///
    /// As [`sessions`](Settings::sessions), and `Misconfigured` for a cookie that browsers would drop.
    #[cfg(feature = "tower")]
    pub async fn layer(&self) -> Result<cloakroom_tower::SessionLayer> {
        let cookie = self.cookie_policy()?;
        let layer = cloakroom_tower::SessionLayer::with(self.sessions().await?, cookie);
        Ok(layer.save_every_request(self.save_every_request))
    }

    /// The middleware that these settings describe, for actix-web: open it once, in `main`, and wrap the `App` of each worker in
    /// a clone.
    ///
    /// # Errors
    ///
    /// As [`sessions`](Settings::sessions), and `Misconfigured` for a cookie that browsers would drop.
    #[cfg(feature = "actix")]
    pub async fn middleware(&self) -> Result<cloakroom_actix::SessionMiddleware> {
        let cookie = self.cookie_policy()?;
        let middleware = cloakroom_actix::SessionMiddleware::with(self.sessions().await?, cookie);
        Ok(middleware.save_every_request(self.save_every_request))
    }

    #[cfg(feature = "db")]
    async fn db(&self) -> Result<cloakroom_db::Backend> {
        self.db_config().open().await.map_err(|error| error.of("SESSION_DB_URL"))
    }

    #[cfg(feature = "db")]
    pub(crate) fn db_config(&self) -> cloakroom_db::Config {
        let config = cloakroom_db::Config::new(&self.db_url);
        config.pooler(self.db_pooler).power_safe(self.power_safe)
    }

    #[cfg(feature = "cache")]
    #[allow(clippy::unused_async, reason = "an engine that a build lacks is not waited for")]
    async fn cache(&self) -> Result<Arc<dyn SessionBackend>> {
        match self.cache_feature() {
            #[cfg(feature = "memory")]
            Some("memory") => Ok(Arc::new(cloakroom_cache::memory::Config::new().open())),
            #[cfg(feature = "redis")]
            Some("redis") => {
                let config = self.redis_config();
                Ok(Arc::new(config.open().await.map_err(|error| error.of("SESSION_CACHE_URL"))?))
            }
            _ => Err(self.lacking()),
        }
    }

    #[cfg(feature = "redis")]
    pub(crate) fn redis_config(&self) -> cloakroom_cache::redis::Config {
        cloakroom_cache::redis::Config::new(&self.cache_url).durable(self.cache_replicas)
    }

    /// What its URL needs, if any build knows it.
    #[cfg(feature = "cache")]
    pub(crate) fn cache_feature(&self) -> Option<&'static str> {
        feature("SESSION_CACHE_URL", &self.cache_url, &CACHES).ok()
    }

    #[cfg(feature = "cached-db")]
    #[allow(clippy::unused_async, reason = "an engine that a build lacks is not waited for")]
    async fn cached_db(&self) -> Result<Arc<dyn SessionBackend>> {
        match self.cache_feature() {
            #[cfg(feature = "memory")]
            Some("memory") => {
                let cache = cloakroom_cache::memory::Config::new().open_cache();
                Ok(Arc::new(cloakroom_core::Cached::new(self.db().await?, cache)))
            }
            #[cfg(feature = "redis")]
            Some("redis") => {
                let cache =
                    self.redis_config().open_cache().await.map_err(|error| error.of("SESSION_CACHE_URL"))?;
                Ok(Arc::new(cloakroom_core::Cached::new(self.db().await?, cache)))
            }
            _ => Err(self.lacking()),
        }
    }

    #[cfg(feature = "file")]
    async fn file(&self) -> Result<cloakroom_file::Backend> {
        let config = cloakroom_file::Config::new(&self.file_path).power_safe(self.power_safe);
        config.open().await.map_err(|error| error.of("SESSION_FILE_PATH"))
    }

    #[cfg(feature = "signed-cookies")]
    fn signed_cookies(&self) -> Result<cloakroom_cookie::Backend> {
        let secret = self.secret_key.as_ref().ok_or_else(|| {
            Error::new(ErrorKind::Misconfigured, "SECRET_KEY: signed_cookies needs one, and there is none")
        })?;
        let mut config = cloakroom_cookie::Config::new(secret)
            .fallbacks(&self.secret_key_fallbacks)
            .cookie_name(&self.cookie.name);
        if let Some(keys) = &self.seal_keys {
            config = config.sealed(keys.clone());
        }
        config.open().map_err(|error| error.of("SECRET_KEY or SECRET_KEY_FALLBACKS"))
    }

    pub(crate) fn lacking(&self) -> Error {
        Error::new(ErrorKind::Misconfigured, self.engine.lacking(&self.db_url, &self.cache_url))
    }
}
