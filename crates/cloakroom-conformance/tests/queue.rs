//! Writers that meet a conflict hand their records on: what that saves can be counted.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use cloakroom_conformance::{Fault, Faulty, Gate, Operation};
use cloakroom_core::{Memory, Sessions};

#[tokio::test]
async fn the_next_in_line_builds_upon_the_last_without_another_conflict() {
    let faulty = Faulty::new(Memory::new());
    let sessions = Sessions::new(faulty.clone());
    let first = sessions.load(None).await.unwrap();
    first.update("n", |n: &mut i64| *n += 1).await.unwrap();
    let key = first.key();
    let (one, two, three) = (
        sessions.load(key.clone()).await.unwrap(),
        sessions.load(key.clone()).await.unwrap(),
        sessions.load(key).await.unwrap(),
    );
    one.update("n", |n: &mut i64| *n += 1).await.unwrap();
    faulty.calls();

    // The second conflicts, gets in line, and is held at its second attempt.
    let gate = Gate::default();
    let mut attempts = 0;
    let mut second = pin!(two.update("n", |n: &mut i64| {
        attempts += 1;
        if attempts == 2 {
            faulty.fail(Operation::Save, Fault::Hold(gate.clone()));
        }
        *n += 1;
    }));
    assert!(poll_fn(|context| Poll::Ready(second.as_mut().poll(context).is_pending())).await);
    gate.reached().await;

    // The third conflicts, and waits behind it.
    let mut third = pin!(three.update("n", |n: &mut i64| *n += 1));
    assert!(poll_fn(|context| Poll::Ready(third.as_mut().poll(context).is_pending())).await);
    assert_eq!(faulty.calls().len(), 3);

    gate.open();
    assert_eq!(second.await.unwrap(), 3);
    assert_eq!(third.await.unwrap(), 4);
    assert_eq!(faulty.calls(), [Operation::Save], "one attempt was enough");
}
