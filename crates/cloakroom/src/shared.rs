//! From settings to an engine that a Django site shares.

use std::sync::Arc;

use cloakroom_core::{Error, ErrorKind, Result, SessionBackend};
use cloakroom_django::{Secrets, Signed, Site};

use crate::{Engine, Settings};

impl Settings {
    /// # Errors
    ///
    /// As [`Settings::sessions`].
    #[allow(clippy::unused_async, reason = "an engine that a build lacks is not waited for")]
    pub(crate) async fn shared(&self) -> Result<Arc<dyn SessionBackend>> {
        match self.engine {
            #[cfg(feature = "db")]
            Engine::Db => Ok(Arc::new(self.shared_db().await?)),
            #[allow(unreachable_patterns, reason = "a build with all features lacks none")]
            _ => Err(self.lacking()),
        }
    }

    #[cfg(feature = "db")]
    pub(crate) async fn shared_db(&self) -> Result<cloakroom_db::Backend> {
        let config = self.db_config().django(Signed::new(self.site()?));
        config.open().await.map_err(|error| error.of("SESSION_DB_URL"))
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
