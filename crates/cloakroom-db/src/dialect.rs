//! What databases do differently. Everything else is written once, in `statements`.

/// One database's own words.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dialect {
    /// How the `n`th parameter is written, counted from 1.
    pub(crate) parameter: fn(usize) -> String,
    /// Makes an insert into a taken id change nothing instead of failing.
    pub(crate) unless_taken: &'static str,
    /// The first rows that expired, for a bounded sweep.
    pub(crate) sweep: &'static str,
    /// Makes the table and its indexes, unless they are there.
    pub(crate) schema: &'static [&'static str],
}
