//! A user's own sessions: where they are logged in.

use cloakroom::core::Session;
use cloakroom::{ErrorKind, SessionId, SessionInfo};

use crate::Failure;
use crate::api::nobody;

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

    /// Ends one of them, and says whether it was one that lived. This session itself ends by a logout.
    ///
    /// # Errors
    ///
    /// 401 if nobody is logged in, 501 where the engine keeps no list.
    pub async fn end(session: &Session, id: &str) -> Result<bool, Failure> {
        let user = session.user().ok_or_else(nobody)?;
        if session.sessions().backend().index().is_none() {
            return Err(Failure::new(501, "This session engine keeps no list of sessions."));
        }
        let Some(id) = SessionId::parse(id) else { return Ok(false) };
        if session.id().as_ref() == Some(&id) {
            session.logout();
            return Ok(true);
        }
        Ok(session.sessions().end(&user, &id).await?)
    }
}
