//! The engine `file`.

use cloakroom_core::Sessions;
use cloakroom_file::Config;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let sessions = Sessions::new(Config::new(folder.path().join("sessions")).open().await?);
    let session = sessions.load(None).await?;
    session.insert("colour", "green")?;
    session.save().await?;

    let again = sessions.load(session.key()).await?;
    assert_eq!(again.get::<String>("colour")?.as_deref(), Some("green"));
    Ok(sessions.backend().close().await?)
}
