//! The engine `signed_cookies`.

use cloakroom_cookie::Config;
use cloakroom_core::{Error, Sessions};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let sessions =
        Sessions::new(Config::new("a secret key of the fifty characters that are asked for").open()?);
    let session = sessions.load(None).await?;
    session.insert("colour", "green")?;
    session.save().await?;

    let again = sessions.load(session.key()).await?;
    assert_eq!(again.get::<String>("colour")?.as_deref(), Some("green"));
    Ok(())
}
