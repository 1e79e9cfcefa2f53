//! `delete`

use cloakroom::SessionId;

use crate::ids::Ids;
use crate::run::Run;
use crate::trouble::Trouble;

pub(crate) async fn run(run: &mut Run, id: &SessionId) -> Result<(), Trouble> {
    let sessions = run.sessions().await?;
    let found = Ids::of(&sessions).find(&sessions, id).await?;
    run.progress.begin("deleted");
    let ended = match found {
        Some(id) => sessions.delete(&id).await?,
        None => false,
    };
    let sentence = if ended { "The session was ended." } else { "No living session has this id." };
    run.out.count("deleted", ended.into(), sentence)
}
