//! What was acknowledged, refused or neither, and whether a store agrees.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use cloakroom_core::{
    Addressing, Memory, Record, Result, Session, SessionBackend, SessionId, SessionKey, Sessions, Stored,
};

use super::note::{Deed, Note, Word};
use super::visits::{COUNT, PUT, VISITOR, user};

/// How many visitors who have left are asked for again by each of their keys. The others are only not to be listed.
const REMEMBERED: usize = 100;
/// How many sessions are listed at once.
const PAGE: u32 = 100;

/// What is known of all visitors.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    visitors: BTreeMap<u32, Visitor>,
    /// How many steps were acknowledged.
    pub(super) done: u64,
}

/// What is known of one.
#[derive(Debug, Default)]
struct Visitor {
    /// All keys that were told, the last one last.
    keys: Vec<SessionKey>,
    /// A login may have given the session a key that nobody was told.
    moving: bool,
    /// Logouts that may have been done.
    leaving: u32,
    left: bool,
    things: BTreeMap<String, Thing>,
}

/// What is known of what was put in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Thing {
    Perhaps,
    There,
    Refused,
}

/// Whether those who tried what may have been done are gone for good.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Writers {
    /// They were processes that have ended: what is not there now never will be.
    Ended,
    /// What was sent may still arrive.
    MayGoOn,
}

impl Ledger {
    /// Takes note of something, and says whether that is done.
    pub(super) fn note(&mut self, note: Note) -> bool {
        let visitor = self.visitors.entry(note.visitor).or_default();
        let done = matches!(note.word, Word::Did(_));
        self.done += u64::from(done);
        if let Deed::Puts(thing) | Deed::LogsIn(thing) = &note.deed {
            let known = match note.word {
                Word::Tries => Thing::Perhaps,
                Word::Did(_) => Thing::There,
                Word::DidNot => Thing::Refused,
            };
            visitor.things.insert(thing.clone(), known);
        }
        match (&note.deed, note.word) {
            (Deed::LogsIn(_), Word::Tries) => visitor.moving = true,
            (Deed::LogsIn(_) | Deed::Comes, Word::Did(key)) => {
                visitor.moving = false;
                visitor.keys.extend(key);
            }
            (Deed::LogsIn(_), Word::DidNot) => visitor.moving = false,
            (Deed::Leaves, Word::Tries) => visitor.leaving += 1,
            (Deed::Leaves, Word::Did(_)) => visitor.left = true,
            (Deed::Leaves, Word::DidNot) => visitor.leaving -= 1,
            _ => {}
        }
        done
    }

    /// Those whose sessions live, and by which key.
    pub(super) fn here(&self) -> Vec<(u32, SessionKey)> {
        let here = self.visitors.iter().filter(|(_, visitor)| visitor.surely_here() && !visitor.moving);
        here.filter_map(|(number, visitor)| Some((*number, visitor.keys.last()?.clone()))).collect()
    }

    /// A number that no visitor has had.
    pub(super) fn next(&self) -> u32 {
        self.visitors.last_key_value().map_or(0, |(last, _)| last + 1)
    }

    /// Holds a store against this, and panics with all that is wrong.
    pub(super) async fn check(&mut self, backend: &Arc<dyn SessionBackend>, writers: Writers) {
        let wrong = self.violations(backend, writers).await;
        assert!(wrong.is_empty(), "{} violations:\n{}", wrong.len(), wrong.join("\n"));
        self.forget();
    }

    /// All that is wrong. A store that fails in the middle of it keeps nothing from being told.
    async fn violations(&mut self, backend: &Arc<dyn SessionBackend>, writers: Writers) -> Vec<String> {
        let mut wrong = Vec::new();
        let mut alive: BTreeMap<u32, Vec<(SessionId, Session)>> = BTreeMap::new();
        for (id, stored) in listed(backend).await {
            match opened(&stored.record).await {
                Some((number, session)) => alive.entry(number).or_default().push((id, session)),
                None => wrong.push("a record does not decode, or is nobody's".to_owned()),
            }
        }
        for number in alive.keys().filter(|number| !self.visitors.contains_key(number)) {
            wrong.push(format!("visitor {number} never came, or left long ago, and has a session"));
        }
        for (number, visitor) in &mut self.visitors {
            let found = alive.remove(number).unwrap_or_default();
            if writers == Writers::MayGoOn && visitor.is_on_its_way() {
                // What is seen of it may change between two looks. The last check sees it.
                continue;
            }
            let told = wrong.len();
            let mut looked = visitor.look(*number, &found, backend, &mut wrong).await;
            if writers == Writers::Ended && looked.is_ok() {
                looked = visitor.settle(found.first(), backend).await;
            }
            if let Err(error) = looked {
                wrong.push(format!("the store fails: {error:?}"));
            }
            for what in &mut wrong[told..] {
                *what = format!("visitor {number}: {what}");
            }
        }
        wrong
    }

    /// Those who left long ago. Should one have a session again, it is nobody's.
    fn forget(&mut self) {
        let left: Vec<_> =
            self.visitors.iter().filter(|(_, visitor)| visitor.left).map(|(n, _)| *n).collect();
        for number in &left[..left.len().saturating_sub(REMEMBERED)] {
            self.visitors.remove(number);
        }
    }
}

