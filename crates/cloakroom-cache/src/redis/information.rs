//! What a server says of itself when it is first connected to.

use std::time::Duration;

use cloakroom_core::{Error, ErrorKind, Result};
use deadpool::managed::Manager;
use redis::{RedisResult, Value};
use tokio::time::timeout;

use super::address::Address;
use super::connection::{Request, Target};
use super::failure;
use super::maker::Maker;

/// How long one server may take to say it.
const LIMIT: Duration = Duration::from_millis(2_500);

#[expect(clippy::struct_excessive_bools, reason = "independent answers")]
pub(super) struct Information {
    /// It drops keys when its memory is full, or does not say.
    pub(super) may_evict: bool,
    is_clustered: bool,
    is_replica: bool,
    is_sentinel: bool,
}

impl Information {
    /// Of the server, or of the first node of a Cluster that answers: a Cluster's driver keeps to itself why
    /// a node refuses.
    ///
    /// # Errors
    ///
    /// As [`Config::open`](super::Config::open).
    pub(super) async fn ask(address: &Address, roots: Option<&[u8]>, shown: &str) -> Result<Self> {
        let Address::Cluster(nodes) = address else { return Self::of(address, roots, shown).await };
        let mut answer = Err(Error::new(ErrorKind::Misconfigured, "a Cluster without nodes"));
        for node in nodes {
            answer = Self::of(&Address::Server(node.clone()), roots, shown).await;
            if answer.is_ok() {
                break;
            }
        }
        answer
    }

    async fn of(address: &Address, roots: Option<&[u8]>, shown: &str) -> Result<Self> {
        let maker = Maker::new(address, roots, LIMIT, shown)?;
        let asked = async {
            let mut connection = maker.create().await?;
            let request = Request { command: &redis::cmd("INFO"), then: None };
            connection.send(Target::Anybody, request).await?.answer.extract_error()
        };
        let late = |_| Err(std::io::Error::from(std::io::ErrorKind::TimedOut).into());
        let asked: RedisResult<Value> = timeout(LIMIT, asked).await.unwrap_or_else(late);
        match asked {
            // Not every user may ask.
            Err(refusal) if refusal.code() == Some("NOPERM") => Ok(Self::read(Value::Nil)),
            asked => asked.map(Self::read).map_err(|source| failure::while_connecting(shown, source)),
        }
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
            is_sentinel: value("redis_mode") == Some("sentinel"),
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
            Address::Server(_) if self.is_sentinel => {
                "is a Sentinel: its URL begins with redis+sentinel:// and ends with the service"
            }
            Address::Server(_) if self.is_replica => "is a replica, which keeps nothing itself",
            _ => return Ok(()),
        };
        Err(Error::new(ErrorKind::Misconfigured, format!("the session cache {shown:?} {wrong}")))
    }
}
