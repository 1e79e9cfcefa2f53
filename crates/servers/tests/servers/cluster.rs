//! Six nodes.

use cloakroom_servers::Cluster;

use crate::{output, soon};

#[test]
#[ignore = "starts servers: cargo xtask test runs it"]
fn replica_takes_over_with_what_it_has_and_the_dead_primary_returns_as_one() {
    let mut cluster = Cluster::start().unwrap();
    let redis_cli = |node: usize, command: &[&str]| {
        let (host, port) =
            cluster.addresses()[node].split_once(':').map(|(h, p)| (h.to_owned(), p.to_owned())).unwrap();
        output("redis-cli", &[&["-e", "-c", "-h", &host, "-p", &port], command].concat())
    };
    // Whichever node is asked.
    for node in 0..6 {
        redis_cli(node, &["SET", &format!("name-{node}"), "value"]).unwrap();
    }
    let before = cluster.primary_of("name-0").unwrap();
    // Not WAIT: that knows of its own connection's writes alone, and here each command has a connection of its own.
    let arrived = || {
        let told = cluster.command(before, &["INFO", "replication"]).unwrap().join("\n");
        let number = |name: &str| {
            let digits = told.split(name).nth(1)?.chars().take_while(char::is_ascii_digit);
            digits.collect::<String>().parse::<u64>().ok()
        };
        number("master_repl_offset:").is_some_and(|written| number(",offset=") >= Some(written))
    };
    assert!(soon(arrived), "the replica lags behind");

    assert_eq!(cluster.kill_primary_of("name-0").unwrap(), before);
    cluster.settle().unwrap();
    let after = cluster.primary_of("name-0").unwrap();
    assert_ne!(after, before);
    assert_eq!(cluster.command(after, &["GET", "name-0"]).unwrap(), ["value"]);

    cluster.restart(before).unwrap();
    cluster.settle().unwrap();
    assert_eq!(cluster.command(before, &["ROLE"]).unwrap()[0], "slave");
}
