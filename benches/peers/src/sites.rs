//! What every site answers, whatever its library.
//!
//! | route | what its handler does |
//! |---|---|
//! | `POST /login` | logs alice in, as the library's documentation says |
//! | `POST /logout` | ends the session |
//! | `PUT /set/NAME` | sets that name |
//! | `POST /count` | adds one to `count`, as one does with that library |
//! | `GET /all` | all names and values as JSON, with who is logged in as `user` |
//! | `GET /gate/N` | answers when N handlers wait, with 408 if they do not come |
//! | `POST /gate` | lets them go on |
//!
//! The handlers that write ask first who is logged in, as nearly every handler of an application does. With `?wait`
//! they wait at the gate between that and what they write.

pub(crate) mod actix;
pub(crate) mod cloakroom;
pub(crate) mod django;
pub(crate) mod tower;

use std::fmt;

use axum::{
    Router,
    extract::{Path, State},
    http::StatusCode,
    routing::{get, post},
};
use tokio::{net::TcpListener, process::Child};

use crate::{Result, gate::Gate, races, versions};

/// Who logs in.
pub(crate) const USER: &str = "alice";

/// A library on an engine.
pub(crate) struct Site {
    pub(crate) library: &'static str,
    pub(crate) engine: &'static str,
    /// Or why it can't be on this machine.
    pub(crate) served: std::result::Result<Served, &'static str>,
}

/// A site that is being served until this process ends.
pub(crate) struct Served {
    pub(crate) version: String,
    pub(crate) url: String,
    /// What serves it, if that is another process.
    _process: Option<Child>,
}

impl Site {
    /// One that this process serves at `url`, with the version of the library that was built.
    fn here(library: &'static str, engine: &'static str, url: String) -> Result<Self> {
        let version = versions::of(library)?;
        Ok(Self { library, engine, served: Ok(Served { version, url, _process: None }) })
    }
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.served {
            Ok(served) => write!(f, "{} {} on {}", self.library, served.version, self.engine),
            Err(_) => write!(f, "{} on {}", self.library, self.engine),
        }
    }
}

/// Every name that a session may hold, for libraries that can't list them.
fn names() -> impl Iterator<Item = String> {
    ["user", races::COUNT, races::LATE].map(str::to_owned).into_iter().chain(races::different_names())
}

/// Serves an axum application, and the gate beside it; answers with its address.
async fn serve(site: Router, gate: Gate) -> Result<String> {
    let gate =
        Router::new().route("/gate", post(open)).route("/gate/{number}", get(reached)).with_state(gate);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    tokio::spawn(async move { axum::serve(listener, site.merge(gate)).await });
    Ok(url)
}

async fn reached(State(gate): State<Gate>, Path(number): Path<usize>) -> StatusCode {
    if gate.is_reached_by(number).await { StatusCode::OK } else { StatusCode::REQUEST_TIMEOUT }
}

async fn open(State(gate): State<Gate>) {
    gate.open();
}
