//! Ids are bytes: nothing in them is interpreted.

use cloakroom_core::{Addressing, Deleted, Read, SessionId, SessionKey};

use crate::Engine;

/// Each finds its own record, and deleting one leaves the others.
async fn are_all_different(engine: &Engine, texts: &[&str]) {
    let addressing = engine.capabilities().addressing;
    if addressing == Addressing::Presented {
        // Nobody can choose such an engine's ids: all of these are nobody's.
        for text in texts {
            let id = SessionId::parse(text).unwrap();
            assert_eq!(engine.backend.load(&id, Read::Latest).await.unwrap(), None, "{text:?}");
            assert_eq!(engine.backend.delete(&id, None).await.unwrap(), Deleted::Absent, "{text:?}");
        }
        return;
    }
    // Where ids are what browsers send, none that is no key ever reaches the engine.
    let arrives =
        |text: &&&str| addressing == Addressing::Hashed || SessionKey::parse(text, addressing).is_some();
    let texts: Vec<&str> = texts.iter().filter(arrives).copied().collect();
    let ids: Vec<SessionId> = texts.iter().map(|text| SessionId::parse(text).unwrap()).collect();
    for (id, text) in ids.iter().zip(&texts) {
        assert_eq!(engine.get(id).await, None, "{text:?} before it was stored");
        engine.put(id, &engine.record(text)).await;
    }
    for (n, (id, text)) in ids.iter().zip(&texts).enumerate() {
        assert_eq!(engine.payload(id).await.as_deref(), Some(text.as_bytes()), "{text:?}");
        assert_eq!(engine.delete(id, None).await.unwrap(), Deleted::Ended, "{text:?}");
        for (other, text) in ids.iter().zip(&texts).skip(n + 1) {
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
