//! Pickles of plain data, as the caches keep sessions. What could run code is not refused: it is not there.

mod heap;
mod integer;
mod machine;
mod reader;
mod shown;
mod writer;

pub(crate) use reader::read;
pub(crate) use writer::write;
