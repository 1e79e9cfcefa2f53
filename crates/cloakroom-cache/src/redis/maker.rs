//! Makes connections, of whichever kind, for a pool to hand out.

use std::time::Duration;

use cloakroom_core::Result;
use deadpool::managed::{Manager, Metrics, PoolError, RecycleError, RecycleResult};
use redis::cluster::{ClusterClient, ClusterClientBuilder};
use redis::io::tcp::{TcpSettings, socket2::TcpKeepalive};
use redis::sentinel::{SentinelClient, SentinelClientBuilder, SentinelServerType};
use redis::{
    AsyncConnectionConfig, Client, ConnectionInfo, RedisConnectionInfo, RedisError, RedisResult,
    TlsCertificates, TlsMode,
};
use tokio::sync::Mutex;

use super::address::Address;
use super::connection::Connection;
use super::failure;

/// How long one server may take to accept a connection.
const CONNECT_LIMIT: Duration = Duration::from_secs(1);
/// How long a connection that nobody has used is taken to be alive.
const YOUNG: Duration = Duration::from_secs(10);
/// How many commands may wait to be put on the wire.
const QUEUE: usize = 1_024;

pub(super) enum Maker {
    Server(deadpool_redis::Manager),
    /// A manager of its own: deadpool-redis's leaves the driver to send again what a broken connection may
    /// have done already, and to wait for ever for an answer.
    Cluster(Box<ClusterClient>),
    /// A manager of its own: deadpool-redis's sets neither certificates nor the connection's options.
    Sentinel(Mutex<SentinelClient>),
}

impl Maker {
    /// Connections to `address`, which trust servers whose certificates these roots, instead of the system's,
    /// have signed. A Cluster's driver waits for its own questions' answers as long as `answer_limit`.
    pub(super) fn new(
        address: &Address,
        roots: Option<&[u8]>,
        answer_limit: Duration,
        shown: &str,
    ) -> Result<Self> {
        let certificates = roots.filter(|_| address.is_encrypted());
        let certificates =
            certificates.map(|roots| TlsCertificates { client_tls: None, root_cert: Some(roots.to_vec()) });
        let made = match address {
            Address::Server(server) => one_server(server, certificates),
            Address::Cluster(nodes) => cluster(nodes, certificates, answer_limit),
            Address::Sentinel { sentinels, service, login, tls } => {
                sentinel(sentinels, service, login, certificates, *tls)
            }
        };
        made.map_err(|source| failure::while_configuring(shown, source))
    }
}

fn one_server(server: &ConnectionInfo, certificates: Option<TlsCertificates>) -> RedisResult<Maker> {
    let mut server = server.clone().set_tcp_settings(tcp());
    if let Some(certificates) = certificates {
        server = Client::build_with_tls(server, certificates)?.get_connection_info().clone();
    }
    Ok(Maker::Server(deadpool_redis::Manager::new_with_config(server, options())?))
}

fn cluster(
    nodes: &[ConnectionInfo],
    certificates: Option<TlsCertificates>,
    answer_limit: Duration,
) -> RedisResult<Maker> {
    let mut builder = ClusterClientBuilder::new(nodes.iter().cloned())
        // What was sent once is not sent again: the first may have been done. Redirects are followed by
        // `Connection`.
        .retries(0)
        .connection_timeout(CONNECT_LIMIT)
        .response_timeout(answer_limit)
        .tcp_settings(tcp());
    if let Some(certificates) = certificates {
        builder = builder.certs(certificates);
    }
    Ok(Maker::Cluster(Box::new(builder.build()?)))
}

fn sentinel(
    sentinels: &[ConnectionInfo],
    service: &str,
    login: &RedisConnectionInfo,
    certificates: Option<TlsCertificates>,
    tls: bool,
) -> RedisResult<Maker> {
    let hosts = sentinels.iter().map(|sentinel| sentinel.addr().clone());
    let mut builder = SentinelClientBuilder::new(hosts, service, SentinelServerType::Master)?
        .set_client_to_redis_db(login.db())
        .set_client_to_redis_tcp_settings(tcp())
        .set_client_to_sentinel_tcp_settings(tcp());
    if let Some(user) = login.username() {
        builder = builder.set_client_to_redis_username(user);
    }
    if let Some(password) = login.password() {
        builder = builder.set_client_to_redis_password(password);
    }
    // All have the one that the URL has.
    let own_login = sentinels.first().map(ConnectionInfo::redis_settings);
    if let Some(user) = own_login.and_then(RedisConnectionInfo::username) {
        builder = builder.set_client_to_sentinel_username(user);
    }
    if let Some(password) = own_login.and_then(RedisConnectionInfo::password) {
        builder = builder.set_client_to_sentinel_password(password);
    }
    if tls {
        builder = builder.set_client_to_redis_tls_mode(TlsMode::Secure);
    }
    if let Some(certificates) = certificates {
        builder = builder
            .set_client_to_redis_certificates(certificates.clone())
            .set_client_to_sentinel_certificates(certificates);
    }
    Ok(Maker::Sentinel(Mutex::new(builder.build()?)))
}

/// Every command goes out at once, and a connection that nobody uses is kept open through the routers on
/// its way.
fn tcp() -> TcpSettings {
    let keepalive =
        TcpKeepalive::new().with_time(Duration::from_secs(30)).with_interval(Duration::from_secs(5));
    TcpSettings::default().set_nodelay(true).set_keepalive(keepalive)
}

/// Answers are waited for as long as the caller says.
fn options() -> AsyncConnectionConfig {
    AsyncConnectionConfig::new()
        .set_connection_timeout(Some(CONNECT_LIMIT))
        .set_response_timeout(None)
        .set_pipeline_buffer_size(QUEUE)
}

impl Manager for Maker {
    type Type = Connection;
    type Error = RedisError;

    async fn create(&self) -> Result<Connection, RedisError> {
        Ok(match self {
            Self::Server(manager) => Connection::Server(manager.create().await?),
            Self::Cluster(client) => Connection::Cluster(client.get_async_connection().await?),
            Self::Sentinel(client) => {
                let mut client = client.lock().await;
                Connection::Server(client.get_async_connection_with_config(&options()).await?)
            }
        })
    }

    /// What comes back was never used, since its caller had left when it was made: the next one has it, while it
    /// is young. See [`Lanes`](super::lanes::Lanes).
    async fn recycle(&self, _: &mut Connection, metrics: &Metrics) -> RecycleResult<RedisError> {
        if metrics.age() < YOUNG {
            Ok(())
        } else {
            Err(RecycleError::message("it has been idle for too long"))
        }
    }
}

/// Redis speaks TLS through rustls, which wants to be told who does the arithmetic, and panics if nobody
/// has told it. Whoever has, has decided.
pub(super) fn provide_cryptography() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Somebody else may have been faster; then there is one all the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
}

/// A pool's own errors as the driver's.
pub(super) fn of_pool(error: PoolError<RedisError>) -> RedisError {
    match error {
        PoolError::Backend(source) => source,
        PoolError::Closed => RedisError::from((redis::ErrorKind::Client, "it was closed")),
        other => RedisError::from((redis::ErrorKind::Client, "no connection", other.to_string())),
    }
}
