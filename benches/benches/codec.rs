//! What reading a session costs beyond its bytes: decoding, beside a map of values; sealing and signing, beside ring alone.

use std::collections::HashMap;
use std::hint::black_box;
use std::sync::Arc;

use bytes::Bytes;
use cloakroom_contest::Result;
use cloakroom_core::{
    Addressing, Memory, Read, Record, SealKeys, Sealed, SessionBackend, SessionId, SessionKey, Sessions,
    Stamp, Timestamp,
};
use criterion::{Criterion, criterion_group, criterion_main};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::hmac;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

const SIZES: [usize; 2] = [300, 4_096];
const SECRET: &[u8; 32] = b"thirty-two bytes that are secret";

fn run(criterion: &mut Criterion) -> Result {
    let runtime = Runtime::new()?;
    for size in SIZES {
        decode(criterion, &runtime, size)?;
        seal(criterion, &runtime, size)?;
    }
    sign(criterion, &runtime)
}

/// Six names, of which one is asked for.
fn decode(criterion: &mut Criterion, runtime: &Runtime, size: usize) -> Result {
    let memory = Arc::new(Memory::new());
    let sessions = Sessions::new(Arc::clone(&memory));
    let key = runtime.block_on(async {
        let session = sessions.load(None).await?;
        for (name, value) in names(size) {
            session.insert(&name, value)?;
        }
        session.save().await?;
        Ok::<_, cloakroom_core::Error>(session.key())
    })?;
    let key = key.ok_or("a session has no key")?;
    let json = serde_json::to_vec(&names(size))?;
    let id = key.id();
    let mut group = criterion.benchmark_group(format!("decode {size} B and one get"));
    group.bench_function("cloakroom, with a load from memory", |bencher| {
        bencher.to_async(runtime).iter(async || {
            let session = sessions.load(Some(key.clone())).await;
            session.and_then(|session| session.get::<u64>("user"))
        });
    });
    group.bench_function("that load alone", |bencher| {
        bencher.to_async(runtime).iter(|| memory.load(&id, Read::Any));
    });
    group.bench_function("serde_json, a map of values", |bencher| {
        bencher.iter(|| {
            let map: std::result::Result<HashMap<String, Value>, _> =
                serde_json::from_slice(black_box(&json));
            map.map(|map| map.get("user").and_then(Value::as_u64))
        });
    });
    group.finish();
    Ok(())
}

fn seal(criterion: &mut Criterion, runtime: &Runtime, size: usize) -> Result {
    let keys = SealKeys::new([*SECRET])?;
    let (memory, sealed) = (Memory::new(), Sealed::new(Memory::new(), keys));
    let id = SessionKey::generate(Addressing::Hashed)?.id();
    let record = record(size);
    let create = async |backend: &dyn SessionBackend, id: &SessionId| backend.create(id, &record).await;
    runtime.block_on(async {
        create(&memory, &id).await?;
        create(&sealed, &id).await
    })?;
    let ring = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, SECRET).map_err(|_| "a key that is none")?);
    let mut group = criterion.benchmark_group(format!("open a sealed session of {size} B"));
    group.bench_function("in memory, not sealed", |bencher| {
        bencher.to_async(runtime).iter(|| memory.load(&id, Read::Any));
    });
    group.bench_function("in memory, sealed", |bencher| {
        bencher.to_async(runtime).iter(|| sealed.load(&id, Read::Any));
    });
    let mut ciphertext = vec![b'x'; size];
    ring.seal_in_place_append_tag(nonce(), Aad::empty(), &mut ciphertext)
        .map_err(|_| "it can't be sealed")?;
    group.bench_function("ring alone", |bencher| {
        bencher.iter(|| {
            let mut opened = ciphertext.clone();
            ring.open_in_place(nonce(), Aad::empty(), &mut opened).map(|plain| plain.len())
        });
    });
    group.finish();
    Ok(())
}

fn sign(criterion: &mut Criterion, runtime: &Runtime) -> Result {
    let backend = cloakroom_cookie::Config::new(SECRET).open()?;
    let draft = SessionKey::generate(Addressing::Presented)?.id();
    let record = record(SIZES[0]);
    let ring = hmac::Key::new(hmac::HMAC_SHA256, SECRET);
    let mut group = criterion.benchmark_group("sign a cookie of 300 B");
    group.bench_function("cloakroom", |bencher| {
        bencher.to_async(runtime).iter(|| backend.create(&draft, &record));
    });
    group.bench_function("ring alone", |bencher| {
        bencher.iter(|| hmac::sign(&ring, black_box(&record.payload)));
    });
    group.finish();
    Ok(())
}

fn names(size: usize) -> HashMap<String, Value> {
    let few = [
        ("user", json!(4_711)),
        ("theme", json!("dark")),
        ("locale", json!("de-CH")),
        ("cart", json!([{"sku": "A-1", "n": 2}, {"sku": "B-9", "n": 1}])),
        ("seen", json!({"banner": true, "tour": 3})),
    ];
    let mut names: HashMap<_, _> = few.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    names.insert("note".to_owned(), json!("x".repeat(size.saturating_sub(160))));
    names
}

fn record(size: usize) -> Record {
    let stamp = Stamp { sequence: 1, nonce: 1 };
    Record::new(Bytes::from(vec![b'x'; size]), Timestamp::MAX, None, stamp)
}

/// What is sealed here is sealed once.
fn nonce() -> Nonce {
    Nonce::assume_unique_for_key([7; 12])
}

fn codec(criterion: &mut Criterion) {
    if let Err(error) = run(criterion) {
        eprintln!("the benches can't run: {error}");
        std::process::exit(1);
    }
}

criterion_group!(benches, codec);
criterion_main!(benches);
