//! Handles of one session, and of several requests, in every order in which they can meet.
//!
//! They meet where one takes a session's state, and at each call of the engine: before it is done and before its answer
//! comes. At the latter a commit may be dropped, too.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use async_trait::async_trait;
use cloakroom_interleavings::{Plan, explore, pause, run, run_or_drop};

use crate::{
    Capabilities, Clock, CookieChange, Deleted, ErrorKind, Memory, Read, Record, Result, Revision, Saved,
    Session, SessionBackend, SessionFormat, SessionId, SessionIndex, SessionKey, SessionOptions, SessionWalk,
    Sessions, Sleep, Stored, Swept, Timestamp, Touched,
};

/// An engine that takes its time, and notes how many writes there were at once.
#[derive(Debug)]
struct Slow {
    memory: Memory,
    writing: AtomicUsize,
    most: AtomicUsize,
}

/// A write that is under way, until it is answered or nobody waits for it any more.
struct Writing<'s>(&'s Slow);

impl Drop for Writing<'_> {
    fn drop(&mut self) {
        self.0.writing.fetch_sub(1, SeqCst);
    }
}

impl Slow {
    fn writing(&self) -> Writing<'_> {
        self.most.fetch_max(self.writing.fetch_add(1, SeqCst) + 1, SeqCst);
        Writing(self)
    }
}

async fn slowly<T>(work: impl Future<Output = T>) -> T {
    pause().await;
    let done = work.await;
    pause().await;
    done
}

#[async_trait]
impl SessionBackend for Slow {
    fn capabilities(&self) -> Capabilities {
        self.memory.capabilities()
    }

    fn index(&self) -> Option<&dyn SessionIndex> {
        self.memory.index()
    }

    fn walk(&self) -> Option<&dyn SessionWalk> {
        self.memory.walk()
    }

    fn format(&self) -> Option<&dyn SessionFormat> {
        None
    }

    async fn load(&self, id: &SessionId, read: Read) -> Result<Option<Stored>> {
        slowly(self.memory.load(id, read)).await
    }

    async fn revision(&self, id: &SessionId) -> Result<Option<(Revision, Timestamp)>> {
        slowly(self.memory.revision(id)).await
    }

    async fn create(&self, id: &SessionId, new: &Record) -> Result<Saved> {
        let _writing = self.writing();
        slowly(self.memory.create(id, new)).await
    }

    async fn save(&self, id: &SessionId, new: &Record, seen: &Revision) -> Result<Saved> {
        let _writing = self.writing();
        slowly(self.memory.save(id, new, seen)).await
    }

    async fn touch(&self, id: &SessionId, until: Timestamp, seen: &Revision) -> Result<Touched> {
        let _writing = self.writing();
        slowly(self.memory.touch(id, until, seen)).await
    }

    async fn rotate(&self, from: &SessionId, to: &SessionId, new: &Record, seen: &Revision) -> Result<Saved> {
        let _writing = self.writing();
        slowly(self.memory.rotate(from, to, new, seen)).await
    }

    async fn delete(&self, id: &SessionId, seen: Option<&Revision>) -> Result<Deleted> {
        let _writing = self.writing();
        slowly(self.memory.delete(id, seen)).await
    }

    async fn clear_expired(&self, before: Timestamp, limit: u32) -> Result<Swept> {
        self.memory.clear_expired(before, limit).await
    }

    async fn close(&self) -> Result<()> {
        Ok(())
    }
}

/// It stands still, so that no time limit ends anything; short pauses end when others have gone first.
#[derive(Clone, Copy, Debug)]
struct StillClock;

impl Clock for StillClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(1_800_000_000_000)
    }

    fn sleep(&self, span: Duration) -> Sleep {
        if span < Duration::from_secs(1) { Box::pin(pause()) } else { Box::pin(std::future::pending()) }
    }
}

/// Sessions in a slow engine.
#[derive(Clone)]
struct Site {
    engine: Arc<Slow>,
    sessions: Sessions,
}

impl Site {
    fn new() -> Self {
        let clock = Arc::new(StillClock);
        let memory = Memory::with_clock(clock.clone());
        let engine = Arc::new(Slow { memory, writing: AtomicUsize::new(0), most: AtomicUsize::new(0) });
        let options = SessionOptions { clock, ..SessionOptions::default() };
        Self { sessions: Sessions::with(Arc::clone(&engine), options), engine }
    }

    fn session(&self, key: Option<SessionKey>) -> Session {
        run_alone(self.sessions.load(key)).unwrap()
    }

