//! A Redis primary with two replicas, watched by three sentinels.

use crate::{
    Error, Result,
    folder::Folder,
    node::{Mode, Node},
    nodes::Nodes,
    port,
};

const SERVERS: usize = 3;
const SENTINELS: usize = 3;
/// The name that clients ask the sentinels for.
const SERVICE: &str = "cloakroom";
/// A primary is taken for dead after a second without an answer. Then a fail-over takes one to three.
const PATIENCE: [&str; 3] = [
    "sentinel down-after-milliseconds cloakroom 1000",
    "sentinel failover-timeout cloakroom 3000",
    "sentinel parallel-syncs cloakroom 2",
];

/// Redis behind Sentinel. Dropping it ends it and removes what it kept.
///
/// Nodes go by their place in [`addresses`](Self::addresses), which does not list the sentinels; which of them is
/// the primary changes with time.
#[derive(Debug)]
pub struct Sentinel {
    // Before the folder, which waits for what is left in it.
    sentinels: Nodes,
    nodes: Nodes,
    folder: Folder,
}

impl Sentinel {
    /// What it needs to start.
    pub const PROGRAMS: &[&'static str] = &["redis-server"];

    /// Starts servers and sentinels, and waits until the replicas follow and the sentinels know everybody.
    ///
    /// # Errors
    ///
    /// `Missing` without its programs, `Server` with their logs if they do not come together.
    pub fn start() -> Result<Self> {
        port::retrying(Self::attempt)
    }

    fn attempt() -> Result<Self> {
        let folder = Folder::new()?;
        let mut nodes = Nodes::default();
        let mut primary = None;
        for _ in 0..SERVERS {
            let port = port::free()?;
            let follow = primary.map(|primary| format!("replicaof 127.0.0.1 {primary}"));
            let settings: Vec<_> = [format!("port {port}")].into_iter().chain(follow).collect();
            let mut node = Node::new(&folder, port, Mode::Server, &settings)?;
            // It holds its port before the next node looks for one.
            node.start(&folder)?;
            nodes.push(node);
            primary.get_or_insert(port);
        }
        let sentinels = watch(&folder, &nodes)?;
        let sentinel = Self { sentinels, nodes, folder };
        sentinel.settle()?;
        Ok(sentinel)
    }

    /// `redis+sentinel://127.0.0.1:PORT,127.0.0.1:PORT,127.0.0.1:PORT/SERVICE`, with all sentinels.
    pub fn url(&self) -> String {
        format!("redis+sentinel://{}/{SERVICE}", self.sentinels.addresses().join(","))
    }

    /// Where each node listens, `127.0.0.1:PORT`.
    pub fn addresses(&self) -> Vec<String> {
        self.nodes.addresses()
    }

    /// The numbers of the processes that run, sentinels included.
    pub fn ids(&self) -> Vec<u32> {
        [self.nodes.ids(), self.sentinels.ids()].concat()
    }

    /// The node that the sentinels take for the primary, dead or alive.
    ///
    /// # Errors
    ///
    /// `Io` if no sentinel answers.
    pub fn primary(&self) -> Result<usize> {
        let asked = self.sentinels.at(self.sentinels.awake()?)?;
        let address = named_by(asked)?;
        let place = self.addresses().iter().position(|own| *own == address);
        place.ok_or_else(|| Error::Server(format!("the sentinels name a stranger: {address}")))
    }

    /// Sends a node one command and answers with the strings and numbers of its reply; nil is none.
    ///
    /// # Errors
    ///
    /// `Io` with the node's words if it refuses, or if it does not answer within 2 s.
    pub fn command(&self, node: usize, command: &[&str]) -> Result<Vec<String>> {
        self.nodes.at(node)?.command(command)
    }

    /// Ends a node at once, by SIGKILL. If it was the primary, a replica takes over in two to four seconds.
    ///
    /// # Errors
    ///
    /// `Io` if the operating system refuses.
    pub fn kill(&mut self, node: usize) -> Result<()> {
        self.nodes.at_mut(node)?.kill()
    }

    /// Ends the primary, and says which node it was.
    ///
    /// # Errors
    ///
    /// As [`primary`](Self::primary).
    pub fn kill_primary(&mut self) -> Result<usize> {
        let node = self.primary()?;
        self.kill(node)?;
        Ok(node)
    }

    /// Starts a node again on the same port. If it was the primary and a replica took over, it becomes a replica.
    ///
    /// It comes back empty: if it was the primary and no replica has taken over yet, all is lost.
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

    /// Ends a sentinel at once: 0, 1 or 2, in the order of the URL. Two are needed for a fail-over.
    ///
    /// # Errors
    ///
    /// `Io` if the operating system refuses.
    pub fn kill_sentinel(&mut self, sentinel: usize) -> Result<()> {
        self.sentinels.at_mut(sentinel)?.kill()
    }

    /// Starts a sentinel again on the same port.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start); also if somebody else took the port meanwhile.
    pub fn restart_sentinel(&mut self, sentinel: usize) -> Result<()> {
        self.sentinels.at_mut(sentinel)?.restart(&self.folder)
    }

    /// Waits until, of the nodes that run and are not paused, one is the primary, the others follow it, and the
    /// sentinels see just that: after the start, after a fail-over, after a node's return.
    ///
    /// # Errors
    ///
    /// `Server` if that takes over a minute.
    pub fn settle(&self) -> Result<()> {
        self.nodes.settle(1, |node| {
            let replica = node.primary() == Some(false);
            replica
                || self
                    .sentinels
                    .iter()
                    .filter(|sentinel| sentinel.awake())
                    .all(|sentinel| self.agrees(sentinel, node))
        })
    }

    /// Whether a sentinel names the primary and has heard of all replicas that they follow it.
    fn agrees(&self, sentinel: &Node, primary: &Node) -> bool {
        let replicas = self.nodes.iter().filter(|node| node.awake()).count() - 1;
        let seen = sentinel.command(&["SENTINEL", "REPLICAS", SERVICE]).unwrap_or_default();
        let following = seen.windows(2).filter(|pair| *pair == ["master-link-status", "ok"]).count();
        let quorum = sentinel.command(&["SENTINEL", "CKQUORUM", SERVICE]).is_ok();
        quorum
            && following >= replicas
            && named_by(sentinel).is_ok_and(|address| address == primary.address())
    }
}

fn named_by(sentinel: &Node) -> Result<String> {
    Ok(sentinel.command(&["SENTINEL", "GET-MASTER-ADDR-BY-NAME", SERVICE])?.join(":"))
}

/// Starts sentinels that know each other and the nodes, the first of which is the primary. By themselves they would
/// find out in some seconds.
fn watch(folder: &Folder, nodes: &Nodes) -> Result<Nodes> {
    let mut watched = Vec::new();
    for (place, node) in nodes.iter().enumerate() {
        let port = node.port();
        if place == 0 {
            watched.push(format!("sentinel monitor {SERVICE} 127.0.0.1 {port} 2"));
            watched.extend(PATIENCE.map(str::to_owned));
        } else {
            watched.push(format!("sentinel known-replica {SERVICE} 127.0.0.1 {port}"));
        }
    }
    let ports: Vec<_> = (0..SENTINELS).map(|_| port::free()).collect::<Result<_>>()?;
    let mut sentinels = Nodes::default();
    for (place, port) in ports.iter().enumerate() {
        let others = ports.iter().enumerate().filter(|(other, _)| *other != place);
        let known = others
            .map(|(other, port)| format!("sentinel known-sentinel {SERVICE} 127.0.0.1 {port} {other:040}"));
        let own = [format!("port {port}"), format!("sentinel myid {place:040}")];
        let settings: Vec<_> = own.into_iter().chain(watched.iter().cloned()).chain(known).collect();
        let mut sentinel = Node::new(folder, *port, Mode::Sentinel, &settings)?;
        sentinel.start(folder)?;
        sentinels.push(sentinel);
    }
    Ok(sentinels)
}