impl Visitor {
    /// Something may still be done that decides where the session is, or whether there is one.
    fn is_on_its_way(&self) -> bool {
        !self.left && (self.keys.is_empty() || self.moving || self.leaving > 0)
    }

    fn surely_here(&self) -> bool {
        !self.keys.is_empty() && !self.left && self.leaving == 0
    }

    /// Notes what is wrong with one visitor's sessions.
    async fn look(
        &self,
        number: u32,
        found: &[(SessionId, Session)],
        backend: &Arc<dyn SessionBackend>,
        wrong: &mut Vec<String>,
    ) -> Result<()> {
        self.compare(found, wrong)?;
        let sessions = Sessions::new(Arc::clone(backend));
        for key in &self.keys {
            let lives = sessions.load(Some(key.clone())).await?.key().is_some();
            if lives != found.iter().any(|(id, _)| *id == key.id()) {
                wrong.push(format!("a key opens a session: {lives}, which the list says otherwise"));
            }
        }
        let [(id, session)] = found else { return Ok(()) };
        let Some(owner) = session.user() else { return Ok(()) };
        if owner != user(number) {
            wrong.push("somebody else is logged in".to_owned());
        }
        // To list is to tidy up: half of them stay as they were left.
        if number.is_multiple_of(2) && !lists(backend, &owner, id).await? {
            wrong.push(format!("the list of {owner}'s sessions lacks one"));
        }
        Ok(())
    }

    fn compare(&self, found: &[(SessionId, Session)], wrong: &mut Vec<String>) -> Result<()> {
        match found {
            [] if self.surely_here() => wrong.push("the session is gone".to_owned()),
            [] => {}
            [_] if self.left => wrong.push("the session is back after a logout".to_owned()),
            [(id, session)] => {
                let (last, earlier) = self.keys.split_last().map_or((None, &[][..]), |(l, e)| (Some(l), e));
                if earlier.iter().any(|key| key.id() == *id) {
                    wrong.push("it lives under a key that was replaced".to_owned());
                } else if last.is_some_and(|last| last.id() != *id) && !self.moving {
                    wrong.push("it lives under a key that nobody was told".to_owned());
                }
                self.compare_things(session, wrong)?;
            }
            several => wrong.push(format!("{} sessions, where there must be one", several.len())),
        }
        Ok(())
    }

    fn compare_things(&self, session: &Session, wrong: &mut Vec<String>) -> Result<()> {
        let there: BTreeSet<String> =
            session.names().into_iter().filter(|name| ![VISITOR, COUNT].contains(&name.as_str())).collect();
        for (thing, known) in &self.things {
            match (known, there.contains(thing)) {
                (Thing::There, false) => wrong.push(format!("{thing} was acknowledged and is not there")),
                (Thing::Refused, true) => wrong.push(format!("{thing} was refused and is there")),
                _ => {}
            }
        }
        for thing in there.iter().filter(|thing| !self.things.contains_key(*thing)) {
            wrong.push(format!("{thing} was never put in"));
        }
        let put = there.iter().filter(|thing| thing.starts_with(PUT)).count();
        let counted = session.get::<usize>(COUNT)?.unwrap_or(0);
        if counted != put {
            wrong.push(format!("{counted} were counted, and {put} are there"));
        }
        Ok(())
    }

    /// What may have been done has been done if it is there. A session whose key nobody knows is ended.
    async fn settle(
        &mut self,
        found: Option<&(SessionId, Session)>,
        backend: &Arc<dyn SessionBackend>,
    ) -> Result<()> {
        self.moving = false;
        self.leaving = 0;
        let Some((id, session)) = found else {
            self.left = true;
            return Ok(());
        };
        for (thing, known) in &mut self.things {
            *known = if session.contains(thing) { Thing::There } else { Thing::Refused };
        }
        if self.keys.last().is_none_or(|key| key.id() != *id) {
            backend.delete(id, None).await?;
            self.left = true;
        }
        Ok(())
    }
}

async fn listed(backend: &Arc<dyn SessionBackend>) -> Vec<(SessionId, Stored)> {
    crate::storage::walk::walked(&**backend, PAGE).await.unwrap().into_iter().collect()
}

/// Whose session a record is, and the session. It is opened elsewhere: who lists records knows no keys.
async fn opened(record: &Record) -> Option<(u32, Session)> {
    let elsewhere = Memory::new();
    let key = SessionKey::generate(Addressing::Hashed).unwrap();
    elsewhere.create(&key.id(), record).await.unwrap();
    let session = Sessions::new(elsewhere).load(Some(key)).await.ok()?;
    let number = session.get(VISITOR).ok()??;
    Some((number, session))
}

async fn lists(backend: &Arc<dyn SessionBackend>, owner: &str, id: &SessionId) -> Result<bool> {
    let of = backend.index().expect("an engine with an index").of(owner, None, PAGE).await?;
    Ok(of.iter().any(|(listed, _)| listed == id))
}

#[cfg(test)]
mod tests;
