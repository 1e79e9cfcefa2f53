//! What every bench shares: the engines that are compared, and the records they are given.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use cloakroom_core::{
    Addressing, Clock, Memory, Record, Result, SessionBackend, SessionId, SessionKey, Stamp, SystemClock,
};
use tempfile::TempDir;

/// A contender: an engine, its name in the reports, and what must live as long as it.
#[derive(Debug)]
pub struct Contender {
    /// The engine's name.
    pub name: &'static str,
    /// The engine, empty.
    pub backend: Arc<dyn SessionBackend>,
    /// Where it keeps its file.
    pub folder: Option<TempDir>,
}

/// All engines. A new one joins the benches with an entry here.
///
/// # Errors
///
/// Those of opening an engine.
pub async fn contenders() -> Result<Vec<Contender>, Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let url = format!("sqlite:{}/sessions.sqlite3", folder.path().display());
    let sqlite = cloakroom_db::Config::new(url).open().await?;
    sqlite.migrate().await?;
    Ok(vec![
        Contender { name: "memory", backend: Arc::new(Memory::new()), folder: None },
        Contender { name: "sqlite", backend: Arc::new(sqlite), folder: Some(folder) },
    ])
}

/// A fresh id.
///
/// # Errors
///
/// `Unavailable` if the operating system has no random numbers to give.
pub fn id() -> Result<SessionId> {
    Ok(SessionKey::generate(Addressing::Hashed)?.id())
}

/// A record of that many bytes, the `sequence`th of its session.
pub fn record(size: usize, sequence: u64) -> Record {
    let end = SystemClock.now().plus(Duration::from_hours(1));
    Record::new(Bytes::from(vec![b'x'; size]), end, None, Stamp { sequence, nonce: sequence })
}
