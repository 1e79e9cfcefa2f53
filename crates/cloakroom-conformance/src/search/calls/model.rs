//! A store of records by the plainest rules there are: the contract of `SessionBackend`, answer by answer.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use bytes::Bytes;
use cloakroom_core::{Record, Stamp};

use super::super::order::{Model, Span};

/// Ids by their number in a history.
pub(super) type Id = usize;

/// What is stored under an id.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(super) struct Kept {
    pub(super) payload: Bytes,
    pub(super) ends: i64,
    pub(super) owner: Option<String>,
    pub(super) stamp: (u64, u64),
}

impl From<&Record> for Kept {
    fn from(record: &Record) -> Self {
        Self {
            payload: record.payload.clone(),
            ends: i64::try_from(record.expires_at.millis()).unwrap(),
            owner: record.owner.clone(),
            stamp: pair(record.stamp),
        }
    }
}

pub(super) fn pair(stamp: Stamp) -> (u64, u64) {
    (stamp.sequence, stamp.nonce)
}

/// All records, the dead ones apart: a sweep may have taken those or not.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(super) struct Store {
    /// Whether a write that is sent once more is known again.
    recognises: bool,
    living: BTreeMap<Id, Kept>,
    corpses: BTreeSet<Id>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Call {
    Create {
        id: Id,
        new: Kept,
    },
    Save {
        id: Id,
        new: Kept,
        seen: (u64, u64),
    },
    Touch {
        id: Id,
        until: i64,
        seen: (u64, u64),
    },
    Rotate {
        from: Id,
        to: Id,
        new: Kept,
        seen: (u64, u64),
    },
    Delete {
        id: Id,
        seen: Option<(u64, u64)>,
    },
    /// A copy in a cache may show an earlier end: who finds it over asks the engine.
    Load {
        id: Id,
        copied: bool,
    },
    Revision {
        id: Id,
    },
    Sweep {
        limit: u32,
    },
    /// Who else calls meanwhile may move what is listed.
    Of {
        owner: String,
        after: Option<Id>,
        alone: bool,
    },
    Walk {
        alone: bool,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Answer {
    /// Nobody knows.
    Lost,
    Written,
    Conflict(Kept),
    Gone,
    Moved,
    Skipped,
    Ended,
    Absent,
    Found(Option<Kept>),
    Revision(Option<((u64, u64), i64)>),
    Swept(u64),
    Listed(Vec<(Id, Kept)>),
    /// It may say that it is taken, whatever it shows.
    Taken,
}

#[derive(Clone, Debug)]
pub(super) struct Event {
    pub(super) call: Call,
    pub(super) answer: Answer,
}

impl Answer {
    fn answers(&self, expected: &Self) -> bool {
        match (self, expected) {
            (Self::Lost, _) | (Self::Conflict(_) | Self::Gone, Self::Taken) => true,
            _ => self == expected,
        }
    }
}

impl Store {
    pub(super) fn empty(recognises: bool) -> Self {
        Self { recognises, living: BTreeMap::new(), corpses: BTreeSet::new() }
    }

    /// The store with those dead that have reached their ends, in each way that the clock allows.
    fn at(&self, when: Span) -> Vec<Self> {
        let mut stores = vec![self.clone()];
        for (id, kept) in &self.living {
            if when.to < kept.ends {
                continue;
            }
            let mut dead = stores.clone();
            for store in &mut dead {
                store.living.remove(id);
                store.corpses.insert(*id);
            }
            if when.from >= kept.ends {
                stores = dead;
            } else {
                stores.append(&mut dead);
            }
        }
        stores
    }

    fn with(&self, id: Id, kept: Kept) -> Self {
        let mut store = self.clone();
        store.corpses.remove(&id);
        store.living.insert(id, kept);
        store
    }

    fn without(&self, id: Id) -> Self {
        let mut store = self.clone();
        store.living.remove(&id);
        store
    }

    /// What it may answer, and what it is then.
    fn answers(&self, call: &Call, given: &Answer) -> Vec<(Answer, Self)> {
        let there = |id: &Id| self.living.get(id);
        let same = |answer| vec![(answer, self.clone())];
        let known = |there: &Kept, new: &Kept| self.recognises && there.stamp == new.stamp;
        match call {
            Call::Create { id, new } => match there(id) {
                Some(there) if known(there, new) => same(Answer::Written),
                Some(_) => same(Answer::Taken),
                None => {
                    let mut answers = vec![(Answer::Written, self.with(*id, new.clone()))];
                    if self.corpses.contains(id) {
                        answers.push((Answer::Taken, self.clone()));
                    }
                    answers
                }
            },
            Call::Save { id, new, seen } => match there(id) {
                None => same(Answer::Gone),
                Some(there) if known(there, new) => same(Answer::Written),
                Some(there) if there.stamp == *seen => {
                    vec![(Answer::Written, self.with(*id, new.clone()))]
                }
                Some(there) => same(Answer::Conflict(there.clone())),
            },
            Call::Touch { id, until, seen } => match there(id) {
                None => same(Answer::Gone),
                Some(there) if there.stamp == *seen && there.ends < *until => {
                    vec![(Answer::Moved, self.with(*id, Kept { ends: *until, ..there.clone() }))]
                }
                Some(_) => same(Answer::Skipped),
            },
            Call::Rotate { from, to, new, seen } => match (there(from), there(to)) {
                (_, Some(to)) if known(to, new) => same(Answer::Written),
                (None, _) => same(Answer::Gone),
                (Some(from), _) if from.stamp != *seen => same(Answer::Conflict(from.clone())),
                (Some(from), Some(_)) => same(Answer::Conflict(from.clone())),
                (Some(there), None) => {
                    let mut answers = vec![(Answer::Written, self.without(*from).with(*to, new.clone()))];
                    if self.corpses.contains(to) {
                        answers.push((Answer::Conflict(there.clone()), self.clone()));
                    }
                    answers
                }
            },
            Call::Delete { id, seen } => match there(id) {
                None => same(Answer::Absent),
                Some(there) if seen.is_some_and(|seen| seen != there.stamp) => {
                    same(Answer::Conflict(there.clone()))
                }
                Some(_) => vec![(Answer::Ended, self.without(*id))],
            },
            Call::Load { id, copied } => {
                let mut shown = there(id).cloned();
                if let (Some(shown), Answer::Found(Some(given)), true) = (&mut shown, given, *copied) {
                    shown.ends = shown.ends.min(given.ends);
                }
                same(Answer::Found(shown))
            }
            Call::Revision { id } => same(Answer::Revision(there(id).map(|there| (there.stamp, there.ends)))),
            Call::Sweep { limit } => match given {
                Answer::Swept(swept) if *swept > u64::from(*limit) => Vec::new(),
                _ => same(given.clone()),
            },
            Call::Of { owner, after, alone } => {
                let behind = |id| after.is_none_or(|after| id > after);
                self.listed(given, *alone, |id, kept| behind(id) && kept.owner.as_ref() == Some(owner))
            }
            Call::Walk { alone } => self.walked(given, *alone),
        }
    }

    /// A walk meets each that lives all the while.
    fn walked(&self, given: &Answer, alone: bool) -> Vec<(Answer, Self)> {
        let right = match given {
            Answer::Listed(met) if alone => {
                met.iter().map(|(id, kept)| (*id, kept)).collect::<BTreeMap<_, _>>()
                    == self.living.iter().map(|(id, kept)| (*id, kept)).collect()
            }
            _ => true,
        };
        if right { vec![(given.clone(), self.clone())] } else { Vec::new() }
    }

    /// A page shows those that come first, and one at least if there is one.
    fn listed(&self, given: &Answer, alone: bool, wanted: impl Fn(Id, &Kept) -> bool) -> Vec<(Answer, Self)> {
        let expected: Vec<_> = self.living.iter().filter(|(id, kept)| wanted(**id, kept)).collect();
        let right = match given {
            Answer::Listed(page) if alone => {
                let first = expected.iter().take(page.len());
                let shows = page.iter().map(|(id, kept)| (id, kept)).eq(first.map(|(id, kept)| (*id, *kept)));
                shows && page.len() <= expected.len() && page.is_empty() == expected.is_empty()
            }
            _ => true,
        };
        if right { vec![(given.clone(), self.clone())] } else { Vec::new() }
    }
}

impl Model for Store {
    type Event = Event;

    fn after(&self, event: &Event, when: Span) -> Vec<Self> {
        let mut stores = Vec::new();
        for store in self.at(when) {
            let ways = store.answers(&event.call, &event.answer);
            let given = ways.into_iter().filter(|(expected, _)| event.answer.answers(expected));
            stores.extend(given.map(|(_, store)| store));
        }
        stores
    }
}

impl fmt::Display for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { payload, ends, owner, stamp } = self;
        let owner = owner.as_deref().unwrap_or("nobody");
        write!(f, "{payload:?} of {owner} until {ends} at {}", stamp.0)
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.call {
            Call::Create { id, new } => write!(f, "create {id}: {new}"),
            Call::Save { id, new, seen } => write!(f, "save {id} over {}: {new}", seen.0),
            Call::Touch { id, until, seen } => write!(f, "touch {id} at {} until {until}", seen.0),
            Call::Rotate { from, to, new, seen } => {
                write!(f, "rotate {from} at {} to {to}: {new}", seen.0)
            }
            Call::Delete { id, seen: None } => write!(f, "delete {id}"),
            Call::Delete { id, seen: Some(seen) } => write!(f, "delete {id} at {}", seen.0),
            Call::Load { id, .. } => write!(f, "load {id}"),
            Call::Revision { id } => write!(f, "revision {id}"),
            Call::Sweep { limit } => write!(f, "sweep {limit} at most"),
            Call::Of { owner, .. } => write!(f, "list those of {owner}"),
            Call::Walk { .. } => f.write_str("walk past all"),
        }?;
        f.write_str(" → ")?;
        match &self.answer {
            Answer::Conflict(there) => write!(f, "conflict with {there}"),
            Answer::Found(Some(there)) => there.fmt(f),
            Answer::Found(None) => f.write_str("nothing"),
            Answer::Listed(page) => {
                let page: Vec<_> = page.iter().map(|(id, kept)| format!("{id}: {kept}")).collect();
                write!(f, "[{}]", page.join(", "))
            }
            answer => write!(f, "{answer:?}"),
        }
    }
}

#[cfg(test)]
mod tests;
