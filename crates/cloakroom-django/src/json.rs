//! JSON as Python's `json` module reads and writes it, without building values: what Django stores holds what no value of Rust does.

mod name;
mod normal;
mod number;
mod object;
mod scanner;
mod text;

pub(crate) use name::Name;
pub(crate) use normal::normal;
pub(crate) use number::{LONGEST_INTEGER, float};
pub(crate) use object::{entries, latin1, object};
pub(crate) use scanner::{Bracket, Scanner, Token};
pub(crate) use text::{Unit, quoted};

/// The most brackets that are open at a time. Python's own limit is 995, less what its stack holds already.
pub(crate) const DEEPEST: usize = 990;
