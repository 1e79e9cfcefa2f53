//! A primary, its replicas and their sentinels.

use cloakroom_servers::Sentinel;

use crate::output;

#[test]
#[ignore = "starts servers: cargo xtask test runs it"]
fn replica_takes_over_with_what_it_has_and_every_sentinel_names_it() {
    let mut sentinel = Sentinel::start().unwrap();
    let before = sentinel.primary().unwrap();
    sentinel.command(before, &["SET", "name", "value"]).unwrap();
    assert_eq!(sentinel.command(before, &["WAIT", "2", "1000"]).unwrap(), ["2"]);

    assert_eq!(sentinel.kill_primary().unwrap(), before);
    sentinel.settle().unwrap();
    let after = sentinel.primary().unwrap();
    assert_ne!(after, before);
    assert_eq!(sentinel.command(after, &["GET", "name"]).unwrap(), ["value"]);

    let url = sentinel.url();
    let (sentinels, service) = url.strip_prefix("redis+sentinel://").unwrap().split_once('/').unwrap();
    for watching in sentinels.split(',') {
        let ask = ["-u", &format!("redis://{watching}"), "SENTINEL", "GET-MASTER-ADDR-BY-NAME", service];
        assert_eq!(output("redis-cli", &ask).unwrap().replace('\n', ":"), sentinel.addresses()[after]);
    }
}

#[test]
#[ignore = "starts servers: cargo xtask test runs it"]
fn primary_that_only_pauses_is_replaced_and_two_sentinels_are_enough() {
    let mut sentinel = Sentinel::start().unwrap();
    sentinel.kill_sentinel(0).unwrap();
    let before = sentinel.primary().unwrap();
    sentinel.pause(before).unwrap();
    sentinel.settle().unwrap();
    assert_ne!(sentinel.primary().unwrap(), before);
}
