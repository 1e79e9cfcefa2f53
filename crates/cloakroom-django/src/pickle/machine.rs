//! The stack, the marks in it and the memo: all the state that a pickle's opcodes have.

use std::collections::HashMap;

use cloakroom_core::Result;

use super::heap::{Heap, Id, Node};
use crate::corrupt::corrupt;

#[derive(Debug, Default)]
pub(crate) struct Machine {
    pub(crate) heap: Heap,
    stack: Vec<Id>,
    /// How high the stack was at each mark.
    marks: Vec<usize>,
    memo: HashMap<u32, Id>,
}

impl Machine {
    pub(crate) fn push(&mut self, id: Id) {
        self.stack.push(id);
    }

    pub(crate) fn add(&mut self, node: Node) -> Result<()> {
        let id = self.heap.add(node)?;
        self.push(id);
        Ok(())
    }

    pub(crate) fn mark(&mut self) {
        self.marks.push(self.stack.len());
    }

    /// The top value above the last mark.
    pub(crate) fn top(&self) -> Result<Id> {
        let fence = self.marks.last().copied().unwrap_or_default();
        self.stack.get(fence..).and_then(<[Id]>::last).copied().ok_or_else(underflow)
    }

    pub(crate) fn pop(&mut self) -> Result<Id> {
        let top = self.top()?;
        self.stack.pop();
        Ok(top)
    }

    /// What lies above the last mark, which goes with it.
    pub(crate) fn pop_to_mark(&mut self) -> Result<Vec<Id>> {
        let mark = self.marks.pop().ok_or_else(underflow)?;
        Ok(self.stack.split_off(mark.min(self.stack.len())))
    }

    /// The value or, if there is none above it, the mark that is on top.
    pub(crate) fn drop_top(&mut self) -> Result<()> {
        if self.top().is_ok() {
            self.pop().map(drop)
        } else {
            self.marks.pop().map(drop).ok_or_else(underflow)
        }
    }

    pub(crate) fn tuple(&mut self, count: usize) -> Result<()> {
        let mut items = Vec::with_capacity(count);
        for _ in 0..count {
            items.push(self.pop()?);
        }
        items.reverse();
        self.add(Node::Tuple(items))
    }

    /// Puts values at the end of the list on top.
    pub(crate) fn append(&mut self, values: &[Id]) -> Result<()> {
        let list = self.top()?;
        match self.heap.node_mut(list) {
            Some(Node::List(items)) => items.extend_from_slice(values),
            _ => return Err(corrupt("its pickle appends to no list")),
        }
        Ok(())
    }

    /// Puts names and their values into the dict on top.
    pub(crate) fn set(&mut self, values: &[Id]) -> Result<()> {
        let pairs = pairs(values)?;
        let dict = self.top()?;
        match self.heap.node_mut(dict) {
            Some(Node::Dict(items)) => items.extend(pairs),
            _ => return Err(corrupt("its pickle sets an item of no dict")),
        }
        Ok(())
    }

    pub(crate) fn remember(&mut self, place: u32) -> Result<()> {
        let top = self.top()?;
        self.memo.insert(place, top);
        Ok(())
    }

    /// Remembers the top value at the next place, as CPython counts them.
    pub(crate) fn remember_next(&mut self) -> Result<()> {
        let next = u32::try_from(self.memo.len()).map_err(|_| corrupt("its pickle has too many values"))?;
        self.remember(next)
    }

    pub(crate) fn recall(&mut self, place: u32) -> Result<()> {
        let id = self.memo.get(&place).copied();
        self.push(id.ok_or_else(|| corrupt("its pickle recalls what it did not remember"))?);
        Ok(())
    }
}

/// # Errors
///
/// `Corrupt` if a name has no value.
pub(crate) fn pairs(values: &[Id]) -> Result<Vec<(Id, Id)>> {
    let (pairs, rest) = values.as_chunks::<2>();
    if rest.is_empty() {
        Ok(pairs.iter().map(|[name, value]| (*name, *value)).collect())
    } else {
        Err(corrupt("its pickle has a name without a value"))
    }
}

fn underflow() -> cloakroom_core::Error {
    corrupt("its pickle takes more than it has put")
}
