//! A URL of Redis as an operator types it: with a password, and with slips of the finger.

use cloakroom_core::ErrorKind;
use redis::ConnectionAddr;

use crate::address::{Address, redacted};
use crate::kept::measured;

/// Of equal length, and nothing that a URL is made of by itself.
const PASSWORDS: [&str; 2] = ["hunter2xyz", "Zorro9-qwk"];

/// A URL, and two that differ in what stands before its last `@`.
pub fn redis_url(data: &[u8]) -> bool {
    let Ok(url) = std::str::from_utf8(data) else { return false };
    let (read, cost) = measured(|| Address::parse(url));
    // Each node has the login.
    let hosts = 1 + url.matches(',').count() as u64;
    let most = 64 * url.len() as u64 * hosts + 4096;
    assert!(cost.bytes_total <= most, "{} bytes for {}", cost.bytes_total, url.len());
    match &read {
        Ok(address) => {
            assert_eq!(address.is_encrypted(), url.starts_with("rediss"));
            sound(address, hosts);
        }
        Err(error) => assert_eq!(error.kind(), ErrorKind::Misconfigured),
    }
    if let Some((before, after)) = url.rsplit_once('@') {
        let [one, other] = PASSWORDS.map(|password| shown(&format!("{before}{password}@{after}")));
        assert_eq!(one, other, "no password makes a difference");
    }
    read.is_ok()
}

fn sound(address: &Address, hosts: u64) {
    let infos = match address {
        Address::Server(server) => std::slice::from_ref(server),
        Address::Cluster(nodes) => nodes,
        Address::Sentinel { sentinels, service, .. } => {
            assert!(!service.is_empty());
            sentinels
        }
    };
    assert!((1..=hosts).contains(&(infos.len() as u64)));
    for info in infos {
        let (ConnectionAddr::Tcp(host, _) | ConnectionAddr::TcpTls { host, .. }) = info.addr() else {
            panic!("a server is reached over the network")
        };
        assert!(!host.is_empty(), "each has a host");
    }
}

/// All that is ever shown of a URL.
fn shown(url: &str) -> String {
    let refused = Address::parse(url).err().map(|error| format!("{error} {error:?}"));
    format!("{} {refused:?}", redacted(url))
}
