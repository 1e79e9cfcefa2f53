//! What is asked of an engine, drawn at random.

use std::fmt;

use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::super::steps::{Faults, Step, steps};

/// How many ids a history has. All but the last have one place.
const IDS: usize = 4;
pub(super) const SAME_PLACE: usize = 3;

pub(super) const PAYLOADS: [&[u8]; 4] = [b"", b"a", b"\xff\x00\x80\xc3(", b"the quick brown fox"];

/// Callers, each with its calls in order, and in which order these go on.
#[derive(Clone, Debug)]
pub(super) struct History {
    pub(super) callers: Vec<Vec<Act>>,
    pub(super) steps: Vec<Step>,
}

/// What a caller does. Revisions are among those that were seen by then.
#[derive(Clone, Copy, Debug)]
pub(super) enum Act {
    Create(usize, Draft),
    Save(usize, Draft, Seen),
    Touch(usize, u8, Seen),
    Rotate(usize, usize, Draft, Seen),
    Delete(usize, Option<Seen>),
    /// Whether a cache may answer.
    Load(usize, bool),
    Revision(usize),
    /// The last write once more, as if its answer were lost.
    Again,
    Sweep(u32),
    /// Whose, behind which, how many.
    Of(bool, Option<usize>, u32),
    Walk(u32),
    /// So many minutes pass.
    Pass(u32),
}

/// A record, before it has a stamp and a clock.
#[derive(Clone, Copy, Debug)]
pub(super) struct Draft {
    pub(super) payload: usize,
    pub(super) hours: u8,
    /// Which of two owners who differ in case alone, if any.
    pub(super) owner: Option<bool>,
}

/// Which of the revisions of an id that were seen.
#[derive(Clone, Copy, Debug)]
pub(super) enum Seen {
    Last,
    First,
}

pub(super) fn histories(faults: Option<Faults>) -> impl Strategy<Value = History> {
    let act = act(faults.is_none());
    let (callers, steps) = match faults {
        None => (prop::collection::vec(prop::collection::vec(act, 1..25), 1..2), Just(Vec::new()).boxed()),
        Some(faults) => (prop::collection::vec(prop::collection::vec(act, 1..6), 2..5), steps(faults)),
    };
    (callers, steps).prop_map(|(callers, steps)| History { callers, steps })
}

fn act(alone: bool) -> BoxedStrategy<Act> {
    // Several are to get in each other's way.
    let elsewhere = if alone { 4 } else { 1 };
    let id = || prop_oneof![4 => Just(0), elsewhere => 0..IDS];
    let seen = || prop_oneof![4 => Just(Seen::Last), 1 => Just(Seen::First)];
    let draft = || {
        let owner = option::weighted(0.4, any::<bool>());
        (0..PAYLOADS.len(), 1..5_u8, owner).prop_map(|(payload, hours, owner)| Draft {
            payload,
            hours,
            owner,
        })
    };
    let calls = prop_oneof![
        6 => (id(), draft()).prop_map(|(id, draft)| Act::Create(id, draft)),
        8 => (id(), draft(), seen()).prop_map(|(id, draft, seen)| Act::Save(id, draft, seen)),
        3 => (id(), 1..9_u8, seen()).prop_map(|(id, hours, seen)| Act::Touch(id, hours, seen)),
        3 => (0..SAME_PLACE, 1..SAME_PLACE, draft(), seen()).prop_map(|(from, further, draft, seen)| {
            Act::Rotate(from, (from + further) % SAME_PLACE, draft, seen)
        }),
        2 => (id(), option::of(seen())).prop_map(|(id, seen)| Act::Delete(id, seen)),
        4 => (id(), any::<bool>()).prop_map(|(id, cached)| Act::Load(id, cached)),
        1 => id().prop_map(Act::Revision),
        2 => Just(Act::Again),
        2 => select(vec![1, 1_000]).prop_map(Act::Sweep),
        1 => (any::<bool>(), option::of(0..IDS), 1..4_u32)
            .prop_map(|(owner, after, limit)| Act::Of(owner, after, limit)),
        1 => (1..4_u32).prop_map(Act::Walk),
    ];
    let pass = select(vec![30, 60, 200]).prop_map(Act::Pass);
    // Where there are several, time passes between their steps.
    if alone { prop_oneof![10 => calls, 1 => pass].boxed() } else { calls.boxed() }
}

impl fmt::Display for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, acts) in self.callers.iter().enumerate() {
            let acts: Vec<_> = acts.iter().map(|act| format!("{act:?}")).collect();
            writeln!(f, "  caller {at}: {}", acts.join(", "))?;
        }
        let steps: Vec<_> = self.steps.iter().map(ToString::to_string).collect();
        write!(f, "  in these steps, and then in turn: {}", steps.join("; "))
    }
}
