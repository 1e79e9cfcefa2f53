//! The engine `db`, on SQLite.

use cloakroom_core::Sessions;
use cloakroom_db::Config;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let url = format!("sqlite:{}/sessions.sqlite3", folder.path().display());
    let backend = Config::new(url).open().await?;
    backend.migrate().await?;
    let sessions = Sessions::new(backend);
    let session = sessions.load(None).await?;
    session.insert("colour", "green")?;
    session.save().await?;

    let again = sessions.load(session.key()).await?;
    assert_eq!(again.get::<String>("colour")?.as_deref(), Some("green"));
    Ok(sessions.backend().close().await?)
}
