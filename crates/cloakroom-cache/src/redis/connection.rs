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

/// A command, and one to be sent right behind it.
#[derive(Clone, Copy)]
pub(super) struct Request<'r> {
    pub(super) command: &'r Cmd,
    pub(super) then: Option<&'r Cmd>,
}

/// The answers to these; refusals are among them.
pub(super) struct Answers {
    pub(super) answer: Value,
    pub(super) then: Option<Value>,
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

    /// What the server answers. An error that is none of the server's says nothing of whether it was done.
    pub(super) async fn send(&mut self, to: Target<'_>, request: Request<'_>) -> RedisResult<Answers> {
        match (self, request.then) {
            (Self::Server(server), None) => {
                let answer = server.send_packed_command(request.command).await?;
                Ok(Answers { answer, then: None })
            }
            (Self::Server(server), Some(_)) => {
                let sent = pipeline(request, false);
                both(server.send_packed_commands(&sent, 0, 2).await?)
            }
            // Boxed: it is large, and one server needs none of it.
            (Self::Cluster(cluster), _) => Box::pin(follow(cluster, to, request)).await,
        }
    }
}

/// Sends to the primary of a key's slot, wherever that moves to. The driver does not: it would send again
/// after a broken connection as well, when nobody knows whether the first was done. A redirect is a refusal.
async fn follow(
    cluster: &mut ClusterConnection,
    to: Target<'_>,
    request: Request<'_>,
) -> RedisResult<Answers> {
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
) -> RedisResult<Answers> {
    match request.then {
        None => {
            let route = RoutingInfo::SingleNode(route);
            let answer = cluster.route_command(request.command.clone(), route).await?;
            Ok(Answers { answer, then: None })
        }
        Some(_) => both(cluster.route_pipeline(pipeline(request, false), 0, 2, route).await?),
    }
}

/// To the node that takes the slot over. It must be asked to make an exception right before, for each
/// command: in one pipeline nobody else's gets between them.
async fn sent_to_importer(
    cluster: &mut ClusterConnection,
    redirect: &RedisError,
    request: Request<'_>,
) -> RedisResult<Answers> {
    let (host, port) = redirect
        .redirect_node()
        .and_then(|(node, _)| node.rsplit_once(':'))
        .and_then(|(host, port)| Some((host.to_owned(), port.parse().ok()?)))
        .ok_or_else(|| redirect.clone())?;
    let to = SingleNodeRoutingInfo::ByAddress { host, port };
    let sent = if request.then.is_some() { 4 } else { 2 };
    let answers = cluster.route_pipeline(pipeline(request, true), 0, sent, to).await?;
    both(answers.into_iter().skip(1).step_by(2).collect())
}

/// A request as one, each of its commands behind an `ASKING` or not.
fn pipeline(request: Request<'_>, asking: bool) -> Pipeline {
    let mut pipeline = Pipeline::with_capacity(4);
    for command in [Some(request.command), request.then].into_iter().flatten() {
        if asking {
            pipeline.cmd("ASKING");
        }
        pipeline.add_command(command.clone());
    }
    pipeline
}

fn both(answers: Vec<Value>) -> RedisResult<Answers> {
    let mut answers = answers.into_iter();
    let answer = answers.next();
    let answer = answer.ok_or_else(|| RedisError::from((ErrorKind::UnexpectedReturnType, "no answer")))?;
    Ok(Answers { answer, then: answers.next() })
}
