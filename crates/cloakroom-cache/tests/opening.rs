//! Where to connect to, and what is refused before anything is served.

#![cfg(feature = "redis")]
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::time::{Duration, Instant};

use cloakroom_cache::redis::Config;
use cloakroom_core::{Error, ErrorKind, Result, SessionBackend};
use cloakroom_servers::{Redis, RedisConfig};
use support::{get, id, open, put, record};
use tokio::net::TcpListener;

/// The error that opening ends with, in time, which names where but no password.
async fn refused(config: Config) -> Error {
    let start = Instant::now();
    let error = config.clone().open().await.unwrap_err();
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    assert!(!format!("{error} {error:?} {config:?}").contains("secret"), "{error:?}");
    error
}

async fn kind(url: &str) -> ErrorKind {
    refused(Config::new(url)).await.kind()
}

#[tokio::test]
async fn a_url_of_another_form_is_refused_by_name() {
    let error = refused(Config::new("memcached://me:secret@host:11211")).await;
    assert_eq!(error.kind(), ErrorKind::Misconfigured);
    assert!(error.to_string().contains("memcached://host:11211/"), "{error}");
}

#[tokio::test]
async fn settings_out_of_range_are_refused_with_their_value() {
    let config = || Config::new("redis://127.0.0.1:1");
    for (config, value) in [
        (config().lanes(0), "0 connections"),
        (config().lanes(5), "5 connections"),
        (config().response_time_out(Duration::ZERO), "0ns"),
        (config().response_time_out(Duration::from_secs(5)), "5s"),
        (config().prefix("a{b}"), "a{b}"),
        (config().prefix(""), "\"\""),
    ] {
        let error = refused(config).await;
        assert_eq!(error.kind(), ErrorKind::Misconfigured);
        assert!(error.to_string().contains(value), "{error}");
    }
}

#[tokio::test]
async fn a_host_that_refuses_or_does_not_answer_is_unavailable_in_time() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent = free.local_addr().unwrap();
    let closed = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap()
    };
    for url in [
        format!("redis://:secret@{closed}"),
        format!("redis://:secret@{silent}"),
        format!("rediss://:secret@{silent}"),
        format!("redis+cluster://:secret@{closed},{silent}"),
        format!("redis+sentinel://:secret@{closed},{silent}/main"),
        "redis://:secret@no.such.host.invalid".to_owned(),
    ] {
        assert_eq!(kind(&url).await, ErrorKind::Unavailable, "{url}");
    }
}

#[tokio::test]
#[ignore = "needs a server: cargo xtask test starts one"]
async fn a_login_that_is_refused_is_misconfigured() {
    let redis = RedisConfig::new().password("sesame").start().unwrap();
    let at = redis.url().split_once('@').unwrap().1;
    for login in ["", ":secret@", "nobody:secret@"] {
        let error = refused(Config::new(format!("redis://{login}{at}"))).await;
        assert_eq!(error.kind(), ErrorKind::Misconfigured, "{login} {error:?}");
        assert!(error.to_string().contains(at), "{error}");
        let cache = Config::new(format!("redis://{login}{at}")).open_cache().await;
        assert_eq!(cache.unwrap_err().kind(), ErrorKind::Misconfigured, "{login}");
    }
    open(redis.url()).await;
}

#[tokio::test]
#[ignore = "needs a server: cargo xtask test starts one"]
async fn a_user_who_may_not_do_what_sessions_need_is_told() {
    let redis = Redis::start().unwrap();
    redis.command(&["ACL", "SETUSER", "reader", "on", ">sesame", "~*", "+@read", "+@connection"]).unwrap();
    let backend = open(&redis.url().replace("//", "//reader:sesame@")).await;
    let error = backend.create(&id(), &record("never", None)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Misconfigured, "{error:?}");
    assert!(error.to_string().contains("NOPERM"), "{error}");
    // Nor ask the server about itself: the worst is taken for granted.
    assert!(backend.capabilities().may_evict);
}

#[tokio::test]
#[ignore = "needs a server: cargo xtask test starts one"]
async fn a_server_that_knows_no_scripts_is_an_error_that_quotes_no_key() {
    let redis = Redis::start().unwrap();
    redis.command(&["ACL", "SETUSER", "default", "-eval"]).unwrap();
    let backend = open(redis.url()).await;
    let error = backend.delete(&id(), None).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Misconfigured);
    assert!(!format!("{error:?}").contains("cloakroom:"), "{error:?}");
}

