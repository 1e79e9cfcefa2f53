//! A Django site and this service behind one address and one cookie: `/cart` is served here, by cloakroom, everything else by Django, to
//! which it is passed on. Each side shows what the other has done to the session.
//!
//! `cargo run -p beside-django-demo` makes Python's virtual environment, starts Django on a free port and this on `BIND`, which is
//! 127.0.0.1:8000 by itself. The database is in a temporary folder. Ctrl-C ends both.

mod cart;
mod django;
mod failure;
mod page;
mod proxy;
mod settings;
mod users;

use std::env;
use std::error::Error;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;

use axum::extract::Request;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::django::Django;
use crate::proxy::Proxy;
use crate::users::Users;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// The one user of the site.
const USER: &str = "alice";
const PASSWORD: &str = "sesame-and-coat-7";

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Whoever closed it needs no explanation.
            writeln!(io::stderr(), "beside-django-demo: {error}").ok();
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<()> {
    // It waits for pip where it has to. Until signals are listened for, Ctrl-C ends both at once.
    let python = django::python()?;
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    tokio::select! {
        served = serve(&python) => served,
        // What is dropped with the site: Django, and the folder with its database.
        _ = interrupt.recv() => Ok(()),
        _ = terminate.recv() => Ok(()),
    }
}

async fn serve(python: &Path) -> Result<()> {
    let bind = env::var("BIND").unwrap_or_default();
    let bind = if bind.is_empty() { "127.0.0.1:8000" } else { &bind };
    let listener =
        TcpListener::bind(bind).await.map_err(|error| format!("BIND: can't listen on {bind:?}: {error}"))?;
    let folder = tempfile::tempdir()?;
    let database = folder.path().join("site.sqlite3");
    let settings = settings::beside(&database)?;
    let django = Django::start(python, &settings, &database).await?;
    let users = Users::open(&database).await?;
    let site = cart::routes(users).layer(settings.layer().await?);
    let proxy = Proxy::to(django.address());
    // Outside of the layer: what Django answers costs no look at the session here.
    let site = site.merge(page::style()).fallback(async move |request: Request| proxy.pass_on(request).await);
    announce(&listener, &django)?;
    Ok(axum::serve(listener, site).await?)
}

/// Says where, for people and for whoever asked for a free port.
fn announce(listener: &TcpListener, django: &Django) -> io::Result<()> {
    let mut out = io::stdout();
    writeln!(out, "beside-django-demo: http://{}", listener.local_addr()?)?;
    writeln!(out, "Log in as {USER:?} with {PASSWORD:?}. Django alone is at http://{}.", django.address())?;
    out.flush()
}
