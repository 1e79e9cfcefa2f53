//! What a person may see of a session's name.

use cloakroom::{Addressing, Session, SessionId};

/// Six characters of the hash of the visitor's key, if the session is stored. Hashed whatever the engine's
/// ids are: where those are keys themselves, not one character of a key is shown.
pub fn ticket(session: &Session) -> Option<String> {
    session.key().map(|key| stub(&SessionId::of(&key, Addressing::Hashed)))
}

/// The same of a hashed id. Its first three characters are the key's own, the rest is the hash.
pub fn stub(id: &SessionId) -> String {
    id.expose().chars().skip(3).take(6).collect()
}
