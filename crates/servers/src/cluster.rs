//! A Redis Cluster: three primaries with a replica each.

use crate::{
    Error, Result,
    folder::Folder,
    node::{Mode, Node},
    nodes::Nodes,
    port,
    process::Process,
    programs,
};

const PRIMARIES: usize = 3;
const REPLICAS: usize = 3;
/// Milliseconds without an answer after which a node is taken for dead: a fail-over takes two to four seconds.
const NODE_TIMEOUT: u16 = 2000;

/// A Redis Cluster of one's own. Dropping it ends it and removes what it kept.
///
/// Nodes go by their place in [`addresses`](Self::addresses); which of them are primaries changes with time.
#[derive(Debug)]
pub struct Cluster {
    // Before the folder, which waits for what is left in it.
    nodes: Nodes,
    folder: Folder,
}

impl Cluster {
    /// What it needs to start.
    pub const PROGRAMS: &[&'static str] = &["redis-server", "redis-cli"];

    /// Starts a cluster and waits until all slots are served and each primary's replica follows it.
    ///
    /// # Errors
    ///
    /// `Missing` without its programs, `Server` with a node's log if it does not come together.
    pub fn start() -> Result<Self> {
        port::retrying(Self::attempt)
    }

    fn attempt() -> Result<Self> {
        let folder = Folder::new()?;
        let mut nodes = Nodes::default();
        for _ in 0..PRIMARIES + REPLICAS {
            let port = port::free_with_bus()?;
            let settings = [
                format!("port {port}"),
                "cluster-enabled yes".to_owned(),
                format!("cluster-node-timeout {NODE_TIMEOUT}"),
            ];
            let mut node = Node::new(&folder, port, Mode::Server, &settings)?;
            // It holds its ports before the next node looks for some.
            node.start(&folder)?;
            nodes.push(node);
        }
        let addresses = nodes.addresses();
        let addresses: Vec<_> = addresses.iter().map(String::as_str).collect();
        let options = ["--cluster-replicas", "1", "--cluster-yes"];
        let create = [&["--cluster", "create"][..], &addresses, &options].concat();
        Process::run(&folder, &programs::find("redis-cli")?, &create)?;
        let cluster = Self { nodes, folder };
        cluster.settle()?;
        Ok(cluster)
    }

    /// `redis+cluster://127.0.0.1:PORT,127.0.0.1:PORT,…`, with all nodes.
    pub fn url(&self) -> String {
        format!("redis+cluster://{}", self.addresses().join(","))
    }

    /// Where each node listens, `127.0.0.1:PORT`.
    pub fn addresses(&self) -> Vec<String> {
        self.nodes.addresses()
    }

    /// The numbers of the processes that run.
    pub fn ids(&self) -> Vec<u32> {
        self.nodes.ids()
    }

    /// The node that takes writes to a key, as a node that runs sees it.
    ///
    /// # Errors
    ///
    /// `Server` if there is none at the moment, `Io` if nobody answers.
    pub fn primary_of(&self, key: &str) -> Result<usize> {
        let asked = self.nodes.awake()?;
        let slot = self.command(asked, &["CLUSTER", "KEYSLOT", key])?.concat();
        let table = self.command(asked, &["CLUSTER", "NODES"])?.concat();
        let address = slot.parse().ok().and_then(|slot| server_of(slot, &table));
        address
            .and_then(|address| self.addresses().iter().position(|own| *own == address))
            .ok_or_else(|| Error::Server(format!("no node of the cluster serves slot {slot}")))
    }

    /// Sends a node one command and answers with the strings and numbers of its reply; nil is none.
    ///
    /// # Errors
    ///
    /// `Io` with the node's words if it refuses, or if it does not answer within 2 s.
    pub fn command(&self, node: usize, command: &[&str]) -> Result<Vec<String>> {
        self.nodes.at(node)?.command(command)
    }

    /// Ends a node at once, by SIGKILL. If it was a primary, its replica takes over in two to four seconds.
    ///
    /// # Errors
    ///
    /// `Io` if the operating system refuses.
    pub fn kill(&mut self, node: usize) -> Result<()> {
        self.nodes.at_mut(node)?.kill()
    }

    /// Ends the node that takes writes to a key, and says which one it was.
    ///
    /// # Errors
    ///
    /// As [`primary_of`](Self::primary_of).
    pub fn kill_primary_of(&mut self, key: &str) -> Result<usize> {
        let node = self.primary_of(key)?;
        self.kill(node)?;
        Ok(node)
    }

    /// Starts a node again on the same port. If it was a primary and its replica took over, it becomes a replica.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start); also if somebody else took the port meanwhile.
    pub fn restart(&mut self, node: usize) -> Result<()> {
        self.nodes.at_mut(node)?.restart(&self.folder)
    }

    /// Stops a node where it is, by SIGSTOP: connections stay open, nothing is answered.
    ///
    /// # Errors
    ///
    /// `Io` if the operating system refuses.
    pub fn pause(&mut self, node: usize) -> Result<()> {
        self.nodes.at_mut(node)?.pause()
    }

    /// Lets it go on.
    ///
    /// # Errors
    ///
    /// `Io` if the operating system refuses.
    pub fn resume(&mut self, node: usize) -> Result<()> {
        self.nodes.at_mut(node)?.resume()
    }

    /// Waits until the nodes that run and are not paused serve all slots, with a primary for each and replicas
    /// that follow: after the start, after a fail-over, after a node's return.
    ///
    /// # Errors
    ///
    /// `Server` if that takes over a minute.
    pub fn settle(&self) -> Result<()> {
        self.nodes.settle(PRIMARIES, |node| {
            node.field(&["CLUSTER", "INFO"], "cluster_state").is_some_and(|state| state == "ok")
        })
    }
}

/// Where the primary of a slot listens, by a table of lines
/// `ID ADDRESS@BUS FLAGS PRIMARY PING PONG EPOCH LINK SLOTS…`.
fn server_of(slot: u16, table: &str) -> Option<String> {
    let line = table.lines().find(|line| {
        line.split_whitespace().skip(8).any(|slots| {
            let (first, last) = slots.split_once('-').unwrap_or((slots, slots));
            match (first.parse::<u16>(), last.parse::<u16>()) {
                (Ok(first), Ok(last)) => (first..=last).contains(&slot),
                // A slot on its way to another node: `[93-<-ID]`.
                _ => false,
            }
        })
    })?;
    let (address, _) = line.split_whitespace().nth(1)?.split_once('@')?;
    Some(address.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn server_of_a_slot_is_found_in_ranges_and_in_single_slots() {
        let table = "\
a 127.0.0.1:1@11 master - 0 0 1 connected 0-99 200
b 127.0.0.1:2@12 slave a 0 0 1 connected
c 127.0.0.1:3@13 master - 0 0 2 connected 100-199
";
        assert_eq!(server_of(100, table).unwrap(), "127.0.0.1:3");
        assert_eq!(server_of(200, table).unwrap(), "127.0.0.1:1");
        assert_eq!(server_of(201, table), None);
    }
}
