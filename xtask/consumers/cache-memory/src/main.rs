//! The engine `cache`, in this process's memory.

use cloakroom_cache::memory::Config;
use cloakroom_core::{Error, Sessions};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let sessions = Sessions::new(Config::new().open());
    let session = sessions.load(None).await?;
    session.insert("colour", "green")?;
    session.save().await?;

    let again = sessions.load(session.key()).await?;
    assert_eq!(again.get::<String>("colour")?.as_deref(), Some("green"));
    sessions.backend().close().await
}
