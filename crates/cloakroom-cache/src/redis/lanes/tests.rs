//! Callers of one lane, in every order in which they can meet, and leave.

use cloakroom_interleavings::{Plan, explore, run, run_or_drop};
use cloakroom_servers::Redis;
use tokio::runtime::Runtime;

use super::*;
use crate::redis::address::Address;

/// One lane to a server, in a runtime that goes on while all tasks wait, and at no other time.
#[derive(Clone)]
struct Road {
    began: Instant,
    lanes: Arc<Lanes>,
    runtime: Arc<Runtime>,
}

impl Road {
    fn to(url: &str) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let entered = runtime.enter();
        let maker = Maker::new(&Address::parse(url).unwrap(), None, CONNECT_LIMIT, "a server").unwrap();
        let lanes = Arc::new(Lanes::new(maker, 1, 0, "a server").unwrap());
        drop(entered);
        Self { began: Instant::now(), lanes, runtime: Arc::new(runtime) }
    }

    fn plan(&self) -> Plan {
        let runtime = Arc::clone(&self.runtime);
        Plan::default().idle(move || runtime.block_on(tokio::task::yield_now()))
    }

    /// What `work` comes to, which may be dropped wherever it waits.
    fn or_drop<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let _entered = self.runtime.enter();
        run_or_drop(work)
    }

    async fn connected(&self) -> Arc<Live> {
        let failures = self.lanes.era.load(Ordering::Acquire);
        let until = Instant::now() + Duration::from_secs(30);
        let live = self.lanes.connected(Kind::Shared, 0, until).await.unwrap();
        assert!(live.era >= failures, "it was known to have failed before it was asked for");
        live
    }

    /// Afterwards: one connection is made or ready, and works.
    fn is_open(&self) {
        // Two that connect at once would wait for each other's place.
        assert!(self.began.elapsed() < CONNECT_LIMIT, "somebody waited in vain");
        self.runtime.block_on(async {
            let live = self.connected().await;
            let pong = redis::cmd("PING").query_async::<String>(&mut server(&live)).await;
            assert_eq!(pong.unwrap(), "PONG");
            self.lanes.discard(&live);
            assert!(self.lanes.ready(Kind::Shared, 0).is_none(), "it is handed out although it has failed");
            assert!(!Arc::ptr_eq(&self.connected().await, &live));
        });
    }
}

fn server(live: &Live) -> redis::aio::MultiplexedConnection {
    match live.connection() {
        Connection::Server(server) => server,
        Connection::Cluster(_) => panic!("it is one server"),
    }
}

#[test]
#[ignore = "needs a server: cargo xtask test starts one"]
fn in_every_order_a_lane_is_connected_by_one_and_lost_by_none_who_leave() {
    let redis = Redis::start().unwrap();
    let orders = explore(1, || {
        let road = Road::to(redis.url());
        let plan = (0..3).fold(road.plan(), |plan, _| {
            let road = road.clone();
            plan.task(move || {
                road.or_drop(road.connected());
            })
        });
        plan.end(move || {
            assert!(road.lanes.pool.status().size <= 1);
            road.is_open();
        })
    });
    assert!(orders > 100, "{orders}");
}

#[test]
#[ignore = "needs a server: cargo xtask test starts one"]
fn in_every_order_a_connection_that_was_found_broken_is_nobodys_any_more() {
    let redis = Redis::start().unwrap();
    let orders = explore(1, || {
        let road = Road::to(redis.url());
        let broken = road.runtime.block_on(road.connected());
        let finds = |road: Road, live: Arc<Live>| {
            move || {
                road.lanes.discard(&live);
                let next = road.or_drop(road.connected());
                assert!(next.is_none_or(|next| !Arc::ptr_eq(&next, &live)));
            }
        };
        let asks = road.clone();
        let plan = road.plan().task(finds(road.clone(), Arc::clone(&broken)));
        let plan = plan.task(finds(road.clone(), broken)).task(move || {
            let _entered = asks.runtime.enter();
            run(asks.connected());
        });
        plan.end(move || {
            assert!(road.lanes.era.load(Ordering::Acquire) <= 1, "one failure counts once");
            road.is_open();
        })
    });
    assert!(orders > 100, "{orders}");
}