    /// The key of a session that is stored.
    fn stored(&self) -> Option<SessionKey> {
        let session = self.session(None);
        session.insert("kept", true).unwrap();
        run_alone(session.save()).unwrap();
        session.key()
    }

    fn records(&self) -> usize {
        let walk = self.engine.memory.walk().unwrap();
        run_alone(walk.page(None, 9)).unwrap().found.len()
    }

    fn n(&self, key: Option<SessionKey>) -> Option<u32> {
        self.session(key).get("n").unwrap()
    }
}

/// Outside of the tasks: nobody else is there to go first.
fn run_alone<T>(work: impl Future<Output = T>) -> T {
    run(work)
}

async fn count(session: &Session) -> Result<u32> {
    session.update("n", |n: &mut u32| *n += 1).await
}

#[test]
fn two_first_commits_of_one_handle_take_turns_and_create_one_session() {
    explore(3, || {
        let site = Site::new();
        let session = site.session(None);
        let task = |session: Session| move || assert!(run(count(&session)).is_ok());
        let plan = Plan::default().task(task(session.clone())).task(task(session.clone()));
        plan.end(move || {
            assert_eq!(site.n(session.key()), Some(2));
            assert_eq!((site.records(), site.engine.most.load(SeqCst)), (1, 1), "two at once");
        })
    });
}

#[test]
fn a_commit_that_is_dropped_anywhere_counts_once_or_not_at_all_and_stands_in_nobodys_way() {
    explore(2, || {
        let site = Site::new();
        let session = site.session(None);
        let done = Arc::new(AtomicUsize::new(0));
        let (leaving, noted) = (session.clone(), Arc::clone(&done));
        let leaves = move || {
            if let Some(counted) = run_or_drop(count(&leaving)) {
                noted.store(counted.map(|_| 1).unwrap(), SeqCst);
            }
        };
        let staying = session.clone();
        let stays = move || assert!(run(count(&staying)).is_ok());
        Plan::default().task(leaves).task(stays).end(move || {
            run_alone(session.save()).unwrap();
            let n = site.n(session.key()).unwrap() as usize;
            assert!((1 + done.load(SeqCst)..=2).contains(&n), "{n}");
            assert_eq!(session.get("n").unwrap(), Some(n), "the handle knows what is stored");
            assert_eq!(site.records(), 1, "one session");
        })
    });
}

#[test]
fn three_requests_count_to_three_and_leave_no_queue_behind() {
    explore(1, || {
        let site = Site::new();
        let key = site.stored();
        let plan = (0..3).fold(Plan::default(), |plan, _| {
            let session = site.session(key.clone());
            plan.task(move || assert!(run(count(&session)).is_ok()))
        });
        plan.end(move || {
            assert_eq!(site.n(key), Some(3));
            assert!(site.sessions.queues().is_empty());
        })
    });
}

/// One of them has met a conflict, and stands in line or at its head, when it leaves.
#[test]
fn a_request_that_leaves_the_line_anywhere_leaves_no_queue_behind_and_lets_the_others_write() {
    explore(1, || {
        let site = Site::new();
        let key = site.stored();
        let counted = Arc::new(AtomicUsize::new(0));
        let plan = (0..3).fold(Plan::default(), |plan, n| {
            let (session, counted) = (site.session(key.clone()), Arc::clone(&counted));
            plan.task(move || {
                let count = count(&session);
                let done = if n == 0 { run_or_drop(count) } else { Some(run(count)) };
                counted.fetch_add(done.map_or(0, |done| usize::from(done.is_ok())), SeqCst);
            })
        });
        plan.end(move || {
            let (n, counted) = (site.n(key).unwrap() as usize, counted.load(SeqCst));
            assert!((2..=3).contains(&n) && n >= counted, "{n}, {counted}");
            assert!(site.sessions.queues().is_empty());
        })
    });
}

#[test]
fn what_is_inserted_while_a_commit_runs_is_stored_by_the_next() {
    explore(3, || {
        let site = Site::new();
        let session = site.session(site.stored());
        session.insert("a", 1).unwrap();
        let (saving, inserting) = (session.clone(), session.clone());
        let plan = Plan::default()
            .task(move || run(saving.save()).unwrap())
            .task(move || inserting.insert("b", 2).unwrap());
        plan.end(move || {
            run_alone(session.save()).unwrap();
            let mut names = site.session(session.key()).names();
            names.sort();
            assert_eq!(names, ["a", "b", "kept"]);
        })
    });
}

