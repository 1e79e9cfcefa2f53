//! Each call is one step, however it ends.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use cloakroom_core::Saved;

use crate::engine::written;
use crate::{Engine, Limit};

/// After which the engine goes on as if nothing had happened. 50 rounds, dropped at once or later.
pub async fn a_call_that_is_dropped_is_done_or_not_done(engine: Engine) {
    let id = engine.id();
    let recognised = engine.recognises_own_write().await;
    let mut seen = engine.put(&id, &engine.record("0")).await;
    for n in 1..=50_u32 {
        let record = engine.record(&n.to_string());
        drop_after(n % 5, engine.save(&id, &record, &seen)).await;
        let stored = engine.get(&id).await.expect("it was never ended");
        assert!(stored.record == record || stored.revision == seen, "a mixture: {stored:?}");
        // The dropped one may still be under way; its successor is told which it was.
        let again = engine.save(&id, &record, &seen).await.unwrap();
        seen = match again {
            Saved::Conflict(there) if there.record == record && !recognised => there.revision,
            again => written(again),
        };
        assert_eq!(engine.payload(&id).await.unwrap(), n.to_string());
    }
}

/// Asks a call that often whether it is done, and drops it then.
async fn drop_after<T>(times: u32, call: impl Future<Output = T>) {
    let mut call = pin!(call);
    for _ in 0..times {
        if poll_fn(|context| Poll::Ready(call.as_mut().poll(context).is_ready())).await {
            return;
        }
        tokio::task::yield_now().await;
    }
}

/// Never both, and never neither. 50 rounds, dropped at once or later.
pub async fn a_rotation_that_is_dropped_leaves_one_of_both_alive(engine: Engine) {
    let atomic = !engine.lacks(Limit::AtomicRotate).await;
    for n in 0..50 {
        let (from, to) = engine.ids();
        let seen = engine.put(&from, &engine.record("data")).await;
        let new = engine.record("new");
        drop_after(n % 5, engine.rotate(&from, &to, &new, &seen)).await;
        // It may still be under way: what is asked first shows the earlier state.
        let old = engine.get(&from).await;
        let new_one = engine.get(&to).await;
        let still_old = engine.get(&from).await;
        if atomic {
            assert!(old.is_some() || new_one.is_some(), "neither is alive");
            assert!(new_one.is_none() || still_old.is_none(), "both are alive");
        }
        let again = engine.rotate(&from, &to, &new, &seen).await.unwrap();
        assert!(!matches!(again, Saved::Conflict(_)), "{again:?}");
        assert_eq!(engine.payload(&to).await.expect("it was never ended"), "new");
        assert!(!atomic || engine.get(&from).await.is_none());
    }
}

/// And what was acknowledged before is done.
pub async fn closing_twice_is_harmless(engine: Engine) {
    engine.put(&engine.id(), &engine.record("data")).await;
    engine.close().await.unwrap();
    engine.close().await.unwrap();
}
