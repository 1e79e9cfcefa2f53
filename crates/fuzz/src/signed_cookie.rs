//! What a browser presents where cookies bear the sessions; also what somebody has signed who has the key.

use std::sync::LazyLock;

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use cloakroom_cookie::{Backend, Config};
use cloakroom_core::{
    Read, Record, Revision, Saved, SealKeys, SessionBackend, SessionId, Sessions, Stamp, Stored,
};
use ring::hkdf::{HKDF_SHA256, Salt};
use ring::hmac::{HMAC_SHA256, Key, sign};

use crate::kept::{clock, measured, places, ready, sessions};

pub(crate) const SECRET: &str = "django-insecure-0123456789abcdefghijklmnopqrstuvwxyz";
const NAME: &str = "sessionid";

struct Engines {
    signing: Backend,
    sealing: Backend,
    /// Over engines like these.
    sessions: [Sessions; 2],
    seal: SealKeys,
    key: Key,
}

static ENGINES: LazyLock<Engines> = LazyLock::new(|| {
    let seal = SealKeys::new([[7; 32]]).unwrap();
    let signing = || Config::new(SECRET).clock(clock()).open().unwrap();
    let sealing = || Config::new(SECRET).sealed(seal.clone()).clock(clock()).open().unwrap();
    let root = Salt::new(HKDF_SHA256, b"cloakroom signed cookie 1").extract(SECRET.as_bytes());
    Engines {
        sessions: [sessions(signing()), sessions(sealing())],
        signing: signing(),
        sealing: sealing(),
        key: root.expand(&[NAME.as_bytes()], HMAC_SHA256).unwrap().into(),
        seal,
    }
});

/// A value; or, behind a byte that says so, what is signed (1) or sealed and signed (2) as an engine does it.
pub fn signed_cookie(data: &[u8]) -> bool {
    let value = match data.split_first() {
        Some((1, said)) => signed(&[&[1], said].concat()),
        Some((2, said)) => signed(&[&[2], &*ENGINES.seal.seal(NAME.as_bytes(), &[], said).unwrap()].concat()),
        _ => match std::str::from_utf8(data) {
            Ok(text) => text.to_owned(),
            Err(_) => return false,
        },
    };
    let both = [&ENGINES.signing, &ENGINES.sealing].map(|engine| presented(engine, &value));
    assert!(!both.iter().all(Option::is_some), "neither form is taken for the other");
    for sessions in &ENGINES.sessions {
        let session = ready(sessions.load(sessions.parse_key(&value))).unwrap();
        let _ = (session.names(), session.user(), session.expiry_date());
    }
    both.iter().any(Option::is_some)
}

/// As the engines do it.
fn signed(text: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode([text, sign(&ENGINES.key, text).as_ref()].concat())
}

fn presented(engine: &Backend, value: &str) -> Option<Record> {
    let id = SessionId::parse(value)?;
    let (there, cost) = measured(|| ready(engine.load(&id, Read::Latest)).unwrap());
    let most = 8 * value.len() as u64 + 1024;
    assert!(cost.bytes_total <= most, "{} bytes for {}", cost.bytes_total, value.len());
    let Stored { record, revision, .. } = there?;
    assert!(NAME.len() + value.len() <= 4096, "it fits a cookie");
    for at in places(value.len()) {
        let mut changed = value.to_owned();
        let other = if &value[at..=at] == "A" { "B" } else { "A" };
        changed.replace_range(at..=at, other);
        assert!(opened(engine, &changed).is_none(), "changed at {at}");
        assert!(opened(engine, &value[..at]).is_none(), "cut at {at}");
    }
    handed_out_again(engine, &id, &record, &revision);
    Some(record)
}

fn handed_out_again(engine: &Backend, id: &SessionId, record: &Record, seen: &Revision) {
    let mut new = record.clone();
    new.stamp = Stamp { sequence: 1, nonce: 2 };
    if let Ok(Saved::Written(written)) = ready(engine.save(id, &new, seen)) {
        let next = written.present.expect("every write hands one out");
        assert!(opened(engine, &next).is_some_and(|stored| stored.record == new), "it says the same");
    }
}

fn opened(engine: &Backend, value: &str) -> Option<Stored> {
    ready(engine.load(&SessionId::parse(value)?, Read::Latest)).unwrap()
}
