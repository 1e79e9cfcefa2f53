//! `decode`

use std::io::{self, Read as _};

use cloakroom::Settings;
use cloakroom::core::{Clock as _, SystemClock};
use cloakroom::django::{Cookie, Secrets, Signed, Site};

use crate::output::{Output, plain_json};
use crate::trouble::Trouble;

/// More than any session that Django's format is read of takes.
const LARGEST: u64 = 32 * 1024 * 1024 + 1024;

pub(crate) fn run(settings: &Settings, out: &mut Output) -> Result<(), Trouble> {
    let Some(secret) = &settings.secret_key else {
        return Err(Trouble::Usage("SECRET_KEY: decoding needs the Django site's, and there is none".into()));
    };
    let secrets = Secrets::new(secret.as_str())
        .and_then(|secrets| secrets.fallbacks(settings.secret_key_fallbacks.iter().map(String::as_str)))
        .map_err(|error| error.of("SECRET_KEY or SECRET_KEY_FALLBACKS"))?;
    let site = Site::new(secrets);

    let mut input = Vec::new();
    let read = io::stdin().lock().take(LARGEST + 1).read_to_end(&mut input);
    let read = read.map_err(|error| Trouble::Failed(format!("standard input: {error}")))?;
    if u64::try_from(read).is_ok_and(|read| read > LARGEST) {
        return Err(Trouble::Failed("standard input is larger than any session".into()));
    }
    let text = input.trim_ascii();
    if text.is_empty() {
        return Err(Trouble::Failed(
            "standard input is empty: give it a session_data or a cookie's value".into(),
        ));
    }
    let cookie = Cookie::new(site.clone());
    // The two are told apart by whose salt they are signed with.
    let json = match cookie.verify(text, SystemClock.now(), std::time::Duration::MAX) {
        Ok(_) => cookie.json(text),
        Err(_) => Signed::new(site).json(text),
    };
    out.line(&plain_json(&json?))?;
    out.flush()
}
