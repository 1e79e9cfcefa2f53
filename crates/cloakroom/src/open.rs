//! From settings to an engine: the only file that asks what this build has.

use std::sync::Arc;

use cloakroom_core::{Error, ErrorKind, Result, SessionBackend, SessionOptions, Sessions};

use crate::{Engine, Settings};

impl Settings {
    /// The sessions that these settings describe.
    ///
    /// # Errors
    ///
    /// `Misconfigured` for an engine that this build lacks and for one that can't be opened with these
    /// settings, `Unavailable` if it does not answer. The text names the setting.
    pub async fn sessions(&self) -> Result<Sessions> {
        let mut options = SessionOptions::default();
        options.lifetime = self.lifetime;
        Ok(Sessions::with(self.backend().await?, options))
    }

    #[cfg_attr(not(feature = "sqlite"), expect(clippy::unused_async, reason = "no engine to wait for"))]
    async fn backend(&self) -> Result<Arc<dyn SessionBackend>> {
        #[cfg(feature = "sqlite")]
        if self.engine == Engine::Db {
            return Ok(Arc::new(self.db().await?));
        }
        Err(lacking(self.engine))
    }

    /// Makes the tables that the engine needs. Running it again changes nothing.
    ///
    /// # Errors
    ///
    /// As [`sessions`](Settings::sessions).
    #[cfg_attr(not(feature = "sqlite"), expect(clippy::unused_async, reason = "no engine to wait for"))]
    pub async fn migrate(&self) -> Result<()> {
        #[cfg(feature = "sqlite")]
        if self.engine == Engine::Db {
            let backend = self.db().await?;
            backend.migrate().await.map_err(|error| error.of("SESSION_DB_URL"))?;
            return backend.close().await;
        }
        Err(lacking(self.engine))
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

    #[cfg(feature = "sqlite")]
    async fn db(&self) -> Result<cloakroom_db::Backend> {
        let config = cloakroom_db::Config::new(&self.db_url);
        config.open().await.map_err(|error| error.of("SESSION_DB_URL"))
    }
}

fn lacking(engine: Engine) -> Error {
    let what = match engine {
        Engine::Db => "enable the feature `sqlite` of cloakroom",
        _ => "this version has the engine db",
    };
    let message = format!("SESSION_ENGINE: this build lacks the engine {:?}: {what}", engine.to_string());
    Error::new(ErrorKind::Misconfigured, message)
}
