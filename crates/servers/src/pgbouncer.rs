//! PgBouncer in transaction mode, in front of a PostgreSQL server.

use std::{
    io::{Read, Write},
    os::unix::net::UnixStream,
    path::Path,
    time::Duration,
};

use crate::{
    Result,
    folder::Folder,
    port,
    postgres::Postgres,
    process::{Ending, Process},
    programs,
};

/// Refuses to run as root, so root runs it as this user.
const USER: &str = "postgres";

/// A PgBouncer of one's own: each transaction gets any of a few connections. Dropping it ends it.
#[derive(Debug)]
pub struct PgBouncer {
    port: u16,
    process: Process,
    // After the process: it waits for what is left in it.
    _folder: Folder,
}

impl PgBouncer {
    /// What it needs to start.
    pub const PROGRAMS: &[&'static str] = &["pgbouncer"];

    /// Starts it in front of a server and waits until it takes connections.
    ///
    /// # Errors
    ///
    /// `Missing` without its program, `Server` with its log if it does not start.
    pub fn start(postgres: &Postgres) -> Result<Self> {
        port::retrying(|| Self::attempt(postgres))
    }

    fn attempt(postgres: &Postgres) -> Result<Self> {
        let folder = Folder::of(USER)?;
        let port = port::free()?;
        let (name, password) = Postgres::login();
        folder.write("users", &format!("\"{name}\" \"{password}\"\n"))?;
        let settings = format!(
            "[databases]
* = host=127.0.0.1 port={}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir = {}
auth_type = scram-sha-256
auth_file = users
admin_users = {name}
pool_mode = transaction
default_pool_size = 20
max_client_conn = 300
ignore_startup_parameters = extra_float_digits
",
            postgres.port(),
            folder.path().display()
        );
        folder.write("pgbouncer.ini", &settings)?;
        let program = programs::find("pgbouncer")?;
        let mut process =
            Process::start(&folder, "pgbouncer.log", &program, &["pgbouncer.ini"], Ending::Kill)?;
        let socket = folder.join(&format!(".s.PGSQL.{port}"));
        process.ready("pgbouncer", |_| answers(&socket))?;
        Ok(Self { port, process, _folder: folder })
    }

    /// `postgres://USER:PASSWORD@127.0.0.1:PORT/DATABASE`, for a user who may do everything, also in PgBouncer's
    /// own database `pgbouncer`.
    pub fn url(&self) -> String {
        let (name, password) = Postgres::login();
        format!("postgres://{name}:{password}@127.0.0.1:{}/postgres", self.port)
    }

    /// The number of the process.
    pub fn id(&self) -> u32 {
        self.process.id()
    }
}

/// Asked for encryption, it answers with a letter. It has its port before it makes its socket.
fn answers(socket: &Path) -> bool {
    let Ok(mut stream) = UnixStream::connect(socket) else { return false };
    let asked = [0, 0, 0, 8, 4, 210, 22, 47];
    stream.set_read_timeout(Some(Duration::from_secs(2))).is_ok()
        && stream.write_all(&asked).is_ok()
        && stream.read_exact(&mut [0]).is_ok()
}
