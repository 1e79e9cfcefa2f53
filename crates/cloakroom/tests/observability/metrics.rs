//! What is counted, and under which labels.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use cloakroom::core::{
    Addressing, Cached, Clock as _, Deleted, ManualClock, Measured, Read, Record, Saved, SessionBackend,
    SessionKey, Stamp, SystemClock, Touched,
};
use cloakroom::{ErrorKind, Memory, SessionId, Sessions, Timestamp};
use cloakroom_conformance::{Fault, Faulty, Operation, Shelf, Trouble};
use metrics::LocalRecorderGuard;
use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};

const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

/// Counts on this thread, as long as it lives.
struct Counted {
    snapshotter: Snapshotter,
    _guard: LocalRecorderGuard<'static>,
}

impl Counted {
    fn new() -> Self {
        // A guard borrows its recorder; that of a test may live on.
        let recorder: &'static _ = Box::leak(Box::new(DebuggingRecorder::new()));
        Self { snapshotter: recorder.snapshotter(), _guard: metrics::set_default_local_recorder(recorder) }
    }

    /// Each metric that has counted since this was asked last, with its labels, as `name{label=value}`.
    fn all(&self) -> Vec<(String, DebugValue)> {
        let described = self.snapshotter.snapshot().into_vec();
        let mut all: Vec<_> = described
            .into_iter()
            .map(|(key, _, _, value)| {
                let labels: Vec<_> =
                    key.key().labels().map(|label| format!("{}={}", label.key(), label.value())).collect();
                (format!("{}{{{}}}", key.key().name(), labels.join(",")), value)
            })
            .filter(|(_, value)| {
                *value != DebugValue::Counter(0) && *value != DebugValue::Histogram(Vec::new())
            })
            .collect();
        all.sort_by(|(one, _), (other, _)| one.cmp(other));
        all
    }

    /// The counters of that, with what they have counted.
    fn counters(&self) -> Vec<(String, u64)> {
        let counter = |(name, value)| match value {
            DebugValue::Counter(count) => Some((name, count)),
            _ => None,
        };
        self.all().into_iter().filter_map(counter).collect()
    }

    /// What one of the counters has counted.
    #[cfg(all(feature = "sqlite", feature = "memory", feature = "cached-db", feature = "file"))]
    fn count(&self, metric: &str) -> u64 {
        let counters = self.counters();
        counters.iter().find(|(name, _)| name == metric).map_or(0, |(_, count)| *count)
    }
}

fn id() -> SessionId {
    SessionKey::generate(Addressing::Hashed).unwrap().id()
}

fn record(sequence: u64, payload: &'static str) -> Record {
    let until = NOW.plus(Duration::from_hours(1));
    Record::new(payload.into(), until, Some("somebody".to_owned()), Stamp { sequence, nonce: 7 })
}

fn operation(name: &str, outcome: &str) -> String {
    format!("cloakroom_operations_total{{engine=shelf,operation={name},outcome={outcome}}}")
}

#[tokio::test]
async fn each_call_is_counted_once_and_timed_once_under_its_engine_and_its_outcome() {
    let counted = Counted::new();
    let clock = ManualClock::at(NOW);
    let engine = Measured::new(Memory::with_clock(Arc::new(clock.clone())), "shelf");
    let (one, other) = (id(), id());
    let call = |name: &str, outcome: &str| {
        let all = counted.all();
        let of = |metric: &str| -> Vec<_> {
            all.iter()
                .filter(|(name, _)| name.starts_with(metric))
                .map(|(name, value)| (&**name, value))
                .collect()
        };
        let duration = format!("cloakroom_operation_duration_seconds{{engine=shelf,operation={name}}}");
        let [(metric, DebugValue::Histogram(spans))] = *of("cloakroom_operation_duration") else {
            panic!("{name}: not timed just once: {all:?}");
        };
        assert_eq!((metric, spans.len()), (&*duration, 1));
        let of_it = operation(name, outcome);
        assert_eq!(of("cloakroom_operations_total"), [(&*of_it, &DebugValue::Counter(1))]);
    };

    assert_eq!(engine.load(&one, Read::Any).await.unwrap(), None);
    call("load", "absent");
    let Saved::Written(written) = engine.create(&one, &record(1, "a")).await.unwrap() else { panic!() };
    call("create", "written");
    engine.create(&one, &record(2, "a")).await.unwrap();
    call("create", "conflict");
    let there = engine.load(&one, Read::Any).await.unwrap().unwrap();
    call("load", "found");
    engine.revision(&one).await.unwrap();
    call("revision", "found");
    engine.revision(&other).await.unwrap();
    call("revision", "absent");
    let later = there.record.expires_at.plus(Duration::from_secs(1));
    assert!(matches!(engine.touch(&one, later, &written.revision).await.unwrap(), Touched::Moved(_)));
    call("touch", "moved");
    engine.touch(&one, later, &written.revision).await.unwrap();
    call("touch", "skipped");
    engine.touch(&other, later, &written.revision).await.unwrap();
    call("touch", "gone");
    let Saved::Written(second) = engine.save(&one, &record(2, "b"), &written.revision).await.unwrap() else {
        panic!()
    };
    call("save", "written");
    engine.save(&one, &record(3, "c"), &written.revision).await.unwrap();
    call("save", "conflict");
    engine.save(&other, &record(3, "c"), &written.revision).await.unwrap();
    call("save", "gone");
    engine.rotate(&one, &other, &record(3, "d"), &written.revision).await.unwrap();
    call("rotate", "conflict");
    engine.rotate(&one, &other, &record(3, "d"), &second.revision).await.unwrap();
    call("rotate", "written");
    engine.index().unwrap().of("somebody", None, 9).await.unwrap();
    call("list", "listed");
    engine.walk().unwrap().page(None, 9).await.unwrap();
    call("walk", "listed");
    assert!(matches!(engine.delete(&other, Some(&second.revision)).await.unwrap(), Deleted::Conflict(_)));
    call("delete", "conflict");
    engine.delete(&other, None).await.unwrap();
    call("delete", "ended");
    engine.delete(&other, None).await.unwrap();
    call("delete", "absent");
}

