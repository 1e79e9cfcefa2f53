//! What a codec must know of the Django site.

use cloakroom_core::{Error, ErrorKind, Result};

use crate::Secrets;

/// The settings of a Django site that its sessions are written by.
#[derive(Clone, Debug)]
pub struct Site {
    pub(crate) secrets: Secrets,
    pub(crate) backends: Vec<String>,
    pub(crate) use_tz: bool,
}

impl Site {
    /// A site with these secrets, and else with Django's defaults.
    pub fn new(secrets: Secrets) -> Self {
        let backends = vec!["django.contrib.auth.backends.ModelBackend".to_owned()];
        Self { secrets, backends, use_tz: true }
    }

    /// `AUTHENTICATION_BACKENDS`: a login by another one is nobody's. The first is written at a login.
    ///
    /// # Errors
    ///
    /// `Misconfigured` if there is none.
    pub fn backends(mut self, paths: impl IntoIterator<Item = impl Into<String>>) -> Result<Self> {
        self.backends = paths.into_iter().map(Into::into).collect();
        if self.backends.is_empty() {
            return Err(Error::new(ErrorKind::Misconfigured, "AUTHENTICATION_BACKENDS is empty"));
        }
        Ok(self)
    }

    /// `USE_TZ`. Without it an expiry has no offset and is in UTC, which `TIME_ZONE` then has to be; with it, the default, such an
    /// expiry is corrupt, as it is for Django.
    pub fn use_tz(mut self, on: bool) -> Self {
        self.use_tz = on;
        self
    }
}
