//! What a request does to its session, and what it comes to: the words of a history.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

pub(super) type Name = &'static str;
pub(super) type User = &'static str;

/// A visitor's key, by the order in which keys were told; or one that nobody was told.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(super) enum Key {
    Told(usize),
    Untold(usize),
}

/// Something that a request does to its session.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Edit {
    Set(Name, i64),
    Remove(Name),
    Clear,
    /// What `update` does.
    Increment(Name),
    Expire(Rule),
    Login(User),
    Cycle,
}

/// When a session ends, counted from its last commit.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub(super) enum Rule {
    #[default]
    Default,
    Hours(u32),
}

/// What a request sees of a session.
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
pub(super) struct View {
    pub(super) data: BTreeMap<Name, i64>,
    pub(super) user: Option<User>,
    pub(super) rule: Rule,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Event {
    /// A request begins.
    Read { key: Key, found: Option<View> },
    /// It commits what it has changed, in one of these ways; and what it had sent before and never heard of, unless that was
    /// done.
    Commit { key: Option<Key>, sent: Vec<Sent>, ways: Vec<Vec<Edit>>, outcome: Outcome },
    /// It has found out that one of these was done, and its visitor is told this key.
    Found { sent: Vec<usize>, key: Key },
    /// It ends the session under a key, which was alive if its browser is told that it goes.
    End { key: Key, told: bool },
    /// All of a user's sessions are ended, one after the other: these are its parts.
    Revoke { user: User, number: usize },
    /// Which there are.
    RevokeBegins { user: User, number: usize },
    /// This is one, if it is theirs.
    EndOf { user: User, key: Key },
    /// None of them lives any more.
    RevokeEnds { number: usize },
    /// A request that began then keeps its session from being idle.
    Visit { key: Key, began: i64 },
    /// A user's sessions are counted.
    Count { user: User, sessions: usize },
}

/// A commit of which nobody knows what it came to: its number, and what still waits if it came to nothing.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Sent {
    pub(super) number: usize,
    pub(super) edits: Vec<Edit>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Outcome {
    /// This is stored, with what waits on top of it.
    Done {
        key: Option<Key>,
        view: View,
        waits: Vec<Edit>,
    },
    Interrupted,
    /// Nobody knows of the commit of this number.
    Lost(usize),
}

impl Event {
    /// What happens at moments of their own; and whether each must have, if this has.
    pub(super) fn parts(&self, all: &[Self]) -> Vec<(Self, bool)> {
        let Self::Revoke { user, number } = *self else { return vec![(self.clone(), true)] };
        let mut keys = BTreeSet::new();
        for event in all {
            keys.extend(match event {
                Self::Commit { outcome: Outcome::Lost(number), .. } => Some(Key::Untold(*number)),
                Self::Commit { outcome: Outcome::Done { key, .. }, .. } => *key,
                Self::Found { key, .. } => Some(*key),
                _ => None,
            });
        }
        let begins = (Self::RevokeBegins { user, number }, true);
        let ends = (Self::RevokeEnds { number }, true);
        let each = keys.into_iter().map(|key| (Self::EndOf { user, key }, false));
        [begins].into_iter().chain(each).chain([ends]).collect()
    }
}

impl View {
    pub(super) fn edited(&self, edits: &[Edit]) -> Self {
        let mut view = self.clone();
        for edit in edits {
            match *edit {
                Edit::Set(name, value) => drop(view.data.insert(name, value)),
                Edit::Remove(name) => drop(view.data.remove(name)),
                Edit::Clear => view.data.clear(),
                Edit::Increment(name) => *view.data.entry(name).or_default() += 1,
                Edit::Expire(rule) => view.rule = rule,
                Edit::Login(user) => {
                    if view.user.is_some_and(|other| other != user) {
                        view = Self::default();
                    }
                    view.user = Some(user);
                }
                Edit::Cycle => {}
            }
        }
        view
    }

    pub(super) fn is_blank(&self) -> bool {
        *self == Self::default()
    }
}

impl Edit {
    /// Whether it brings a new key.
    pub(super) fn rotates(self) -> bool {
        matches!(self, Self::Login(_) | Self::Cycle)
    }

    /// Whether names may stand in another order afterwards, which this model does not show.
    pub(super) fn reorders(self) -> bool {
        matches!(self, Self::Remove(_) | Self::Clear)
    }

    /// Whether it is stored although nothing looks different then.
    pub(super) fn is_a_wish(self) -> bool {
        self.rotates() || matches!(self, Self::Expire(_))
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Told(number) => write!(f, "key {number}"),
            Self::Untold(number) => write!(f, "an untold key {number}"),
        }
    }
}

impl fmt::Display for Edit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Set(name, value) => write!(f, "{name} = {value}"),
            Self::Remove(name) => write!(f, "remove {name}"),
            Self::Clear => f.write_str("clear"),
            Self::Increment(name) => write!(f, "{name} += 1"),
            Self::Expire(Rule::Default) => f.write_str("expire by default"),
            Self::Expire(Rule::Hours(hours)) => write!(f, "expire after {hours} h"),
            Self::Login(user) => write!(f, "login {user}"),
            Self::Cycle => f.write_str("cycle the key"),
        }
    }
}

impl fmt::Display for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} of {}", self.data, self.user.unwrap_or("nobody"))?;
        match self.rule {
            Rule::Default => Ok(()),
            Rule::Hours(hours) => write!(f, " for {hours} h"),
        }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read { key, found: Some(view) } => write!(f, "reads {key}: {view}"),
            Self::Read { key, found: None } => write!(f, "reads {key}: nothing"),
            Self::Commit { key, ways, outcome, .. } => {
                let ways: Vec<_> = ways.iter().map(|edits| format!("[{}]", listed(edits))).collect();
                let under = key.map_or("a new session".to_owned(), |key| key.to_string());
                write!(f, "commits {} to {under}: {outcome}", ways.join(" or "))
            }
            Self::Found { sent, key } => write!(f, "finds one of its commits {sent:?} done under {key}"),
            Self::End { key, told: false } => write!(f, "ends {key}"),
            Self::End { key, told: true } => write!(f, "ends {key}, and tells its visitor"),
            Self::Revoke { user, .. } => write!(f, "ends all of {user}'s sessions"),
            Self::RevokeBegins { user, .. } => write!(f, "begins to end {user}'s sessions"),
            Self::RevokeEnds { .. } => f.write_str("has ended them"),
            Self::EndOf { user, key } => write!(f, "ends {key} if it is {user}'s"),
            Self::Visit { key, .. } => write!(f, "keeps {key} from being idle"),
            Self::Count { user, sessions } => write!(f, "{user} has {sessions} sessions"),
        }
    }
}

fn listed(edits: &[Edit]) -> String {
    edits.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// What waits, if anything does.
struct Waits<'e>(&'e [Edit]);

impl fmt::Display for Waits<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { Ok(()) } else { write!(f, " with {} on top", listed(self.0)) }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done { key: Some(key), view, waits } => write!(f, "{key} holds {view}{}", Waits(waits)),
            Self::Done { key: None, view, waits } => write!(f, "nothing is stored, {view}{}", Waits(waits)),
            Self::Interrupted => f.write_str("interrupted"),
            Self::Lost(number) => write!(f, "nobody knows, perhaps {}", Key::Untold(*number)),
        }
    }
}
