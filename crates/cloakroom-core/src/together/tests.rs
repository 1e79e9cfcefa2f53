//! Calls of one line, in every order in which they can meet, and leave.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use cloakroom_interleavings::{Plan, explore, pause, run, run_or_drop};
use tokio::runtime::{Handle, Runtime};

use super::*;

/// Counts what is under way, and how often each call was made.
#[derive(Default)]
struct Counter {
    under_way: AtomicUsize,
    made: [AtomicUsize; 4],
}

impl Counter {
    async fn count(&self, calls: &[usize]) {
        let _inside = Inside::new(&self.under_way);
        pause().await;
        for &call in calls {
            self.made[call].fetch_add(1, SeqCst);
        }
    }
}

/// Also of one that is dropped before it has ended.
struct Inside<'c>(&'c AtomicUsize);

impl<'c> Inside<'c> {
    fn new(under_way: &'c AtomicUsize) -> Self {
        assert_eq!(under_way.fetch_add(1, SeqCst), 0, "more is under way than may be");
        Self(under_way)
    }
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, SeqCst);
    }
}

impl Together for Arc<Counter> {
    type Call = usize;
    type Answer = usize;

    fn takes(&self, group: &[usize], call: &usize) -> bool {
        !group.contains(call)
    }

    async fn make(&self, group: Vec<usize>) -> Vec<usize> {
        self.count(&group).await;
        group
    }

    fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(work);
        }
    }
}

/// A line of one call at a time, in a runtime that goes on while all tasks wait.
#[derive(Clone)]
struct Scene {
    counter: Arc<Counter>,
    line: Line<Arc<Counter>>,
    runtime: Arc<Runtime>,
}

impl Scene {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let counter = Arc::<Counter>::default();
        Self { line: Line::new(Arc::clone(&counter), 1), counter, runtime: Arc::new(runtime) }
    }

    async fn call(&self, call: usize) {
        let far = Instant::now() + Duration::from_mins(1);
        match self.line.join(|| call, far, far).await {
            Ok(Turn::Made(answer)) => assert_eq!(answer, call, "the answer is another's"),
            Ok(Turn::Own(_lead)) => self.counter.count(&[call]).await,
            Err(late) => panic!("it has waited in vain: {late:?}"),
        }
    }

    /// Tasks that make the calls; who may leave is dropped wherever it waits.
    fn plan(&self, calls: &'static [usize], may_leave: &'static [usize]) -> Plan {
        let runtime = Arc::clone(&self.runtime);
        let plan = Plan::default().idle(move || runtime.block_on(tokio::task::yield_now()));
        calls.iter().fold(plan, |plan, &call| {
            let scene = self.clone();
            plan.task(move || {
                let _entered = scene.runtime.enter();
                if may_leave.contains(&call) {
                    let _ = run_or_drop(scene.call(call));
                } else {
                    run(scene.call(call));
                }
            })
        })
    }

    /// When all tasks have ended, and what they have left behind.
    fn is_done(&self, calls: &[usize], may_leave: &[usize]) {
        self.runtime.block_on(self.line.drained());
        for &call in calls {
            let made = self.counter.made[call].load(SeqCst);
            let wanted = calls.iter().filter(|other| **other == call).count();
            assert!(
                made == wanted || may_leave.contains(&call) && made < wanted,
                "{call} was made {made} times"
            );
        }
        let state = self.line.state();
        assert!(state.waiting.is_empty() && state.leading == 0, "somebody is still there");
    }
}

fn in_every_order(calls: &'static [usize], may_leave: &'static [usize]) -> usize {
    explore(2, || {
        let scene = Scene::new();
        let plan = scene.plan(calls, may_leave);
        plan.end(move || scene.is_done(calls, may_leave))
    })
}

#[test]
fn every_call_is_made_once_and_answered_in_every_order() {
    assert!(in_every_order(&[0, 1, 2], &[]) > 100);
}

