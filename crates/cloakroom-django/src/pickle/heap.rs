//! The values that a pickle builds, which may be in several places at once.

use std::ops::Range;

use cloakroom_core::Result;

use crate::LARGEST;
use crate::corrupt::corrupt;
use crate::json::{Unit, quoted};

/// A value's number.
pub(crate) type Id = u32;

/// What a value is. The text of those that hold no others is in the heap's one string, as JSON.
#[derive(Debug)]
pub(crate) enum Node {
    Text(Range<usize>),
    /// A number or a word: as a name it gets quotes.
    Bare(Range<usize>),
    List(Vec<Id>),
    /// A list that can't grow, and can't be a name.
    Tuple(Vec<Id>),
    Dict(Vec<(Id, Id)>),
}

#[derive(Debug, Default)]
pub(crate) struct Heap {
    nodes: Vec<Node>,
    texts: String,
}

impl Heap {
    pub(crate) fn add(&mut self, node: Node) -> Result<Id> {
        let id = Id::try_from(self.nodes.len()).map_err(|_| corrupt("its pickle has too many values"))?;
        self.nodes.push(node);
        Ok(id)
    }

    pub(crate) fn bare(&mut self, json: &str) -> Result<Id> {
        let start = self.texts.len();
        self.texts.push_str(json);
        let text = self.text_from(start)?;
        self.add(Node::Bare(text))
    }

    pub(crate) fn text(&mut self, units: impl Iterator<Item = Unit>) -> Result<Id> {
        let start = self.texts.len();
        quoted(units, &mut self.texts);
        let text = self.text_from(start)?;
        self.add(Node::Text(text))
    }

    pub(crate) fn node(&self, id: Id) -> Option<&Node> {
        self.nodes.get(id as usize)
    }

    pub(crate) fn node_mut(&mut self, id: Id) -> Option<&mut Node> {
        self.nodes.get_mut(id as usize)
    }

    /// The text at a place, as nodes say it.
    pub(crate) fn json(&self, text: &Range<usize>) -> &str {
        self.texts.get(text.clone()).unwrap_or_default()
    }

    fn text_from(&self, start: usize) -> Result<Range<usize>> {
        if self.texts.len() > LARGEST {
            return Err(corrupt("its pickle has too much text"));
        }
        Ok(start..self.texts.len())
    }
}
