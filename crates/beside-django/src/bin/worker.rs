//! Sessions for programs in other languages: a line of JSON comes in, what it asks for is done, a line goes out. The settings are
//! the environment's ([`Settings::from_env`]); it ends when its input does.
//!
//! | `do` | with | answers |
//! |---|---|---|
//! | `load` | `key` | `key`, `data` and `expiry`; no `key` if nothing lives there |
//! | `exists` | `key` | `key`, if something lives there in a store |
//! | `create` | `data`, `expiry` | `key`: it is drawn here, never chosen outside |
//! | `save` | `key`, `data`, `expiry` | `key`; the error `Interrupted` if the session has ended |
//! | `cycle` | the same | the same, under another key |
//! | `delete` | `key` | |
//! | `clear_expired` | | |
//! | `encode` | `data`, `expiry` | `text`, as Django writes it |
//! | `decode` | `text` | `data`; the error `Corrupt` if it is none of Django's |
//!
//! `data` is an object. An `expiry` is none, `"browser_close"`, `{"after": …}` or `{"at": …}`, both in milliseconds. One that has
//! passed ends the session: no `key` is answered. What went wrong is `error`, its kind, and `why`.

use std::error::Error as StdError;
use std::io::{Write as _, stdin, stdout};
use std::time::Duration;

