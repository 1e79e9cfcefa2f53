use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use super::*;

fn panics(preemptions: usize, plan: impl Fn() -> Plan) -> Option<String> {
    catch_unwind(AssertUnwindSafe(|| explore(preemptions, plan))).err().map(|panic| text(&*panic))
}

/// Two that read, let others go first, and write.
fn careless() -> Plan {
    let shared = Arc::new(AtomicUsize::new(0));
    let task = |shared: Arc<AtomicUsize>| {
        move || {
            let seen = shared.load(SeqCst);
            point();
            shared.store(seen + 1, SeqCst);
        }
    };
    let [one, other] = [task(Arc::clone(&shared)), task(Arc::clone(&shared))];
    Plan::default().task(one).task(other).end(move || assert_eq!(shared.load(SeqCst), 2, "an update is lost"))
}

#[test]
fn a_lost_update_is_found_and_its_order_told() {
    assert_eq!(panics(0, careless), None);
    let found = panics(1, careless).unwrap();
    assert!(found.contains("an update is lost") && found.ends_with(": 0 1 1 0 "), "{found}");
}

#[test]
fn every_order_is_run_once() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let orders = explore(9, || {
        let order = Arc::new(Mutex::new(String::new()));
        let task = |name: char| {
            let order = Arc::clone(&order);
            move || {
                order.lock().unwrap().push(name);
                point();
                order.lock().unwrap().push(name);
            }
        };
        let (plan, seen) = (Plan::default().task(task('a')).task(task('b')), Arc::clone(&seen));
        plan.end(move || seen.lock().unwrap().push(order.lock().unwrap().clone()))
    });
    let mut seen = Arc::try_unwrap(seen).unwrap().into_inner().unwrap();
    seen.sort();
    seen.dedup();
    assert_eq!(seen, ["aabb", "abab", "abba", "baab", "baba", "bbaa"]);
    assert_eq!(orders, 6);
}

#[test]
fn those_who_wait_for_nobody_are_found() {
    let found = panics(0, || Plan::default().task(|| run(std::future::pending())));
    assert!(found.unwrap().contains("nobody wakes them"));
}

#[test]
fn what_waits_is_dropped_everywhere() {
    let ends = Arc::new(Mutex::new(Vec::new()));
    explore(0, || {
        let ends = Arc::clone(&ends);
        Plan::default().task(move || {
            let paused = AtomicUsize::new(0);
            run_or_drop(async {
                for _ in 0..2 {
                    pause().await;
                    paused.fetch_add(1, SeqCst);
                }
            });
            ends.lock().unwrap().push(paused.load(SeqCst));
        })
    });
    assert_eq!(*ends.lock().unwrap(), [2, 1, 0]);
}