#[test]
fn calls_that_can_not_be_made_together_are_made_one_after_the_other() {
    assert!(in_every_order(&[0, 0, 0], &[]) > 100);
}

#[test]
fn a_caller_who_goes_away_holds_up_nobody_in_any_order() {
    assert!(in_every_order(&[0, 1, 2], &[1]) > 100);
}

#[test]
fn whoever_waits_when_a_runtime_ends_is_served_by_another_one() {
    let scene = Scene::new();
    let gone = Runtime::new().unwrap();
    let far = Instant::now() + Duration::from_mins(1);
    let Ok(Turn::Own(Some(lead))) = gone.block_on(scene.line.join(|| 0, far, far)) else {
        panic!("nobody else is there")
    };
    let waiting = scene.clone();
    let waits = [1, 2].map(|call| {
        let waiting = waiting.clone();
        scene.runtime.spawn(async move { waiting.call(call).await })
    });
    scene.runtime.block_on(tokio::task::yield_now());
    // What makes the group is begun in a runtime that ends before it gets there.
    let handle = gone.handle().clone();
    gone.shutdown_background();
    let entered = handle.enter();
    drop(lead);
    drop(entered);
    scene.runtime.block_on(async {
        for wait in waits {
            wait.await.unwrap();
        }
    });
    scene.is_done(&[1, 2], &[]);
}

#[tokio::test(start_paused = true)]
async fn a_wait_ends_in_time_and_says_whether_the_call_was_begun() {
    let line = Line::new(Arc::<Counter>::default(), 1);
    let soon = || Instant::now() + STANDSTILL / 2;
    let Ok(Turn::Own(Some(lead))) = line.join(|| 0, soon(), soon()).await else {
        panic!("nobody else is there")
    };
    let waited = line.join(|| 1, soon(), soon()).await;
    assert_eq!(waited.err(), Some(Late::Waiting));
    drop(lead);
    line.drained().await;
}

#[tokio::test(start_paused = true)]
async fn behind_leaders_that_do_nothing_a_call_is_made_by_itself() {
    let line = Line::new(Arc::<Counter>::default(), 1);
    let far = Instant::now() + Duration::from_mins(1);
    let held = line.join(|| 0, far, far).await;
    assert!(matches!(line.join(|| 1, far, far).await, Ok(Turn::Own(None))));
    drop(held);
    line.drained().await;
}

/// Answers the first call of a group alone, and panics at the number that it is told.
struct Careless(usize);

impl Together for Careless {
    type Call = usize;
    type Answer = usize;

    fn takes(&self, _: &[usize], _: &usize) -> bool {
        true
    }

    async fn make(&self, group: Vec<usize>) -> Vec<usize> {
        assert!(!group.contains(&self.0), "as planned");
        group.into_iter().take(1).collect()
    }

    fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(work);
        }
    }
}

#[tokio::test]
async fn who_gets_no_answer_is_told_so_and_the_line_goes_on() {
    let line = Line::new(Careless(7), 0);
    let far = Instant::now() + Duration::from_mins(1);
    for (calls, answered) in [([0, 1], 1), ([2, 7], 0), ([3, 4], 1)] {
        let lead = line.join(|| 9, far, far).await;
        assert!(matches!(lead, Ok(Turn::Own(Some(_)))), "nobody else is there");
        let [first, second] = calls.map(|call| {
            let line = line.clone();
            tokio::spawn(async move { line.join(|| call, far, far).await })
        });
        while line.state().waiting.len() < 2 {
            tokio::task::yield_now().await;
        }
        drop(lead);
        let came = [first.await.unwrap(), second.await.unwrap()];
        assert_eq!(came.iter().filter(|turn| matches!(turn, Ok(Turn::Made(_)))).count(), answered);
        assert_eq!(came.iter().filter(|turn| matches!(turn, Err(Late::Making))).count(), 2 - answered);
        line.drained().await;
    }
}
