//! `cargo xtask servers`: private servers for as long as the command runs.

use std::{
    any::Any,
    io::{self, Write},
    panic::resume_unwind,
    path::Path,
    process::ExitCode,
    thread::{self, JoinHandle},
};

use cloakroom_servers::{
    self as servers, Cluster, MariaDb, Postgres, Redis, RedisConfig, Sentinel, install, venv,
};
use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM},
    iterator::Signals,
};

use crate::{
    cargo::Cargo,
    error::{Error, Result},
    harness::COMMON,
};

/// What may be started, by name.
struct Server {
    name: &'static str,
    programs: &'static [&'static str],
    start: fn() -> servers::Result<Started>,
}

/// A server and what its users have to know.
struct Started {
    variables: Vec<(&'static str, String)>,
    _server: Box<dyn Any + Send>,
}

/// Servers that run. Dropping it ends them; so does the end of this process, whatever ends it.
pub(crate) struct Servers(Vec<Started>);

const SERVERS: [Server; 7] = [
    Server { name: "postgres", programs: Postgres::PROGRAMS, start: postgres },
    Server { name: "mariadb", programs: MariaDb::PROGRAMS, start: mariadb },
    Server { name: "redis", programs: Redis::PROGRAMS, start: redis },
    Server { name: "redis-tls", programs: Redis::TLS_PROGRAMS, start: redis_tls },
    Server { name: "cluster", programs: Cluster::PROGRAMS, start: cluster },
    Server { name: "sentinel", programs: Sentinel::PROGRAMS, start: sentinel },
    Server { name: "django", programs: &["python3"], start: django },
];

/// By which names tests find a Django's Python and its own tests, and what it is to have; Django comes first.
const DJANGOS: [(&str, &str, &str); 2] = [
    ("DJANGO_42_PYTHON", "DJANGO_42_TESTS", include_str!("../../crates/beside-django/python/django-4.2.txt")),
    ("DJANGO_52_PYTHON", "DJANGO_52_TESTS", include_str!("../../crates/beside-django/python/django-5.2.txt")),
];

/// Starts the named servers, or all, prints their variables, and ends them when it is told to end itself.
///
/// # Errors
///
/// `Usage` for a name that no server has, `Servers` if one does not start.
pub(crate) fn run(arguments: &[String]) -> Result<ExitCode> {
    let names: Vec<_> = arguments.iter().map(String::as_str).collect();
    if let Some(unknown) = names.iter().find(|name| SERVERS.iter().all(|server| server.name != **name)) {
        let known = SERVERS.map(|server| server.name).join(", ");
        return Err(Error::Usage(format!("there is no server `{unknown}` among {known}")));
    }
    let servers = Servers::start(&names)?;
    // Until here a signal ends us on the spot, and with us what was started. From here on all is gone when we are.
    let signals = Signals::new([SIGHUP, SIGINT, SIGTERM]);
    let mut signals =
        signals.map_err(|source| Error::Io("signals cannot be waited for".to_owned(), source))?;
    servers.print().map_err(|source| Error::Io("standard output is closed".to_owned(), source))?;
    signals.forever().next();
    Ok(ExitCode::SUCCESS)
}

impl Servers {
    /// Starts those that are named, or all if none is, side by side. What is missing for that is installed.
    ///
    /// # Errors
    ///
    /// `Servers` if one does not start; the others are ended then.
    pub(crate) fn start(names: &[&str]) -> Result<Self> {
        let wanted: Vec<_> =
            SERVERS.iter().filter(|server| names.is_empty() || names.contains(&server.name)).collect();
        install::install(&wanted.iter().flat_map(|server| server.programs).copied().collect::<Vec<_>>())?;
        let threads: Vec<_> = wanted.iter().map(|server| thread::spawn(server.start)).collect();
        // All are waited for: one that is still starting when another has failed is ended, too.
        let started: Vec<_> = threads.into_iter().map(joined).collect();
        Ok(Self(started.into_iter().collect::<servers::Result<_>>()?))
    }

    /// Starts all while cargo builds the tests of some targets, or all tests.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start).
    pub(crate) fn beside_the_build(targets: &[&str]) -> Result<Self> {
        let servers = thread::spawn(|| Self::start(&[]));
        // What does not build is counted when it is to be run.
        let _ = Cargo::new(&[&COMMON[..], targets, &["--no-run"]].concat()).run();
        joined(servers)
    }

    /// By which names tests find them in the environment.
    pub(crate) fn variables(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.0.iter().flat_map(|started| &started.variables).map(|(name, value)| (*name, value.as_str()))
    }

    fn print(&self) -> io::Result<()> {
        let mut out = io::stdout().lock();
        for (name, value) in self.variables() {
            writeln!(out, "{name}={value}")?;
        }
        out.flush()
    }
}

fn joined<T>(thread: JoinHandle<T>) -> T {
    thread.join().unwrap_or_else(|panic| resume_unwind(panic))
}

fn started(variable: &'static str, url: String, server: impl Any + Send) -> Started {
    Started { variables: vec![(variable, url)], _server: Box::new(server) }
}

fn postgres() -> servers::Result<Started> {
    Postgres::start().map(|server| started("POSTGRES_URL", server.url(), server))
}

fn mariadb() -> servers::Result<Started> {
    MariaDb::start().map(|server| started("MARIADB_URL", server.url(), server))
}

fn redis() -> servers::Result<Started> {
    Redis::start().map(|server| started("REDIS_URL", server.url().to_owned(), server))
}

fn redis_tls() -> servers::Result<Started> {
    let server = RedisConfig::new().tls().start()?;
    let ca = server.ca().map(|path| ("REDIS_TLS_CA", path.display().to_string()));
    let mut started = started("REDIS_TLS_URL", server.url().to_owned(), server);
    started.variables.extend(ca);
    Ok(started)
}

fn cluster() -> servers::Result<Started> {
    Cluster::start().map(|server| started("REDIS_CLUSTER_URL", server.url(), server))
}

fn sentinel() -> servers::Result<Started> {
    Sentinel::start().map(|server| started("REDIS_SENTINEL_URL", server.url(), server))
}

/// No server: what tests ask runs by the Python that has it.
fn django() -> servers::Result<Started> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/django");
    let mut variables = Vec::new();
    for (python_name, tests_name, requirements) in DJANGOS {
        let package = requirements.lines().next().unwrap_or_default();
        let python = venv::python(&folder.join(package.replace("==", "-with-")), requirements)?;
        let source = venv::source(&python, &folder, package)?;
        variables.push((python_name, python.display().to_string()));
        variables.push((tests_name, source.join("tests").display().to_string()));
    }
    Ok(Started { variables, _server: Box::new(()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_server_is_wrong_usage_and_the_known_ones_are_named() {
        let refused = run(&["mongodb".to_owned()]);
        assert!(
            matches!(&refused, Err(Error::Usage(message)) if message.contains("`mongodb`") && message.contains("redis-tls"))
        );
    }
}
