//! The reference engine.

use cloakroom_core::{Error, Memory, Sessions};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let sessions = Sessions::new(Memory::new());
    let session = sessions.load(None).await?;
    session.insert("colour", "green")?;
    session.save().await?;

    let again = sessions.load(session.key()).await?;
    assert_eq!(again.get::<String>("colour")?.as_deref(), Some("green"));
    Ok(())
}
