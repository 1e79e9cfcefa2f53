//! The playground on actix-web: the same settings, tables and line, and the same end.

use std::net::TcpListener;
use std::process::ExitCode;

use actix_web::HttpServer;
use playground::actix::site;
use playground::start::{self, Trouble};
use playground::stop::Stop;

/// How many seconds a stop waits for requests that are under way: a little longer than a session may take.
const PATIENCE: u64 = 6;

#[actix_web::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(trouble) => trouble.report(),
    }
}

async fn run() -> Result<(), Trouble> {
    let settings = start::settings()?;
    let bind = start::bind()?;
    // Before any table is made for a site that will not be served.
    settings.cookie_policy()?;
    settings.migrate().await?;
    let middleware = settings.middleware().await?;
    let sessions = middleware.sessions().clone();
    let listener = TcpListener::bind(&bind).map_err(|error| Trouble::listening(&bind, &error))?;
    let mut stop = Stop::listen().map_err(|error| Trouble::running(&error))?;
    let address = listener.local_addr().map_err(|error| Trouble::running(&error))?;
    let server = HttpServer::new(move || site(settings.engine, middleware.clone()))
        .disable_signals()
        .shutdown_timeout(PATIENCE)
        .listen(listener)
        .map_err(|error| Trouble::running(&error))?
        .run();
    start::announce(address);
    let handle = server.handle();
    actix_web::rt::spawn(async move {
        stop.asked().await;
        handle.stop(true).await;
    });
    let outcome = server.await;
    sessions.backend().close().await?;
    outcome.map_err(|error| Trouble::running(&error))
}
