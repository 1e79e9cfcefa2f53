//! What databases do differently. Everything else is written once, in `statements`.

use sqlx::error::DatabaseError;

use crate::driver::Value;
use crate::error::Verdict;

/// One database's own words, and how it means them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dialect {
    /// How the `n`th parameter is written, counted from 1.
    pub(crate) parameter: fn(usize) -> String,
    /// Writes a value in a parameter's place, where no statement may be prepared.
    pub(crate) literal: Option<fn(Value<'_>) -> String>,
    /// Makes an insert into a taken id change nothing instead of failing.
    pub(crate) unless_taken: &'static str,
    /// Stores several rows, each if it is there as it was seen, and finds the ids of those. `{each}` is a row of payload,
    /// deadline, owner, stamp, id and the stamp that was seen. A row that somebody else is writing is passed over: nobody is
    /// to wait for one that he has not asked for, nor to meet others in a deadlock. None: this database's
    /// UPDATE finds nothing, and it takes a transaction.
    pub(crate) save_all: Option<&'static str>,
    /// How many calls may be under way before others are made together: reads, and writes. Measured: with more, groups are smaller; with
    /// fewer, the server waits for us.
    pub(crate) leaders: (usize, usize),
    /// The deadline, where a row is asked for by its id: no index of deadlines may be searched for it.
    pub(crate) its_end: &'static str,
    /// Removes the first that expired (`{end}`, compared with a `{moment}`), and looks at the deadline again in the step that removes: a row
    /// that was extended between the two stays.
    pub(crate) sweep: &'static str,
    /// Makes the table and its indexes, unless they are there; for several at once.
    pub(crate) schema: &'static str,
    /// For a table of Django's.
    pub(crate) django: Django,
    /// What a new connection is told first.
    pub(crate) set_up: Option<&'static str>,
    /// Asks whether a commit survives a power cut (1 or 0), and how many bytes a statement may have.
    pub(crate) facts: Option<&'static str>,
    /// What one of its errors means.
    pub(crate) verdict: fn(&dyn DatabaseError) -> Verdict,
}

/// Django's table in one database's words.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Django {
    /// A parameter of milliseconds since 1970 as the column's type.
    pub(crate) moment: &'static str,
    /// The end as milliseconds since 1970, the rest cut off.
    pub(crate) ends: &'static str,
    /// As the native [`its_end`](Dialect::its_end).
    pub(crate) its_end: &'static str,
    /// The text as bytes.
    pub(crate) data: &'static str,
    /// The key as bytes.
    pub(crate) key: &'static str,
    /// What a row of this library's has besides: no owner, and a stamp of zeros.
    pub(crate) nobodys: &'static str,
    /// Whether the text is what a parameter says, byte by byte.
    pub(crate) same: &'static str,
    /// Makes the table as Django's migration does, unless it is there.
    pub(crate) schema: &'static str,
}
