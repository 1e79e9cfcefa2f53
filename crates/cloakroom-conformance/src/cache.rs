//! Cases for caches: a promise of [`SessionCache`] each.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use cloakroom_core::{
    Addressing, Clock, ManualClock, Record, SessionCache, SessionId, SessionKey, Stamp, Stored,
};

use crate::engine::START;

const LEASE: Duration = Duration::from_secs(30);

/// The cache under test, empty, and the clock that its leases go by.
pub struct Cache {
    tested: Box<dyn SessionCache>,
    clock: ManualClock,
    id: SessionId,
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache").field("tested", &self.tested).finish_non_exhaustive()
    }
}

/// Runs a case on a cache of its own.
pub async fn run<C: SessionCache, Making, Running>(
    make: impl FnOnce(Arc<dyn Clock>) -> Making,
    case: impl FnOnce(Cache) -> Running,
) where
    Making: Future<Output = C>,
    Running: Future<Output = ()>,
{
    let clock = ManualClock::at(START);
    let tested = Box::new(make(Arc::new(clock.clone())).await);
    let id = SessionKey::generate(Addressing::Hashed).unwrap().id();
    case(Cache { tested, clock, id }).await;
}

impl Cache {
    /// The `sequence`th version of a session, alive for `minutes`.
    fn version(&self, sequence: u64, minutes: u64) -> Stored {
        let payload = Bytes::from(format!("\0{sequence}\u{ff}").into_bytes());
        let end = self.clock.now().plus(Duration::from_mins(minutes));
        Stored::stamped(Record::new(payload, end, Some("алиса".into()), Stamp { sequence, nonce: sequence }))
    }

    async fn put(&self, value: &Stored) {
        self.tested.put(&self.id, value, LEASE).await.unwrap();
    }

    async fn get(&self) -> Option<Stored> {
        self.tested.get(&self.id).await.unwrap()
    }
}

/// Payload, deadline, owner and stamp.
pub async fn a_copy_is_got_as_it_was_put(cache: Cache) {
    assert_eq!(cache.get().await, None);
    let copy = cache.version(1, 60);
    cache.put(&copy).await;
    assert_eq!(cache.get().await, Some(copy));
}

/// Whatever its deadline.
pub async fn a_copy_goes_when_its_lease_ends(cache: Cache) {
    cache.put(&cache.version(1, 60)).await;
    let last = cache.clock.now().plus(LEASE).minus(Duration::from_millis(1));
    cache.clock.advance(last.since(cache.clock.now()));
    assert!(cache.get().await.is_some());
    cache.clock.advance(Duration::from_millis(1));
    assert_eq!(cache.get().await, None);
}

/// A filler that was slow comes after one that was fast.
pub async fn an_older_version_never_replaces_a_newer(cache: Cache) {
    let newer = cache.version(2, 60);
    cache.put(&newer).await;
    cache.put(&cache.version(1, 90)).await;
    assert_eq!(cache.get().await, Some(newer));
}

/// Also one whose deadline is nearer.
pub async fn a_newer_version_replaces_an_older(cache: Cache) {
    cache.put(&cache.version(1, 60)).await;
    let newer = cache.version(2, 30);
    cache.put(&newer).await;
    assert_eq!(cache.get().await, Some(newer));
}

/// A touch moves it, and nothing else.
pub async fn at_one_version_the_later_deadline_stays(cache: Cache) {
    cache.put(&cache.version(1, 60)).await;
    let touched = cache.version(1, 90);
    cache.put(&touched).await;
    cache.put(&cache.version(1, 60)).await;
    assert_eq!(cache.get().await, Some(touched));
}

/// Until it ends.
pub async fn nothing_is_put_over_a_fence(cache: Cache) {
    cache.put(&cache.version(1, 60)).await;
    cache.tested.fence(&cache.id, Duration::from_secs(10)).await.unwrap();
    assert_eq!(cache.get().await, None, "a fence hides what was there");
    cache.put(&cache.version(9, 60)).await;
    cache.clock.advance(Duration::from_secs(9));
    cache.put(&cache.version(9, 60)).await;
    assert_eq!(cache.get().await, None, "a fence keeps out what comes");
    cache.clock.advance(Duration::from_secs(1));
    let after = cache.version(1, 60);
    cache.put(&after).await;
    assert_eq!(cache.get().await, Some(after));
}

/// Whoever reads the engine once more has not made the copy any newer.
pub async fn an_equal_copy_does_not_lengthen_the_lease(cache: Cache) {
    let copy = cache.version(1, 60);
    cache.put(&copy).await;
    cache.clock.advance(LEASE / 2);
    cache.put(&copy).await;
    cache.clock.advance(LEASE / 2);
    assert_eq!(cache.get().await, None);
}

/// Each holds on its own.
pub async fn a_fence_replaces_a_fence(cache: Cache) {
    for hold in [10, 20] {
        cache.tested.fence(&cache.id, Duration::from_secs(hold)).await.unwrap();
    }
    cache.clock.advance(Duration::from_secs(15));
    cache.put(&cache.version(1, 60)).await;
    assert_eq!(cache.get().await, None);
}

/// Copies of different ids have nothing to do with each other, whatever the ids look like.
pub async fn hostile_ids_name_only_themselves(cache: Cache) {
    let long = "x".repeat(40);
    let ids =
        ["a", "A", "{abc}", "abc{}", "{}", "*", "a*", "?", "..", "../..", "a:b", "\\", "'", long.as_str()];
    let version = |at: usize| cache.version(at as u64 + 1, 60);
    for (at, text) in ids.iter().enumerate() {
        let id = SessionId::parse(text).unwrap();
        cache.tested.put(&id, &version(at), LEASE).await.unwrap();
    }
    for (at, text) in ids.iter().enumerate() {
        let id = SessionId::parse(text).unwrap();
        assert_eq!(cache.tested.get(&id).await.unwrap(), Some(version(at)), "{text}");
    }
}

/// Makes a test of each case for a cache: `cache_tests!(async |clock| …)`, and with
/// `ignore = "needs a server";` in front tests that run only when they are asked for.
#[macro_export]
macro_rules! cache_tests {
    (ignore = $reason:literal; $make:expr) => {
        $crate::__cache_tests!({ #[ignore = $reason] } $make);
    };
    ($make:expr) => {
        $crate::__cache_tests!({} $make);
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __cache_tests {
    ($attributes:tt $make:expr) => {
        $crate::__cache_tests!($attributes $make;
            a_copy_is_got_as_it_was_put
            a_copy_goes_when_its_lease_ends
            an_older_version_never_replaces_a_newer
            a_newer_version_replaces_an_older
            at_one_version_the_later_deadline_stays
            an_equal_copy_does_not_lengthen_the_lease
            nothing_is_put_over_a_fence
            a_fence_replaces_a_fence
            hostile_ids_name_only_themselves
        );
    };
    ($attributes:tt $make:expr; $($case:ident)*) => {
        $($crate::__cache_test!($attributes $make; $case);)*
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __cache_test {
    ({ $($attributes:tt)* } $make:expr; $case:ident) => {
        $($attributes)*
        #[::tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $case() {
            $crate::cache::run($make, $crate::cache::$case).await;
        }
    };
}
