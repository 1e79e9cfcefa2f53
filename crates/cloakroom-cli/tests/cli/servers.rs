//! Places on servers: a database that nobody else has, a Redis of the test's own.

use cloakroom::core::{Addressing, SessionKey};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _};

use crate::Store;

impl Store {
    /// A new database on the server that the environment names.
    pub(crate) async fn database(server: &str, settings: &[(&str, &str)]) -> Self {
        let url = new_database(&server_url(server)).await;
        let mut all = vec![("SESSION_DB_URL", url.as_str())];
        all.extend(settings);
        Self::with(&all)
    }

    /// A server for this store alone.
    pub(crate) fn redis(settings: &[(&str, &str)]) -> Self {
        let server = cloakroom_servers::Redis::start().expect("Redis starts");
        let url = server.url().to_owned();
        let mut all = vec![("SESSION_ENGINE", "cache"), ("SESSION_CACHE_URL", url.as_str())];
        all.extend(settings);
        let mut store = Self::with(&all);
        store.keep(server);
        store
    }
}

fn server_url(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: `cargo xtask servers` prints it"))
}

/// Runs one statement on the server that a test was given.
pub(crate) async fn execute(server: &str, statement: String) {
    let statement = sqlx::raw_sql(AssertSqlSafe(statement));
    if server.starts_with("postgres") {
        let options: sqlx::postgres::PgConnectOptions = server.parse().expect("it is a URL");
        let mut connection = options.connect().await.expect("the server answers");
        connection.execute(statement).await.expect("it is done");
        connection.close().await.expect("it is closed");
    } else {
        let options: sqlx::mysql::MySqlConnectOptions = server.parse().expect("it is a URL");
        let mut connection = options.connect().await.expect("the server answers");
        connection.execute(statement).await.expect("it is done");
        connection.close().await.expect("it is closed");
    }
}

async fn new_database(server: &str) -> String {
    let key = SessionKey::generate(Addressing::Hashed).expect("there is chance");
    let name = format!("cli_{}", key.expose());
    execute(server, format!("CREATE DATABASE {name}")).await;
    let (place, options) = server.split_once('?').map_or((server, ""), |(place, options)| (place, options));
    let (host, _) = place.rsplit_once('/').expect("a URL has a path");
    if options.is_empty() { format!("{host}/{name}") } else { format!("{host}/{name}?{options}") }
}
