//! What happens before anything is served, and how it fails: one line, and an exit code.

use std::env;
use std::error::Error;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::process::ExitCode;

use cloakroom::{ErrorKind, Settings};

use crate::failure::one_line;

/// Where to listen.
const BIND: &str = "BIND";

/// Wrong usage or settings.
const MISCONFIGURED: u8 = 2;
/// Anything else.
const FAILED: u8 = 1;

/// Why the playground stopped, or never started.
#[derive(Debug)]
pub struct Trouble {
    code: u8,
    line: String,
}

impl Trouble {
    /// `BIND` is not to be had.
    pub fn listening(bind: &str, error: &io::Error) -> Self {
        // Somebody else's program may go away; an address that is none of this machine's stays wrong.
        let code = if error.kind() == io::ErrorKind::AddrInUse { FAILED } else { MISCONFIGURED };
        Self { code, line: format!("{BIND}: can't listen on {bind:?}: {}", one_line(error)) }
    }

    /// The operating system has refused something.
    pub fn running(error: &dyn Error) -> Self {
        Self { code: FAILED, line: one_line(error) }
    }

    /// Says it on standard error, and what to exit with.
    pub fn report(&self) -> ExitCode {
        writeln!(io::stderr(), "playground: {}", self.line).ok();
        ExitCode::from(self.code)
    }
}

impl From<cloakroom::core::Error> for Trouble {
    fn from(error: cloakroom::core::Error) -> Self {
        let code = if error.kind() == ErrorKind::Misconfigured { MISCONFIGURED } else { FAILED };
        Self { code, line: one_line(&error) }
    }
}

/// The library's settings, from a file and from the environment.
///
/// # Errors
///
/// The library's, which names the setting.
pub fn settings() -> Result<Settings, Trouble> {
    let mut settings = Settings::default();
    // On one's own machine it is plain http, where browsers keep no Secure cookie.
    settings.cookie.secure = false;
    settings.read_env()?;
    Ok(settings)
}

/// Where to listen: `BIND`, else 127.0.0.1:8000.
///
/// # Errors
///
/// What is no host and port.
pub fn bind() -> Result<String, Trouble> {
    let bind = env::var_os(BIND).filter(|bind| !bind.is_empty());
    let bind = bind.map_or_else(|| "127.0.0.1:8000".into(), |bind| bind.to_string_lossy().into_owned());
    let port =
        bind.rsplit_once(':').filter(|(host, _)| !host.is_empty()).map(|(_, port)| port.parse::<u16>());
    match port {
        Some(Ok(_)) => Ok(bind),
        _ => Err(Trouble {
            code: MISCONFIGURED,
            line: format!("{BIND}: {bind:?} is not a host and a port, as in 127.0.0.1:8000"),
        }),
    }
}

/// Says where, for people and for whoever asked for a free port.
pub fn announce(address: SocketAddr) {
    let mut out = io::stdout();
    // Nobody may be listening to that: the site is served all the same.
    writeln!(out, "playground: http://{address}").and_then(|()| out.flush()).ok();
}
