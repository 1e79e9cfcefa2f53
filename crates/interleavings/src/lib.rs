//! Runs a few tasks in every order in which they can meet, and says in which one a promise was broken.
//!
//! Each task is a thread, and one of them has the baton. It may pass it on at a [`point`], and does where its future
//! waits. Which task goes on is a choice, and all choices are tried, depth first: [`explore`] runs the tasks once for
//! each sequence of them. How often a task that could go on has to let another go first is bounded: what is wrong shows
//! with one or two of these, and without a bound there is no end to them.
//!
//! Code under test has a [`point`] where it takes a lock, and none while it holds one. What it does between two points is
//! one step for the others: so this finds every bad order of such steps, and no bad order of loads and stores.

#![allow(clippy::panic, reason = "it is for tests, which fail by panicking")]

mod baton;
mod future;

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;

use baton::{Baton, Idle, Stopped};

pub use baton::{choose, point};
pub use future::{pause, run, run_or_drop};

/// Tasks that share something, and what must be true when they have ended.
#[derive(Default)]
pub struct Plan {
    tasks: Vec<Box<dyn FnOnce() + Send>>,
    end: Option<Box<dyn FnOnce()>>,
    idle: Option<Idle>,
}

impl Plan {
    /// One more task.
    pub fn task(mut self, task: impl FnOnce() + Send + 'static) -> Self {
        self.tasks.push(Box::new(task));
        self
    }

    /// What is looked at when all tasks have ended.
    pub fn end(mut self, end: impl FnOnce() + 'static) -> Self {
        self.end = Some(Box::new(end));
        self
    }

    /// What is done, again and again, while all tasks wait: it lets a runtime go on, say, on whose connections they do. In
    /// between the world outside must stand still, or the orders would not be the same each time.
    pub fn idle(mut self, idle: impl Fn() + Send + Sync + 'static) -> Self {
        self.idle = Some(Box::new(idle));
        self
    }
}

impl std::fmt::Debug for Plan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plan").field("tasks", &self.tasks.len()).finish_non_exhaustive()
    }
}

/// Runs the tasks of `plan` in every order, with up to `preemptions` switches from one that could go on; and says how many
/// orders there were.
///
/// # Panics
///
/// If a task panics, or if some wait and nobody wakes them. The text has the order.
pub fn explore(preemptions: usize, plan: impl Fn() -> Plan) -> usize {
    let mut path = Vec::new();
    let mut orders = 0;
    loop {
        let Plan { tasks, end, idle } = plan();
        let baton = Arc::new(Baton::new(tasks.len(), preemptions, path, idle));
        let threads: Vec<_> = tasks
            .into_iter()
            .enumerate()
            .map(|(me, task)| {
                let baton = Arc::clone(&baton);
                thread::spawn(move || baton.carry(me, task))
            })
            .collect();
        let outcomes: Vec<_> = threads.into_iter().map(thread::JoinHandle::join).collect();
        let mut trouble = outcomes
            .into_iter()
            .filter_map(Result::err)
            .map(|panic| text(&*panic))
            .find(|text| !text.is_empty());
        trouble = trouble.or_else(|| baton.trouble());
        if let (None, Some(end)) = (&trouble, end) {
            trouble = catch_unwind(AssertUnwindSafe(end)).err().map(|panic| text(&*panic));
        }
        if let Some(trouble) = trouble {
            panic!("{trouble}, in order {orders}: {}", baton.order());
        }
        orders += 1;
        match baton.next() {
            Some(next) => path = next,
            None => return orders,
        }
    }
}

/// What a panic said; nothing if its thread was only stopped.
fn text(panic: &(dyn Any + Send)) -> String {
    if panic.is::<Stopped>() {
        return String::new();
    }
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
        .unwrap_or_else(|| "a panic without a text".to_owned())
}

#[cfg(test)]
mod tests;
