//! What a server says of itself when it is first connected to.

use cloakroom_core::{Error, ErrorKind, Result};
use deadpool::managed::Manager;
use redis::{RedisResult, Value};

use super::address::Address;
use super::client::Client;
use super::connection::{Request, Target};
use super::failure;
use super::maker::Maker;

pub(super) struct Information {
    /// It drops keys when its memory is full, or does not say.
    pub(super) may_evict: bool,
    is_clustered: bool,
    is_replica: bool,
}

impl Information {
    /// Of the first node of a Cluster that answers; nothing where there is no Cluster.
    ///
    /// # Errors
    ///
    /// As [`Config::open`](super::Config::open).
    pub(super) async fn of_nodes(
        address: &Address,
        roots: Option<&[u8]>,
        shown: &str,
    ) -> Result<Option<Self>> {
        let Address::Cluster(nodes) = address else { return Ok(None) };
        let mut trouble = None;
        for node in nodes {
            let asked: RedisResult<Value> = async {
                let mut connection = Maker::to_node(node, roots)?.create().await?;
                let answers = connection.send(Target::Anybody, Request::One(&redis::cmd("INFO"))).await?;
                answers.into_iter().next().unwrap_or(Value::Nil).extract_error()
            }
            .await;
            match asked {
                Ok(text) => return Ok(Some(Self::read(text))),
                Err(source) => trouble = Some(failure::while_connecting(shown, source)),
            }
        }
        Err(trouble.unwrap_or_else(|| Error::new(ErrorKind::Misconfigured, "a Cluster without nodes")))
    }

    /// Of the server that is connected to.
    ///
    /// # Errors
    ///
    /// As [`Config::open`](super::Config::open).
    pub(super) async fn of_server(client: &Client) -> Result<Self> {
        let text = client.read(client.budget(), Target::Anybody, &redis::cmd("INFO")).await?;
        Ok(Self::read(text))
    }

    fn read(text: Value) -> Self {
        let text: String = redis::from_redis_value(text).unwrap_or_default();
        let value = |name: &str| {
            text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
        };
        Self {
            may_evict: value("maxmemory_policy") != Some("noeviction"),
            is_clustered: value("cluster_enabled") == Some("1"),
            is_replica: value("role") == Some("slave"),
        }
    }

    /// # Errors
    ///
    /// `Misconfigured` if the server is not what the URL says.
    pub(super) fn check(&self, address: &Address, shown: &str) -> Result<()> {
        let wrong = match address {
            Address::Cluster(_) if !self.is_clustered => "is no Cluster: its URL begins with redis://",
            Address::Server(_) if self.is_clustered => {
                "is a node of a Cluster: its URL begins with redis+cluster://"
            }
            Address::Server(_) if self.is_replica => "is a replica, which keeps nothing itself",
            _ => return Ok(()),
        };
        Err(Error::new(ErrorKind::Misconfigured, format!("the session cache {shown:?} {wrong}")))
    }
}
