//! What a person may see of a session's name.

use cloakroom::SessionId;
use cloakroom::core::Session;

/// Six characters of the hash of the visitor's key, if the session is stored.
pub fn ticket(session: &Session) -> Option<String> {
    session.id().map(|id| stub(&id))
}

/// The same of any id. Its first three characters are the key's own, the rest is the hash.
pub fn stub(id: &SessionId) -> String {
    id.expose().chars().skip(3).take(6).collect()
}
