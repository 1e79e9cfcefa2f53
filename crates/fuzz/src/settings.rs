//! What an operator writes into a file or into the environment.

use cloakroom::Settings;
use cloakroom::core::ErrorKind;
use toml::{Table, Value};

use crate::kept::measured;

/// Settings of which nothing is ever shown.
const SECRET: [&str; 5] =
    ["SECRET_KEY", "SECRET_KEY_FALLBACKS", "SESSION_CACHE_URL", "SESSION_DB_URL", "SESSION_SEAL_KEYS"];

/// A TOML file; and its lines as a name, an equals sign and a variable's value.
pub fn settings(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else { return false };
    let mut settings = Settings::default();
    let (read, cost) = measured(|| settings.read_toml(text));
    let most = 1024 * text.len() as u64 + (1 << 16);
    assert!(cost.bytes_max <= most, "{} bytes in use for {}", cost.bytes_max, text.len());
    if let Err(error) = &read {
        assert_eq!(error.kind(), ErrorKind::Misconfigured);
    }
    sound(&settings);
    for (name, value) in text.lines().take(64).filter_map(|line| line.split_once('=')) {
        one(name.trim(), value);
    }
    read.is_ok()
}

/// The cookie's attributes are what browsers take, or refused.
fn sound(settings: &Settings) {
    match settings.cookie_policy() {
        Ok(policy) => {
            let options = policy.options();
            let texts = [Some(&options.name), Some(&options.path), options.domain.as_ref()];
            let safe = |text: &&String| text.bytes().all(|byte| byte != b';' && !byte.is_ascii_control());
            assert!(texts.iter().flatten().all(safe));
        }
        Err(error) => assert_eq!(error.kind(), ErrorKind::Misconfigured),
    }
}

fn one(name: &str, value: &str) {
    let mut set = Settings::default();
    let by_variable = set.set(name, value);
    let mut read = Settings::default();
    let line = Table::from_iter([(name.to_owned(), Value::String(value.to_owned()))]).to_string();
    let by_file = read.read_toml(&line);
    assert_eq!(by_variable.is_ok(), by_file.is_ok(), "a file sets what a variable sets");
    assert_eq!(format!("{set:?}"), format!("{read:?}"));
    if let Err(error) = &by_variable {
        assert_eq!(error.kind(), ErrorKind::Misconfigured);
        let text = error.to_string();
        assert!(text.starts_with(name), "it says which");
        if SECRET.contains(&name) {
            let same = [" ", "!"].iter().any(|wrong| said(name, wrong).as_ref() == Some(&text));
            assert!(same, "what is wrong with it is said in the same words of every value");
        }
    } else if SECRET.contains(&name) && name != "SESSION_SEAL_KEYS" {
        assert_eq!(format!("{set:?}"), format!("{:?}", Settings::default()), "nothing of it is shown");
    }
}

fn said(name: &str, value: &str) -> Option<String> {
    Settings::default().set(name, value).err().map(|error| error.to_string())
}
