//! A way past all sessions, on all primaries. For administration: no request ever takes it.

use async_trait::async_trait;
use cloakroom_core::{Cursor, Error, ErrorKind, Page, Result, SessionWalk};
use redis::Value;

use super::backend::Backend;
use super::client::{Budget, Client};
use super::connection::{Node, Target};
use super::value::foreign;

/// How many keys a server looks at before it answers, about: it serves nobody else meanwhile.
pub(super) const STRIDE: u32 = 512;
/// How many records are asked for at a time.
pub(super) const AT_ONCE: usize = 64;
/// How many slots a Cluster has.
const SLOTS: i64 = 16_384;

/// How far a walk has come. It meets every session that lives all the while, perhaps more than once; on a
/// Cluster, unless its slot moves to another node under way.
#[derive(Clone)]
pub(super) struct Walk {
    /// All primaries, and where among them it is.
    nodes: Vec<Option<Node>>,
    at: usize,
    cursor: u64,
    /// What its keys look like.
    pattern: String,
}

impl Walk {
    pub(super) async fn new(client: &Client, budget: Budget, pattern: String) -> Result<Self> {
        Ok(Self { nodes: primaries(client, budget).await?, at: 0, cursor: 0, pattern })
    }

    /// A walk that goes on from a cursor of its own; from the start, if the node that it had come to is none any more.
    pub(super) async fn resumed(
        client: &Client,
        budget: Budget,
        pattern: String,
        from: Option<&Cursor>,
    ) -> Result<Self> {
        let walk = Self::new(client, budget, pattern).await?;
        let Some(from) = from else { return Ok(walk) };
        let (cursor, name) = std::str::from_utf8(from.as_bytes())
            .ok()
            .and_then(|text| text.split_once(' '))
            .and_then(|(cursor, name)| Some((cursor.parse().ok()?, name)))
            .ok_or_else(Cursor::foreign)?;
        let at = walk.nodes.iter().position(|node| name_of(node.as_ref()) == name);
        Ok(at.map_or(walk.clone(), |at| Self { at, cursor, ..walk }))
    }

    /// Where it is; nowhere behind the last.
    pub(super) fn cursor(&self) -> Option<Cursor> {
        let node = self.nodes.get(self.at)?;
        Some(Cursor::new(format!("{} {}", self.cursor, name_of(node.as_ref()))))
    }

    /// Whether both would meet the same nodes.
    pub(super) fn is_among(&self, other: &Self) -> bool {
        self.nodes == other.nodes
    }

    /// The next few keys, and the walk behind them. None behind the last.
    pub(super) async fn next(&self, client: &Client, budget: Budget) -> Result<Option<(Vec<Vec<u8>>, Self)>> {
        let Some(node) = self.nodes.get(self.at) else { return Ok(None) };
        let mut scan = redis::cmd("SCAN");
        scan.arg(self.cursor).arg("MATCH").arg(&self.pattern).arg("COUNT").arg(STRIDE);
        let answer = client.read(budget, node.as_ref().map_or(Target::Anybody, Target::Node), scan).await?;
        let (cursor, keys) = read_scan(answer)?;
        let at = self.at + usize::from(cursor == 0);
        Ok(Some((keys, Self { at, cursor, ..self.clone() })))
    }
}

#[async_trait]
impl SessionWalk for Backend {
    async fn page(&self, from: Option<&Cursor>, _: u32) -> Result<Page> {
        let (client, budget) = (&self.client, self.client.budget());
        let walk = Walk::resumed(client, budget, client.keys.pattern(), from).await?;
        let Some((keys, behind)) = walk.next(client, budget).await? else {
            return Ok(Page::new(vec![], None));
        };
        let ids = keys.iter().filter_map(|key| client.keys.id(key)).collect();
        let mut found = Vec::new();
        self.collect(budget, ids, usize::MAX, |_| true, &mut found).await?;
        Ok(Page::new(found, behind.cursor()))
    }
}

/// A node, in a cursor.
fn name_of(node: Option<&Node>) -> String {
    node.map(|node| format!("{}:{}", node.host, node.port)).unwrap_or_default()
}

/// Every primary of a Cluster; nobody in particular where there is one server.
///
/// # Errors
///
/// `Unavailable` while some slots are nobody's: their sessions would be missed.
async fn primaries(client: &Client, budget: Budget) -> Result<Vec<Option<Node>>> {
    if !client.is_cluster {
        return Ok(vec![None]);
    }
    let mut ask = redis::cmd("CLUSTER");
    ask.arg("SLOTS");
    let Value::Array(ranges) = client.read(budget, Target::Anybody, ask).await? else {
        return Err(foreign());
    };
    let (mut nodes, mut served) = (Vec::new(), 0);
    for (node, slots) in ranges.into_iter().filter_map(read_range) {
        nodes.push(Some(node));
        served += slots;
    }
    if served != SLOTS {
        let message = "the session cache is a Cluster some of whose slots nobody serves";
        return Err(Error::new(ErrorKind::Unavailable, message));
    }
    nodes.sort_unstable();
    nodes.dedup();
    Ok(nodes)
}

/// The primary of a range of slots, and how many they are: `[first, last, [host, port, …], …]`.
fn read_range(range: Value) -> Option<(Node, i64)> {
    let Value::Array(parts) = range else { return None };
    let [Value::Int(first), Value::Int(last), Value::Array(primary), ..] = parts.as_slice() else {
        return None;
    };
    let [Value::BulkString(host), Value::Int(port), ..] = primary.as_slice() else { return None };
    let host = std::str::from_utf8(host).ok().filter(|host| !host.is_empty())?.to_owned();
    Some((Node { host, port: u16::try_from(*port).ok()? }, last - first + 1))
}

/// Where to go on, zero for nowhere, and what was found.
pub(super) fn read_scan(answer: Value) -> Result<(u64, Vec<Vec<u8>>)> {
    redis::from_redis_value(answer).map_err(|_| foreign())
}
