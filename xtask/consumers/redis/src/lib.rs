//! The engine `cache`, on a Redis that is not here.

use cloakroom_cache::redis::Config;
use cloakroom_core::{Error, Sessions};

/// # Errors
///
/// As Redis.
pub async fn sessions(url: &str) -> Result<Sessions, Error> {
    Ok(Sessions::new(Config::new(url).open().await?))
}
