//! Who is compared: a library on an engine, and which routes.

use std::{env, fmt};

/// A site to be served and asked.
#[derive(Debug)]
pub(crate) struct Contender {
    pub(crate) library: &'static str,
    pub(crate) framework: &'static str,
    pub(crate) engine: &'static str,
    pub(crate) routes: &'static [Route],
}

/// What a request asks for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Route {
    Bare,
    Untouched,
    Read,
    Change,
}

/// Which program serves it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Program {
    /// This one.
    Here,
    /// That of `benches/peers`.
    Peers,
}

/// What a session nobody touches costs does not depend on the engine, unless the library says so: two are enough.
const ALL: &[Route] = &[Route::Bare, Route::Untouched, Route::Read, Route::Change];
const WITH_UNTOUCHED: &[Route] = &[Route::Untouched, Route::Read, Route::Change];
const TOUCHED: &[Route] = &[Route::Read, Route::Change];

/// Everybody. A newcomer joins with a line.
#[rustfmt::skip] // a table
pub(crate) const CONTENDERS: [Contender; 17] = [
    Contender { library: "cloakroom", framework: "axum", engine: "memory", routes: ALL },
    Contender { library: "tower-sessions", framework: "axum", engine: "memory", routes: WITH_UNTOUCHED },
    Contender { library: "cloakroom", framework: "axum", engine: "moka", routes: TOUCHED },
    Contender { library: "tower-sessions", framework: "axum", engine: "moka", routes: TOUCHED },
    Contender { library: "cloakroom", framework: "axum", engine: "sqlite", routes: TOUCHED },
    Contender { library: "tower-sessions", framework: "axum", engine: "sqlite", routes: TOUCHED },
    Contender { library: "cloakroom", framework: "axum", engine: "postgres", routes: TOUCHED },
    Contender { library: "tower-sessions", framework: "axum", engine: "postgres", routes: TOUCHED },
    Contender { library: "cloakroom", framework: "axum", engine: "redis", routes: ALL },
    Contender { library: "tower-sessions", framework: "axum", engine: "redis", routes: WITH_UNTOUCHED },
    Contender { library: "cloakroom", framework: "axum", engine: "file", routes: TOUCHED },
    Contender { library: "cloakroom", framework: "axum", engine: "signed_cookies", routes: TOUCHED },
    Contender { library: "cloakroom", framework: "axum", engine: "cached_db", routes: TOUCHED },
    Contender { library: "cloakroom", framework: "actix", engine: "redis", routes: ALL },
    Contender { library: "actix-session", framework: "actix", engine: "redis", routes: WITH_UNTOUCHED },
    Contender { library: "cloakroom", framework: "actix", engine: "signed_cookies", routes: ALL },
    Contender { library: "actix-session", framework: "actix", engine: "signed_cookies", routes: WITH_UNTOUCHED },
];

impl Contender {
    pub(crate) fn framework_version(&self) -> &'static str {
        let package = if self.framework == "actix" { "actix-web" } else { self.framework };
        cloakroom_benches::built(package).unwrap_or_default()
    }

    pub(crate) fn program(&self) -> Program {
        if self.library == "cloakroom" { Program::Here } else { Program::Peers }
    }

    /// The environment's variable that it can't be served without, and that is missing.
    pub(crate) fn lacks(&self) -> Option<&'static str> {
        let server = match self.engine {
            "redis" => Some("REDIS_URL"),
            "postgres" => Some("POSTGRES_URL"),
            _ => None,
        };
        let program = (self.program() == Program::Peers).then_some("PEERS");
        server.into_iter().chain(program).find(|variable| env::var_os(variable).is_none())
    }

    /// What is still there after a crash, of what has been answered.
    pub(crate) fn durable(&self) -> &'static str {
        match self.engine {
            "memory" | "moka" => "nothing",
            "sqlite" | "file" | "cached_db" => "a crash of the process",
            "postgres" | "redis" => "what the server is set to survive",
            _ => "the browser has it",
        }
    }

    /// Whether its visitors bear their sessions: a cookie that is sent again is the session as it was.
    pub(crate) fn is_borne(&self) -> bool {
        self.engine == "signed_cookies"
    }

    /// The row that it is in.
    pub(crate) fn row(&self) -> String {
        format!("{}, {}", self.engine, self.framework)
    }
}

impl fmt::Display for Contender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}, {}", self.library, self.framework, self.engine)
    }
}

impl Route {
    pub(crate) fn method(self) -> &'static str {
        if self == Self::Change { "POST" } else { "GET" }
    }

    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::Bare => "/bare",
            Self::Untouched => "/untouched",
            Self::Read => "/read",
            Self::Change => "/change",
        }
    }

    /// A bare site is what an untouched session is held against: they share a table.
    pub(crate) fn table(self) -> &'static str {
        match self {
            Self::Bare | Self::Untouched => "http untouched",
            Self::Read => "http read",
            Self::Change => "http change",
        }
    }
}
