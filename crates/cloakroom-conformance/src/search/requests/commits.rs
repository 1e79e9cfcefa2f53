//! A request's ways to the store: what it sends, what gets in the way meanwhile, and what came of it.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use cloakroom_core::{ErrorKind, Result, Session, SessionKey};

use super::event::{Edit, Event, Key, Name, Outcome, Sent};
use super::player::{Player, is_over};
use super::script::Aside;
use crate::search::Gates;

/// One of them.
#[derive(Clone, Copy, Default)]
pub(super) struct Commit {
    /// What `update` counts up.
    pub(super) extra: Option<Name>,
    /// What happens when it has waited so many times.
    pub(super) aside: Option<(u8, Aside)>,
    /// It stores nothing of what waits, and looks.
    pub(super) reloads: bool,
}

/// A commit that has begun.
struct Begun {
    commit: Option<usize>,
    ends: Vec<usize>,
    before: Option<SessionKey>,
    /// Another handle has changed the session: that may be stored as well, or wait.
    is_mixed: bool,
    /// The session was flushed: what was begun before is doomed, and this is of the session that comes after it.
    overtaken: Option<usize>,
}

impl Commit {
    /// What is stored of these changes, and with them.
    fn of(self, edits: &[Edit]) -> Vec<Edit> {
        let edits = if self.reloads { &[] } else { edits };
        edits.iter().copied().chain(self.extra.map(Edit::Increment)).collect()
    }
}

