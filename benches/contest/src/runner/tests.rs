use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::task::yield_now;

use super::*;

/// A store that sees whether two tasks meet at a session, and counts what is asked of it.
#[derive(Default)]
struct Watchful {
    texts: Mutex<HashMap<u64, String>>,
    next: AtomicU64,
    met: AtomicBool,
    /// How much of a text it loses.
    loses: usize,
}

struct Held {
    id: u64,
    busy: Arc<AtomicBool>,
}

impl Watchful {
    async fn enter(&self, session: &Held) {
        if session.busy.swap(true, Ordering::SeqCst) {
            self.met.store(true, Ordering::SeqCst);
        }
        yield_now().await;
        session.busy.store(false, Ordering::SeqCst);
    }

    fn replace(&self, id: u64, text: String) -> Result {
        let mut texts = self.texts.lock().unwrap();
        let old = texts.insert(id, text.clone());
        if old == Some(text) { Err("a save changes nothing".into()) } else { Ok(()) }
    }
}

impl Contender for Arc<Watchful> {
    type Session = Held;

    async fn create(&self, mut text: String) -> Result<Held> {
        text.truncate(text.len() - self.loses);
        let id = self.next.fetch_add(1, Ordering::SeqCst);
        self.replace(id, text)?;
        Ok(Held { id, busy: Arc::default() })
    }

    async fn load(&self, session: &Held) -> Result<usize> {
        self.enter(session).await;
        Ok(self.texts.lock().unwrap()[&session.id].len())
    }

    async fn save(&self, session: &mut Held, text: String) -> Result {
        self.enter(session).await;
        self.replace(session.id, text)
    }

    async fn touch(&self, session: &mut Held) -> Result {
        self.enter(session).await;
        Ok(())
    }

    async fn rotate(&self, session: &mut Held, text: String) -> Result {
        self.save(session, text).await
    }

    async fn delete(&self, session: Held) -> Result {
        self.texts.lock().unwrap().remove(&session.id).map(drop).ok_or_else(|| "it was gone".into())
    }

    async fn update(&self, session: &Held) -> Result {
        let text = self.texts.lock().unwrap()[&session.id].clone();
        let count = u64::from_str_radix(&text[..16], 16)?;
        yield_now().await;
        self.texts.lock().unwrap().insert(session.id, payload(300, count + 1));
        Ok(())
    }

    async fn counted(&self, session: &Held) -> Result<u64> {
        Ok(u64::from_str_radix(&self.texts.lock().unwrap()[&session.id][..16], 16)?)
    }

    fn lacks(&self) -> &'static [Operation] {
        &[Operation::Sweep]
    }
}

fn runner() -> (Arc<Watchful>, Runner<Arc<Watchful>>) {
    let store = Arc::new(Watchful::default());
    (Arc::clone(&store), Runner::new(store, 300))
}

#[tokio::test]
async fn no_session_is_given_to_two_tasks_and_every_save_is_a_change() {
    let (store, mut runner) = runner();
    runner.prepare(100).await.unwrap();
    for operation in [Operation::Save, Operation::Load, Operation::Save] {
        runner.run(operation, 64, Pace::Times(50)).await.unwrap();
    }
    assert!(!store.met.load(Ordering::SeqCst));
}

#[tokio::test]
async fn as_many_operations_are_timed_as_were_asked_of_each_task() {
    let (_, mut runner) = runner();
    runner.prepare(100).await.unwrap();
    for operation in [Operation::Load, Operation::Create, Operation::Delete, Operation::Update] {
        let timed = runner.run(operation, 4, Pace::Times(30)).await.unwrap();
        assert_eq!(timed.times.len(), 120, "{operation:?}");
        assert!(timed.times.is_sorted());
    }
}

#[tokio::test]
async fn what_is_created_or_deleted_leaves_as_many_sessions_as_there_were() {
    let (store, mut runner) = runner();
    runner.prepare(100).await.unwrap();
    for operation in [Operation::Create, Operation::Delete, Operation::Update] {
        runner.run(operation, 8, Pace::Times(20)).await.unwrap();
        assert_eq!(store.texts.lock().unwrap().len(), 100, "{operation:?}");
    }
}

#[tokio::test]
async fn updates_that_overwrite_each_other_are_seen_to_be_lost() {
    let (_, mut runner) = runner();
    let alone = runner.run(Operation::Update, 1, Pace::Times(20)).await.unwrap();
    assert_eq!(alone.kept, Some(1.0));
    let together = runner.run(Operation::Update, 8, Pace::Times(20)).await.unwrap();
    assert!(together.kept.unwrap() < 1.0, "{:?}", together.kept);
}

#[tokio::test]
async fn who_stores_less_than_the_others_does_not_take_part() {
    let store = Arc::new(Watchful { loses: 1, ..Watchful::default() });
    let refused = Runner::new(store, 300).prepare(1).await.unwrap_err();
    assert!(refused.to_string().contains("299 bytes of 300"), "{refused}");
}

#[tokio::test]
async fn the_clock_runs_before_the_first_task_does() {
    let (_, mut runner) = runner();
    let timed = runner.run(Operation::Create, 1, Pace::Times(100)).await.unwrap();
    assert!(timed.cost.took >= timed.times.iter().sum(), "{:?}", timed.cost);
}
