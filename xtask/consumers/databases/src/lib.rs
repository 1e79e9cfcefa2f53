//! The engine `db`, on a PostgreSQL or a MariaDB that is not here.

use cloakroom_core::{Error, Sessions};
use cloakroom_db::Config;

/// # Errors
///
/// As the database.
pub async fn sessions(url: &str) -> Result<Sessions, Error> {
    Ok(Sessions::new(Config::new(url).open().await?))
}
