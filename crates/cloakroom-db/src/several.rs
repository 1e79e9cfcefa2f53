//! Statements for several rows at once.

use std::sync::{Arc, OnceLock};

use crate::statements::{Sql, numbered};

/// A process that is cut off in the middle is not to keep others from their sessions for long.
const BEGIN: &str = "SET SESSION wait_timeout = 5; BEGIN";

/// Those of several that are there, and that nobody else is writing: from now on nobody else can.
const PICK: &str = "SELECT id, stamp FROM {table} WHERE id IN ({each}) AND {its_end} > ? \
     FOR UPDATE SKIP LOCKED";

/// Of those: a row that is not there would be made. MySQL calls `VALUES` of a column deprecated; MariaDB lacks what is to replace it.
const PUT: &str = "INSERT INTO {table} (payload, expires_at, owner, stamp, id) VALUES {each} \
     ON DUPLICATE KEY UPDATE payload = VALUES(payload), expires_at = VALUES(expires_at), \
     owner = VALUES(owner), stamp = VALUES(stamp)";

const COMMIT: &str = "SET SESSION wait_timeout = 240; COMMIT";

const ROLLBACK: &str = "SET SESSION wait_timeout = 240; ROLLBACK";

/// What stores several rows, each if it is there as it was seen.
#[derive(Debug)]
pub(crate) enum SaveAll {
    /// Finds the ids of those that it has stored.
    AtOnce(Several),
    InTransaction(Transaction),
}

#[derive(Debug)]
pub(crate) struct Transaction {
    pub(crate) begin: Sql,
    pub(crate) pick: Several,
    pub(crate) put: Several,
    pub(crate) commit: Sql,
    pub(crate) rollback: Sql,
}

/// One statement for any number of rows up to [`MOST`].
#[derive(Debug)]
pub(crate) struct Several {
    template: String,
    each: &'static str,
    parameter: fn(usize) -> String,
    /// For one, two and so on, as they are needed.
    texts: Box<[OnceLock<Sql>]>,
}

/// How many rows one statement reads or writes.
pub(crate) const MOST: usize = 64;

/// Filled up to a power of two with the smallest of them again: a few lengths, and so a few statements to prepare. To store or
/// to find a row twice at once is to do it once.
pub(crate) fn padded<'r, T>(rows: impl Iterator<Item = &'r T>, size: impl Fn(&T) -> usize) -> Vec<&'r T> {
    let mut rows: Vec<_> = rows.collect();
    if let Some(smallest) = rows.iter().copied().min_by_key(|row| size(row)) {
        rows.resize(rows.len().next_power_of_two(), smallest);
    }
    rows
}

impl SaveAll {
    /// By the one statement of a database that has one. `several` makes one of a template and what stands in it for each row.
    pub(crate) fn new(
        at_once: Option<&'static str>,
        several: impl Fn(&str, &'static str) -> Several,
    ) -> Self {
        match at_once {
            Some(template) => Self::AtOnce(several(template, "(?, ?, ?, ?, ?, ?)")),
            None => Self::InTransaction(Transaction {
                begin: BEGIN.into(),
                pick: several(PICK, "?"),
                put: several(PUT, "(?, ?, ?, ?, ?)"),
                commit: COMMIT.into(),
                rollback: ROLLBACK.into(),
            }),
        }
    }
}

impl Several {
    pub(crate) fn new(template: String, each: &'static str, parameter: fn(usize) -> String) -> Self {
        Self { template, each, parameter, texts: (0..MOST).map(|_| OnceLock::new()).collect() }
    }

    /// For so many rows, from one to [`MOST`].
    pub(crate) fn of(&self, rows: usize) -> Sql {
        debug_assert!((1..=MOST).contains(&rows), "{rows} rows");
        let rows = rows.clamp(1, MOST);
        let text = self.texts[rows - 1].get_or_init(|| {
            let each = vec![self.each; rows].join(", ");
            numbered(&self.template.replace("{each}", &each), self.parameter)
        });
        Arc::clone(text)
    }
}
