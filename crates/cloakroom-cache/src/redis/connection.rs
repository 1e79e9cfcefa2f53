//! One connection that many callers share, and where in a Cluster a request goes.

use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::cluster_async::ClusterConnection;
use redis::cluster_routing::{Route, RoutingInfo, SingleNodeRoutingInfo, SlotAddr};
use redis::{Cmd, ErrorKind, Pipeline, RedisError, RedisResult, ServerErrorKind, Value};

/// How often a request is sent after a slot that moves. A Cluster says where to in one or two steps, and
/// asks for patience while it elects a primary.
const MOST_REDIRECTS: u32 = 7;
const SHORTEST_PAUSE: Duration = Duration::from_millis(10);

/// A node of a Cluster: host and port.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Node {
    pub(super) host: String,
    pub(super) port: u16,
}

/// Who is to answer. Where there is one server, it is.
#[derive(Clone, Copy)]
pub(super) enum Target<'t> {
    /// The primary that has this key.
    Key(&'t [u8]),
    Node(&'t Node),
    Anybody,
}

/// What is sent at once.
#[derive(Clone, Copy)]
pub(super) enum Request<'r> {
    One(&'r Cmd),
    Several(&'r [Cmd]),
}

/// Clones are one connection: what they send is pipelined, and each gets its own answer. An answer that
/// nobody waits for any more is dropped when it comes.
#[derive(Clone)]
pub(super) enum Connection {
    Server(MultiplexedConnection),
    Cluster(ClusterConnection),
}

impl Connection {
    pub(super) fn is_cluster(&self) -> bool {
        matches!(self, Self::Cluster(_))
    }

    /// An answer to each command; refusals are among them. An error that is none of the server's says nothing
    /// of whether it was done.
    pub(super) async fn send(&mut self, to: Target<'_>, request: Request<'_>) -> RedisResult<Vec<Value>> {
        match self {
            Self::Server(server) => match request {
                Request::One(command) => Ok(vec![server.send_packed_command(command).await?]),
                Request::Several(commands) => {
                    server.send_packed_commands(&pipeline(commands), 0, commands.len()).await
                }
            },
            // Boxed: it is large, and one server needs none of it.
            Self::Cluster(cluster) => Box::pin(follow(cluster, to, request)).await,
        }
    }
}

/// Sends to the primary of a key's slot, wherever that moves to. The driver does not: it would send again
/// after a broken connection as well, when nobody knows whether the first was done. A redirect is a refusal.
async fn follow(
    cluster: &mut ClusterConnection,
    to: Target<'_>,
    request: Request<'_>,
) -> RedisResult<Vec<Value>> {
    use ServerErrorKind::{Ask, Moved, ReadOnly, TryAgain};
    let route = route(to);
    let mut pause = Duration::ZERO;
    for _ in 1..MOST_REDIRECTS {
        let refusal = match sent(cluster, route.clone(), request).await {
            Err(refusal) if matches!(to, Target::Key(_)) => refusal,
            answered => return answered,
        };
        match refusal.kind() {
            // It has told the driver, too, which learns the slots anew before it sends the next.
            ErrorKind::Server(Moved | ReadOnly | TryAgain) => {}
            ErrorKind::Server(Ask) => return sent_to_importer(cluster, &refusal, request).await,
            _ => return Err(refusal),
        }
        if !pause.is_zero() {
            tokio::time::sleep(pause).await;
        }
        pause = (pause * 2).max(SHORTEST_PAUSE);
    }
    sent(cluster, route, request).await
}

fn route(to: Target<'_>) -> SingleNodeRoutingInfo {
    match to {
        Target::Key(key) => SingleNodeRoutingInfo::SpecificNode(Route::with_key(key, SlotAddr::Master)),
        Target::Node(Node { host, port }) => {
            SingleNodeRoutingInfo::ByAddress { host: host.clone(), port: *port }
        }
        Target::Anybody => SingleNodeRoutingInfo::Random,
    }
}

async fn sent(
    cluster: &mut ClusterConnection,
    route: SingleNodeRoutingInfo,
    request: Request<'_>,
) -> RedisResult<Vec<Value>> {
    match request {
        Request::One(command) => {
            Ok(vec![cluster.route_command(command.clone(), RoutingInfo::SingleNode(route)).await?])
        }
        Request::Several(commands) => {
            cluster.route_pipeline(pipeline(commands), 0, commands.len(), route).await
        }
    }
}

/// To the node that takes the slot over. It must be asked to make an exception right before, for each
/// command: in one pipeline nobody else's gets between them.
async fn sent_to_importer(
    cluster: &mut ClusterConnection,
    redirect: &RedisError,
    request: Request<'_>,
) -> RedisResult<Vec<Value>> {
    let commands = match request {
        Request::One(command) => std::slice::from_ref(command),
        Request::Several(commands) => commands,
    };
    let (host, port) = redirect
        .redirect_node()
        .and_then(|(node, _)| node.rsplit_once(':'))
        .and_then(|(host, port)| Some((host.to_owned(), port.parse().ok()?)))
        .ok_or_else(|| redirect.clone())?;
    let mut asking = Pipeline::with_capacity(commands.len() * 2);
    for command in commands {
        asking.cmd("ASKING").add_command(command.clone());
    }
    let to = SingleNodeRoutingInfo::ByAddress { host, port };
    let answers = cluster.route_pipeline(asking, 0, commands.len() * 2, to).await?;
    Ok(answers.into_iter().skip(1).step_by(2).collect())
}

fn pipeline(commands: &[Cmd]) -> Pipeline {
    let mut pipeline = Pipeline::with_capacity(commands.len());
    for command in commands {
        pipeline.add_command(command.clone());
    }
    pipeline
}
