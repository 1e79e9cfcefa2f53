//! Serves one site in this process, until its standard input ends.

use std::{env, io, net::SocketAddr, process, thread};

use actix_web::{App, HttpServer};
use cloakroom::{actix::SessionMiddleware, axum::SessionLayer};
use cloakroom_benches::site::{actix, engine, tower};
use serde_json::json;
use tokio::net::TcpListener;

use crate::Outcome;

/// As many threads for either framework.
const WORKERS: usize = 2;

/// Serves the site on a framework and an engine; what that keeps in files it keeps in the current folder.
///
/// # Errors
///
/// If the engine can't be opened, or no port is free.
pub(crate) fn serve(framework: &str, engine: &str) -> Outcome {
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
        "actix" => actix_web::rt::System::new().block_on(on_actix(engine)),
        _ => Err(format!("{framework:?} is no framework").into()),
    }
}

async fn on_axum(engine: &str) -> Outcome {
    let (sessions, cookie) = engine::open(engine, &env::current_dir()?).await?;
    let site = tower::site(SessionLayer::with(sessions, cookie));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    say(listener.local_addr()?);
    Ok(axum::serve(listener, site).await?)
}

async fn on_actix(engine: &str) -> Outcome {
    let (sessions, cookie) = engine::open(engine, &env::current_dir()?).await?;
    let middleware = SessionMiddleware::with(sessions, cookie);
    let site = move || App::new().configure(actix::site(middleware.clone()));
    let server = HttpServer::new(site).workers(WORKERS).disable_signals().bind("127.0.0.1:0")?;
    say(*server.addrs().first().ok_or("actix-web listens nowhere")?);
    Ok(server.run().await?)
}

/// Tells where it can be asked.
fn say(address: SocketAddr) {
    println!("{}", json!({ "address": address, "version": env!("CARGO_PKG_VERSION") }));
}
