//! Removing what has expired before the server does by itself.

use cloakroom_core::{Error, ErrorKind, Result, SessionId, Swept, Timestamp};
use futures_util::{StreamExt, TryStreamExt, stream};
use redis::Value;
use tokio::sync::Mutex;
use tokio::time::timeout_at;

use super::client::{Budget, Client};
use super::connection::Target;
use super::script;
use super::value;
use super::walk::Walk;

/// How many records are looked at, and how many removed, at a time.
const AT_ONCE: usize = 64;

/// A sweep takes more calls than one: this remembers how far it has come.
#[derive(Default)]
pub(super) struct Sweep(Mutex<Option<Begun>>);

struct Begun {
    /// What had not expired by then was left alone.
    before: Timestamp,
    walk: Walk,
}

impl Sweep {
    /// Removes up to `limit` records whose deadline is `before` or earlier, and stops where it is when its time is over.
    ///
    /// # Errors
    ///
    /// `Unavailable` if another sweep is under way all the while, else as `SessionBackend::clear_expired`.
    pub(super) async fn run(&self, client: &Client, before: Timestamp, limit: u32) -> Result<Swept> {
        let budget = client.budget();
        let begun = timeout_at(budget.0, self.0.lock()).await;
        let mut begun = begun.map_err(|_| busy())?;
        let anew = Walk::new(client, budget, client.keys.pattern()).await?;
        if begun.as_ref().is_some_and(|begun| !begun.walk.is_among(&anew)) {
            *begun = None;
        }
        // It stays where it is: whatever cuts this sweep short, the next goes on from there.
        let under_way = begun.get_or_insert_with(|| Begun { before, walk: anew.clone() });
        let mut cleared = 0;
        while cleared < u64::from(limit) {
            if budget.is_spent() {
                return Ok(Swept { removed: cleared, more: true });
            }
            let Some((keys, behind)) = under_way.walk.next(client, budget).await? else {
                if under_way.before >= before {
                    *begun = None;
                    return Ok(Swept { removed: cleared, more: false });
                }
                // It began when what it passed first was alive.
                *under_way = Begun { before, walk: anew.clone() };
                continue;
            };
            let ids = keys.iter().filter_map(|key| client.keys.id(key)).collect();
            let mut dead = expired(client, budget, ids, before).await?;
            let room = usize::try_from(u64::from(limit) - cleared).unwrap_or(usize::MAX);
            if dead.len() <= room {
                under_way.walk = behind;
            }
            dead.truncate(room);
            cleared += removed(client, budget, dead, before).await?;
        }
        Ok(Swept { removed: cleared, more: true })
    }
}

/// Those of these whose deadline has come.
async fn expired(
    client: &Client,
    budget: Budget,
    ids: Vec<SessionId>,
    before: Timestamp,
) -> Result<Vec<SessionId>> {
    let look = |id: SessionId| async move {
        let key = client.keys.session(&id);
        let mut get = redis::cmd("GETRANGE");
        get.arg(&key).arg(0).arg(value::HEAD - 1);
        let dead = match client.read(budget, Target::Key(&key), get).await {
            Ok(Value::BulkString(head)) => value::head(&head).is_ok_and(|(deadline, _)| deadline <= before),
            Err(error) if error.kind() != ErrorKind::Corrupt => return Err(error),
            _ => false,
        };
        Ok(dead.then_some(id))
    };
    stream::iter(ids)
        .map(look)
        .buffered(AT_ONCE)
        .try_filter_map(|dead| async { Ok(dead) })
        .try_collect()
        .await
}

/// How many of these the server has removed, after another look at their deadline.
async fn removed(client: &Client, budget: Budget, dead: Vec<SessionId>, before: Timestamp) -> Result<u64> {
    let before = before.millis().to_string();
    let remove = |id: SessionId| {
        let before = &before;
        async move {
            let key = client.keys.session(&id);
            let answer = client.run(budget, &script::SWEEP, &[&key], &[before.as_bytes()]).await?;
            Ok(u64::from(answer == Value::Int(1)))
        }
    };
    stream::iter(dead).map(remove).buffered(AT_ONCE).try_fold(0, |sum, n| async move { Ok(sum + n) }).await
}

fn busy() -> Error {
    Error::new(ErrorKind::Unavailable, "another sweep of the session cache is under way in this process")
}
