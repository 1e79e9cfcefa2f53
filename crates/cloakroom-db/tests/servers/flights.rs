//! How often a call goes to the server and back.

use cloakroom_core::Clock;
use cloakroom_core::{Deleted, Read, Saved, SessionBackend, SystemClock, Touched};
use std::time::Duration;

use cloakroom_db::{Backend, Config};

use crate::database::{Database, id, migrated, put, record, table, written};
use crate::wire::Wire;

on_each! {
    a_call_is_one_flight_and_one_more_for_each_question_why_not
}

/// Every call of a backend, with how many flights it took.
async fn calls(backend: &Backend, wire: &Wire) -> Vec<(&'static str, u64)> {
    let mut flights = Vec::new();
    macro_rules! counted {
        ($name:literal, $call:expr) => {{
            let before = wire.flights();
            let answer = $call.await.unwrap();
            flights.push(($name, wire.flights() - before));
            answer
        }};
    }
    let (session, other, free) = (id(), id(), id());
    let now = SystemClock.now();
    let later = now.plus(Duration::from_hours(2));
    let old = written(counted!("create", backend.create(&session, &record("first", 1))));
    counted!("load", backend.load(&session, Read::Latest));
    counted!("load of nothing", backend.load(&free, Read::Latest));
    counted!("revision", backend.revision(&session));
    let seen = written(counted!("save", backend.save(&session, &record("second", 2), &old)));
    assert!(matches!(counted!("touch", backend.touch(&session, later, &seen)), Touched::Moved(_)));
    let index = backend.index().unwrap();
    assert_eq!(counted!("a page", index.of("alice", None, 10)).len(), 1);
    assert_eq!(counted!("a page of all", backend.walk().unwrap().page(None, 10)).found.len(), 1);
    counted!("sweep", backend.clear_expired(now, 10));

    put(backend, &other, &record("theirs", 9)).await;
    let third = record("third", 3);
    assert!(matches!(counted!("create where one is", backend.create(&other, &third)), Saved::Conflict(_)));
    assert!(matches!(counted!("save of an older", backend.save(&session, &third, &old)), Saved::Conflict(_)));
    assert_eq!(counted!("touch of an older", backend.touch(&session, later, &old)), Touched::Skipped);
    let rotated = counted!("rotation of an older", backend.rotate(&session, &free, &third, &old));
    assert!(matches!(rotated, Saved::Conflict(_)));
    let rotated = counted!("rotation to where one is", backend.rotate(&session, &other, &third, &seen));
    assert!(matches!(rotated, Saved::Conflict(_)));
    assert!(matches!(
        counted!("delete of an older", backend.delete(&session, Some(&old))),
        Deleted::Conflict(_)
    ));

    let seen = written(counted!("rotate", backend.rotate(&session, &free, &third, &seen)));
    assert_eq!(counted!("delete of what was seen", backend.delete(&free, Some(&seen))), Deleted::Ended);
    assert_eq!(counted!("delete", backend.delete(&other, None)), Deleted::Ended);
    flights
}

const EXPECTED: [(&str, u64); 18] = [
    ("create", 1),
    ("load", 1),
    ("load of nothing", 1),
    ("revision", 1),
    ("save", 1),
    ("touch", 1),
    ("a page", 1),
    ("a page of all", 1),
    ("sweep", 1),
    ("create where one is", 2),
    ("save of an older", 2),
    ("touch of an older", 2),
    ("rotation of an older", 3),
    ("rotation to where one is", 3),
    ("delete of an older", 2),
    ("rotate", 1),
    ("delete of what was seen", 1),
    ("delete", 1),
];

/// Once its statement has been prepared. What an engine did between two calls would count for the second.
async fn a_call_is_one_flight_and_one_more_for_each_question_why_not(database: Database) {
    let wire = Wire::to(&database.url()).await;
    let backend = migrated(Config::new(wire.url()).table(table()).connections(1)).await;
    calls(&backend, &wire).await;
    for _ in 0..3 {
        assert_eq!(calls(&backend, &wire).await, EXPECTED);
    }
}

#[tokio::test]
#[ignore = "needs a server: cargo xtask test starts one"]
async fn for_a_pooler_the_first_call_is_one_flight_as_well() {
    let wire = Wire::to(&Database::Postgres.url()).await;
    let backend = migrated(Config::new(wire.url()).table(table()).connections(1).pooler(true)).await;
    assert_eq!(calls(&backend, &wire).await, EXPECTED);
}
