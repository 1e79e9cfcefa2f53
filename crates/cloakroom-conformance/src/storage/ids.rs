//! Ids are bytes: nothing in them is interpreted.

use cloakroom_core::{Addressing, Deleted, SessionId, SessionKey};

use crate::Engine;

/// Each finds its own record, and deleting one leaves the others.
async fn are_all_different(engine: &Engine, texts: &[&str]) {
    let addressing = engine.capabilities().addressing;
    if addressing != Addressing::Hashed {
        // Such an engine's ids are what browsers send: none of these ever reaches it.
        let known = |text: &&&str| {
            addressing == Addressing::Verbatim && SessionKey::parse(text, addressing).is_some()
        };
        assert!(!texts.iter().any(|text| known(&text) && text.len() > 40));
        return;
    }
    let ids: Vec<SessionId> = texts.iter().map(|text| SessionId::parse(text).unwrap()).collect();
    for (id, text) in ids.iter().zip(texts) {
        assert_eq!(engine.get(id).await, None, "{text:?} before it was stored");
        engine.put(id, &engine.record(text)).await;
    }
    for (n, (id, text)) in ids.iter().zip(texts).enumerate() {
        assert_eq!(engine.payload(id).await.as_deref(), Some(text.as_bytes()), "{text:?}");
        assert_eq!(engine.delete(id, None).await.unwrap(), Deleted::Ended, "{text:?}");
        for (other, text) in ids.iter().zip(texts).skip(n + 1) {
            assert!(engine.get(other).await.is_some(), "{text:?} went with another");
        }
    }
}

/// Paths, wildcards, quotes, statements, separators.
pub async fn hostile_ids_name_only_themselves(engine: Engine) {
    let hostile = [
        "../../../../../../etc/passwd",
        "..",
        ".",
        "/",
        "\\",
        "C:\\nul",
        "%",
        "_____",
        "*",
        "?",
        "[a-z]",
        "'",
        "\"",
        "`",
        "';DROP/**/TABLE/**/cloakroom_sessions;--",
        "'OR'1'='1",
        "{abc}",
        "abc:def",
        "abc\u{7e}",
        "%00",
        "\\0",
        "$1",
        "?1",
    ];
    are_all_different(&engine, &hostile).await;
}

/// Also where a database's default collation would fold them together.
pub async fn ids_that_differ_in_case_or_length_are_different(engine: Engine) {
    let long = "a".repeat(40);
    let longer = "a".repeat(41);
    are_all_different(&engine, &["abc", "Abc", "abC", "ABC", "ab", "abcd", "abc_", "abc-", &long, &longer])
        .await;
}
