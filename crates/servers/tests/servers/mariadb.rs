//! MariaDB.

use cloakroom_servers::MariaDb;

use crate::output;

fn mariadb(url: &str, statement: &str) -> Result<String, String> {
    let (login, place) = url.strip_prefix("mysql://").unwrap().split_once('@').unwrap();
    let (user, password) = login.split_once(':').unwrap();
    let (address, database) = place.split_once('/').unwrap();
    let (host, port) = address.split_once(':').unwrap();
    let password = format!("-p{password}");
    let options = ["--no-defaults", "-h", host, "-P", port, "-u", user, &password, "--skip-column-names"];
    output("mariadb", &[&options[..], &["-e", statement, database]].concat())
}

#[test]
#[ignore = "starts servers: cargo xtask test runs it"]
fn what_it_acknowledged_survives_a_crash() {
    let mut server = MariaDb::start().unwrap();
    let url = server.url();
    mariadb(&url, "CREATE TABLE names SELECT 'value' AS name").unwrap();
    server.kill().unwrap();
    assert!(mariadb(&url, "SELECT 1").is_err());
    server.restart().unwrap();
    assert_eq!(mariadb(&url, "SELECT name FROM names").unwrap(), "value");
}

#[test]
#[ignore = "starts servers: cargo xtask test runs it"]
fn syncs_every_commit_and_asks_for_a_password() {
    let server = MariaDb::start().unwrap();
    assert_eq!(mariadb(&server.url(), "SELECT @@innodb_flush_log_at_trx_commit").unwrap(), "1");
    assert!(mariadb(&server.url().replace("sesame", "wrong"), "SELECT 1").is_err());
}

#[test]
#[ignore = "starts servers: cargo xtask test runs it"]
fn its_user_may_make_databases_of_their_own() {
    let server = MariaDb::start().unwrap();
    mariadb(&server.url(), "CREATE DATABASE another").unwrap();
    let url = server.url().strip_suffix("cloakroom").unwrap().to_owned() + "another";
    assert_eq!(mariadb(&url, "SELECT DATABASE()").unwrap(), "another");
}
