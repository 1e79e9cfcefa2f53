//! Ports that are free, as far as one can know.

use std::net::{Ipv4Addr, TcpListener};

use crate::{Error, Result, error::during};

/// Where Redis Cluster's nodes talk to each other, as seen from where they talk to clients.
const BUS: u16 = 10_000;
/// Somebody else may take a port between our asking and the server's binding it.
const ATTEMPTS: usize = 5;

/// A port that nobody listens on.
pub(crate) fn free() -> Result<u16> {
    Ok(bind(0)?.1)
}

/// A port that nobody listens on, with the port of the cluster's bus free as well.
pub(crate) fn free_with_bus() -> Result<u16> {
    // Ports that are held are not given twice, so each attempt gets another one.
    let mut held = Vec::new();
    for _ in 0..1_000 {
        let (listener, port) = bind(0)?;
        if port.checked_add(BUS).is_some_and(|bus| bind(bus).is_ok()) {
            return Ok(port);
        }
        held.push(listener);
    }
    Err(Error::Server("no pair of ports for a cluster's node is free: close some connections".to_owned()))
}

/// Starts a server anew on other ports while the ones it was given turn out to be taken.
pub(crate) fn retrying<T>(start: impl Fn() -> Result<T>) -> Result<T> {
    for _ in 1..ATTEMPTS {
        match start() {
            Err(Error::Server(what)) if taken(&what) => {}
            done => return done,
        }
    }
    start()
}

/// Redis, MariaDB and PostgreSQL all quote the operating system.
fn taken(what: &str) -> bool {
    what.contains("Address already in use")
}

fn bind(port: u16) -> Result<(TcpListener, u16)> {
    let bound = TcpListener::bind((Ipv4Addr::LOCALHOST, port));
    let listener = bound.map_err(during("no port is free on 127.0.0.1"))?;
    let port = listener.local_addr().map_err(during("a port has no number"))?.port();
    Ok((listener, port))
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn server_whose_port_was_taken_is_started_anew() {
        let starts = Cell::new(0);
        let started = retrying(|| {
            starts.set(starts.get() + 1);
            if starts.get() == 3 {
                Ok(())
            } else {
                Err(Error::Server("bind: Address already in use".to_owned()))
            }
        });
        assert!(started.is_ok());
    }

    #[test]
    fn server_that_fails_otherwise_is_not_started_anew() {
        let starts = Cell::new(0);
        let _ = retrying(|| {
            starts.set(starts.get() + 1);
            Err::<(), _>(Error::Server("no such option".to_owned()))
        });
        assert_eq!(starts.get(), 1);
    }
}
