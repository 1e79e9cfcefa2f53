//! actix-session's store for cookies, with the signature that its middleware puts around it.

use actix_session::storage::{CookieSessionStore, SessionStore as _};
use actix_web::cookie::{Cookie as HttpCookie, CookieJar, Key, time::Duration};
use cloakroom_contest::{Contender, Operation, Result};

use super::actix::{parsed, read, state};

const NAME: &str = "id";
const LIFE: Duration = Duration::hours(1);

/// Values as a browser would keep them.
pub(super) struct Cookie {
    store: CookieSessionStore,
    key: Key,
}

impl Default for Cookie {
    fn default() -> Self {
        Self { store: CookieSessionStore::default(), key: Key::generate() }
    }
}

impl Cookie {
    fn signed(&self, value: &str) -> Result<String> {
        let mut jar = CookieJar::new();
        jar.signed_mut(&self.key).add(HttpCookie::new(NAME, value.to_owned()));
        Ok(jar.get(NAME).ok_or("a jar has lost its cookie")?.value().to_owned())
    }

    async fn text(&self, value: &str) -> Result<String> {
        let mut jar = CookieJar::new();
        jar.add_original(HttpCookie::new(NAME, value.to_owned()));
        let verified = jar.signed(&self.key).get(NAME).ok_or("a signature is wrong")?;
        let there = self.store.load(&parsed(verified.value())?).await?.ok_or("a session is gone")?;
        read(there)
    }
}

impl Contender for Cookie {
    type Session = String;

    async fn create(&self, text: String) -> Result<String> {
        let key = self.store.save(state(&text), &LIFE).await?;
        self.signed(key.as_ref())
    }

    async fn load(&self, session: &String) -> Result<usize> {
        Ok(self.text(session).await?.len())
    }

    async fn save(&self, session: &mut String, text: String) -> Result {
        *session = self.create(text).await?;
        Ok(())
    }

    async fn touch(&self, session: &mut String) -> Result {
        *session = self.create(self.text(session).await?).await?;
        Ok(())
    }

    async fn rotate(&self, session: &mut String, text: String) -> Result {
        self.save(session, text).await
    }

    async fn delete(&self, _: String) -> Result {
        Ok(())
    }

    async fn update(&self, _: &String) -> Result {
        Err("visitors share nothing".into())
    }

    async fn counted(&self, _: &String) -> Result<u64> {
        Err("visitors share nothing".into())
    }

    fn lacks(&self) -> &'static [Operation] {
        &[Operation::Delete, Operation::Update, Operation::Sweep]
    }
}
