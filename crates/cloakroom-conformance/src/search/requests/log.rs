//! What happened in a history, as it is written down while it happens.

use std::sync::{Mutex, MutexGuard};

use cloakroom_core::{Clock, ManualClock, SessionKey};

use super::super::order::{Entry, Span, explained};
use super::model::{Edit, Event, Key, Outcome, Sent, User, World};

/// The minutes of a history.
#[derive(Debug)]
pub(super) struct Log {
    clock: ManualClock,
    written: Mutex<Written>,
}

#[derive(Debug, Default)]
struct Written {
    lines: Vec<Line>,
    moment: usize,
    /// Keys, and what the log calls them.
    told: Vec<(SessionKey, usize)>,
    /// What nothing could explain.
    wrong: Vec<String>,
}

#[derive(Clone, Debug)]
struct Line {
    /// By which request, if by one.
    by: Option<usize>,
    what: What,
    entry: Entry<()>,
    withdrawn: bool,
}

#[derive(Clone, Debug)]
enum What {
    Event(Event),
    /// All sessions of a user are ended, one after the other.
    Revoke(User),
}

impl Log {
    pub(super) fn new(clock: ManualClock) -> Self {
        Self { clock, written: Mutex::default() }
    }

    pub(super) fn now(&self) -> i64 {
        i64::try_from(self.clock.now().millis()).unwrap()
    }

    /// What the log calls a key.
    pub(super) fn key(&self, key: &SessionKey) -> Key {
        let mut written = self.written();
        let known = written.told.iter().find(|(told, _)| told == key).map(|(_, number)| *number);
        Key::Told(known.unwrap_or_else(|| {
            let number = written.told.last().map_or(0, |(_, last)| last + 1);
            written.told.push((key.clone(), number));
            number
        }))
    }

    /// The same session goes on under a value that the visitor was given in place of this one.
    pub(super) fn known_as(&self, key: &SessionKey, number: Key) {
        let Key::Told(number) = number else { return };
        let mut written = self.written();
        if !written.told.iter().any(|(told, _)| told == key) {
            written.told.insert(0, (key.clone(), number));
        }
    }

    pub(super) fn keys(&self) -> Vec<SessionKey> {
        self.written().told.iter().map(|(key, _)| key.clone()).collect()
    }

    /// Something begins, and nobody knows yet what it comes to.
    pub(super) fn begin(&self, by: Option<usize>, event: Event) -> usize {
        self.note(by, What::Event(event))
    }

    /// A commit begins. Should its session need a key that nobody is told, that is [`Key::Untold`] of the answer.
    pub(super) fn begin_commit(
        &self,
        by: usize,
        key: Option<Key>,
        sent: Vec<Sent>,
        edits: Vec<Edit>,
    ) -> usize {
        let at = self.begin(Some(by), Event::Commit { key, sent, edits, outcome: Outcome::Interrupted });
        if let What::Event(Event::Commit { outcome, .. }) = &mut self.written().lines[at].what {
            *outcome = Outcome::Lost(at);
        }
        at
    }

    /// The same with all sessions of a user.
    pub(super) fn begin_revoking(&self, by: Option<usize>, user: User) -> usize {
        self.note(by, What::Revoke(user))
    }

    fn note(&self, by: Option<usize>, what: What) -> usize {
        let now = self.now();
        let mut written = self.written();
        written.moment += 1;
        let entry = Entry {
            event: (),
            begun: written.moment,
            ended: None,
            certain: false,
            when: Span { from: now, to: i64::MAX },
        };
        written.lines.push(Line { by, what, entry, withdrawn: false });
        written.lines.len() - 1
    }

    /// It has happened.
    pub(super) fn done(&self, at: usize) {
        self.end(at);
        self.written().lines[at].entry.certain = true;
    }

    /// The same, and so.
    pub(super) fn came_to(&self, at: usize, event: Event) {
        self.written().lines[at].what = What::Event(event);
        self.done(at);
    }

    pub(super) fn commit_came_to(&self, at: usize, came_to: Outcome) {
        if let What::Event(Event::Commit { outcome, .. }) = &mut self.written().lines[at].what {
            *outcome = came_to;
        }
        self.done(at);
    }

    /// A commit was to the session under this key.
    pub(super) fn commit_was_to(&self, at: usize, to: Key) {
        if let What::Event(Event::Commit { key, .. }) = &mut self.written().lines[at].what {
            *key = Some(to);
        }
    }

    /// By now it has happened, or never will.
    pub(super) fn end(&self, at: usize) {
        let now = self.now();
        let mut written = self.written();
        written.moment += 1;
        let moment = written.moment;
        let entry = &mut written.lines[at].entry;
        entry.ended = Some(moment);
        entry.when.to = now;
    }

    /// It may not have happened, although it was answered.
    pub(super) fn doubt(&self, at: usize) {
        self.written().lines[at].entry.certain = false;
    }

    /// It has surely not happened.
    pub(super) fn withdraw(&self, at: usize) {
        self.written().lines[at].withdrawn = true;
    }

    /// Nothing explains this.
    pub(super) fn wrong(&self, what: String) {
        self.written().wrong.push(what);
    }

    /// How many operations were noted, and all of them if no order explains them.
    pub(super) fn judge(&self, start: &World) -> (usize, Option<String>) {
        let written = self.written();
        let entries = written.entries(self.now());
        let verdict = match written.wrong.first() {
            Some(wrong) => Some(wrong.clone()),
            None => explained(start, &entries).err().map(|best| format!("{best} of it can be explained")),
        };
        let noted = || {
            let lines = written.lines.iter().filter(|line| !line.withdrawn);
            lines.map(|line| format!("  {line}\n")).collect::<String>()
        };
        (entries.len(), verdict.map(|verdict| format!("{}  {verdict}", noted())))
    }

    fn written(&self) -> MutexGuard<'_, Written> {
        self.written.lock().unwrap()
    }
}

impl Written {
    fn entries(&self, now: i64) -> Vec<Entry<Event>> {
        let entry = |line: &Line, event| Entry {
            event,
            begun: line.entry.begun,
            ended: line.entry.ended,
            certain: line.entry.certain,
            when: Span { to: line.entry.when.to.min(now), ..line.entry.when },
        };
        let mut entries = Vec::new();
        for line in self.lines.iter().filter(|line| !line.withdrawn) {
            match &line.what {
                What::Event(event) => entries.push(entry(line, event.clone())),
                What::Revoke(user) => {
                    let ends = self.all_keys().map(|key| entry(line, Event::EndOf { user, key }));
                    entries.extend(ends);
                }
            }
        }
        entries
    }

    fn all_keys(&self) -> impl Iterator<Item = Key> {
        let untold = self.lines.iter().filter_map(|line| match &line.what {
            What::Event(Event::Commit { outcome: Outcome::Lost(number), .. }) if !line.withdrawn => {
                Some(Key::Untold(*number))
            }
            _ => None,
        });
        self.told.iter().map(|(_, number)| Key::Told(*number)).chain(untold)
    }
}

impl std::fmt::Display for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { by, what, entry, .. } = self;
        match entry.ended {
            Some(ended) => write!(f, "[{:3}..{ended:3}] ", entry.begun)?,
            None => write!(f, "[{:3}..   ] ", entry.begun)?,
        }
        match by {
            Some(by) => write!(f, "request {by} ")?,
            None => f.write_str("afterwards ")?,
        }
        match what {
            What::Event(event) => event.fmt(f)?,
            What::Revoke(user) => write!(f, "ends all of {user}'s sessions")?,
        }
        if entry.certain { Ok(()) } else { f.write_str(" (perhaps)") }
    }
}