#[tokio::test]
async fn what_is_read_and_what_is_written_is_told_in_bytes() {
    let counted = Counted::new();
    let engine = Measured::new(Memory::with_clock(Arc::new(ManualClock::at(NOW))), "shelf");
    let id = id();
    engine.create(&id, &record(1, "seven..")).await.unwrap();
    // One that is not stored is not written.
    engine.create(&id, &record(2, "other")).await.unwrap();
    engine.load(&id, Read::Any).await.unwrap();
    let mut bytes = counted.all();
    bytes.retain(|(name, _)| name.starts_with("cloakroom_payload_bytes"));
    let moved = |direction| {
        let name = format!("cloakroom_payload_bytes{{engine=shelf,direction={direction}}}");
        (name, DebugValue::Histogram(vec![7.0.into()]))
    };
    assert_eq!(bytes, [moved("read"), moved("written")]);
}

#[tokio::test]
async fn a_sweep_counts_what_it_has_removed() {
    let counted = Counted::new();
    let clock = ManualClock::at(NOW);
    let engine = Measured::new(Memory::with_clock(Arc::new(clock.clone())), "shelf");
    for _ in 0..3 {
        engine.create(&id(), &record(1, "a")).await.unwrap();
    }
    counted.all();
    clock.advance(Duration::from_hours(2));
    engine.clear_expired(clock.now(), 9).await.unwrap();
    let swept = ("cloakroom_swept_total{engine=shelf}".to_owned(), 3);
    assert_eq!(counted.counters(), [(operation("clear_expired", "cleared"), 1), swept]);
}

#[tokio::test]
async fn a_failure_is_counted_by_its_kind() {
    let counted = Counted::new();
    let faulty = Faulty::new(Memory::new());
    let engine = Measured::new(faulty.clone(), "shelf");
    let (id, record) = (id(), record(1, "a"));
    faulty.fail(Operation::Load, Fault::Refuse);
    engine.load(&id, Read::Any).await.unwrap_err();
    faulty.fail(Operation::Create, Fault::LoseReply);
    engine.create(&id, &record).await.unwrap_err();
    faulty.fail(Operation::Load, Fault::Corrupt);
    engine.load(&id, Read::Any).await.unwrap_err();
    let failures = [("create", "unknown"), ("load", "corrupt"), ("load", "unavailable")];
    assert_eq!(counted.counters(), failures.map(|(name, kind)| (operation(name, kind), 1)));
}

#[tokio::test]
async fn a_call_that_is_dropped_is_counted_as_abandoned() {
    let counted = Counted::new();
    let faulty = Faulty::new(Memory::new());
    let engine = Measured::new(faulty.clone(), "shelf");
    faulty.fail(Operation::Load, Fault::Hang);
    {
        let id = id();
        let mut load = pin!(engine.load(&id, Read::Any));
        poll_fn(|context| Poll::Ready(load.as_mut().poll(context).is_pending())).await;
        assert_eq!(counted.counters(), []);
    }
    assert_eq!(counted.counters(), [(operation("load", "abandoned"), 1)]);
}

