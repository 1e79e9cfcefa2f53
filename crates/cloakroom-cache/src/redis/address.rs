//! Which servers a URL names, and how it may be shown.

use cloakroom_core::{Error, ErrorKind, Result};
use redis::{ConnectionInfo, IntoConnectionInfo, RedisConnectionInfo};

const FORMS: &str = "redis://host:port/DB, redis+cluster://host:port,host:port or \
                     redis+sentinel://host:port,host:port/SERVICE/DB, with rediss for TLS";
const SENTINEL_PORT: u16 = 26379;

/// Where a client connects to.
pub(super) enum Address {
    /// One server.
    Server(ConnectionInfo),
    /// Some nodes of a Cluster; they name the others.
    Cluster(Vec<ConnectionInfo>),
    /// Sentinels, who know which server is the primary of a service, and how to log in there.
    Sentinel { sentinels: Vec<ConnectionInfo>, service: String, login: RedisConnectionInfo, tls: bool },
}

impl Address {
    /// The servers that `url` names.
    ///
    /// # Errors
    ///
    /// `Misconfigured`, without the password, for anything but the forms above.
    pub(super) fn parse(url: &str) -> Result<Self> {
        parse(url).ok_or_else(|| {
            let message = format!("the cache URL {:?} is none of {FORMS}", redacted(url));
            Error::new(ErrorKind::Misconfigured, message)
        })
    }

    pub(super) fn is_encrypted(&self) -> bool {
        let encrypted = |info: &ConnectionInfo| matches!(info.addr(), redis::ConnectionAddr::TcpTls { .. });
        match self {
            Self::Server(server) => encrypted(server),
            Self::Cluster(nodes) => nodes.iter().any(encrypted),
            Self::Sentinel { tls, .. } => *tls,
        }
    }
}

fn parse(url: &str) -> Option<Address> {
    let (scheme, rest) = url.split_once("://")?;
    let (plain, kind) = scheme.split_once('+').unwrap_or((scheme, ""));
    if !matches!(plain, "redis" | "rediss") {
        return None;
    }
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let (login, hosts) = authority.rsplit_once('@').unwrap_or(("", authority));
    let one = |login: &str, host: &str, db: &str| {
        let login = if login.is_empty() { String::new() } else { format!("{login}@") };
        // The driver reads hosts, ports and percent signs; what has no host of its own it would make up.
        let sound =
            !host.is_empty() && !host.starts_with(':') && !db.contains(['/', '#']) && !host.contains('#');
        format!("{plain}://{login}{host}/{db}").into_connection_info().ok().filter(|_| sound)
    };
    let all = |login: &str, port: Option<u16>| -> Option<Vec<ConnectionInfo>> {
        hosts.split(',').map(|host| one(login, &with_port(host, port), "")).collect()
    };
    match kind {
        "" if query.is_empty() => one(login, hosts, path).map(Address::Server),
        "cluster" if query.is_empty() && path.is_empty() => all(login, None).map(Address::Cluster),
        "sentinel" => {
            let (service, db) = path.split_once('/').unwrap_or((path, ""));
            let tls = plain == "rediss";
            let login = one(login, "any", db)?.redis_settings().clone();
            let sentinels = all(&sentinel_login(query)?, Some(SENTINEL_PORT))?;
            let service = service.to_owned();
            (!service.is_empty()).then_some(Address::Sentinel { sentinels, service, login, tls })
        }
        _ => None,
    }
}

/// What a sentinel is told, from `sentinel_user=…&sentinel_password=…`.
fn sentinel_login(query: &str) -> Option<String> {
    let (mut user, mut password) = ("", "");
    for part in query.split('&').filter(|part| !part.is_empty()) {
        match part.split_once('=')? {
            ("sentinel_user", value) => user = value,
            ("sentinel_password", value) => password = value,
            _ => return None,
        }
    }
    Some(if query.is_empty() { String::new() } else { format!("{user}:{password}") })
}

fn with_port(host: &str, port: Option<u16>) -> String {
    // The colons of an IPv6 address are within brackets.
    let named = host.rsplit_once(']').map_or(host, |(_, behind)| behind).contains(':');
    match port {
        Some(port) if !named => format!("{host}:{port}"),
        _ => host.to_owned(),
    }
}

