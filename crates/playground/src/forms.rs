//! The page's forms: what each button does to the session, and where on the page it leads back to.

use std::collections::HashMap;
use std::time::Duration;

use cloakroom::Expiry;
use cloakroom::core::Session;
use serde_json::value::RawValue;

use crate::api::{VISITS, add_one};
use crate::devices::Devices;
use crate::{Answer, Failure, cart};

/// The fields of a form that was sent.
pub type Fields = HashMap<String, String>;

/// The longest name that the page's form takes.
pub const LONGEST_NAME: usize = 64;
/// The longest value that the page's form takes.
pub const LONGEST_VALUE: usize = 1_000;

/// `POST /do/{action}`
///
/// # Errors
///
/// 404 for an action that is none, 400 for fields that are missing or too long.
pub async fn act(session: &Session, action: &str, fields: &Fields) -> Result<Answer, Failure> {
    let place = match action {
        "put" => {
            let name = field(fields, "name", LONGEST_NAME)?.trim();
            if name.is_empty() {
                return Err(Failure::bad("A value needs a name."));
            }
            session.insert(name, json(field(fields, "value", LONGEST_VALUE)?)?)?;
            "/#values"
        }
        "remove" => {
            // A value that is gone already needs no removing: two clicks are no mistake.
            session.remove(field(fields, "name", usize::MAX)?);
            "/#values"
        }
        "visit" => {
            add_one(session, VISITS).await?;
            "/#visits"
        }
        "cart" => {
            let more = field(fields, "step", 4)? == "more";
            cart::change(session, field(fields, "good", LONGEST_NAME)?, more).await?;
            "/#cart"
        }
        "login" => {
            session.login(field(fields, "user", LONGEST_NAME)?.trim())?;
            "/#visitor"
        }
        "logout" => {
            session.logout();
            "/#visitor"
        }
        "end-device" => {
            // One that has ended meanwhile needs no ending.
            Devices::end(session, field(fields, "id", usize::MAX)?).await?;
            "/#visitor"
        }
        "logout-others" => {
            session.logout_others().await?;
            "/#visitor"
        }
        "logout-everywhere" => {
            session.logout_everywhere().await?;
            "/#visitor"
        }
        "expiry" => {
            session.set_expiry(expiry(field(fields, "until", 8)?)?);
            "/#ending"
        }
        "cycle-key" => {
            session.cycle_key();
            "/#key"
        }
        "flush" => {
            session.flush();
            "/"
        }
        "test-cookie" => {
            session.set_test_cookie()?;
            "/#test-cookie"
        }
        _ => return Err(Failure::new(404, "There is no such form.")),
    };
    Ok(Answer::elsewhere(place))
}

fn field<'f>(fields: &'f Fields, name: &str, longest: usize) -> Result<&'f str, Failure> {
    match fields.get(name) {
        None => Err(Failure::bad(format!("The form came without its field {name:?}."))),
        Some(text) if text.chars().count() > longest => {
            Err(Failure::bad(format!("The field {name:?} takes {longest} characters at most.")))
        }
        Some(text) => Ok(text),
    }
}

/// JSON as it is; anything else is a text, as a person would write it.
fn json(text: &str) -> Result<Box<RawValue>, Failure> {
    serde_json::from_str(text)
        .or_else(|_| serde_json::value::to_raw_value(text))
        .map_err(|_| Failure::bad("This value can not be stored."))
}

fn expiry(until: &str) -> Result<Expiry, Failure> {
    match until {
        "minutes" => Ok(Expiry::After(Duration::from_mins(5))),
        "close" => Ok(Expiry::BrowserClose),
        "default" => Ok(Expiry::Default),
        _ => Err(Failure::bad("There is no such end.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_json_is_a_text() {
        for (typed, stored) in
            [("5", "5"), (r#"{"a": [1]}"#, r#"{"a": [1]}"#), ("a coat", r#""a coat""#), ("", r#""""#)]
        {
            assert_eq!(json(typed).unwrap().get(), stored);
        }
    }
}
