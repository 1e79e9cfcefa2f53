//! Where the sessions are, and how they are kept there.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use cloakroom_core::{
    Capabilities, Clock, Durability, Error, ErrorKind, Result, SessionBackend, SessionFormat, SystemClock,
};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tokio::time::{Instant, timeout_at};

use super::address::{Address, redacted};
use super::client::Client;
use super::information::Information;
use super::keys::Keys;
use super::lanes::{Kind, Lanes};
use super::maker::{Maker, provide_cryptography};
use super::{Backend, Cache, django};

/// What keys begin with, unless it is set.
const NATIVE: &str = "cloakroom:";
const DJANGO_CACHE: &str = ":1:django.contrib.sessions.cache";
const DJANGO_CACHED_DB: &str = ":1:django.contrib.sessions.cached_db";
const MOST_LANES: usize = 4;
/// How many writes may wait for replicas at a time.
const DURABLE_LANES: usize = 8;
/// A whole operation stays below core's own limit.
const OPERATION_LIMIT: Duration = Duration::from_secs(4);
/// A cache that takes longer is of no use to its request. Less than core waits for one: it is here that
/// answers which do not come are counted.
const COPY_LIMIT: Duration = Duration::from_millis(400);

/// How to reach Redis.
///
/// ```
/// use cloakroom_cache::redis::Config;
///
/// let config = Config::new("redis+sentinel://:secret@host:26379,host:26380/main").prefix("shop:");
/// assert!(!format!("{config:?}").contains("secret"));
/// ```
#[must_use = "it opens nothing until it is told to"]
#[derive(Clone)]
pub struct Config {
    url: String,
    prefix: Option<String>,
    lanes: usize,
    answer_limit: Duration,
    replicas: u32,
    roots: Option<Vec<u8>>,
    clock: Arc<dyn Clock>,
}