/// A URL as it may be shown: the scheme and the hosts.
pub(super) fn redacted(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    // Where the scheme was forgotten, what stands in its place may be a login.
    let is_scheme = scheme.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'+');
    let scheme = if is_scheme { scheme } else { "" };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    // A password with a slash in it goes on behind that: then nothing is shown.
    let hosts = match authority.rsplit_once('@') {
        Some((_, hosts)) => hosts,
        None if rest.contains('@') || scheme.is_empty() => "…",
        None => authority,
    };
    // Where a host was forgotten, what looks like its port is a password.
    let is_port = |host: &str| {
        let port = host.rsplit_once(':').filter(|_| !host.ends_with(']')).map(|(_, port)| port);
        port.is_none_or(|port| port.parse::<u16>().is_ok())
    };
    let hosts = if hosts.split(',').all(is_port) { hosts } else { "…" };
    let scheme = if scheme.is_empty() { "…" } else { scheme };
    format!("{scheme}://{hosts}/…")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(info: &ConnectionInfo) -> String {
        let settings = info.redis_settings();
        format!("{} {:?} {:?} {}", info.addr(), settings.username(), settings.password(), settings.db())
    }

    #[test]
    fn a_server_has_a_host_a_login_and_a_database() {
        let Ok(Address::Server(server)) = Address::parse("redis://me:p%40ss@[::1]:7000/3") else { panic!() };
        assert_eq!(shown(&server), r#"::1:7000 Some("me") Some("p@ss") 3"#);
        let Ok(Address::Server(server)) = Address::parse("rediss://:secret@host") else { panic!() };
        assert_eq!(shown(&server), r#"host:6379 None Some("secret") 0"#);
    }

    #[test]
    fn a_cluster_has_several_nodes_and_one_login() {
        let url = "redis+cluster://me:secret@one:7000,two:7001";
        let Ok(Address::Cluster(nodes)) = Address::parse(url) else { panic!() };
        let shown: Vec<String> = nodes.iter().map(shown).collect();
        assert_eq!(
            shown,
            [r#"one:7000 Some("me") Some("secret") 0"#, r#"two:7001 Some("me") Some("secret") 0"#]
        );
    }

    #[test]
    fn sentinels_have_a_login_of_their_own() {
        let url = "redis+sentinel://me:secret@one,[::1],two:7001/main/2?sentinel_password=other";
        let Ok(Address::Sentinel { sentinels, service, login, tls }) = Address::parse(url) else { panic!() };
        let shown: Vec<String> = sentinels.iter().map(shown).collect();
        assert_eq!(
            shown,
            [
                r#"one:26379 None Some("other") 0"#,
                r#"::1:26379 None Some("other") 0"#,
                r#"two:7001 None Some("other") 0"#
            ]
        );
        assert_eq!((service.as_str(), login.password(), login.db(), tls), ("main", Some("secret"), 2, false));
    }

    #[test]
    fn every_form_can_be_encrypted() {
        for url in ["rediss://a", "rediss+cluster://a,b", "rediss+sentinel://a/main"] {
            assert!(Address::parse(url).unwrap().is_encrypted(), "{url}");
            assert!(!Address::parse(&url.replace("rediss", "redis")).unwrap().is_encrypted(), "{url}");
        }
    }

    #[test]
    fn what_is_no_cache_url_is_refused_and_its_password_not_shown() {
        for url in [
            "secret",
            "http://me:secret@host",
            "redis:secret@host",
            "redis://",
            "redis://me:secret@",
            "redis://me:secret@:6379",
            "redis://me:secret@host:port",
            "redis://me:secret@host/one",
            "redis://me:secret@host/0/1",
            "redis://me:secret@host/#insecure",
            "redis://me:secret@host?protocol=resp3",
            "redis://me:se/cret@host",
            "redis+cluster://me:secret@host/1",
            "redis+cluster://me:secret@one,",
            "redis+sentinel://me:secret@host",
            "redis+sentinel://me:secret@host/main/one",
            "redis+sentinel://me:secret@host/main?password=secret",
            "redis+proxy://me:secret@host",
            "redis+unix:///secret",
            "me:secret@host://",
            "redis:me:secret@host/0?next=http://",
        ] {
            let Err(error) = Address::parse(url) else { panic!("{url}") };
            assert_eq!(error.kind(), ErrorKind::Misconfigured, "{url}");
            assert!(!error.to_string().contains("secret"), "{error}");
            assert!(!error.to_string().contains("cret@"), "{error}");
        }
    }
}