#[tokio::test]
async fn a_conflict_a_repetition_and_an_interruption_are_counted_once_each() {
    let counted = Counted::new();
    let engine = Faulty::new(Memory::new());
    let sessions = Sessions::new(engine.clone());
    let session = sessions.load(None).await.unwrap();
    session.insert("n", 1).unwrap();
    session.save().await.unwrap();
    let other = sessions.load(session.key()).await.unwrap();
    assert_eq!(counted.counters(), []);

    session.insert("n", 2).unwrap();
    session.save().await.unwrap();
    other.insert("m", 1).unwrap();
    other.save().await.unwrap();
    assert_eq!(counted.counters(), [("cloakroom_commit_conflicts_total{}".to_owned(), 1)]);

    engine.fail(Operation::Save, Fault::LoseReply);
    other.insert("m", 2).unwrap();
    other.save().await.unwrap();
    assert_eq!(counted.counters(), [("cloakroom_commit_retries_total{}".to_owned(), 1)]);

    other.flush();
    other.save().await.unwrap();
    session.insert("n", 3).unwrap();
    for _ in 0..2 {
        assert_eq!(session.save().await.unwrap_err().kind(), ErrorKind::Interrupted);
    }
    assert_eq!(counted.counters(), [("cloakroom_interruptions_total{}".to_owned(), 1)]);
}

#[tokio::test]
async fn what_does_not_decode_is_counted() {
    let counted = Counted::new();
    let engine = Arc::new(Memory::new());
    let key = SessionKey::generate(Addressing::Hashed).unwrap();
    let record = Record::new("no session".into(), Timestamp::MAX, None, Stamp { sequence: 1, nonce: 7 });
    engine.create(&key.id(), &record).await.unwrap();
    Sessions::new(engine).load(Some(key)).await.unwrap();
    assert_eq!(counted.counters(), [("cloakroom_unreadable_total{}".to_owned(), 1)]);
}

#[tokio::test]
async fn what_a_cache_answers_what_it_does_not_and_what_fails_is_counted() {
    let counted = Counted::new();
    let shelf = Shelf::new(Arc::new(SystemClock), true);
    let engine = Memory::new();
    let (one, other) = (id(), id());
    let until = SystemClock.now().plus(Duration::from_hours(1));
    let record = Record::new("a".into(), until, None, Stamp { sequence: 1, nonce: 7 });
    engine.create(&other, &record).await.unwrap();
    let cached = Cached::new(engine, shelf.clone());
    cached.create(&one, &record).await.unwrap();
    let [hits, misses, failures] =
        ["hits", "misses", "failures"].map(|what| (format!("cloakroom_cache_{what}_total{{}}"), 1));

    cached.load(&one, Read::Any).await.unwrap().unwrap();
    assert_eq!(counted.counters(), [hits]);
    cached.load(&other, Read::Any).await.unwrap().unwrap();
    assert_eq!(counted.counters(), std::slice::from_ref(&misses));
    // What must be the newest is not looked for in a cache.
    cached.load(&one, Read::Latest).await.unwrap().unwrap();
    assert_eq!(counted.counters(), []);
    shelf.suffer(Some(Trouble::Down));
    cached.load(&one, Read::Any).await.unwrap().unwrap();
    assert_eq!(counted.counters(), [failures, misses]);
}

#[cfg(all(feature = "memory", feature = "signed-cookies"))]
#[test]
fn what_is_measured_promises_what_it_wraps() {
    use cloakroom_conformance::PlainFormat;

    let forwards = |engine: Arc<dyn SessionBackend>| {
        let measured = Measured::new(Arc::clone(&engine), "shelf");
        assert_eq!(measured.capabilities(), engine.capabilities());
        assert_eq!(measured.index().is_some(), engine.index().is_some());
        assert_eq!(measured.walk().is_some(), engine.walk().is_some());
        assert_eq!(measured.format().is_some(), engine.format().is_some());
        (engine.index().is_some(), engine.format().is_some())
    };
    let cookie =
        cloakroom::cookie::Config::new("a secret key of the tests that is long enough").open().unwrap();
    let format = Arc::new(PlainFormat);
    let formatted = cloakroom::cache::memory::Config::new().format(format).open();
    assert_eq!(forwards(Arc::new(Memory::new())), (true, false));
    assert_eq!(forwards(Arc::new(cookie)), (false, false));
    assert_eq!(forwards(Arc::new(formatted)), (false, true));
}

#[cfg(all(feature = "sqlite", feature = "memory", feature = "cached-db", feature = "file"))]
#[tokio::test]
async fn settings_measure_the_engine_that_they_open_under_its_name() {
    let counted = Counted::new();
    let folder = tempfile::tempdir().unwrap();
    for engine in ["db", "cache", "cached_db", "file"] {
        let mut settings = cloakroom::Settings::default();
        settings.db_url = format!("sqlite:{}/sessions.sqlite3", folder.path().display());
        settings.file_path = folder.path().join("sessions");
        settings.set("SESSION_ENGINE", engine).unwrap();
        settings.migrate().await.unwrap();
        let session = settings.sessions().await.unwrap().load(None).await.unwrap();
        session.insert("n", 1).unwrap();
        session.save().await.unwrap();
        let name = format!("cloakroom_operations_total{{engine={engine},operation=create,outcome=written}}");
        assert_eq!(counted.count(&name), 1);
    }
}
