//! The way to a server, and what a server is none for.

use super::Weakness;
use crate::{Engine, Settings};

pub(super) fn weaknesses(settings: &Settings) -> Vec<Weakness> {
    let Settings { engine, db_url, cache_url, .. } = settings;
    let mut found = Vec::new();
    if matches!(engine, Engine::Db | Engine::CachedDb) {
        found.extend(database(db_url));
    }
    if matches!(engine, Engine::Cache | Engine::CachedDb) && cache_url.starts_with("redis") {
        let scheme = cache_url.split(['+', ':']).next();
        if scheme == Some("redis") && leaves_the_host(cache_url) {
            found.push(Weakness::weak(
                "SESSION_CACHE_URL",
                "sessions and the password cross the network unencrypted",
                "begin it with rediss, and have the server speak TLS",
            ));
        }
    }
    if *engine == Engine::Cache && cache_url.starts_with("memory:") {
        found.push(Weakness::weak(
            "SESSION_CACHE_URL",
            "memory: is this process's own: another process knows none of its sessions and ends none, and \
             when it is full it drops living ones",
            "name a Redis server, or use SESSION_ENGINE=db",
        ));
    }
    found
}

fn database(url: &str) -> Option<Weakness> {
    let postgres = url.starts_with("postgres");
    if url.starts_with("sqlite") || !leaves_the_host(url) {
        return None;
    }
    let (option, best) = if postgres { ("sslmode", "verify-full") } else { ("ssl-mode", "VERIFY_IDENTITY") };
    match mode(url).to_ascii_lowercase().replace('_', "-").as_str() {
        "verify-full" | "verify-identity" => None,
        "require" | "required" | "verify-ca" => Some(Weakness::hint(
            "SESSION_DB_URL",
            "the way to the database is encrypted, but it is not seen whether that is the server it should be",
            format!("put {option}={best} into it"),
        )),
        // What is only preferred is given up when somebody on the way asks for it.
        _ => Some(Weakness::weak(
            "SESSION_DB_URL",
            "sessions and the password may cross the network unencrypted",
            format!("put {option}={best} into it"),
        )),
    }
}

/// What the URL says of encryption, the last time that it does.
fn mode(url: &str) -> &str {
    let (_, options) = url.split_once('?').unwrap_or_default();
    let mut said = options.rsplit('&').filter_map(|option| option.split_once('='));
    said.find(|(name, _)| matches!(*name, "sslmode" | "ssl-mode")).map_or("", |(_, mode)| mode)
}

/// Whether any server that it names is on another host.
fn leaves_the_host(url: &str) -> bool {
    let (_, rest) = url.split_once("://").unwrap_or_default();
    let (place, options) = rest.split_once('?').unwrap_or((rest, ""));
    let authority = place.split('/').next().unwrap_or_default();
    let (_, hosts) = authority.rsplit_once('@').unwrap_or(("", authority));
    let named = options.split('&').filter_map(|option| option.split_once('='));
    let named =
        named.filter(|(name, _)| matches!(*name, "host" | "hostaddr" | "socket")).map(|(_, host)| host);
    hosts.split(',').map(without_port).chain(named).any(|host| !is_here(host))
}

fn without_port(host: &str) -> &str {
    // The colons of an IPv6 address are within brackets.
    match host.strip_prefix('[').and_then(|host| host.split_once(']')) {
        Some((address, _)) => address,
        None => host.split(':').next().unwrap_or_default(),
    }
}

fn is_here(host: &str) -> bool {
    let socket = host.starts_with('/') || host.to_ascii_lowercase().starts_with("%2f");
    let address = || host.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback());
    host.is_empty() || socket || host == "localhost" || host.ends_with(".localhost") || address()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stays_on_this_host_needs_no_encryption() {
        for url in [
            "redis://localhost",
            "redis://:secret@127.0.0.1:6379/1",
            "redis+cluster://127.0.0.1:1,[::1]:2",
            "postgres:///db?host=/run/postgresql",
            "postgres://me@%2Frun%2Fpostgresql/db",
            "mysql://me@localhost/db?socket=/run/mysqld.sock",
        ] {
            assert!(!leaves_the_host(url), "{url}");
        }
        for url in [
            "redis://10.0.0.7",
            "redis://me:p@ss@cache.example.org:6379",
            "redis+cluster://127.0.0.1:1,10.0.0.7:2",
            "postgres://me@localhost/db?host=db.example.org",
            "postgres://[2001:db8::1]/db",
            "redis://localhost.example.org",
        ] {
            assert!(leaves_the_host(url), "{url}");
        }
    }
}
