//! What becomes of a session whose handler never answers: it panics, or its visitor leaves.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use super::{Fault, Limit, Operation, Setting, Site, Stage, Visitor};
use crate::{Engine, Gate};

impl<S: Site> Stage<S> {
    /// A request whose handler panics. A server may answer it with a 500, or with nothing.
    async fn crash(&self, visitor: &Visitor, path: &str) {
        let key = visitor.key();
        let mut request = pin!(self.present(&key, path));
        let answer = std::future::poll_fn(|context| {
            match catch_unwind(AssertUnwindSafe(|| request.as_mut().poll(context))) {
                Ok(answer) => answer.map(Some),
                Err(_) => Poll::Ready(None),
            }
        });
        if let Some(answer) = answer.await {
            assert_eq!(answer.status, 500, "{path}");
        }
        self.others_run().await;
    }

    /// What the adapter has left to tasks of its own is done, where the engine does not wait.
    async fn others_run(&self) {
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
    }

    /// A request whose visitor leaves as soon as its handler's call arrives at the store, and waits there.
    async fn leave(&self, visitor: &Visitor, path: &str, call: Operation, fault: fn(Gate) -> Fault) {
        let gate = Gate::default();
        self.faults.fail(call, fault(gate.clone()));
        tokio::select! {
            answer = self.visit(visitor, path) => panic!("answered: {answer:?}"),
            () = gate.reached() => {}
        }
        self.others_run().await;
    }

    /// Waits until a visitor's session is nobody's.
    async fn until_dead(&self, visitor: &Visitor) {
        let dead = async {
            while self.value(visitor).await != "nothing" {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(5), dead).await.expect("the session was to end");
    }
}

/// And what it has stored by then stays.
pub async fn a_handler_that_panics_stores_nothing_half<S: Site>(
    engine: Engine,
    make: impl AsyncFnOnce(Setting) -> S,
) {
    let stage = Stage::set(engine, make, |_| {}).await;
    let visitor = stage.stored().await;
    for steps in ["set:a=2", "set:a=2/login:mallory", "clear"] {
        stage.crash(&visitor, &format!("/do/{steps}/panic")).await;
        assert_eq!(stage.faults.calls(), [Operation::Load], "{steps}");
        assert_eq!(stage.value(&visitor).await, "1", "{steps}");
        stage.faults.calls();
    }
    stage.crash(&visitor, "/do/set:a=3/save/set:a=4/panic").await;
    // A browser that bears its session has heard nothing of it.
    let told = !stage.engine.lacks(Limit::Quiet).await;
    assert_eq!(stage.value(&visitor).await, if told { "3" } else { "1" });
}

/// Nor is its session locked.
pub async fn a_handler_that_is_left_waiting_stores_nothing_half<S: Site>(
    engine: Engine,
    make: impl AsyncFnOnce(Setting) -> S,
) {
    let stage = Stage::set(engine, make, |_| {}).await;
    let visitor = stage.stored().await;
    for steps in ["set:a=2", "set:a=2/login:mallory", "clear"] {
        stage.leave(&visitor, &format!("/do/{steps}/wait"), Operation::Sweep, Fault::Hold).await;
        assert_eq!(stage.faults.calls(), [Operation::Load, Operation::Sweep], "{steps}");
        assert_eq!(stage.value(&visitor).await, "1", "{steps}");
        stage.faults.calls();
    }
    assert_eq!(stage.visit(&visitor, "/do/add:n").await.body, "1");
}

/// Nor is its session locked.
pub async fn a_handler_that_is_left_in_its_own_commit_has_stored_all_of_it_or_nothing<S: Site>(
    engine: Engine,
    make: impl AsyncFnOnce(Setting) -> S,
) {
    let stage = Stage::set(engine, make, |_| {}).await;
    let told = !stage.engine.lacks(Limit::Quiet).await;
    for (fault, stored) in [(Fault::Hold as fn(Gate) -> Fault, "1"), (Fault::HoldReply, "2")] {
        let visitor = Visitor::told(&stage.newcomer("/do/set:a=1/set:b=1").await);
        stage.leave(&visitor, "/do/set:a=2/set:b=2/save", Operation::Save, fault).await;
        let stored = if told { stored } else { "1" };
        assert_eq!(stage.value(&visitor).await, stored);
        assert_eq!(stage.visit(&visitor, "/do/get:b").await.body, stored);
        assert_eq!(stage.visit(&visitor, "/do/add:n").await.body, "1");
    }
}

/// Whoever clicked it must be out.
pub async fn a_logout_that_was_asked_for_ends_the_session_also_where_the_handler_never_answers<S: Site>(
    engine: Engine,
    make: impl AsyncFnOnce(Setting) -> S,
) {
    let stage = Stage::set(engine, make, |_| {}).await;
    if stage.engine.lacks(Limit::Revocation).await {
        return;
    }
    let (crashed, left) = (stage.stored().await, stage.stored().await);
    stage.crash(&crashed, "/do/logout/panic").await;
    stage.until_dead(&crashed).await;
    stage.leave(&left, "/do/logout/set:a=2/wait", Operation::Sweep, Fault::Hold).await;
    stage.until_dead(&left).await;
    stage.assert_records(0).await;
}
