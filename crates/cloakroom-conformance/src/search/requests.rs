//! Visitors' requests: their sessions against a model of what sessions are.

mod commits;
mod event;
mod keys;
mod model;
mod player;
mod scene;
mod script;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cloakroom_core::{Addressing, ErrorKind, Read, Result, SessionOptions, Sessions};

use self::event::Event;
use self::keys::Keys;
use self::model::World;
use self::player::Player;
use self::scene::{Part, Scene};
use self::script::{History, PROCESSES, USERS, VISITORS, histories};
use super::hunt::{Counterexample, Effort, Played, Searched, hunt};
use super::log::Log;
use super::stage::{Gates, Stage};
use super::steps::{Faults, perform};
use crate::{Engine, Faulty};

/// How often one looks again where the store was in trouble just now.
const LOOKS: u32 = 10;
const IDLE: Duration = Duration::from_hours(2);

/// Draws histories of requests: one after the other, or at once and with faults.
pub(super) async fn search(
    engine: &Engine,
    faults: Option<Faults>,
    outside: Option<&Outside>,
    effort: Effort,
) -> std::result::Result<Searched, Counterexample> {
    let rounds = AtomicU64::new(0);
    hunt(effort, histories(faults), async |history| {
        play(engine, history, outside, rounds.fetch_add(1, Ordering::Relaxed)).await
    })
    .await
}

/// Begins trouble between the engine and its store. What that returns ends it, and says how often something has happened; the
/// trouble is over as well when it is dropped.
pub(super) type Outside = dyn Fn() -> Box<dyn FnOnce() -> usize> + Send + Sync;

async fn play(engine: &Engine, history: &History, outside: Option<&Outside>, round: u64) -> Played {
    let gates = Arc::new(Gates::default());
    let faulty = Faulty::gated(Arc::clone(&engine.backend), Arc::clone(&gates));
    // Where a session's beginning is not kept there is no idle timeout.
    let idle = Some(IDLE).filter(|_| history.idle && engine.backend.format().is_none());
    let options = |options: &mut SessionOptions| options.lifetime.idle = idle;
    let scene = Scene {
        presented: engine.backend.capabilities().addressing == Addressing::Presented,
        processes: (0..PROCESSES).map(|_| engine.sessions_over(faulty.clone(), options)).collect(),
        browsers: (0..VISITORS).map(|_| Mutex::default()).collect(),
        log: Log::new(engine.clock.clone()),
        keys: Keys::default(),
        gates: Arc::clone(&gates),
        slow: outside.is_some(),
        idle: idle.is_some(),
        round,
    };
    let parts: Vec<Part> = history.requests.iter().map(|_| Part::default()).collect();
    let act = |number: usize| Player::new(&scene, number, &history.requests[number], &parts[number]).play();
    let cut =
        |number: usize| Player::new(&scene, number, &history.requests[number], &parts[number]).give_up();
    let mut stage = Stage::new(Arc::clone(&gates));
    let trouble = outside.map(|begins| begins());
    let mut ended = Ok(());
    if let Some(steps) = &history.steps {
        // The others find a session that there is.
        stage.enter(Box::pin(act(0)));
        ended = perform(&mut stage, &gates, &engine.clock, &[], |_| None).await;
        (1..history.requests.len()).for_each(|number| stage.enter(Box::pin(act(number))));
        let cut = |number: usize| parts[number].is_begun().then(|| Box::pin(cut(number)) as _);
        ended = ended.and(perform(&mut stage, &gates, &engine.clock, steps, cut).await);
    } else {
        for (number, request) in history.requests.iter().enumerate() {
            engine.pass(Duration::from_mins(request.pause.into()));
            stage.enter(Box::pin(act(number)));
            ended = ended.and(perform(&mut stage, &gates, &engine.clock, &[], |_| None).await);
        }
    }
    drop(stage);
    let troubles = trouble.map_or(0, |ends| ends());
    if let Err(stuck) = ended {
        scene.log.wrong(stuck);
    }
    look_at_everything(engine, &scene, &engine.sessions_with(options)).await;
    Played { judged: scene.log.judge(&World::new(idle), Event::parts), faults: gates.faults() + troubles }
}

/// When all is over, each key is tried, and each user's sessions are counted.
async fn look_at_everything(engine: &Engine, scene: &Scene, sessions: &Sessions) {
    let log = &scene.log;
    let keys = if scene.presented {
        // What was handed out before lives on, as documented.
        scene.browsers.iter().filter_map(|browser| browser.lock().unwrap().key()).collect()
    } else {
        scene.keys.all()
    };
    for key in keys {
        let at = log.begin(None, |_| Event::Read { key: scene.keys.number(&key), found: None });
        match patiently(async || sessions.load(Some(key.clone())).await).await {
            Ok(session) => {
                let found = session.key().map(|_| scene.view(&session));
                log.came_to(at, Event::Read { key: scene.keys.number(&key), found });
            }
            Err(error) => log.wrong(format!("afterwards: {error:?}")),
        }
    }
    if engine.backend.index().is_none() {
        return;
    }
    for user in USERS {
        let at = log.begin(None, |_| Event::Count { user, sessions: 0 });
        match patiently(async || living(sessions, &scene.name(user)).await).await {
            Ok(sessions) => log.came_to(at, Event::Count { user, sessions }),
            Err(error) => log.wrong(format!("afterwards: {error:?}")),
        }
    }
}

/// A listing may show a session under the id that it had before, if an engine still works on a call that was cut.
async fn living(sessions: &Sessions, user: &str) -> Result<usize> {
    let mut living = 0;
    for listed in sessions.of_user(user).await? {
        living += usize::from(sessions.backend().load(&listed.id, Read::Latest).await?.is_some());
    }
    Ok(living)
}

/// Connections that broke are found out one by one.
async fn patiently<T>(look: impl AsyncFn() -> Result<T>) -> Result<T> {
    for _ in 0..LOOKS {
        match look().await {
            Err(error) if error.kind() == ErrorKind::Unavailable => tokio::task::yield_now().await,
            answer => return answer,
        }
    }
    look().await
}
