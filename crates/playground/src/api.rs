//! The API: what programs ask of their session, and what they are answered.

use cloakroom::core::Session;
use cloakroom::{Engine, ErrorKind};
use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::devices::Devices;
use crate::moment::rfc3339;
use crate::{Answer, Failure, expiry};

/// What every function here returns.
pub type Outcome = Result<Answer, Failure>;

/// The name of the counter that `GET /visits` counts with.
pub const VISITS: &str = "visits";

/// `GET /visits`
///
/// # Errors
///
/// As [`count`].
pub async fn visits(session: &Session) -> Outcome {
    let visits = add_one(session, VISITS).await?;
    Ok(Answer::text(format!("You have visited this page {visits} times.")))
}

/// `GET /api/session`
///
/// # Errors
///
/// 500 if the answer can't be written.
pub fn show(engine: Engine, session: &Session) -> Outcome {
    #[derive(Serialize)]
    struct Shown<'s> {
        engine: String,
        data: Data<'s>,
        user: Option<String>,
        created_at: Option<String>,
        expires_at: Option<String>,
        expires_at_browser_close: bool,
    }

    Answer::json(&Shown {
        engine: engine.to_string(),
        data: Data(session),
        user: session.user(),
        created_at: session.created_at().map(rfc3339),
        expires_at: session.key().map(|_| rfc3339(session.expiry_date())),
        expires_at_browser_close: session.expires_at_browser_close(),
    })
}

/// A session's entries as a JSON object, in their order, each value as it was written.
struct Data<'s>(&'s Session);

impl Serialize for Data<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_map(None)?;
        for (name, value) in self.0.iter() {
            object.serialize_entry(&name, &value)?;
        }
        object.end()
    }
}

/// `GET /api/session/{name}`
///
/// # Errors
///
/// 404 if there is no such value.
pub fn value(session: &Session, name: &str) -> Outcome {
    let value = session.get::<Box<RawValue>>(name)?.ok_or_else(|| missing(name))?;
    Answer::json(&value)
}

/// `PUT /api/session/{name}`
///
/// # Errors
///
/// 400 for a body that is no JSON, and for a name that is the framework's own.
pub fn put(session: &Session, name: &str, body: &[u8]) -> Outcome {
    let value: Box<RawValue> = read(body, "any JSON value")?;
    session.insert(name, value)?;
    Ok(Answer::done())
}

/// `DELETE /api/session/{name}`
///
/// # Errors
///
/// 404 if there is no such value.
pub fn remove(session: &Session, name: &str) -> Outcome {
    if session.remove(name) { Ok(Answer::done()) } else { Err(missing(name)) }
}

/// `POST /api/counter/{name}`
///
/// # Errors
///
/// 400 for a value that is no whole number, and for a name that is the framework's own.
pub async fn count(session: &Session, name: &str) -> Outcome {
    let value = add_one(session, name).await?;
    Answer::json(&serde_json::json!({ "value": value }))
}

/// Counts, exactly under any parallelism, up to the largest number there is.
///
/// # Errors
///
/// As [`count`].
pub async fn add_one(session: &Session, name: &str) -> Result<i64, Failure> {
    let counted = session.update(name, |n: &mut i64| *n = n.saturating_add(1)).await;
    counted.map_err(|error| match error.kind() {
        ErrorKind::Mismatch => Failure::bad(format!("The value of {name:?} is no whole number.")),
        _ => error.into(),
    })
}

/// `POST /api/login`
///
/// # Errors
///
/// 400 for a body that names no user.
pub fn login(session: &Session, body: &[u8]) -> Outcome {
    #[derive(Deserialize)]
    struct Login {
        user: String,
    }

    let login: Login = read(body, r#"{"user": "alice"}"#)?;
    session.login(&login.user)?;
    Ok(Answer::done())
}

/// `POST /api/logout`
pub fn logout(session: &Session) -> Answer {
    session.logout();
    Answer::done()
}

/// `POST /api/flush`
pub fn flush(session: &Session) -> Answer {
    session.flush();
    Answer::done()
}

/// `POST /api/cycle-key`
pub fn cycle_key(session: &Session) -> Answer {
    session.cycle_key();
    Answer::done()
}

/// `POST /api/expiry`
///
/// # Errors
///
/// 400 for a body that is none of the four.
pub fn expire(session: &Session, body: &[u8]) -> Outcome {
    session.set_expiry(expiry::wish(body)?);
    Ok(Answer::done())
}

/// `POST /api/test-cookie`
///
/// # Errors
///
/// 413 if the session is full.
pub fn set_test_cookie(session: &Session) -> Outcome {
    session.set_test_cookie()?;
    Ok(Answer::done())
}

/// `GET /api/test-cookie`
///
/// # Errors
///
/// 500 if the answer can't be written.
pub fn test_cookie(session: &Session) -> Outcome {
    Answer::json(&serde_json::json!({ "worked": session.test_cookie_worked() }))
}

/// `GET /api/devices`
///
/// # Errors
///
/// 401 if nobody is logged in, 501 where the engine keeps no list.
pub async fn devices(session: &Session) -> Outcome {
    #[derive(Serialize)]
    struct Device {
        id: String,
        created_at: Option<String>,
        last_seen: String,
        user_agent: Option<String>,
        current: bool,
    }

    let listed = match Devices::of(session).await? {
        Devices::Nobody => return Err(nobody()),
        Devices::Unlisted => return Err(Failure::new(501, "This session engine keeps no list of sessions.")),
        Devices::Listed(listed) => listed,
    };
    let current = session.id();
    let devices: Vec<_> = listed
        .into_iter()
        .map(|info| Device {
            current: current.as_ref() == Some(&info.id),
            id: info.id.expose().to_owned(),
            created_at: info.created_at.map(rfc3339),
            last_seen: rfc3339(info.last_seen),
            user_agent: info.user_agent,
        })
        .collect();
    Answer::json(&devices)
}

/// `DELETE /api/devices/{id}`
///
/// # Errors
///
/// 401 if nobody is logged in, 404 for what is no living session of theirs, 501 where the engine keeps no list.
pub async fn end_device(session: &Session, id: &str) -> Outcome {
    if Devices::end(session, id).await? {
        Ok(Answer::done())
    } else {
        Err(Failure::new(404, "There is no such session of yours."))
    }
}

/// `POST /api/logout-others`
///
/// # Errors
///
/// 401 if nobody is logged in, 501 where the engine keeps no list.
pub async fn logout_others(session: &Session) -> Outcome {
    if session.user().is_none() {
        return Err(nobody());
    }
    let revoked = session.logout_others().await?;
    Answer::json(&serde_json::json!({ "revoked": revoked }))
}

/// `POST /api/logout-everywhere`
///
/// # Errors
///
/// 401 if nobody is logged in, 501 where the engine keeps no list.
pub async fn logout_everywhere(session: &Session) -> Outcome {
    if session.user().is_none() {
        return Err(nobody());
    }
    let revoked = session.logout_everywhere().await?;
    Answer::json(&serde_json::json!({ "revoked": revoked }))
}

fn read<'b, T: Deserialize<'b>>(body: &'b [u8], allowed: &str) -> Result<T, Failure> {
    serde_json::from_slice(body).map_err(|_| Failure::bad(format!("The body should be {allowed}.")))
}

fn missing(name: &str) -> Failure {
    Failure::new(404, format!("There is no value named {name:?}."))
}

pub(crate) fn nobody() -> Failure {
    Failure::new(401, "Nobody is logged in.")
}
