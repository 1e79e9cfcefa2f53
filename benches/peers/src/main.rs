//! Three races between requests of one visitor, on sites that differ in their session library alone.
//!
//! ```text
//! cloakroom-peers                           races
//! cloakroom-peers serve FRAMEWORK ENGINE    serves one site for `benches/src/bin/sites`
//! ```
//!
//! Each site is served over HTTP on a port of 127.0.0.1, by the framework that its library is made for, and one client
//! runs the same races on all of them. The table goes to standard output, what else there is to say to standard error.
//! `REDIS_URL` names a Redis server; SQLite files are in a temporary folder.

mod gate;
mod races;
mod serve;
mod sites;
mod table;
mod versions;
mod visitor;

use std::{env, error::Error, process::ExitCode};

use crate::sites::{actix, cloakroom, django, tower};

/// Nobody acts on the kind of what goes wrong here: it is printed, and there is no table.
type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> Result<ExitCode> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    match &arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => tokio::runtime::Runtime::new()?.block_on(race()),
        ["serve", framework, engine] => serve::serve(framework, engine).map(|()| ExitCode::SUCCESS),
        unknown => Err(format!("{unknown:?} is nothing that this program does").into()),
    }
}

async fn race() -> Result<ExitCode> {
    let folder = tempfile::tempdir()?;
    let redis = env::var("REDIS_URL").map_err(|_| "REDIS_URL names no server: run `cargo xtask races`")?;
    let [django_on_sqlite, django_on_redis] = django::on_both(folder.path(), &redis).await?;
    let sites = [
        cloakroom::on_sqlite(folder.path()).await?,
        cloakroom::on_redis(&redis).await?,
        tower::on_sqlite(folder.path()).await?,
        tower::on_redis(&redis).await?,
        actix::on_redis(&redis).await?,
        django_on_sqlite,
        django_on_redis,
    ];
    let mut rows = Vec::new();
    let mut kept_promises = true;
    for site in &sites {
        match &site.served {
            Ok(served) => {
                let outcome = races::run(&served.url).await.map_err(|error| format!("{site}: {error}"))?;
                eprintln!("{site}: {outcome}");
                kept_promises &= site.library != cloakroom::NAME || outcome.is_perfect();
                rows.push(table::row(site, &served.version, &outcome));
            }
            Err(why) => {
                eprintln!("{site}: not run: {why}");
                rows.push(table::absent(site, why));
            }
        }
    }
    print!("{}", table::markdown(&rows));
    if kept_promises {
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!(
        "cloakroom has lost an update, refused one or undone a logout: that is a bug, and no table to keep"
    );
    Ok(ExitCode::FAILURE)
}
