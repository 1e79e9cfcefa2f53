//! Where the sessions are, and how they are kept there.

use std::fmt;
use std::sync::Arc;

use cloakroom_core::{Clock, Durability, Error, ErrorKind, Result, SessionFormat, SystemClock};

use crate::Backend;
use crate::dialect::Dialect;
use crate::driver::Driver;
use crate::layout::Layout;
use crate::statements::Statements;

/// How to open a database of sessions.
///
/// ```
/// let config = cloakroom_db::Config::new("sqlite:sessions.sqlite3").power_safe(true);
/// ```
#[must_use = "it opens nothing until it is told to"]
#[derive(Clone)]
pub struct Config {
    pub(crate) url: String,
    table: Option<String>,
    pub(crate) connections: u32,
    pub(crate) power_safe: bool,
    pub(crate) pooler: bool,
    pub(crate) layout: Layout,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Config {
    /// The database at `url`:
    ///
    /// - `sqlite:` and a path. The file is created if it is missing, its folder is not.
    /// - `postgres://user:password@host:5432/database`, also as `postgresql://`
    /// - `mysql://user:password@host:3306/database`, also as `mariadb://`
    ///
    /// What may stand behind a `?` is sqlx's: `sslmode` and `sslrootcert` for PostgreSQL, `ssl-mode` and
    /// `ssl-ca` for MySQL, `mode` for SQLite.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            table: None,
            connections: 8,
            power_safe: false,
            pooler: false,
            layout: Layout::Native,
            clock: Arc::new(SystemClock),
        }
    }

    /// The table's name. `cloakroom_sessions`; of a Django site's `django_session`
    pub fn table(mut self, table: impl Into<String>) -> Self {
        self.table = Some(table.into());
        self
    }

    /// How many connections there may be: to a server in all, of each process; to SQLite for reading, next
    /// to the one that writes. They are made when they are needed. 8
    pub fn connections(mut self, connections: u32) -> Self {
        self.connections = connections.max(1);
        self
    }

    /// Whether a write is acknowledged only when it would survive a power cut, at the price of a wait
    /// for the disk. Off
    ///
    /// - SQLite: `synchronous=FULL`. Off: a write survives the death of the process.
    /// - A server decides for itself, and by its defaults waits for the disk: on, one whose settings say
    ///   otherwise is refused. What it does is in the backend's
    ///   [`durable_when`](cloakroom_core::Capabilities::durable_when) either way.
    pub fn power_safe(mut self, power_safe: bool) -> Self {
        self.power_safe = power_safe;
        self
    }

    /// Whether PostgreSQL is behind a pooler that gives each transaction another connection, as PgBouncer
    /// does with `pool_mode=transaction`. Nothing is prepared then: each statement carries its values in
    /// its text, which costs the server a little time, and still takes one flight; where the server logs
    /// statements, its log shows them. Without this, such a pooler would run statements that somebody else
    /// has prepared. Other databases need nothing. Off
    pub fn pooler(mut self, pooler: bool) -> Self {
        self.pooler = pooler;
        self
    }

    /// Keeps a Django site's sessions, in its table and as it writes them: `format` is `cloakroom_django::Signed`. Django may write at
    /// the same time: a save that meets a change of Django's finds it, and never goes over it. Ids are keys there, nobody's sessions
    /// are listed, and a write whose answer was lost is not recognised.
    pub fn django(mut self, format: Arc<dyn SessionFormat>) -> Self {
        self.layout = Layout::Django(format);
        self
    }

    /// What tells the time that deadlines are compared with: the same as its sessions' does
    /// ([`SessionOptions::clock`](cloakroom_core::SessionOptions::clock)).
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Connects. The table is made by [`Backend::migrate`].
    ///
    /// # Errors
    ///
    /// `Misconfigured` for a URL that names no known database or one that this build lacks, a user, a
    /// password or a database that the server refuses, a file that can't be opened or is no database, a
    /// server that is not as [`power_safe`](Config::power_safe) as was asked for, and a table name that is
    /// no identifier; `Unavailable` if the database can't be reached or does not answer within 3 seconds.
    /// The text names the URL without its password.
    pub async fn open(self) -> Result<Backend> {
        let identifier = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        let table = self.table_name();
        let starts_well = table.bytes().next().is_some_and(|byte| !byte.is_ascii_digit());
        if table.len() > 48 || !starts_well || !table.bytes().all(identifier) {
            let message = format!("the table name {table:?} is not 1 to 48 letters, digits or _");
            return Err(Error::new(ErrorKind::Misconfigured, message));
        }
        let (driver, dialect) = self.connect().await?;
        if self.power_safe && driver.durability() != Durability::PowerCut {
            let shown = redacted(&self.url);
            let message = format!(
                "the session database {shown:?} may lose acknowledged writes in a power cut: see its server's \
                 fsync and synchronous_commit (PostgreSQL), innodb_flush_log_at_trx_commit (MySQL, MariaDB)"
            );
            return Err(Error::new(ErrorKind::Misconfigured, message));
        }
        let statements = Statements::new(dialect, &self.layout, table);
        Ok(Backend::new(driver.into(), dialect, statements, self))
    }

    pub(crate) fn table_name(&self) -> &str {
        self.table.as_deref().unwrap_or(self.layout.table())
    }

    async fn connect(&self) -> Result<(Box<dyn Driver>, &'static Dialect)> {
        match self.url.split_once(':').map_or("", |(scheme, _)| scheme) {
            #[cfg(feature = "sqlite")]
            "sqlite" => crate::sqlite::connect(self).await,
            #[cfg(feature = "postgres")]
            "postgres" | "postgresql" => crate::postgres::connect(self).await,
            #[cfg(feature = "mysql")]
            "mysql" | "mariadb" => crate::mysql::connect(self).await,
            scheme => Err(no_such_database(scheme, &self.url)),
        }
    }
}

