//! Whether some order of what happened explains what was answered.

use std::collections::HashSet;
use std::fmt::Display;
use std::hash::Hash;

/// What a store could be, by the plainest rules there are.
pub(super) trait Model: Clone + Eq + Hash {
    /// Something that was asked for, and what was answered.
    type Event: Display;

    /// What it may be afterwards, in each way that gives just this answer; nothing, if there is none.
    fn after(&self, event: &Self::Event, when: Span) -> Vec<Self>;
}

/// What a clock has shown meanwhile, in milliseconds.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) struct Span {
    pub(super) from: i64,
    pub(super) to: i64,
}

/// An event among others, each of which takes effect at one moment between its begin and its end.
#[derive(Clone, Debug)]
pub(super) struct Entry<E> {
    pub(super) event: E,
    pub(super) begun: usize,
    /// If it is known: what was given up may still come to pass.
    pub(super) ended: Option<usize>,
    /// It was acknowledged; else it may have happened, or not.
    pub(super) certain: bool,
    pub(super) when: Span,
}

/// What looking for an order came to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Verdict {
    Explained,
    /// There is none; the best explains so many events.
    Unexplained(usize),
    /// There are too many orders to be tried.
    Undecided,
}

/// How many states are tried, at most: histories that take more are rare, and each would take minutes.
const MOST_TRIED: usize = 20_000;
/// Each is a bit of a set.
const MOST_EVENTS: usize = 128;

/// Looks for an order that the model explains.
pub(super) fn judge<M: Model>(start: &M, entries: &[Entry<M::Event>]) -> Verdict {
    if entries.len() > MOST_EVENTS {
        return Verdict::Undecided;
    }
    // What surely happened is tried first: most orders do without the rest.
    let mut entries: Vec<_> = entries.iter().collect();
    entries.sort_by_key(|entry| (!entry.certain, entry.begun));
    let mut search = Search { entries, tried: HashSet::new(), best: 0 };
    match search.continues(0, start) {
        true => Verdict::Explained,
        false if search.tried.len() >= MOST_TRIED => Verdict::Undecided,
        false => Verdict::Unexplained(search.best),
    }
}

struct Search<'e, M: Model> {
    entries: Vec<&'e Entry<M::Event>>,
    /// What was explained by then, and the state that it led to: no need to go on from there twice.
    tried: HashSet<(u128, M)>,
    best: usize,
}

impl<M: Model> Search<'_, M> {
    fn continues(&mut self, done: u128, state: &M) -> bool {
        let is_done = |at: usize| done & (1 << at) != 0;
        if self.entries.iter().enumerate().all(|(at, entry)| is_done(at) || !entry.certain) {
            return true;
        }
        if self.tried.len() >= MOST_TRIED || !self.tried.insert((done, state.clone())) {
            return false;
        }
        self.best = self.best.max(done.count_ones() as usize);
        // Nothing begins after the end of something that is still to come.
        let waiting = self.entries.iter().enumerate().filter(|(at, entry)| entry.certain && !is_done(*at));
        let first_end = waiting.filter_map(|(_, entry)| entry.ended).min().unwrap_or(usize::MAX);
        let passed = self.entries.iter().enumerate().filter(|(at, _)| is_done(*at));
        let last_begin = passed.map(|(_, entry)| entry.begun).max().unwrap_or(0);
        for (at, entry) in self.entries.clone().into_iter().enumerate() {
            let too_late = entry.ended.is_some_and(|ended| ended < last_begin);
            if is_done(at) || entry.begun > first_end || too_late {
                continue;
            }
            for next in state.after(&entry.event, entry.when) {
                if self.continues(done | 1 << at, &next) {
                    return true;
                }
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A number that is set and read.
    #[derive(Clone, Debug, Eq, Hash, PartialEq)]
    struct Number(u8);

    #[derive(Clone, Copy, Debug)]
    enum Event {
        Set(u8),
        Read(u8),
    }

    impl Display for Event {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            write!(f, "{self:?}")
        }
    }

    impl Model for Number {
        type Event = Event;

        fn after(&self, event: &Event, _: Span) -> Vec<Self> {
            match *event {
                Event::Set(number) => vec![Self(number)],
                Event::Read(number) if number == self.0 => vec![self.clone()],
                Event::Read(_) => Vec::new(),
            }
        }
    }

    fn entry(event: Event, begun: usize, ended: usize) -> Entry<Event> {
        Entry { event, begun, ended: Some(ended), certain: true, when: Span { from: 0, to: 0 } }
    }

    #[test]
    fn what_overlaps_may_have_happened_in_any_order() {
        let entries = [entry(Event::Set(1), 1, 4), entry(Event::Set(2), 2, 3), entry(Event::Read(1), 5, 6)];
        assert_eq!(judge(&Number(0), &entries), Verdict::Explained);
    }

    #[test]
    fn what_ended_before_another_began_happened_before_it() {
        let entries = [entry(Event::Set(1), 1, 2), entry(Event::Set(2), 3, 4), entry(Event::Read(1), 5, 6)];
        assert_eq!(judge(&Number(0), &entries), Verdict::Unexplained(2));
    }

    #[test]
    fn what_was_not_acknowledged_may_happen_never_or_later() {
        let unknown = Entry { ended: None, certain: false, ..entry(Event::Set(1), 1, 1) };
        let late = [unknown.clone(), entry(Event::Read(0), 2, 3), entry(Event::Read(1), 4, 5)];
        assert_eq!(judge(&Number(0), &late), Verdict::Explained);
        let undone = [unknown, entry(Event::Read(1), 2, 3), entry(Event::Read(0), 4, 5)];
        assert!(matches!(judge(&Number(0), &undone), Verdict::Unexplained(_)));
    }

    #[test]
    fn what_may_have_happened_by_then_did_not_happen_afterwards() {
        let unknown = Entry { certain: false, ..entry(Event::Set(1), 1, 2) };
        let entries = [unknown, entry(Event::Read(0), 3, 4), entry(Event::Read(1), 5, 6)];
        assert!(matches!(judge(&Number(0), &entries), Verdict::Unexplained(_)));
    }
}
