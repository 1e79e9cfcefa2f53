//! A store of sessions by the plainest rules there are: what a request may read, and what a commit may come to.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::super::order::{Model, Span};
use super::event::{Edit, Event, Key, Outcome, Rule, Sent, View};

/// All sessions that live.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(super) struct World {
    sessions: BTreeMap<Key, Kept>,
    /// Keys of sessions that have ended, or that were replaced: they come back never.
    dead: BTreeSet<Key>,
    /// Commits of unknown outcome that have come to pass, or never will.
    settled: BTreeSet<usize>,
    /// Revocations that have begun.
    revoking: BTreeSet<usize>,
    /// The idle timeout, in milliseconds.
    idle: Option<i64>,
}

#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
struct Kept {
    view: View,
    /// It surely lives until the first, and surely not longer than the second.
    ends: (i64, i64),
    /// The same by idleness alone.
    idles: (i64, i64),
    /// Revocations that it may not survive, under whatever key.
    revoked: BTreeSet<usize>,
}

fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap()
}

impl World {
    /// Without a session, under this idle timeout.
    pub(super) fn new(idle: Option<Duration>) -> Self {
        Self {
            sessions: BTreeMap::new(),
            dead: BTreeSet::new(),
            settled: BTreeSet::new(),
            revoking: BTreeSet::new(),
            idle: idle.map(millis),
        }
    }

    /// What the world may be for somebody who asks for this key: its session may have ended by now.
    fn looked_at(&self, key: Key, when: Span) -> Vec<Self> {
        let Some(kept) = self.sessions.get(&key) else { return vec![self.clone()] };
        let ends = match self.idle {
            Some(_) => (kept.ends.0.min(kept.idles.0), kept.ends.1.min(kept.idles.1)),
            None => kept.ends,
        };
        let alive = (when.from < ends.1).then(|| self.clone());
        let dead = (when.to >= ends.0).then(|| self.without(key));
        alive.into_iter().chain(dead).collect()
    }

    fn without(&self, key: Key) -> Self {
        let mut world = self.clone();
        if world.sessions.remove(&key).is_some() {
            world.dead.insert(key);
        }
        world
    }

    fn with(&self, key: Key, kept: Kept) -> Self {
        let mut world = self.clone();
        world.sessions.insert(key, kept);
        world
    }

    fn kept(&self, view: View, when: Span) -> Kept {
        let age = match view.rule {
            Rule::Default => Duration::from_hours(14 * 24),
            Rule::Hours(hours) => Duration::from_hours(hours.into()),
        };
        let age = millis(age);
        let idle = self.idle.unwrap_or_default();
        Kept {
            view,
            ends: (when.from + age, when.to + age),
            idles: (when.from + idle, when.to + idle + idle / 10),
            revoked: BTreeSet::new(),
        }
    }

    /// This session, or one that is still to be stored, with these edits and that outcome.
    fn committed(&self, from: Option<Key>, edits: &[Edit], outcome: &Outcome, when: Span) -> Option<Self> {
        let old = from.map(|key| &self.sessions[&key]);
        let before = old.map(|kept| kept.view.clone()).unwrap_or_default();
        let view = before.edited(edits);
        let rotates = edits.iter().any(|edit| edit.rotates());
        if matches!(outcome, Outcome::Done { view: seen, waits, .. } if *seen != view.edited(waits)) {
            return None;
        }
        let to = match (outcome, from) {
            (Outcome::Interrupted, _) => return None,
            (Outcome::Done { key: None, .. } | Outcome::Lost(_), None) if view.is_blank() => {
                return Some(self.clone());
            }
            (Outcome::Done { key, .. }, _) => (*key)?,
            (Outcome::Lost(_), Some(key)) if !rotates => key,
            (Outcome::Lost(number), _) => Key::Untold(*number),
        };
        let moves = from != Some(to);
        let expected = match from {
            None => !view.is_blank(),
            // Under which key a lost answer would have told it nobody knows.
            Some(Key::Untold(_)) => true,
            Some(Key::Told(_)) => moves == rotates,
        };
        if !expected || moves && (self.sessions.contains_key(&to) || self.dead.contains(&to)) {
            return None;
        }
        let mut kept = self.kept(view, when);
        if let Some(old) = old.filter(|old| old.view == kept.view)
            && !edits.iter().any(|edit| edit.is_a_wish())
        {
            // It is stored if names have changed their places.
            let stored = edits.iter().any(|edit| edit.reorders());
            let either = |old: (i64, i64), new: (i64, i64)| {
                if stored { (old.0.min(new.0), old.1.max(new.1)) } else { old }
            };
            (kept.ends, kept.idles) = (either(old.ends, kept.ends), either(old.idles, kept.idles));
        }
        // Who logs in once more after a revocation began may stay.
        let login = edits.iter().any(|edit| matches!(edit, Edit::Login(_)));
        kept.revoked = old.filter(|_| !login).map(|old| old.revoked.clone()).unwrap_or_default();
        let mut world = from.map_or_else(|| self.clone(), |key| self.without(key));
        if let Outcome::Lost(number) = outcome {
            world.settled.insert(*number);
        }
        Some(world.with(to, kept))
    }

