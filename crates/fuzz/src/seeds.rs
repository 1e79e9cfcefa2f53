//! What the library itself writes, and what people do, to begin with.

use std::sync::Arc;
use std::time::Duration;

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use cloakroom_cookie::Config;
use cloakroom_core::{
    Expiry, Memory, Read, Record, Saved, SealKeys, Sealed, SessionBackend, SessionId, Stored,
};

use crate::kept::{NOW, clock, key, ready, record, sessions};
use crate::value;

/// The target, the file's name and the bytes of each. Those with random numbers in them differ each time.
pub fn seeds() -> Vec<(&'static str, String, Vec<u8>)> {
    let mut seeds = Vec::new();
    let payloads = payloads();
    for (name, payload) in &payloads {
        let record = record(payload, 1);
        seeds.push(("payload", name, payload.clone()));
        seeds.push(("redis_value", name, value::record(&record, 7).unwrap()));
        seeds.push(("sealed", name, as_sealed(&record)));
        seeds.extend(as_cookies(&record).map(|cookie| ("signed_cookie", name, cookie)));
        seeds.push(("file", name, as_file(&record)));
    }
    let copied = Stored::stamped(record(&payloads[0].1, 1));
    let more = [
        ("redis_value", "copy", value::copy(&copied, NOW).unwrap().unwrap_or_default()),
        ("redis_value", "fence", value::fence(NOW)),
        ("sealed", "text", SealKeys::new([[1; 32]]).unwrap().seal(b"here", b"alice's", b"text").unwrap()),
    ];
    let named = seeds.into_iter().map(|(target, name, bytes)| (target, (*name).to_owned(), bytes));
    let mut all: Vec<_> = named.collect();
    all.extend(more.map(|(target, name, bytes)| (target, name.to_owned(), bytes)));
    // Two forms of one session have one name.
    for n in 1..all.len() {
        if all[..n].iter().any(|(target, name, _)| (*target, name) == (all[n].0, &all[n].1)) {
            all[n].1 += "-sealed";
        }
    }
    all
}

/// Sessions as they are stored: small, with a user, large and packed, with many names, with an end of their own.
fn payloads() -> Vec<(&'static str, Vec<u8>)> {
    let memory = Arc::new(Memory::with_clock(clock()));
    let sessions = sessions(Arc::clone(&memory));
    let kinds = ["small", "login", "packed", "names", "ends"];
    let stored = kinds.map(|kind| {
        let session = ready(sessions.load(None)).unwrap();
        session.set_user_agent("Firefox");
        session.insert("größe", 7).unwrap();
        session.insert("cart", ["tee", "grün"]).unwrap();
        match kind {
            "login" => session.login_with_proof("alice", "sha256").unwrap(),
            "packed" => session.insert("log", "again and ".repeat(900)).unwrap(),
            "names" => (0..100).for_each(|n| session.insert(&n.to_string(), n).unwrap()),
            "ends" => session.set_expiry(Expiry::At(NOW.plus(Duration::from_mins(5)))),
            _ => {}
        }
        ready(session.save()).unwrap();
        let there = ready(memory.load(&session.id().unwrap(), Read::Any)).unwrap();
        (kind, there.unwrap().record.payload.to_vec())
    });
    stored.into()
}

/// Its payload, as an engine behind a seal keeps it.
fn as_sealed(record: &Record) -> Vec<u8> {
    let memory = Arc::new(Memory::with_clock(clock()));
    let sealed = Sealed::new(Arc::clone(&memory), SealKeys::new([[2; 32]]).unwrap());
    ready(sealed.create(&key().id(), record)).unwrap();
    ready(memory.load(&key().id(), Read::Any)).unwrap().unwrap().record.payload.to_vec()
}

/// What is signed of it, behind the byte that has it signed again; and the whole value where it is sealed.
fn as_cookies(record: &Record) -> [Vec<u8>; 2] {
    let config = || Config::new(crate::signed_cookie::SECRET).clock(clock());
    let engines = [config(), config().sealed(SealKeys::new([[7; 32]]).unwrap())];
    let [signed, sealed] = engines.map(|config| {
        let id = SessionId::parse("any").unwrap();
        match ready(config.open().unwrap().create(&id, record)) {
            Ok(Saved::Written(written)) => written.present.unwrap(),
            other => panic!("{other:?}"),
        }
    });
    let signed = BASE64_URL_SAFE_NO_PAD.decode(signed).unwrap();
    [signed[..signed.len() - 32].to_vec(), sealed.into_bytes()]
}

/// A section without its magic and its checksum, behind the byte that has them put before it.
fn as_file(record: &Record) -> Vec<u8> {
    let id = SessionId::parse("zzfrom").unwrap();
    let content = crate::file::written(&id, record);
    [&[1], &content[24..]].concat()
}
