//! What a browser sends, from the header to the answer's own.

use cloakroom_core::{Addressing, Memory, SessionKey};
use cloakroom_http::{CookiePolicy, Step, find, headers, plan};

use crate::kept::{NOW, clock, key, measured, ready, sessions};

const NAME: &str = "sessionid";

/// Cookie headers, with line feeds between them.
pub fn cookie_header(data: &[u8]) -> bool {
    let (found, cost) = measured(|| find(data.split(|byte| *byte == b'\n'), NAME));
    assert_eq!(cost.count_total, 0, "finding it takes no memory");
    if let Some(value) = found {
        is_the_only_one(data, value);
    }
    // A header more or less makes no difference, and neither does an unrelated cookie in it.
    let joined: Vec<u8> = data.iter().map(|byte| if *byte == b'\n' { b';' } else { *byte }).collect();
    assert_eq!(find([&*joined], NAME), found);
    assert_eq!(find([&*joined, b"theme=dark"], NAME), found);
    for addressing in [Addressing::Hashed, Addressing::Verbatim, Addressing::Presented] {
        if let Some(key) = found.and_then(|value| SessionKey::parse(value, addressing)) {
            assert!(key.id().expose().len() <= key.expose().len().max(40));
            assert_eq!(Some(key.expose()), found, "a key is what was sent");
        }
    }
    answered(found);
    found.is_some()
}

fn is_the_only_one(data: &[u8], value: &str) {
    assert!(!value.contains([';', '\n']), "it ends with its pair");
    assert_eq!(value.trim_ascii_end(), value);
    let pair = format!("{NAME}={value}");
    assert!(data.windows(pair.len()).any(|window| window == pair.as_bytes()), "it is in the header");
    let headers = data.split(|byte| *byte == b'\n').chain([b"sessionid=planted".as_slice()]);
    assert_eq!(find(headers, NAME), None, "of two nobody knows whose they are");
}

/// A request's way from the cookie to the answer's headers.
fn answered(cookie: Option<&str>) {
    let sessions = sessions(Memory::with_clock(clock()));
    let presented = cookie.and_then(|cookie| sessions.parse_key(cookie)).or_else(|| Some(key()));
    let session = ready(sessions.load(presented.clone())).unwrap();
    assert!(session.key().is_none(), "nobody is known here");
    session.insert("n", 1).unwrap();
    let step = plan(&session.activity(), 200, false);
    assert_eq!(step, Some(Step::Save));
    ready(Step::Save.take(&session)).unwrap();
    let answer = headers(&session.activity().cookie, &CookiePolicy::default(), NOW);
    let set = answer.set_cookie.expect("the browser hears of its new key");
    assert!(set.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' '), "it is one header");
    let issued = find([set.as_bytes()], NAME).expect("it is a cookie");
    assert_ne!(Some(issued), presented.as_ref().map(SessionKey::expose), "a key of its own");
    let again = ready(sessions.load(sessions.parse_key(issued))).unwrap();
    assert_eq!(again.get::<u8>("n").unwrap(), Some(1));
}
