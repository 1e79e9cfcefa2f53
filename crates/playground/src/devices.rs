//! A user's own sessions: where they are logged in.

use cloakroom::core::Session;
use cloakroom::{ErrorKind, SessionInfo};

use crate::Failure;

/// Who is asked about, and what the engine can tell.
#[derive(Debug)]
pub enum Devices {
    /// Nobody is logged in.
    Nobody,
    /// The engine keeps no list.
    Unlisted,
    /// These, and this session among them.
    Listed(Vec<SessionInfo>),
}

impl Devices {
    /// The devices of who is logged in.
    ///
    /// # Errors
    ///
    /// 503 if the store does not answer.
    pub async fn of(session: &Session) -> Result<Self, Failure> {
        let Some(user) = session.user() else { return Ok(Self::Nobody) };
        match session.sessions().of_user(&user).await {
            Ok(mut listed) => {
                listed.sort_by_key(|device| std::cmp::Reverse(device.last_seen));
                Ok(Self::Listed(listed))
            }
            Err(error) if error.kind() == ErrorKind::Unsupported => Ok(Self::Unlisted),
            Err(error) => Err(error.into()),
        }
    }
}
