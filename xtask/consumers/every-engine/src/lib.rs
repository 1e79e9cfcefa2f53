//! The facade with every engine: the settings say which.

use cloakroom::axum::SessionLayer;
use cloakroom::{ErrorKind, Settings};

/// # Errors
///
/// As the engine.
pub async fn layer(engine: &str) -> Result<SessionLayer, Box<dyn std::error::Error>> {
    let mut settings = Settings::default();
    settings.set("SESSION_ENGINE", engine)?;
    Ok(settings.layer().await?)
}

/// Whether a retry may work.
pub fn is_outage(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::Unavailable | ErrorKind::Unknown)
}
