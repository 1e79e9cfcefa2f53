//! What visitors do, drawn at random.

use std::fmt;

use proptest::prelude::*;
use proptest::sample::select;

use super::super::steps::{Faults, Step, steps};
use super::event::{Edit, Name, Rule, User};

const NAMES: [Name; 3] = ["a", "b", "c"];
pub(super) const USERS: [User; 2] = ["alice", "bob"];
pub(super) const VISITORS: usize = 2;
pub(super) const PROCESSES: usize = 2;

/// Visitors, their requests, and in which order these go on.
#[derive(Clone, Debug)]
pub(super) struct History {
    pub(super) requests: Vec<Request>,
    pub(super) idle: bool,
    /// Nothing, if each request begins when the one before has ended.
    pub(super) steps: Option<Vec<Step>>,
}

/// A request of one of the visitors.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) visitor: usize,
    /// Which process of the application answers it.
    pub(super) process: usize,
    /// So many minutes after the one before.
    pub(super) pause: u32,
    pub(super) acts: Vec<Act>,
    /// Its handler goes on after a commit that has failed.
    pub(super) stubborn: bool,
}

/// What its handler does.
#[derive(Clone, Copy, Debug)]
pub(super) enum Act {
    Edit(Edit),
    Save,
    Flush,
    Discard,
    Reload,
    /// A save, or an increment, and what happens when it has waited so many times.
    Beside(Option<Name>, u8, Aside),
    /// Ends all sessions of a user.
    Revoke(User),
    Sweep,
}

/// What happens while a commit is under way.
#[derive(Clone, Copy, Debug)]
pub(super) enum Aside {
    /// Another handle on the session changes it.
    Edit(Edit),
    Flush,
    Discard,
    /// The commit's future is dropped, and the handler goes on.
    Drop,
}

pub(super) fn histories(faults: Option<Faults>) -> impl Strategy<Value = History> {
    let requests = prop::collection::vec(request(), if faults.is_some() { 2..5 } else { 1..8 });
    let steps = match faults {
        Some(faults) => steps(faults).prop_map(Some).boxed(),
        None => Just(None).boxed(),
    };
    let parts = (requests, prop::bool::weighted(0.4), steps);
    parts.prop_map(|(requests, idle, steps)| History { requests, idle, steps })
}

fn request() -> impl Strategy<Value = Request> {
    let visitor = prop_oneof![5 => Just(0), 1 => Just(1)];
    let pause = prop_oneof![6 => Just(0), 1 => select(vec![20, 70, 150, 400, 30_000])];
    let acts = prop::collection::vec(act(), 1..6);
    (visitor, 0..PROCESSES, pause, acts, any::<bool>()).prop_map(
        |(visitor, process, pause, acts, stubborn)| Request { visitor, process, pause, acts, stubborn },
    )
}

fn act() -> impl Strategy<Value = Act> {
    let increment = select(&NAMES[..]).prop_map(Edit::Increment);
    let beside = (prop::option::of(select(&NAMES[..])), 1..6_u8, aside());
    prop_oneof![
        11 => edit().prop_map(Act::Edit),
        5 => increment.prop_map(Act::Edit),
        4 => Just(Act::Save),
        2 => Just(Act::Flush),
        1 => Just(Act::Discard),
        1 => Just(Act::Reload),
        4 => beside.prop_map(|(name, waits, aside)| Act::Beside(name, waits, aside)),
        1 => select(&USERS[..]).prop_map(Act::Revoke),
        1 => Just(Act::Sweep),
    ]
}

/// What changes a session and waits for a commit.
fn edit() -> impl Strategy<Value = Edit> {
    prop_oneof![
        5 => (select(&NAMES[..]), 1..4_i64).prop_map(|(name, value)| Edit::Set(name, value)),
        2 => select(&NAMES[..]).prop_map(Edit::Remove),
        1 => Just(Edit::Clear),
        1 => select(vec![Rule::Default, Rule::Hours(1), Rule::Hours(5)]).prop_map(Edit::Expire),
        2 => select(&USERS[..]).prop_map(Edit::Login),
        1 => Just(Edit::Cycle),
    ]
}

fn aside() -> impl Strategy<Value = Aside> {
    prop_oneof![
        4 => edit().prop_map(Aside::Edit),
        2 => Just(Aside::Flush),
        1 => Just(Aside::Discard),
        2 => Just(Aside::Drop),
    ]
}

impl fmt::Display for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, request) in self.requests.iter().enumerate() {
            writeln!(f, "  request {at} {request}")?;
        }
        if self.idle {
            writeln!(f, "  the idle timeout is on")?;
        }
        let Some(steps) = &self.steps else { return write!(f, "  one after the other") };
        let steps: Vec<_> = steps.iter().map(ToString::to_string).collect();
        write!(f, "  the first, and then all at once: {}", steps.join("; "))
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { visitor, process, pause, acts, stubborn } = self;
        if *pause > 0 {
            write!(f, "after {pause} minutes ")?;
        }
        write!(f, "by visitor {visitor} to process {process}: ")?;
        let acts: Vec<_> = acts.iter().map(ToString::to_string).collect();
        f.write_str(&acts.join(", "))?;
        if *stubborn { f.write_str(", whatever fails") } else { Ok(()) }
    }
}

impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Edit(edit) => edit.fmt(f),
            Self::Save => f.write_str("save"),
            Self::Flush => f.write_str("flush"),
            Self::Discard => f.write_str("discard"),
            Self::Reload => f.write_str("reload"),
            Self::Beside(name, waits, aside) => {
                let commit = name.map_or(Self::Save, |name| Self::Edit(Edit::Increment(name)));
                let aside = match aside {
                    Aside::Edit(edit) => edit.to_string(),
                    other => format!("{other:?}").to_lowercase(),
                };
                write!(f, "{commit} ({aside} after {waits} waits)")
            }
            Self::Revoke(user) => write!(f, "end all of {user}'s sessions"),
            Self::Sweep => f.write_str("sweep"),
        }
    }
}
