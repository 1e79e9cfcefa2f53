//! The playground on axum: settings, tables, one line that says where, and then it serves until it is
//! told to stop.

use std::io;
use std::process::ExitCode;
use std::time::Duration;

use axum::Router;
use playground::start::{self, Trouble};
use playground::stop::Stop;
use playground::web::site;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// How long a stop waits for requests that are under way: a little longer than a session may take.
const PATIENCE: Duration = Duration::from_secs(6);

#[tokio::main]
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
    let layer = settings.layer().await?;
    let sessions = layer.sessions().clone();
    let listener = TcpListener::bind(&bind).await.map_err(|error| Trouble::listening(&bind, &error))?;
    let stop = Stop::listen().map_err(|error| Trouble::running(&error))?;
    let address = listener.local_addr().map_err(|error| Trouble::running(&error))?;
    start::announce(address);
    let served = serve(listener, site(settings.engine, layer), stop).await;
    sessions.backend().close().await?;
    served.map_err(|error| Trouble::running(&error))
}

async fn serve(listener: TcpListener, site: Router, mut stop: Stop) -> io::Result<()> {
    let (tell, told) = oneshot::channel();
    let asked = async move {
        stop.asked().await;
        tell.send(()).ok();
    };
    let patience = async move {
        told.await.ok();
        tokio::time::sleep(PATIENCE).await;
    };
    tokio::select! {
        served = axum::serve(listener, site).with_graceful_shutdown(asked).into_future() => served,
        () = patience => Ok(()),
    }
}