fn no_such_database(scheme: &str, url: &str) -> Error {
    let feature = match scheme {
        "sqlite" => "sqlite",
        "postgres" | "postgresql" => "postgres",
        "mysql" | "mariadb" => "mysql",
        _ => {
            let message = format!(
                "the database URL {:?} begins with none of sqlite:, postgres:, postgresql:, mysql: and mariadb:",
                redacted(url)
            );
            return Error::new(ErrorKind::Misconfigured, message);
        }
    };
    let message = format!("{scheme}: URLs need the feature `{feature}`");
    Error::new(ErrorKind::Misconfigured, message)
}

/// Sees that a URL's options are ones that the driver knows: it passes over others, and one that was to ask
/// for encryption would be missed by nobody.
///
/// # Errors
///
/// `Misconfigured` for an unknown one, by its name.
#[cfg(any(feature = "postgres", feature = "mysql"))]
pub(crate) fn only_known_options(url: &str, known: &[&str]) -> Result<()> {
    let query = url.split_once('?').map_or("", |(_, query)| query).split('#').next().unwrap_or_default();
    let names =
        query.split('&').filter_map(|option| option.split('=').next()).filter(|name| !name.is_empty());
    match names.into_iter().find(|name| !known.contains(name) && !name.starts_with("options[")) {
        None => Ok(()),
        // What is behind a password with a question mark is not shown.
        Some(name)
            if name.bytes().all(|byte| byte.is_ascii_lowercase() || b"-_".contains(&byte))
                && name.len() < 32 =>
        {
            let message = format!("the database URL's option {name:?} is none of {}", known.join(", "));
            Err(Error::new(ErrorKind::Misconfigured, message))
        }
        Some(_) => {
            let message = format!("the database URL {:?} has an option that is none", redacted(url));
            Err(Error::new(ErrorKind::Misconfigured, message))
        }
    }
}

