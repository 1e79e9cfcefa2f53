//! Each call is one step, however it ends.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use crate::Engine;
use crate::engine::written;

/// After which the engine goes on as if nothing had happened. 50 rounds, dropped at once or later.
pub async fn a_call_that_is_dropped_is_done_or_not_done(engine: Engine) {
    let id = engine.id();
    let mut seen = engine.put(&id, &engine.record("0")).await;
    for n in 1..=50_u32 {
        let record = engine.record(&n.to_string());
        {
            let mut save = pin!(engine.save(&id, &record, &seen));
            for _ in 0..n % 5 {
                let done = poll_fn(|context| Poll::Ready(save.as_mut().poll(context).is_ready())).await;
                if done {
                    break;
                }
                tokio::task::yield_now().await;
            }
        }
        let stored = engine.get(&id).await.expect("it was never ended");
        assert!(stored.record == record || stored.revision == seen, "a mixture: {stored:?}");
        // The dropped one may still be under way; its successor is told which it was.
        let again = engine.save(&id, &record, &seen).await.unwrap();
        seen = written(again);
        assert_eq!(engine.payload(&id).await.unwrap(), n.to_string());
    }
}

/// And what was acknowledged before is done.
pub async fn closing_twice_is_harmless(engine: Engine) {
    engine.put(&engine.id(), &engine.record("data")).await;
    engine.close().await.unwrap();
    engine.close().await.unwrap();
}