impl Config {
    /// The server, Cluster or Sentinels at `url`:
    ///
    /// - `redis://user:password@host:port/DB`
    /// - `redis+cluster://user:password@host:port,host:port`, some of the nodes
    /// - `redis+sentinel://user:password@host:port,host:port/SERVICE/DB`, the login for the servers; the
    ///   sentinels' own behind it, `?sentinel_user=…&sentinel_password=…`
    ///
    /// `rediss`, `rediss+cluster` and `rediss+sentinel` are the same over TLS. A sign in a name or a password
    /// that means something in a URL is written in percent: `%40` for `@`.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            prefix: None,
            lanes: 1,
            answer_limit: Duration::from_secs(2),
            replicas: 0,
            roots: None,
            clock: Arc::new(SystemClock),
        }
    }

    /// What every key begins with; applications with different ones share a server and do not meet.
    /// `cloakroom:`
    ///
    /// In a Django site's cache it is the site's `KEY_PREFIX:VERSION:`, and `django.contrib.sessions.cache` or
    /// `django.contrib.sessions.cached_db` behind that. With `:1:`, unless it is set
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = Some(prefix.into());
        self
    }

    /// How many connections there are, 1 to 4. All requests share them; one carries more than a server can
    /// do, but behind a large session on it small ones wait. 1
    pub fn lanes(mut self, lanes: usize) -> Self {
        self.lanes = lanes;
        self
    }

    /// How long an answer is waited for, up to 4 s. What was read then failed; of what was written nobody
    /// knows. 2 s
    pub fn response_time_out(mut self, limit: Duration) -> Self {
        self.answer_limit = limit;
        self
    }

    /// How many replicas must have a write before it is acknowledged: one that fewer have in half the time
    /// that an answer is waited for is `Unknown`. None need to: a server that dies takes what its replicas do
    /// not have yet along.
    pub fn durable(mut self, replicas: u32) -> Self {
        self.replicas = replicas;
        self
    }

    /// The certificates, in PEM, that must have signed the server's, instead of the system's. Only for TLS.
    pub fn root_certificates(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.roots = Some(pem.into());
        self
    }

    /// What tells the time that deadlines are compared with: the same as its sessions' does
    /// ([`SessionOptions::clock`](cloakroom_core::SessionOptions::clock)).
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Connects. Within a runtime of tokio, which the connections live as long as; if it ends, they are made
    /// anew on their users'.
    ///
    /// # Errors
    ///
    /// `Misconfigured` for a URL of another form, a login or a certificate that is refused, and a server that
    /// is not of the kind that the URL names; `Unavailable` if it does not answer within 4 seconds. The text
    /// names the URL without its password.
    pub async fn open(self) -> Result<Backend> {
        let (shown, address) = self.checked()?;
        let client = self.client(&address, &shown, OPERATION_LIMIT, NATIVE)?;
        let capabilities = self.connected(&client, &address, &shown).await?;
        Ok(Backend::new(client, self.clock, capabilities))
    }

    /// Connects to the cache of a Django site, for the sessions that it keeps there (`django.contrib.sessions.backends.cache`) and
    /// writes like this: `format` is `cloakroom_django::Pickled`.
    ///
    /// # Errors
    ///
    /// As [`open`](Config::open); `Misconfigured` for a Cluster.
    pub async fn open_django(self, format: Arc<dyn SessionFormat>) -> Result<django::Backend> {
        let (shown, address) = self.checked()?;
        refuse_cluster(&address, &shown)?;
        let client = self.client(&address, &shown, OPERATION_LIMIT, DJANGO_CACHE)?;
        let capabilities = self.connected(&client, &address, &shown).await?;
        Ok(django::Backend::new(client, self.clock, capabilities, format))
    }

    /// Connects to the cache that a Django site keeps in front of its database (`django.contrib.sessions.backends.cached_db`), for the
    /// sessions that `backend` keeps there.
    ///
    /// # Errors
    ///
    /// As [`open_django`](Config::open_django).
    pub async fn open_django_cached<B: SessionBackend>(self, backend: B) -> Result<django::Cached<B>> {
        let (shown, address) = self.checked()?;
        refuse_cluster(&address, &shown)?;
        let client = self.client(&address, &shown, COPY_LIMIT, DJANGO_CACHED_DB)?;
        self.connected(&client, &address, &shown).await?;
        Ok(django::Cached::new(backend, client))
    }

    /// What a server can promise, once there is a connection to it.
    async fn connected(&self, client: &Client, address: &Address, shown: &str) -> Result<Capabilities> {
        let until = Instant::now() + OPERATION_LIMIT;
        let opened = async {
            let about = Information::ask(address, self.roots.as_deref(), shown).await?;
            about.check(address, shown)?;
            client.lanes.connected(Kind::Shared, 0, until).await?;
            let mut capabilities = Capabilities::new(Durability::Crash);
            capabilities.may_evict = about.may_evict;
            Ok(capabilities)
        };
        timeout_at(until, opened).await.unwrap_or_else(|_| {
            let message = format!("the session cache {shown:?} does not answer in time");
            Err(Error::new(ErrorKind::Unavailable, message))
        })
    }

    /// A cache that all processes share, for copies of sessions that another engine keeps
    /// ([`Cached`](cloakroom_core::Cached)). A server that does not answer is no error: such a cache is asked
    /// again later, and is only slow.
    ///
    /// # Errors
    ///
    /// `Misconfigured`, as [`open`](Config::open), as far as that can be told by now.
    pub async fn open_cache(self) -> Result<Cache> {
        let (shown, address) = self.checked()?;
        let client = self.client(&address, &shown, COPY_LIMIT, NATIVE)?;
        let asked = async {
            Information::ask(&address, self.roots.as_deref(), &shown).await?.check(&address, &shown)
        };
        match timeout_at(Instant::now() + OPERATION_LIMIT, asked).await {
            Ok(Err(error)) if error.kind() == ErrorKind::Misconfigured => Err(error),
            _ => Ok(Cache::new(client, self.clock)),
        }
    }

    /// The URL as it may be shown, and what it names, if all settings make sense.
    fn checked(&self) -> Result<(String, Address)> {
        let wrong = |message: String| Err(Error::new(ErrorKind::Misconfigured, message));
        if !(1..=MOST_LANES).contains(&self.lanes) {
            return wrong(format!(
                "{} connections to the session cache are not 1 to {MOST_LANES}",
                self.lanes
            ));
        }
        if self.answer_limit.is_zero() || self.answer_limit > OPERATION_LIMIT {
            return wrong(format!(
                "the session cache's time limit {:?} is not above zero and up to {OPERATION_LIMIT:?}",
                self.answer_limit
            ));
        }
        let is_certificate =
            |pem: &Vec<u8>| CertificateDer::pem_slice_iter(pem).next().is_some_and(|next| next.is_ok());
        if !self.roots.as_ref().is_none_or(is_certificate) {
            return wrong("the session cache's root certificates are none in PEM".to_owned());
        }
        let address = Address::parse(&self.url)?;
        if address.is_encrypted() {
            provide_cryptography();
        }
        Ok((redacted(&self.url), address))
    }

    fn client(
        &self,
        address: &Address,
        shown: &str,
        operation_limit: Duration,
        prefix: &str,
    ) -> Result<Client> {
        let answer_limit = self.answer_limit.min(operation_limit);
        let maker = Maker::new(address, self.roots.as_deref(), answer_limit, shown)?;
        let durable = if self.replicas == 0 { 0 } else { DURABLE_LANES };
        Ok(Client {
            lanes: Lanes::new(maker, self.lanes, durable, shown)?,
            replicas: self.replicas,
            keys: Keys::new(self.prefix.clone().unwrap_or_else(|| prefix.to_owned()))?,
            is_cluster: matches!(address, Address::Cluster(_)),
            answer_limit,
            operation_limit,
        })
    }
}

/// One script has to reach both keys of a rotation, and Django puts no braces around what they share.
fn refuse_cluster(address: &Address, shown: &str) -> Result<()> {
    if !matches!(address, Address::Cluster(_)) {
        return Ok(());
    }
    let message = format!(
        "Django's sessions can't be shared in a Cluster, as {shown:?} is: it has no step for two keys"
    );
    Err(Error::new(ErrorKind::Misconfigured, message))
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("url", &redacted(&self.url))
            .field("prefix", &self.prefix)
            .field("lanes", &self.lanes)
            .field("response_time_out", &self.answer_limit)
            .field("durable", &self.replicas)
            .field("root_certificates", &self.roots.is_some())
            .finish_non_exhaustive()
    }
}
