//! What a script has a handler do.

use cloakroom_core::{Expiry, Result, Session, Timestamp};

/// What a handler answers with.
#[non_exhaustive]
#[derive(Clone, Debug)]
pub struct Reply {
    /// The status code.
    pub status: u16,
    /// Headers of the handler's own, to be added one by one.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

/// Does what the steps say, divided by `/`, and says what to answer with:
/// `get:NAME`, `set:NAME=TEXT`, `add:NAME`, `remove:NAME`, `clear`, `login:USER`, `logout`, `cycle`, `save`,
/// `expire:SECONDS`, `close` (until the browser closes), `large:BYTES`, `look` (reads nothing),
/// `end` (deletes the record as another request would), `wait` (for a sweep, which a script can hold),
/// `panic`, `status:CODE`, `header:NAME=VALUE`.
///
/// # Errors
///
/// Those of the session.
pub async fn act(session: &Session, steps: &str) -> Result<Reply> {
    let mut reply = Reply { status: 200, headers: Vec::new(), body: String::new() };
    for step in steps.split('/') {
        let (verb, object) = step.split_once(':').unwrap_or((step, ""));
        let pair = || object.split_once('=').expect("NAME=VALUE");
        match verb {
            "get" => reply.body = session.get::<String>(object)?.unwrap_or_else(|| "nothing".into()),
            "set" => session.insert(pair().0, pair().1)?,
            "add" => reply.body = session.update(object, |n: &mut i64| *n += 1).await?.to_string(),
            "remove" => assert!(session.remove(object), "{object:?} was there"),
            "clear" => session.clear(),
            "login" => session.login(object)?,
            "logout" => session.logout(),
            "cycle" => session.cycle_key(),
            "save" => session.save().await?,
            "expire" => session.set_expiry(std::time::Duration::from_secs(object.parse().expect("seconds"))),
            "close" => session.set_expiry(Expiry::BrowserClose),
            "large" => session.insert("large", "x".repeat(object.parse().expect("bytes")))?,
            "look" => {}
            "end" => {
                let id = session.id().expect("a stored session");
                session.sessions().backend().delete(&id, None).await?;
            }
            "wait" => drop(session.sessions().backend().clear_expired(Timestamp::MIN, 1).await?),
            "panic" => panic!("as planned"),
            "status" => reply.status = object.parse().expect("a code"),
            "header" => reply.headers.push((pair().0.to_owned(), pair().1.to_owned())),
            _ => panic!("no such step: {step:?}"),
        }
    }
    Ok(reply)
}