#[test]
fn what_is_flushed_while_a_commit_runs_is_dead_and_what_comes_after_is_another_session() {
    explore(3, || {
        let site = Site::new();
        let key = site.stored();
        let session = site.session(key.clone());
        session.insert("a", 1).unwrap();
        session.cycle_key();
        let (saving, flushing) = (session.clone(), session.clone());
        let flush = move || {
            flushing.flush();
            flushing.insert("b", 2).unwrap();
        };
        let plan = Plan::default().task(move || run(saving.save()).unwrap()).task(flush);
        plan.end(move || {
            run_alone(session.save()).unwrap();
            assert!(site.session(key).key().is_none(), "it has ended");
            assert_eq!(site.session(session.key()).names(), ["b"]);
            assert_eq!(site.records(), 1);
        })
    });
}

#[test]
fn a_logout_beside_another_requests_commit_leaves_nothing() {
    explore(2, || {
        let site = Site::new();
        let key = site.stored();
        let [counting, leaving] = [site.session(key.clone()), site.session(key)];
        let leave = move || {
            leaving.logout();
            run(leaving.save()).unwrap();
        };
        let counts = move || {
            let ended = run(count(&counting)).err().map(|error| error.kind());
            assert!(matches!(ended, None | Some(ErrorKind::Interrupted)), "{ended:?}");
        };
        Plan::default().task(counts).task(leave).end(move || assert_eq!(site.records(), 0, "it is back"))
    });
}

/// As an adapter does it: a commit of another handle may run as the headers leave.
#[test]
fn the_browser_hears_of_a_session_exactly_if_it_is_stored() {
    explore(3, || {
        let site = Site::new();
        let session = site.session(None);
        session.insert("a", 1).unwrap();
        let (saving, answering) = (session.clone(), session.clone());
        let save = move || {
            let late = run(saving.save()).err().map(|error| error.kind());
            assert!(matches!(late, None | Some(ErrorKind::TooLate)), "{late:?}");
        };
        let told = Arc::new(AtomicUsize::new(0));
        let tell = Arc::clone(&told);
        let answer = move || {
            answering.headers_left();
            if answering.activity().unsettled {
                run(answering.finish()).unwrap();
            }
            tell.store(usize::from(answering.activity().cookie != CookieChange::Keep), SeqCst);
        };
        let plan = Plan::default().task(save).task(answer);
        plan.end(move || assert_eq!(site.records(), told.load(SeqCst), "stored, and told"))
    });
}

#[test]
fn a_new_key_beside_another_requests_commit_leaves_one_session_that_counts_right() {
    explore(2, || {
        let site = Site::new();
        let key = site.stored();
        let [counting, cycling] = [site.session(key.clone()), site.session(key.clone())];
        let counted = Arc::new(AtomicUsize::new(0));
        let count_up = Arc::clone(&counted);
        let counts = move || match run(count(&counting)) {
            Ok(_) => count_up.store(1, SeqCst),
            Err(error) => assert_eq!(error.kind(), ErrorKind::Interrupted),
        };
        let holder = cycling.clone();
        let cycles = move || {
            cycling.cycle_key();
            run(cycling.save()).unwrap();
        };
        Plan::default().task(counts).task(cycles).end(move || {
            assert!(site.session(key).key().is_none(), "the old key is dead");
            assert_eq!(site.n(holder.key()).unwrap_or(0) as usize, counted.load(SeqCst));
            assert_eq!(site.records(), 1);
        })
    });
}

#[test]
fn what_is_discarded_while_a_commit_runs_is_stored_or_gone_and_the_handle_knows_which() {
    explore(3, || {
        let site = Site::new();
        let session = site.session(site.stored());
        session.insert("a", 1).unwrap();
        let (saving, discarding) = (session.clone(), session.clone());
        let save = move || {
            run_or_drop(saving.save()).map(Result::unwrap);
        };
        let plan = Plan::default().task(save).task(move || discarding.discard());
        plan.end(move || {
            run_alone(session.save()).unwrap();
            assert_eq!(site.session(session.key()).names(), session.names());
        })
    });
}

#[test]
fn a_login_beside_a_flush_of_the_same_handle_leaves_nobody_logged_in_unknown_to_it() {
    explore(3, || {
        let site = Site::new();
        let session = site.session(site.stored());
        session.login("alice").unwrap();
        let (saving, flushing) = (session.clone(), session.clone());
        let save = move || {
            run_or_drop(saving.save()).map(Result::unwrap);
        };
        let plan = Plan::default().task(save).task(move || flushing.flush());
        plan.end(move || {
            run_alone(session.save()).unwrap();
            assert_eq!((site.records(), session.key()), (0, None), "nothing is left");
        })
    });
}
