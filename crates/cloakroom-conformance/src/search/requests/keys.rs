//! Visitors' keys, by the order in which they were told.

use std::sync::Mutex;

use cloakroom_core::SessionKey;

use super::event::Key;

#[derive(Debug, Default)]
pub(super) struct Keys(Mutex<Vec<(SessionKey, usize)>>);

impl Keys {
    /// What a history calls a key.
    pub(super) fn number(&self, key: &SessionKey) -> Key {
        let mut told = self.0.lock().unwrap();
        let known = told.iter().find(|(known, _)| known == key).map(|(_, number)| *number);
        Key::Told(known.unwrap_or_else(|| {
            let number = told.iter().map(|(_, number)| number + 1).max().unwrap_or(0);
            told.push((key.clone(), number));
            number
        }))
    }

    /// The session of the one is the session of the other: its visitor was given another value.
    pub(super) fn same(&self, old: &SessionKey, new: &SessionKey) {
        let Key::Told(number) = self.number(old) else { return };
        let mut told = self.0.lock().unwrap();
        if !told.iter().any(|(known, _)| known == new) {
            told.push((new.clone(), number));
        }
    }

    pub(super) fn all(&self) -> Vec<SessionKey> {
        self.0.lock().unwrap().iter().map(|(key, _)| key.clone()).collect()
    }
}
