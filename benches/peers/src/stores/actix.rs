//! actix-session's store for Redis.

use std::collections::HashMap;

use actix_session::storage::{RedisSessionStore, SessionKey, SessionStore as _};
use actix_web::cookie::time::Duration;
use cloakroom_contest::{Contender, Operation, Result, payload};
use tower_sessions_redis_store::fred::prelude::Pool;

/// The one name that is set.
const NAME: &str = "t";
const LIFE: Duration = Duration::hours(1);
/// What the JSON has beside the text: `{"t":"…"}`, and the quotes within which actix-session keeps a text.
const BESIDE: usize = 12;

/// States of one name, whose text is so long that the whole has as many bytes as everybody's.
pub(super) struct Actix {
    store: RedisSessionStore,
    /// Asked for sizes alone.
    pool: Pool,
    size: usize,
}

impl Actix {
    pub(super) async fn open(url: String, size: usize) -> Result<Self> {
        let pool = super::emptied(&url, 1).await?;
        let store = RedisSessionStore::new(url).await.map_err(|error| format!("{error:#}"))?;
        Ok(Self { store, pool, size })
    }

    fn state(&self, mut text: String) -> HashMap<String, String> {
        text.truncate(self.size - BESIDE);
        state(&text)
    }

    async fn text(&self, key: &str) -> Result<String> {
        let there = self.store.load(&parsed(key)?).await?.ok_or("a session is gone")?;
        read(there)
    }
}

impl Contender for Actix {
    type Session = String;

    async fn create(&self, text: String) -> Result<String> {
        let key = self.store.save(self.state(text), &LIFE).await?;
        Ok(key.as_ref().to_owned())
    }

    async fn load(&self, session: &String) -> Result<usize> {
        Ok(self.text(session).await?.len() + BESIDE)
    }

    async fn save(&self, session: &mut String, text: String) -> Result {
        self.store.update(parsed(session)?, self.state(text), &LIFE).await?;
        Ok(())
    }

    async fn touch(&self, session: &mut String) -> Result {
        self.store.update_ttl(&parsed(session)?, &LIFE).await.map_err(|error| format!("{error:#}").into())
    }

    /// As its middleware renews a session.
    async fn rotate(&self, session: &mut String, text: String) -> Result {
        self.store.delete(&parsed(session)?).await.map_err(|error| format!("{error:#}"))?;
        *session = self.create(text).await?;
        Ok(())
    }

    async fn delete(&self, session: String) -> Result {
        self.store.delete(&parsed(&session)?).await.map_err(|error| format!("{error:#}").into())
    }

    async fn update(&self, session: &String) -> Result {
        let count = self.counted(session).await?;
        self.store.update(parsed(session)?, self.state(payload(self.size, count + 1)), &LIFE).await?;
        Ok(())
    }

    async fn counted(&self, session: &String) -> Result<u64> {
        Ok(u64::from_str_radix(&self.text(session).await?[..16], 16)?)
    }

    async fn bytes(&self, _: u64) -> Result<Option<f64>> {
        super::memory(&self.pool).await.map(Some)
    }

    fn lacks(&self) -> &'static [Operation] {
        &[Operation::Sweep]
    }
}

pub(super) fn parsed(key: &str) -> Result<SessionKey> {
    Ok(key.to_owned().try_into().map_err(|_| "a key that is none")?)
}

/// It keeps each value as JSON.
pub(super) fn state(text: &str) -> HashMap<String, String> {
    [(NAME.to_owned(), format!("\"{text}\""))].into()
}

pub(super) fn read(mut state: HashMap<String, String>) -> Result<String> {
    let json = state.remove(NAME).ok_or("a session has lost its text")?;
    Ok(json.trim_matches('"').to_owned())
}
