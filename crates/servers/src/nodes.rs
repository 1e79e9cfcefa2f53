//! Redis processes that belong together.

use std::time::Duration;

use crate::{Error, Result, node::Node, patience::Patience};

/// How long nodes may take to agree. A sentinel looks at a primary that came back only some 20 s later.
const AGREEMENT: Duration = Duration::from_mins(1);

/// Nodes by their place.
#[derive(Debug, Default)]
pub(crate) struct Nodes(Vec<Node>);

impl Nodes {
    pub(crate) fn push(&mut self, node: Node) {
        self.0.push(node);
    }

    pub(crate) fn at(&self, place: usize) -> Result<&Node> {
        self.0.get(place).ok_or_else(|| nobody(place))
    }

    pub(crate) fn at_mut(&mut self, place: usize) -> Result<&mut Node> {
        self.0.get_mut(place).ok_or_else(|| nobody(place))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Node> {
        self.0.iter()
    }

    pub(crate) fn addresses(&self) -> Vec<String> {
        self.0.iter().map(Node::address).collect()
    }

    pub(crate) fn ids(&self) -> Vec<u32> {
        self.0.iter().filter_map(Node::id).collect()
    }

    /// A node that can be asked.
    pub(crate) fn awake(&self) -> Result<usize> {
        let awake = self.0.iter().position(Node::awake);
        awake.ok_or_else(|| Error::Server("no Redis node runs that could be asked".to_owned()))
    }

    /// Waits until those that can answer are so many primaries and replicas that follow, and all are content.
    pub(crate) fn settle(&self, primaries: usize, content: impl Fn(&Node) -> bool) -> Result<()> {
        let mut patience = Patience::of(AGREEMENT);
        while !self.settled(primaries, &content) {
            if !patience.wait() {
                let logs: Vec<_> = self.0.iter().map(Node::log).collect();
                let seconds = AGREEMENT.as_secs();
                return Err(Error::Server(format!(
                    "the Redis nodes did not agree within {seconds} s\n{}",
                    logs.join("\n")
                )));
            }
        }
        Ok(())
    }

    fn settled(&self, primaries: usize, content: impl Fn(&Node) -> bool) -> bool {
        let mut found = 0;
        for node in self.0.iter().filter(|node| node.awake()) {
            match node.primary() {
                Some(true) => found += 1,
                Some(false) if node.follows() => {}
                _ => return false,
            }
            if !content(node) {
                return false;
            }
        }
        found == primaries
    }
}

fn nobody(place: usize) -> Error {
    Error::Server(format!("there is no Redis node {place}"))
}