use cloakroom::core::{Addressing, Error, Memory, Portable, Result, Session, SessionFormat as _};
use cloakroom::django::{Secrets, Signed, Site};
use cloakroom::{ErrorKind, Expiry, Sessions, Settings, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

#[derive(Deserialize)]
struct Question {
    r#do: Deed,
    key: Option<String>,
    #[serde(default)]
    data: Box<RawValue>,
    expiry: Option<End>,
    #[serde(default)]
    text: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Deed {
    Load,
    Exists,
    Create,
    Save,
    Cycle,
    Delete,
    ClearExpired,
    Encode,
    Decode,
}

#[derive(Default, Serialize)]
struct Answer {
    key: Option<String>,
    data: Option<Box<RawValue>>,
    expiry: Option<End>,
    text: Option<String>,
    error: Option<String>,
    why: Option<String>,
}

/// An expiry, in milliseconds.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum End {
    BrowserClose,
    After(u64),
    At(u64),
}

struct Worker {
    sessions: Sessions,
    codec: Option<Signed>,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn StdError>> {
    let settings = Settings::from_env()?;
    settings.migrate().await?;
    let worker = Worker { sessions: settings.sessions().await?, codec: codec(&settings)? };
    for line in stdin().lines() {
        let answer = worker.answer(&line?).await.unwrap_or_else(|error| Answer {
            error: Some(format!("{:?}", error.kind())),
            why: Some(error.to_string()),
            ..Answer::default()
        });
        writeln!(stdout(), "{}", serde_json::to_string(&answer)?)?;
    }
    Ok(worker.sessions.backend().close().await?)
}

/// What a Django site with these settings writes.
fn codec(settings: &Settings) -> Result<Option<Signed>> {
    let Some(key) = &settings.secret_key else { return Ok(None) };
    let secrets =
        Secrets::new(key.as_str())?.fallbacks(settings.secret_key_fallbacks.iter().map(String::as_str))?;
    Ok(Some(Signed::new(Site::new(secrets).use_tz(settings.django.use_tz))))
}

impl Worker {
    async fn answer(&self, line: &str) -> Result<Answer> {
        // What serde says of it may quote it.
        let unasked = |_| Error::new(ErrorKind::Invalid, "that is no question");
        let Question { r#do, key, data, expiry, text } = serde_json::from_str(line).map_err(unasked)?;
        match r#do {
            Deed::Load => {
                let session = self.session(key).await?;
                let expiry = End::of(session.expiry());
                Ok(Answer { data: Some(session.read()?), expiry, ..told(&session) })
            }
            // What visitors bear is nowhere else.
            Deed::Exists if self.sessions.backend().capabilities().addressing == Addressing::Presented => {
                Ok(Answer::default())
            }
            Deed::Exists => Ok(told(&self.session(key).await?)),
            Deed::Create => {
                let session = self.sessions.load(None).await?;
                fill(&session, &data, expiry.as_ref())?;
                if session.is_empty() {
                    // Nothing is stored for a visitor with nothing to remember, but what was emptied is.
                    session.insert("new", true)?;
                    session.save().await?;
                    session.clear();
                }
                session.save().await?;
                Ok(told(&session))
            }
            Deed::Save | Deed::Cycle => {
                let session = self.session(key).await?;
                if session.key().is_none() {
                    return Err(Error::new(ErrorKind::Interrupted, "the session has ended"));
                }
                fill(&session, &data, expiry.as_ref())?;
                if matches!(r#do, Deed::Cycle) {
                    session.cycle_key();
                }
                session.save().await?;
                Ok(told(&session))
            }
            Deed::Delete => {
                let session = self.session(key).await?;
                session.flush();
                session.save().await?;
                Ok(Answer::default())
            }
            Deed::ClearExpired => {
                self.sessions.clear_expired(self.now()).await?;
                Ok(Answer::default())
            }
            Deed::Encode => {
                // A session of its own takes the object apart.
                let session = Sessions::new(Memory::new()).load(None).await?;
                fill(&session, &data, expiry.as_ref())?;
                let mut parts = Portable::default();
                let entries = session
                    .iter()
                    .map(|(name, json)| (name, Box::<[u8]>::from(Box::<str>::from(json)).into()));
                parts.entries = entries.collect();
                parts.expiry = session.expiry();
                let text = self.codec()?.encode(&parts, self.now(), usize::MAX)?;
                Ok(Answer { text: Some(String::from_utf8_lossy(&text).into_owned()), ..Answer::default() })
            }
            Deed::Decode => {
                let codec = self.codec()?;
                let json = codec.json(text.as_bytes())?;
                // What is signed may still be no session.
                codec.decode(&text.into())?;
                let data = RawValue::from_string(json)
                    .map_err(|_| Error::new(ErrorKind::Mismatch, "JSON proper can't say what is there"))?;
                Ok(Answer { data: Some(data), ..Answer::default() })
            }
        }
    }

    async fn session(&self, key: Option<String>) -> Result<Session> {
        self.sessions.load(key.and_then(|key| self.sessions.parse_key(&key))).await
    }

    fn now(&self) -> Timestamp {
        self.sessions.options().clock.now()
    }

    fn codec(&self) -> Result<&Signed> {
        let missing = || Error::new(ErrorKind::Misconfigured, "SECRET_KEY: there is none to sign with");
        self.codec.as_ref().ok_or_else(missing)
    }
}

/// Exactly this is what the session holds then.
fn fill(session: &Session, data: &RawValue, expiry: Option<&End>) -> Result<()> {
    session.clear();
    session.write(&data)?;
    session.set_expiry(match expiry {
        None => Expiry::Default,
        Some(End::BrowserClose) => Expiry::BrowserClose,
        Some(End::After(millis)) => Expiry::After(Duration::from_millis(*millis)),
        Some(End::At(millis)) => Expiry::At(Timestamp::from_millis(*millis)),
    });
    Ok(())
}

/// The key, for the visitor.
fn told(session: &Session) -> Answer {
    Answer { key: session.key().map(|key| key.expose().to_owned()), ..Answer::default() }
}

impl End {
    fn of(expiry: Expiry) -> Option<Self> {
        match expiry {
            Expiry::Default => None,
            Expiry::BrowserClose => Some(Self::BrowserClose),
            Expiry::After(span) => Some(Self::After(u64::try_from(span.as_millis()).unwrap_or(u64::MAX))),
            Expiry::At(moment) => Some(Self::At(moment.millis())),
        }
    }
}
