//! Who goes on, and which choices have been made.

use std::cell::RefCell;
use std::fmt::Write as _;
use std::panic::resume_unwind;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

thread_local! {
    static CARRIER: RefCell<Option<(Arc<Baton>, usize)>> = const { RefCell::new(None) };
}

/// Why a thread is unwound that has done nothing wrong: another has.
pub(crate) struct Stopped;

/// Lets another task go first. Outside of [`explore`](crate::explore) it does nothing.
pub fn point() {
    if let Some((baton, me)) = carrier() {
        baton.pass(me);
    }
}

/// A choice among so many, each of which is tried. Outside of [`explore`](crate::explore) it is the first.
pub fn choose(among: usize) -> usize {
    carrier().map_or(0, |(baton, _)| baton.lock().choose(among, 'c'))
}

pub(crate) fn carrier() -> Option<(Arc<Baton>, usize)> {
    CARRIER.with_borrow(Clone::clone)
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Task {
    Ready,
    Waiting,
    Done,
}

/// A choice that was made, among how many, and of what kind: `c`hosen by a task, or of the next `t`ask.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Choice {
    taken: usize,
    among: usize,
    kind: char,
}

/// Lets the world outside of the tasks go on for a moment.
pub(crate) type Idle = Box<dyn Fn() + Send + Sync>;

/// How long the world outside may take to wake somebody.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Baton {
    progress: Mutex<Progress>,
    passed: Condvar,
    idle: Option<Idle>,
}

struct Progress {
    tasks: Vec<Task>,
    /// Who has the baton; nobody while all wait for the world outside.
    current: Option<usize>,
    preemptions: usize,
    path: Vec<Choice>,
    /// How many of these have been made again.
    made: usize,
    steps: String,
    trouble: Option<String>,
}

impl Baton {
    /// For so many tasks; the choices of `path` are made again, and after them the first ones.
    pub(crate) fn new(tasks: usize, preemptions: usize, path: Vec<Choice>, idle: Option<Idle>) -> Self {
        let mut progress = Progress {
            tasks: vec![Task::Ready; tasks],
            current: None,
            preemptions,
            path,
            made: 0,
            steps: String::new(),
            trouble: None,
        };
        progress.hand_on(None);
        Self { progress: Mutex::new(progress), passed: Condvar::new(), idle }
    }

    /// Runs a task whenever it has the baton.
    pub(crate) fn carry(self: &Arc<Self>, me: usize, task: impl FnOnce()) {
        /// Passes the baton on in the end, however that comes.
        struct End<'b>(&'b Baton, usize);
        impl Drop for End<'_> {
            fn drop(&mut self) {
                CARRIER.set(None);
                let mut progress = self.0.lock();
                progress.tasks[self.1] = Task::Done;
                if thread::panicking() {
                    progress.trouble.get_or_insert_default();
                } else {
                    progress = self.0.hand_on(progress, None);
                }
                drop(progress);
                self.0.passed.notify_all();
            }
        }
        CARRIER.set(Some((Arc::clone(self), me)));
        let _end = End(self, me);
        self.wait_for(me, self.lock());
        task();
    }

    /// Lets another go first, or not.
    pub(crate) fn pass(&self, me: usize) {
        let progress = self.hand_on(self.lock(), Some(me));
        self.wait_for(me, progress);
    }

    /// Waits until the task is woken and has the baton again.
    pub(crate) fn wait(&self, me: usize, is_woken: impl FnOnce() -> bool) {
        let mut progress = self.lock();
        let ready = is_woken().then_some(me);
        if ready.is_none() {
            progress.tasks[me] = Task::Waiting;
        }
        let progress = self.hand_on(progress, ready);
        self.wait_for(me, progress);
    }

    /// Has somebody go on: `me`, who could, or another; if all wait, whom the world outside wakes.
    fn hand_on<'b>(
        &'b self,
        mut progress: MutexGuard<'b, Progress>,
        me: Option<usize>,
    ) -> MutexGuard<'b, Progress> {
        progress.hand_on(me);
        let since = Instant::now();
        while progress.current.is_none() && progress.tasks.contains(&Task::Waiting) {
            let idle = self.idle.as_ref().filter(|_| since.elapsed() < PATIENCE);
            let Some(idle) = idle else {
                progress.trouble.get_or_insert_with(|| "some wait, and nobody wakes them".to_owned());
                break;
            };
            drop(progress);
            // What the world does is no step of the task on whose thread it happens to run.
            let carrier = CARRIER.take();
            idle();
            CARRIER.set(carrier);
            progress = self.lock();
            progress.hand_on(None);
        }
        progress
    }

    pub(crate) fn wake(&self, task: usize, note: impl FnOnce()) {
        let mut progress = self.lock();
        note();
        if progress.tasks[task] == Task::Waiting {
            progress.tasks[task] = Task::Ready;
        }
    }

    fn wait_for(&self, me: usize, mut progress: MutexGuard<'_, Progress>) {
        self.passed.notify_all();
        while progress.current != Some(me) && progress.trouble.is_none() {
            progress = self.passed.wait(progress).unwrap_or_else(PoisonError::into_inner);
        }
        let stopped = progress.trouble.is_some();
        drop(progress);
        // What is dropped on the way out comes by here as well.
        if stopped && !thread::panicking() {
            resume_unwind(Box::new(Stopped));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn trouble(&self) -> Option<String> {
        self.lock().trouble.clone()
    }

    /// Who went on at each choice, and what was chosen.
    pub(crate) fn order(&self) -> String {
        self.lock().steps.clone()
    }

    /// The choices of the next order, if there is one more.
    pub(crate) fn next(&self) -> Option<Vec<Choice>> {
        let mut path = self.lock().path.clone();
        while let Some(last) = path.last_mut() {
            if last.taken + 1 < last.among {
                last.taken += 1;
                return Some(path);
            }
            path.pop();
        }
        None
    }
}

impl Progress {
    /// Chooses who goes on: `me`, who could, or for one of the preemptions another.
    fn hand_on(&mut self, me: Option<usize>) {
        let ready =
            (0..self.tasks.len()).filter(|task| self.tasks[*task] == Task::Ready && Some(*task) != me);
        let mut candidates: Vec<usize> = me.into_iter().collect();
        if me.is_none() || self.preemptions > 0 {
            candidates.extend(ready);
        }
        self.current = None;
        if candidates.is_empty() {
            return;
        }
        let next = candidates[self.choose(candidates.len(), 't')];
        if me.is_some_and(|me| me != next) {
            self.preemptions -= 1;
        }
        self.current = Some(next);
        let _ = write!(self.steps, "{next} ");
    }

    fn choose(&mut self, among: usize, kind: char) -> usize {
        if among < 2 {
            return 0;
        }
        if self.made == self.path.len() {
            self.path.push(Choice { taken: 0, among, kind });
        }
        let choice = self.path[self.made];
        self.made += 1;
        if (choice.among, choice.kind) != (among, kind) {
            self.trouble.get_or_insert_with(|| "the tasks do not do the same each time".to_owned());
            return 0;
        }
        if kind == 'c' {
            let _ = write!(self.steps, "chose {} ", choice.taken);
        }
        choice.taken
    }
}
