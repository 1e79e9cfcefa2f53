//! What holds for any session: it survives each format, and what was written once is written the same again.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use bytes::Bytes;
use cloakroom_core::{Portable, SessionFormat, Timestamp};
use cloakroom_django::{Cookie, Pickled, Secrets, Serializer, Signed, Site};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use serde_json::Value;

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        let object = btree_map(any::<String>(), inner.clone(), 0..6);
        prop_oneof![
            vec(inner, 0..6).prop_map(Value::from),
            object.prop_map(|object| Value::Object(object.into_iter().collect())),
        ]
    })
}

fn session(values: &BTreeMap<String, Value>) -> Portable {
    let mut session = Portable::default();
    session.entries = values.iter().map(|(name, value)| (name.clone(), value.to_string().into())).collect();
    session
}

/// What the entries say, each number as it is written by Rust.
fn said(session: &Portable) -> BTreeMap<String, Value> {
    let value = |bytes: &Bytes| serde_json::from_slice(bytes).unwrap();
    session.entries.iter().map(|(name, bytes)| (name.clone(), value(bytes))).collect()
}

fn formats() -> Vec<Box<dyn SessionFormat>> {
    let site = Site::new(Secrets::new("secret").unwrap());
    let pickled = Pickled::new(site.clone());
    vec![
        Box::new(Signed::new(site.clone())),
        Box::new(Cookie::new(site)),
        Box::new(pickled.clone()),
        Box::new(pickled.clone().serializer(Serializer::Pickle4).zlib(true)),
        Box::new(pickled.serializer(Serializer::Json)),
    ]
}

proptest! {
    #[test]
    fn a_session_survives_each_format(values in btree_map(any::<String>(), value(), 0..6)) {
        let session = session(&values);
        for format in formats() {
            let payload = format.encode(&session, Timestamp::MIN, 1 << 20).unwrap();
            let read = format.decode(&payload).unwrap();
            prop_assert_eq!(said(&read), said(&session));
            prop_assert_eq!(format.encode(&read, Timestamp::MIN, 1 << 20).unwrap(), payload);
        }
    }

    #[test]
    fn any_bytes_are_a_session_or_corrupt(bytes in vec(any::<u8>(), 0..64)) {
        for format in formats() {
            let _ = format.decode(&Bytes::copy_from_slice(&bytes));
        }
    }
}