impl Player<'_> {
    /// A commit by any of the ways to the store, and what it came to. `work` says which number it has stored, if one.
    pub(super) async fn commit(
        &mut self,
        session: &Session,
        how: Commit,
        work: impl Future<Output = Result<Option<i64>>>,
    ) -> bool {
        // Who looks ends nothing.
        let ends = if how.reloads { Vec::new() } else { self.begin_ends() };
        let was_over = is_over(session);
        let edits = how.of(&self.pending);
        let sent = self.part.begun().sent.clone();
        let wished = edits.iter().any(|edit| edit.is_a_wish());
        // Then it is stored only if it has put names into another order.
        let void = !wished && self.base.edited(&edits) == self.base;
        let activity = session.activity();
        let is_nothing = if self.is_sure {
            void && !edits.iter().any(|edit| edit.reorders())
        } else {
            how.extra.is_none() && !activity.changed && !activity.unsettled
        };
        let before = session.key();
        let is_noted = !is_nothing || !sent.is_empty() || how.aside.is_some() || how.reloads;
        let commit = is_noted.then(|| {
            let key = before.as_ref().map(|key| self.scene.keys.number(key));
            let number = self.begin_commit(key, sent.clone(), vec![edits.clone()]);
            // Should this be cut, nobody knows what it came to.
            self.part.begun().sent.push(Sent { number, edits: self.pending.clone() });
            number
        });
        let mut begun = Begun { commit, ends, before, is_mixed: false, overtaken: None };
        let finding = self.begin_finding();
        let scene = self.scene;
        let answer =
            beside(&scene.gates, how.aside, work, |aside| self.meanwhile(session, how, aside, &mut begun))
                .await;
        let Some(answer) = answer else {
            self.end_finding(finding, begun.before.as_ref(), session, true);
            self.pending.clear();
            self.is_sure = false;
            return true;
        };
        let kind = answer.as_ref().err().map(cloakroom_core::Error::kind);
        let found = self.end_finding(finding, begun.before.as_ref(), session, kind.is_some());
        if let (Some(commit), Some(found)) = (begun.commit, found) {
            // That was found first, and this was made for it.
            scene.log.amend(commit, |event| {
                if let Event::Commit { key, .. } = event {
                    *key = Some(found);
                }
            });
        }
        match (answer, kind) {
            (Ok(number), _) => {
                self.ended(session, &begun.ends, was_over);
                sent.iter()
                    .map(|sent| sent.number)
                    .chain(begun.overtaken)
                    .for_each(|sent| scene.log.end(sent));
                self.came_to_pass(session, how, &begun, &edits, !sent.is_empty(), number);
                if let (Some(commit), true) =
                    (begun.commit, void && !how.reloads && begun.overtaken.is_none())
                {
                    scene.log.doubt(commit);
                }
            }
            (_, Some(ErrorKind::Unavailable)) => {
                self.part.begun().sent.retain(|sent| Some(sent.number) != begun.commit);
                if let Some(commit) = begun.commit {
                    scene.log.withdraw(commit);
                }
                self.excuse("commit", ErrorKind::Unavailable);
            }
            (_, Some(ErrorKind::Unknown)) => {
                // It may have found the session ended: then there is nothing to tell.
                self.news = None;
                if begun.is_mixed {
                    // Nobody knows what of it waits.
                    self.discard(session);
                }
                if how.reloads {
                    // What waits was not sent, and goes on waiting.
                    self.part.begun().sent.retain(|sent| Some(sent.number) != begun.commit);
                } else {
                    self.pending.clear();
                }
                self.excuse("commit", ErrorKind::Unknown);
            }
            (_, Some(ErrorKind::Interrupted)) => {
                self.news = None;
                self.part.begun().sent.retain(|sent| Some(sent.number) != begun.commit);
                let key = begun.before.as_ref().map(|key| scene.keys.number(key));
                let commit = begun.commit.unwrap_or_else(|| self.begin_commit(key, Vec::new(), vec![edits]));
                self.commit_came_to(commit, Outcome::Interrupted);
            }
            (_, kind) => scene.log.wrong(format!("request {}: a commit is {kind:?}", self.number)),
        }
        self.is_sure &= kind.is_none();
        kind.is_none()
    }

    /// What happens while a commit waits. Says whether that goes on.
    fn meanwhile(&mut self, session: &Session, how: Commit, aside: Aside, begun: &mut Begun) -> bool {
        let Some(commit) = begun.commit else { return true };
        let before = self.pending.clone();
        match aside {
            // Where visitors bear their sessions nothing is stored that a dropped commit could have left behind.
            Aside::Drop if self.scene.presented => {}
            Aside::Drop => {
                self.scene.gates.suffer();
                return false;
            }
            Aside::Edit(edit) => {
                self.edit(session, edit);
                begun.is_mixed = self.pending != before;
                if let Some(sent) = self.part.begun().sent.last_mut() {
                    sent.edits.clone_from(&self.pending);
                }
                self.may_also_be(commit, how.of(&self.pending));
            }
            Aside::Discard => {
                self.discard(session);
                self.may_also_be(commit, how.of(&[]));
            }
            Aside::Flush => {
                self.flush(session);
                begun.ends.extend(self.begin_ends());
                // What was stored by now counts, and is ended with the session that it was stored in.
                let next = self.begin_commit(None, Vec::new(), vec![how.of(&[]), Vec::new()]);
                self.part.begun().sent.push(Sent { number: next, edits: Vec::new() });
                begun.overtaken = begun.commit.replace(next);
                begun.before = None;
            }
        }
        true
    }

    /// It is done.
    fn came_to_pass(
        &mut self,
        session: &Session,
        how: Commit,
        begun: &Begun,
        edits: &[Edit],
        settles: bool,
        number: Option<i64>,
    ) {
        let (scene, log) = (self.scene, &self.scene.log);
        let mut part = self.part.begun();
        if !how.reloads {
            part.doomed.clear();
        }
        part.sent.clear();
        drop(part);
        let expected = (begun.commit.is_none() && begun.before.is_some()).then(|| self.base.clone());
        let bring_a_key = |edits: &[Edit]| edits.iter().any(|edit| edit.rotates());
        let mut rotated = bring_a_key(edits);
        if how.reloads || begun.is_mixed {
            let last = self.pending.len().saturating_sub(1);
            let mut waits = if how.reloads { self.pending.clone() } else { self.pending.split_off(last) };
            // What makes no difference may be stored, or wait for a conflict to make one; and what was found not to have been
            // done waits as well.
            if !waits.is_empty() && !session.activity().changed || how.reloads && settles {
                self.discard(session);
                rotated |= bring_a_key(&waits);
                waits.clear();
            }
            self.is_sure &= waits.is_empty();
            self.pending = waits;
        } else {
            self.pending.clear();
        }
        self.base = scene.view(session);
        if let Some(expected) = expected.filter(|expected| self.is_sure && *expected != self.base) {
            let base = &self.base;
            log.wrong(format!("request {}: a commit of nothing has made {base} of {expected}", self.number));
        }
        if let (Some(number), Some(name), true) =
            (number, how.extra, self.pending.is_empty() && begun.overtaken.is_none())
            && self.base.data.get(name) != Some(&number)
        {
            log.wrong(format!("request {}: an update has stored something else than {number}", self.number));
        }
        let before = begun.before.as_ref();
        if session.key().as_ref() != before {
            self.news = session.key();
        }
        let key = self.told(session, before, rotated);
        if let Some(commit) = begun.commit {
            let (view, waits) = (self.base.clone(), self.pending.clone());
            self.commit_came_to(commit, Outcome::Done { key, view, waits });
        }
    }

    /// The key that a session has after a commit.
    fn told(&self, session: &Session, before: Option<&SessionKey>, rotated: bool) -> Option<Key> {
        let key = session.key()?;
        if let Some(before) = before.filter(|_| self.scene.presented && !rotated) {
            // Each write makes another value, and it stays the same session.
            self.scene.keys.same(before, &key);
        }
        Some(self.scene.keys.number(&key))
    }

    fn begin_commit(&self, key: Option<Key>, sent: Vec<Sent>, ways: Vec<Vec<Edit>>) -> usize {
        let commit = |number| Event::Commit { key, sent, ways, outcome: Outcome::Lost(number) };
        self.scene.log.begin(Some(self.number), commit)
    }

    fn may_also_be(&self, commit: usize, edits: Vec<Edit>) {
        self.scene.log.amend(commit, |event| {
            if let Event::Commit { ways, .. } = event {
                ways.push(edits);
            }
        });
    }

    fn commit_came_to(&self, number: usize, came_to: Outcome) {
        self.scene.log.amend(number, |event| {
            if let Event::Commit { outcome, .. } = event {
                *outcome = came_to;
            }
        });
        self.scene.log.done(number);
    }

    pub(super) fn begin_ends(&self) -> Vec<usize> {
        let doomed = self.part.begun().doomed.clone();
        let end = |key| move |_| Event::End { key, told: false };
        doomed.into_iter().map(|key| self.scene.log.begin(Some(self.number), end(key))).collect()
    }

    /// Whatever comes to the store finds out what became of what was sent.
    pub(super) fn begin_finding(&self) -> (usize, Vec<usize>) {
        let sent: Vec<_> = self.part.begun().sent.iter().map(|sent| sent.number).collect();
        let event = |number| Event::Found { sent: sent.clone(), key: Key::Untold(number) };
        (self.scene.log.begin(Some(self.number), event), sent.clone())
    }

    pub(super) fn end_finding(
        &mut self,
        (finding, sent): (usize, Vec<usize>),
        before: Option<&SessionKey>,
        session: &Session,
        failed: bool,
    ) -> Option<Key> {
        let log = &self.scene.log;
        let found =
            session.key().filter(|key| failed && before != Some(key)).map(|key| self.scene.keys.number(&key));
        match found {
            Some(key) => {
                log.came_to(finding, Event::Found { sent, key });
                self.news = session.key();
            }
            None => log.withdraw(finding),
        }
        found
    }
}

/// Work, and what happens when it has waited so many times: that may drop it.
async fn beside<T>(
    gates: &Gates,
    aside: Option<(u8, Aside)>,
    work: impl Future<Output = T>,
    mut happens: impl FnMut(Aside) -> bool,
) -> Option<T> {
    let mut work = pin!(work);
    let mut waited = 0_u8;
    poll_fn(|context| {
        let polled = work.as_mut().poll(context);
        // What the engine is in the middle of is not cut: it might be done later still.
        waited = waited.saturating_add(u8::from(polled.is_pending() && gates.are_quiet()));
        match aside {
            Some((waits, aside)) if polled.is_pending() && waited == waits => {
                waited = u8::MAX;
                if happens(aside) { Poll::Pending } else { Poll::Ready(None) }
            }
            _ => polled.map(Some),
        }
    })
    .await
}