#[tokio::test]
#[ignore = "needs a server: cargo xtask test starts one"]
async fn databases_of_one_server_do_not_meet_and_one_that_is_not_there_is_refused() {
    let redis = Redis::start().unwrap();
    let (first, other) = (open(redis.url()).await, open(&format!("{}/5", redis.url())).await);
    let id = id();
    put(&other, &id, &record("data", None)).await;
    assert!(get(&other, &id).await.is_some());
    assert_eq!(get(&first, &id).await, None);
    assert_eq!(kind(&format!("{}/999", redis.url())).await, ErrorKind::Misconfigured);
}

#[tokio::test]
#[ignore = "needs a server: cargo xtask test starts one"]
async fn a_server_that_is_not_what_its_url_says_is_refused_with_what_to_write() -> Result<()> {
    let redis = Redis::start().unwrap();
    let error = refused(Config::new(redis.url().replace("redis:", "redis+cluster:"))).await;
    assert_eq!(error.kind(), ErrorKind::Misconfigured);
    assert!(error.to_string().contains("redis://"), "{error}");

    let node = std::env::var("REDIS_CLUSTER_URL").unwrap();
    let node = node.split_once("://").unwrap().1.split(',').next().unwrap().to_owned();
    let error = refused(Config::new(format!("redis://{node}"))).await;
    assert_eq!(error.kind(), ErrorKind::Misconfigured);
    assert!(error.to_string().contains("redis+cluster://"), "{error}");

    let sentinel = std::env::var("REDIS_SENTINEL_URL").unwrap();
    let sentinel = sentinel.split_once("://").unwrap().1.split(',').next().unwrap().to_owned();
    let error = refused(Config::new(format!("redis://{sentinel}"))).await;
    assert_eq!(error.kind(), ErrorKind::Misconfigured);
    assert!(error.to_string().contains("redis+sentinel://"), "{error}");

    let replica = Redis::start().unwrap();
    let (host, port) = redis.url().strip_prefix("redis://").unwrap().split_once(':').unwrap();
    replica.command(&["REPLICAOF", host, port]).unwrap();
    let error = refused(Config::new(replica.url())).await;
    assert_eq!(error.kind(), ErrorKind::Misconfigured);
    assert!(error.to_string().contains("replica"), "{error}");
    Ok(())
}

#[tokio::test]
#[ignore = "needs a server: cargo xtask test starts one"]
async fn a_service_that_no_sentinel_knows_is_an_error_that_names_them() {
    let url = std::env::var("REDIS_SENTINEL_URL").unwrap();
    let stranger = format!("{}/nobody", url.rsplit_once('/').unwrap().0);
    let error = refused(Config::new(&stranger)).await;
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.to_string().contains("no living primary"), "{error}");
}

mod encrypted {
    use super::*;

    fn server() -> (String, Vec<u8>) {
        let url = std::env::var("REDIS_TLS_URL").expect("REDIS_TLS_URL names a server");
        let ca = std::env::var("REDIS_TLS_CA").expect("REDIS_TLS_CA names its authority's certificate");
        (url, std::fs::read(ca).unwrap())
    }

    #[tokio::test]
    #[ignore = "needs a server: cargo xtask test starts one"]
    async fn a_server_whose_certificate_is_trusted_keeps_sessions() {
        let (url, ca) = server();
        let backend = Config::new(url).root_certificates(ca).open().await.unwrap();
        let id = id();
        put(&backend, &id, &record(vec![7; 100_000], Some("alice"))).await;
        assert_eq!(get(&backend, &id).await.unwrap().record.payload.len(), 100_000);
    }

    #[tokio::test]
    #[ignore = "needs a server: cargo xtask test starts one"]
    async fn a_certificate_that_nobody_trusts_is_refused() {
        let (url, _) = server();
        let error = refused(Config::new(url)).await;
        assert_eq!(error.kind(), ErrorKind::Misconfigured, "{error:?}");
        assert!(error.to_string().contains("certificate"), "{error}");
    }

    #[tokio::test]
    #[ignore = "needs a server: cargo xtask test starts one"]
    async fn a_server_that_speaks_no_tls_is_not_spoken_to_without() {
        let redis = Redis::start().unwrap();
        let url = redis.url().replace("redis:", "rediss:");
        assert_eq!(kind(&url).await, ErrorKind::Unavailable);
    }

    #[tokio::test]
    async fn certificates_that_are_none_are_refused() {
        for pem in ["-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n", "secret", ""] {
            let config = Config::new("rediss://127.0.0.1:1").root_certificates(pem);
            assert_eq!(refused(config).await.kind(), ErrorKind::Misconfigured, "{pem:?}");
        }
    }
}