/// The driver can't read it.
pub(crate) fn not_a_url(url: &str, source: sqlx::Error) -> Error {
    let message = format!("the database URL {:?} can't be read", redacted(url));
    Error::caused(ErrorKind::Misconfigured, message, source)
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("url", &redacted(&self.url))
            .field("table", &self.table_name())
            .field("connections", &self.connections)
            .field("power_safe", &self.power_safe)
            .field("pooler", &self.pooler)
            .finish_non_exhaustive()
    }
}

/// A URL as it may be shown: of one that may hold a password, the scheme and the host.
pub(crate) fn redacted(url: &str) -> String {
    let (scheme, rest) = url.split_once(':').unwrap_or(("", url));
    if scheme == "sqlite" {
        return url.to_owned();
    }
    let authority = rest.strip_prefix("//").and_then(|rest| rest.split(['/', '?', '#']).next());
    // A password with a slash, say, ends what looks like the authority before the host begins.
    let whole = |authority: &&str| authority.contains('@') || !rest.contains('@');
    let host = authority.filter(whole).map_or("…", |authority| authority.rsplit('@').next().unwrap_or("…"));
    // Where a host was forgotten, what looks like its port is a password.
    let port = host.rsplit_once(':').filter(|_| !host.ends_with(']')).map(|(_, port)| port);
    let host = if port.is_none_or(|port| port.parse::<u16>().is_ok()) { host } else { "…" };
    format!("{scheme}://{host}/…")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        assert_eq!(redacted("postgres://me:s@cret@host:1/db?password=pw"), "postgres://host:1/…");
        assert_eq!(redacted("postgres:me:pw@host"), "postgres://…/…");
        assert_eq!(redacted("postgres://me:long/secret@host/db"), "postgres://…/…");
        assert_eq!(redacted("postgres://me:hunter2"), "postgres://…/…");
        assert_eq!(redacted("postgres://me@[::1]:5/db"), "postgres://[::1]:5/…");
        assert_eq!(redacted("postgres://host:1/db"), "postgres://host:1/…");
        assert_eq!(redacted("sqlite:/tmp/a@b"), "sqlite:/tmp/a@b");
        assert!(!format!("{:?}", Config::new("postgres://me:secret@host/db")).contains("secret"));
    }

    #[cfg(any(feature = "postgres", feature = "mysql"))]
    #[test]
    fn a_misspelt_option_is_named_and_not_passed_over() {
        let known = ["sslmode", "ssl-mode"];
        assert!(only_known_options("postgres://host/db?sslmode=verify-full&ssl-mode=x", &known).is_ok());
        assert!(only_known_options("postgres://host/db", &known).is_ok());
        let error = only_known_options("postgres://host/db?ssl_mode=verify-full", &known).unwrap_err();
        assert!(error.to_string().contains("\"ssl_mode\" is none of sslmode, ssl-mode"), "{error}");
        let error = only_known_options("postgres://me:pass?Word1@host/db", &known).unwrap_err();
        assert!(!error.to_string().contains("Word"), "{error}");
    }

    #[tokio::test]
    async fn a_table_name_that_is_no_identifier_is_refused() {
        for table in ["", "a b", "a;drop table a", "1a", "a\"b"] {
            let error = Config::new("sqlite:never.sqlite3").table(table).open().await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Misconfigured, "{table}");
        }
    }

    #[tokio::test]
    async fn a_url_of_an_unknown_database_is_refused_by_name() {
        let error = Config::new("oracle://host/db").open().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Misconfigured);
        assert!(error.to_string().contains("oracle://host/"), "{error}");
    }

    #[test]
    fn a_database_that_the_build_lacks_is_refused_with_the_feature_that_it_needs() {
        for (scheme, feature) in [("sqlite", "sqlite"), ("postgresql", "postgres"), ("mariadb", "mysql")] {
            let error = no_such_database(scheme, "…");
            assert_eq!(error.kind(), ErrorKind::Misconfigured);
            assert!(error.to_string().contains(&format!("feature `{feature}`")), "{error}");
        }
    }
}
