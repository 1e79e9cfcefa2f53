//! What sessions are called: by ids that open nothing.

use cloakroom::core::{Addressing, Cursor};
use cloakroom::{SessionId, Sessions};

use crate::trouble::Trouble;

/// How the ids of an engine are shown and read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ids {
    /// Its ids are live keys, as in Django's format: they are hashed, as the native format has them.
    are_keys: bool,
}

impl Ids {
    pub(crate) fn of(sessions: &Sessions) -> Self {
        Self { are_keys: sessions.backend().capabilities().addressing != Addressing::Hashed }
    }

    /// The id as it is shown.
    pub(crate) fn shown(self, id: &SessionId) -> String {
        if self.are_keys { id.hashed().expose().to_owned() } else { id.expose().to_owned() }
    }

    /// The engine's own id of what is shown so. Where ids are keys the sessions are walked to find it.
    ///
    /// # Errors
    ///
    /// As [`Sessions::list`].
    pub(crate) async fn find(
        self,
        sessions: &Sessions,
        shown: &SessionId,
    ) -> Result<Option<SessionId>, Trouble> {
        if !self.are_keys {
            return Ok(Some(shown.clone()));
        }
        let mut from: Option<Cursor> = None;
        loop {
            let page = sessions.list(from.as_ref()).await?;
            let mut ids = page.sessions.into_iter().map(|info| info.id);
            if let Some(id) = ids.find(|id| id.hashed() == *shown) {
                return Ok(Some(id));
            }
            from = page.next;
            if from.is_none() {
                return Ok(None);
            }
        }
    }
}
