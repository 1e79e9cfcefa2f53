//! What the requests of a history share, and what is known of each.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use cloakroom_core::{Expiry, Session, Sessions};

use super::super::log::Log;
use super::super::stage::Gates;
use super::event::{Event, Key, Rule, Sent, User, View};
use super::keys::Keys;
use super::script::USERS;
use crate::session::Browser;

/// What all requests of a history share.
pub(super) struct Scene {
    /// Visitors bear their sessions: each write is told, and what was told before lives on.
    pub(super) presented: bool,
    pub(super) processes: Vec<Sessions>,
    pub(super) browsers: Vec<Mutex<Browser>>,
    pub(super) log: Log<Event>,
    pub(super) keys: Keys,
    pub(super) gates: Arc<Gates>,
    /// What was sent may still be on its way when nobody waits for it any more.
    pub(super) slow: bool,
    pub(super) idle: bool,
    pub(super) round: u64,
}

impl Scene {
    /// A user's name in this history: the next one has other users.
    pub(super) fn name(&self, user: User) -> String {
        format!("{user}-{}", self.round)
    }

    /// What a session shows.
    pub(super) fn view(&self, session: &Session) -> View {
        let mut data = BTreeMap::new();
        for (name, value) in session.iter() {
            let known = ["a", "b", "c"].into_iter().find(|known| *known == name);
            match (known, value.get().parse()) {
                (Some(name), Ok(value)) => drop(data.insert(name, value)),
                _ => self.log.wrong(format!("a session shows {name} = {value}")),
            }
        }
        let named = session.user();
        let user = USERS.into_iter().find(|user| named.as_deref() == Some(&self.name(user)));
        if named.is_some() && user.is_none() {
            self.log.wrong("a session is somebody else's".to_owned());
        }
        let rule = match session.expiry() {
            Expiry::After(span) => Rule::Hours(u32::try_from(span.as_secs() / 3_600).unwrap()),
            _ => Rule::Default,
        };
        View { data, user, rule }
    }
}

/// What is known of a request that an end by force must know as well.
#[derive(Default)]
pub(super) struct Part(Mutex<Begun>);

#[derive(Default)]
pub(super) struct Begun {
    pub(super) session: Option<Session>,
    /// Sessions that were flushed, and whose ends are not acknowledged.
    pub(super) doomed: Vec<Key>,
    pub(super) flushes: u32,
    /// Commits of which nobody knows what they came to.
    pub(super) sent: Vec<Sent>,
}

impl Part {
    /// Whether it has its session.
    pub(super) fn is_begun(&self) -> bool {
        self.begun().session.is_some()
    }

    pub(super) fn begun(&self) -> MutexGuard<'_, Begun> {
        self.0.lock().unwrap()
    }
}
