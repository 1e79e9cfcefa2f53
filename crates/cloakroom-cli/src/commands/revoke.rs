//! `revoke`

use cloakroom::Sessions;
use cloakroom::core::Cursor;

use crate::run::Run;
use crate::trouble::Trouble;

pub(crate) async fn run(run: &mut Run, user: &str) -> Result<(), Trouble> {
    let sessions = run.sessions().await?;
    run.progress.begin("revoked");
    let revoked = if sessions.backend().index().is_some() {
        sessions.revoke(user).await?
    } else {
        walked(run, &sessions, user).await?
    };
    let sentence = match revoked {
        0 => "This user had no living session.".to_owned(),
        1 => "One session was ended.".to_owned(),
        _ => format!("{revoked} sessions were ended."),
    };
    run.out.count("revoked", revoked, &sentence)
}

/// Where no index lists a user's sessions: all are looked at. A session whose key is replaced meanwhile may be
/// met under neither of them, so another walk sees that none is left.
async fn walked(run: &mut Run, sessions: &Sessions, user: &str) -> Result<u64, Trouble> {
    let mut revoked = 0;
    loop {
        let before = revoked;
        let mut from: Option<Cursor> = None;
        loop {
            let page = sessions.list(from.as_ref()).await?;
            for info in page.sessions.iter().filter(|info| info.user.as_deref() == Some(user)) {
                revoked += u64::from(sessions.delete(&info.id).await?);
                run.progress.reach(revoked);
            }
            from = page.next;
            if from.is_none() {
                break;
            }
        }
        if revoked == before {
            return Ok(revoked);
        }
    }
}
