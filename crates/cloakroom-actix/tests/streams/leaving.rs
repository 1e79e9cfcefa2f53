//! A client that hangs up in the middle of its answer.

use std::sync::Arc;

use cloakroom_actix::Session;
use cloakroom_conformance::{Fault, Gate, Operation};
use futures_util::{StreamExt, stream};
use tokio::sync::Notify;

use crate::site::{Dropped, Site, at, body};

#[tokio::test]
async fn a_client_that_hangs_up_leaves_no_lock_and_no_half_of_a_save() {
    let dropped = Arc::new(Notify::new());
    let endless = {
        let dropped = Arc::clone(&dropped);
        move |session: Session| {
            let watch = Arc::new(Dropped(Arc::clone(&dropped)));
            let endless = body(stream::iter(1..).then(move |n: u32| {
                let (session, watch) = (session.clone(), Arc::clone(&watch));
                async move {
                    let _watch = watch;
                    session.insert("last", n.to_string()).unwrap();
                    session.update("n", |n: &mut u32| *n += 1).await.unwrap().to_string()
                }
            }));
            async { endless }
        }
    };
    let site = Site::serve(at("/endless", endless)).await;
    // The second save is under way as the client hangs up: it is done, or it is not.
    for (fault, stored) in [(Fault::Hold as fn(Gate) -> Fault, 1), (Fault::HoldReply, 2)] {
        let key = site.visitor().await;
        let (first, second) = (Gate::default(), Gate::default());
        site.faults.fail(Operation::Save, Fault::Hold(first.clone()));
        let mut answer = site.get(&key, "/endless").await;
        first.reached().await;
        site.faults.fail(Operation::Save, fault(second.clone()));
        first.open();
        assert_eq!(answer.piece().await.as_deref(), Some("1"));
        second.reached().await;
        drop(answer);
        dropped.notified().await;
        assert_eq!(site.text(&key, "/do/get:last").await, stored.to_string());
        assert_eq!(site.text(&key, "/do/add:n").await, (stored + 1).to_string());
    }
}