    fn commit(&self, event: &Event, when: Span) -> Vec<Self> {
        let Event::Commit { key, sent, ways, outcome } = event else { return Vec::new() };
        if matches!(outcome, Outcome::Lost(number) if self.settled.contains(number)) {
            return Vec::new();
        }
        let mut worlds = Vec::new();
        for world in key.map_or_else(|| vec![self.clone()], |key| self.looked_at(key, when)) {
            if key.is_none_or(|key| world.sessions.contains_key(&key)) {
                worlds.extend(world.committed_in_some_way(*key, sent, ways, outcome, when));
            } else if *outcome == Outcome::Interrupted {
                // Nobody else could have ended what it had sent itself: that key was never told.
                let lives = |sent: &Sent| world.sessions.contains_key(&Key::Untold(sent.number));
                worlds.extend((!sent.iter().any(lives)).then_some(world));
            }
        }
        for untold in sent.iter().map(|sent| Key::Untold(sent.number)) {
            for world in self.looked_at(untold, when) {
                if world.sessions.contains_key(&untold) {
                    worlds.extend(world.committed_in_some_way(Some(untold), sent, ways, outcome, when));
                }
            }
        }
        if matches!(outcome, Outcome::Done { .. }) {
            // It has found out what became of them.
            let numbers = || sent.iter().map(|sent| sent.number);
            for world in &mut worlds {
                world.settled.extend(numbers());
            }
        }
        worlds
    }

    fn committed_in_some_way(
        &self,
        from: Option<Key>,
        sent: &[Sent],
        ways: &[Vec<Edit>],
        outcome: &Outcome,
        when: Span,
    ) -> Vec<Self> {
        let committed = |edits: &Vec<Edit>| self.committed_with_what_waits(from, sent, edits, outcome, when);
        ways.iter().flat_map(committed).collect()
    }

    /// Of what was sent before, the last few may not have been done; then they are done now, and only now.
    fn committed_with_what_waits(
        &self,
        from: Option<Key>,
        sent: &[Sent],
        edits: &[Edit],
        outcome: &Outcome,
        when: Span,
    ) -> Vec<Self> {
        let (mut world, mut waits) = (self.clone(), edits.to_vec());
        let mut worlds: Vec<_> = world.committed(from, &waits, outcome, when).into_iter().collect();
        for sent in sent.iter().rev() {
            if !world.settled.insert(sent.number) {
                break;
            }
            waits.splice(..0, sent.edits.iter().copied());
            worlds.extend(world.committed(from, &waits, outcome, when));
        }
        worlds
    }
}

impl Model for World {
    type Event = Event;

    fn after(&self, event: &Event, when: Span) -> Vec<Self> {
        match event {
            Event::Read { key, found } => {
                let mut worlds = self.looked_at(*key, when);
                worlds.retain(|world| world.sessions.get(key).map(|kept| &kept.view) == found.as_ref());
                worlds
            }
            Event::Commit { .. } => self.commit(event, when),
            Event::Found { sent, key } => {
                let mut worlds = Vec::new();
                for untold in sent.iter().map(|number| Key::Untold(*number)) {
                    for world in self.looked_at(untold, when) {
                        let kept = world.sessions.get(&untold).filter(|_| !world.dead.contains(key));
                        worlds.extend(kept.map(|kept| world.without(untold).with(*key, kept.clone())));
                    }
                }
                worlds
            }
            Event::End { key, told: false } => vec![self.without(*key)],
            Event::End { key, told: true } => {
                let mut worlds = self.looked_at(*key, when);
                worlds.retain(|world| world.sessions.contains_key(key));
                worlds.iter().map(|world| world.without(*key)).collect()
            }
            // It is its parts that happen.
            Event::Revoke { .. } => vec![self.clone()],
            Event::RevokeBegins { user, number } => {
                let mut world = self.clone();
                world.revoking.insert(*number);
                for kept in world.sessions.values_mut().filter(|kept| kept.view.user == Some(user)) {
                    kept.revoked.insert(*number);
                }
                vec![world]
            }
            Event::RevokeEnds { number } => {
                let mut worlds = vec![self.clone()];
                for (key, kept) in &self.sessions {
                    if kept.revoked.contains(number) {
                        worlds = worlds.iter().flat_map(|world| world.looked_at(*key, when)).collect();
                    }
                }
                worlds.retain(|world| {
                    let survives = world.sessions.values().any(|kept| kept.revoked.contains(number));
                    world.revoking.contains(number) && !survives
                });
                worlds
            }
            Event::EndOf { user, key } => {
                let theirs = self.sessions.get(key).is_some_and(|kept| kept.view.user == Some(user));
                vec![if theirs { self.without(*key) } else { self.clone() }]
            }
            Event::Visit { key, began } => {
                let Some(idle) = self.idle else { return vec![self.clone()] };
                let mut worlds = self.looked_at(*key, when);
                for kept in worlds.iter_mut().filter_map(|world| world.sessions.get_mut(key)) {
                    let latest = when.to + idle + idle / 10;
                    kept.idles = (kept.idles.0.max(began + idle), kept.idles.1.max(latest));
                }
                worlds
            }
            Event::Count { user, sessions } => {
                let keys: Vec<_> = self.sessions.keys().copied().collect();
                let mut worlds = vec![self.clone()];
                for key in keys {
                    worlds = worlds.iter().flat_map(|world| world.looked_at(key, when)).collect();
                }
                let theirs = |kept: &&Kept| kept.view.user == Some(user);
                worlds.retain(|world| world.sessions.values().filter(theirs).count() == *sessions);
                worlds
            }
        }
    }
}

#[cfg(test)]
mod tests;
