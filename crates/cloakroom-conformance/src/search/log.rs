//! What happened in a history, as it is written down while it happens.

use std::fmt::{self, Display};
use std::sync::{Mutex, MutexGuard};

use cloakroom_core::{Clock, ManualClock};

use super::order::{Entry, Model, Span, Verdict, judge};

/// The minutes of a history.
#[derive(Debug)]
pub(super) struct Log<E> {
    clock: ManualClock,
    minutes: Mutex<Minutes<E>>,
}

#[derive(Debug)]
struct Minutes<E> {
    lines: Vec<Line<E>>,
    moment: usize,
    /// What nothing could explain.
    wrong: Option<String>,
}

#[derive(Debug)]
struct Line<E> {
    /// By which request or caller, if by one.
    by: Option<usize>,
    entry: Entry<E>,
    withdrawn: bool,
}

/// What a history came to.
pub(super) struct Judged {
    /// How many operations were explained.
    pub(super) operations: usize,
    /// Nobody has tried all orders.
    pub(super) undecided: bool,
    /// All that happened, if no order explains it.
    pub(super) unexplained: Option<String>,
}

impl<E: Clone + Display> Log<E> {
    pub(super) fn new(clock: ManualClock) -> Self {
        let minutes = Minutes { lines: Vec::new(), moment: 0, wrong: None };
        Self { clock, minutes: Mutex::new(minutes) }
    }

    pub(super) fn now(&self) -> i64 {
        i64::try_from(self.clock.now().millis()).unwrap()
    }

    /// Something begins, and nobody knows yet whether it happens. `event` is told its number.
    pub(super) fn begin(&self, by: Option<usize>, event: impl FnOnce(usize) -> E) -> usize {
        let when = Span { from: self.now(), to: i64::MAX };
        let mut minutes = self.minutes();
        minutes.moment += 1;
        let number = minutes.lines.len();
        let entry = Entry { event: event(number), begun: minutes.moment, ended: None, certain: false, when };
        minutes.lines.push(Line { by, entry, withdrawn: false });
        number
    }

    /// Nothing that this one has begun will happen after now.
    pub(super) fn end_all(&self, by: usize) {
        let open = |line: &Line<E>| line.by == Some(by) && line.entry.ended.is_none();
        let numbers: Vec<_> = {
            let minutes = self.minutes();
            (0..minutes.lines.len()).filter(|number| open(&minutes.lines[*number])).collect()
        };
        for number in numbers {
            self.end(number);
        }
    }

    /// It is this by now.
    pub(super) fn amend(&self, number: usize, change: impl FnOnce(&mut E)) {
        change(&mut self.minutes().lines[number].entry.event);
    }

    /// It has happened.
    pub(super) fn done(&self, number: usize) {
        self.end(number);
        self.minutes().lines[number].entry.certain = true;
    }

    /// The same, and so.
    pub(super) fn came_to(&self, number: usize, event: E) {
        self.amend(number, |begun| *begun = event);
        self.done(number);
    }

    /// By now it has happened, or never will.
    pub(super) fn end(&self, number: usize) {
        let now = self.now();
        let mut minutes = self.minutes();
        minutes.moment += 1;
        let moment = minutes.moment;
        let entry = &mut minutes.lines[number].entry;
        entry.ended = Some(moment);
        entry.when.to = now;
    }

    /// It may not have happened, although it was answered.
    pub(super) fn doubt(&self, number: usize) {
        self.minutes().lines[number].entry.certain = false;
    }

    /// It has surely not happened.
    pub(super) fn withdraw(&self, number: usize) {
        self.minutes().lines[number].withdrawn = true;
    }

    /// Nothing explains this.
    pub(super) fn wrong(&self, what: String) {
        self.minutes().wrong.get_or_insert(what);
    }

    /// Whether some order explains what was noted. What is many things, each of which
    /// happens at a moment of its own, `parts` takes apart, and says which of them must have happened if the whole has: it is given
    /// everything that was noted.
    pub(super) fn judge<M: Model<Event = E>>(
        &self,
        start: &M,
        parts: impl Fn(&E, &[E]) -> Vec<(E, bool)>,
    ) -> Judged {
        let now = self.now();
        let minutes = self.minutes();
        let noted = || minutes.lines.iter().filter(|line| !line.withdrawn);
        let events: Vec<_> = noted().map(|line| line.entry.event.clone()).collect();
        let mut entries = Vec::new();
        for Line { entry, .. } in noted() {
            let when = Span { to: entry.when.to.min(now), ..entry.when };
            let parts = parts(&entry.event, &events).into_iter();
            entries.extend(parts.map(|(event, must)| Entry {
                event,
                when,
                certain: entry.certain && must,
                ..entry.clone()
            }));
        }
        let (verdict, undecided) = match (&minutes.wrong, judge(start, &entries)) {
            (Some(wrong), _) => (Some(wrong.clone()), false),
            (None, Verdict::Unexplained(best)) => {
                (Some(format!("{best} of {} can be explained", entries.len())), false)
            }
            (None, verdict) => (None, verdict == Verdict::Undecided),
        };
        let lines = || noted().map(|line| format!("  {line}\n")).collect::<Vec<_>>().concat();
        let unexplained = verdict.map(|verdict| format!("{}  {verdict}", lines()));
        Judged { operations: if undecided { 0 } else { events.len() }, undecided, unexplained }
    }

    fn minutes(&self) -> MutexGuard<'_, Minutes<E>> {
        self.minutes.lock().unwrap()
    }
}

impl<E: Display> Display for Line<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { by, entry, .. } = self;
        match entry.ended {
            Some(ended) => write!(f, "[{:3}..{ended:3}] ", entry.begun)?,
            None => write!(f, "[{:3}..   ] ", entry.begun)?,
        }
        match by {
            Some(by) => write!(f, "{by} ")?,
            None => f.write_str("afterwards ")?,
        }
        entry.event.fmt(f)?;
        if entry.certain { Ok(()) } else { f.write_str(" (perhaps)") }
    }
}
