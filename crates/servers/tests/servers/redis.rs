//! One server.

use cloakroom_servers::{Error, Redis, RedisConfig};

use crate::output;

fn redis_cli(url: &str, command: &[&str]) -> Result<String, String> {
    output("redis-cli", &[&["-e", "--no-auth-warning", "-u", url], command].concat())
}

#[test]
#[ignore = "starts servers: cargo xtask test runs it"]
fn answers_at_its_url() {
    let redis = Redis::start().unwrap();
    assert_eq!(redis_cli(redis.url(), &["PING"]).unwrap(), "PONG");
}

#[test]
#[ignore = "starts servers: cargo xtask test runs it"]
fn asks_for_its_password_and_has_it_in_its_url() {
    let redis = RedisConfig::new().password("sesame").start().unwrap();
    let without = redis.url().replace(":sesame@", "");
    assert!(redis_cli(&without, &["PING"]).unwrap_err().contains("NOAUTH"));
    // This client wants the user's name, where others take its absence for the default.
    let with = redis.url().replace(":sesame@", "default:sesame@");
    assert_eq!(redis_cli(&with, &["PING"]).unwrap(), "PONG");
}

#[test]
#[ignore = "starts servers: cargo xtask test runs it"]
fn has_a_certificate_for_its_address_by_its_own_authority() {
    let redis = RedisConfig::new().tls().start().unwrap();
    let address = redis.url().strip_prefix("rediss://").unwrap();
    let ca = redis.ca().unwrap().to_str().unwrap();
    let greet = |more: &[&str]| {
        let connect = ["s_client", "-connect", address, "-verify_return_error", "-brief"];
        output("openssl", &[&connect, more].concat())
    };
    assert!(greet(&["-CAfile", ca, "-verify_ip", "127.0.0.1"]).is_ok());
    assert!(greet(&["-CAfile", ca, "-verify_ip", "127.0.0.2"]).is_err());
    assert!(greet(&["-verify_ip", "127.0.0.1"]).is_err());
}

#[test]
#[ignore = "starts servers: cargo xtask test runs it"]
fn what_an_append_only_server_acknowledged_survives_a_crash() {
    let mut redis = RedisConfig::new().append_only().start().unwrap();
    redis.command(&["SET", "name", "value"]).unwrap();
    let (url, process) = (redis.url().to_owned(), redis.id());
    redis.kill().unwrap();
    assert!(redis_cli(&url, &["PING"]).is_err());
    redis.restart().unwrap();
    assert_ne!(redis.id(), process);
    assert_eq!(redis_cli(&url, &["GET", "name"]).unwrap(), "value");
}

#[test]
#[ignore = "starts servers: cargo xtask test runs it"]
fn paused_server_answers_nothing_until_it_is_resumed() {
    let mut redis = Redis::start().unwrap();
    redis.pause().unwrap();
    assert!(matches!(redis.command(&["PING"]), Err(Error::Io(..))));
    redis.resume().unwrap();
    assert_eq!(redis.command(&["PING"]).unwrap(), ["PONG"]);
}
