//! Serves one site in this process, until its standard input ends: what `cloakroom-benches` measures beside its own.
//!
//! The routes are those of `benches/src/site.rs`, and so is what their handlers answer.

mod actix;
mod tower;

use std::{env, io, net::SocketAddr, process, thread};

use serde_json::{Map, Value, json};
use tokio::net::TcpListener;

use crate::{Result, versions};

/// What a new session holds.
const SESSION: &str = include_str!("../../session.json");

/// The name that is read and changed.
const COUNT: &str = "count";

/// What the handlers answer that do nothing.
const DONE: &str = "done";

/// As many threads for either framework.
const WORKERS: usize = 2;

/// Serves the framework's library on an engine; what that keeps in files it keeps in the current folder.
///
/// # Errors
///
/// If the engine can't be opened, or no port is free.
pub(crate) fn serve(framework: &str, engine: &str) -> Result<()> {
    thread::spawn(|| {
        // Whoever has started this has ended, or wants no more of it.
        let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
        process::exit(0);
    });
    match framework {
        "axum" => {
            let mut runtime = tokio::runtime::Builder::new_multi_thread();
            runtime.worker_threads(WORKERS).enable_all().build()?.block_on(on_axum(engine))
        }
        "actix" => actix_web::rt::System::new().block_on(actix::serve(engine)),
        _ => Err(format!("{framework:?} is no framework").into()),
    }
}

async fn on_axum(engine: &str) -> Result<()> {
    let site = tower::site(engine).await?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    say("tower-sessions", listener.local_addr()?)?;
    Ok(axum::serve(listener, site).await?)
}

/// Tells where it can be asked.
fn say(library: &str, address: SocketAddr) -> Result<()> {
    println!("{}", json!({ "address": address, "version": versions::of(library)? }));
    Ok(())
}

/// A new session's names and values.
fn entries() -> Map<String, Value> {
    serde_json::from_str(SESSION).unwrap_or_default()
}

fn server(variable: &str) -> Result<String> {
    env::var(variable).map_err(|_| format!("{variable} names no server").into())
}
