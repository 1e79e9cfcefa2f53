//! How contenders are timed, and how a program of contenders is told what to run.
//!
//! Two programs take part: one has the engines and the bare drivers, the other has other libraries, whose drivers can't be linked
//! beside ours. Each says on standard output, a line of JSON each, who [enters](Entry); then it is asked, a line of standard input each, to
//! let one contender do one [operation](Operation) for a while, and answers with a [`Sample`]. So the conductor can visit everybody once in
//! each round, and what else the machine does meanwhile hits all alike.

mod ask;
mod contender;
mod entry;
mod meter;
mod operation;
mod program;
mod runner;
mod sample;
mod timing;
mod version;

pub use ask::Ask;
pub use contender::{Contender, Emptied, payload};
pub use entry::{Entry, LeftOut, Opened};
pub use meter::{Cost, Counter};
pub use operation::Operation;
pub use program::serve;
pub use runner::{Entrant, Runner};
pub use sample::{Sample, percentile};
pub use timing::{Pace, Timed};
pub use version::version;

/// Nobody acts on the kind of what goes wrong in a bench: it is printed, and the cell stays empty.
pub type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;
