//! What somebody can do who reads and writes the store behind a seal.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use cloakroom_core::{
    Addressing, ErrorKind, Memory, Read, SealKeys, Sealed, Session, SessionBackend, SessionKey, Sessions,
};

const OLD: [u8; 32] = [1; 32];
const NEW: [u8; 32] = [2; 32];

fn sealed(store: &Arc<Memory>, keys: &[[u8; 32]]) -> Sessions {
    Sessions::new(Sealed::new(Arc::clone(store), SealKeys::new(keys.iter().copied()).unwrap()))
}

async fn visitor(sessions: &Sessions, secret: &str) -> SessionKey {
    let session = sessions.load(None).await.unwrap();
    session.insert("secret", secret).unwrap();
    session.login("alice").unwrap();
    session.save().await.unwrap();
    session.key().unwrap()
}

async fn load(sessions: &Sessions, key: &SessionKey) -> Session {
    sessions.load(Some(key.clone())).await.unwrap()
}

#[tokio::test]
async fn the_store_holds_nothing_of_what_a_session_says() {
    let store = Arc::new(Memory::new());
    let key = visitor(&sealed(&store, &[OLD]), "attack at dawn").await;
    let kept = store.load(&key.id(), Read::Latest).await.unwrap().unwrap().record.payload;
    let says = |word: &[u8]| kept.windows(word.len()).any(|window| window == word);
    assert!(!says(b"attack") && !says(b"secret"));
}

#[tokio::test]
async fn a_session_put_in_anothers_place_opens_for_nobody() {
    let store = Arc::new(Memory::new());
    let sessions = sealed(&store, &[OLD]);
    let (mine, theirs) = (visitor(&sessions, "mine").await, visitor(&sessions, "theirs").await);
    let mut record = store.load(&theirs.id(), Read::Latest).await.unwrap().unwrap().record;
    let seen = store.revision(&mine.id()).await.unwrap().unwrap().0;
    record.stamp.sequence += 1;
    store.save(&mine.id(), &record, &seen).await.unwrap();
    assert_eq!(load(&sessions, &mine).await.get::<String>("secret").unwrap(), None);
}

#[tokio::test]
async fn a_session_whose_owner_was_changed_opens_for_nobody() {
    let store = Arc::new(Memory::new());
    let sessions = sealed(&store, &[OLD]);
    let key = visitor(&sessions, "mine").await;
    let there = store.load(&key.id(), Read::Latest).await.unwrap().unwrap();
    for owner in [Some("admin".to_owned()), Some(String::new()), None] {
        let mut record = there.record.clone();
        record.owner = owner;
        store.delete(&key.id(), None).await.unwrap();
        store.create(&key.id(), &record).await.unwrap();
        assert_eq!(load(&sessions, &key).await.user(), None);
    }
}

#[tokio::test]
async fn what_was_stored_in_the_clear_is_not_believed_and_not_overwritten() {
    let store = Arc::new(Memory::new());
    let key = visitor(&Sessions::new(Arc::clone(&store)), "planted").await;
    let before = store.load(&key.id(), Read::Latest).await.unwrap().unwrap();
    let session = load(&sealed(&store, &[OLD]), &key).await;
    assert_eq!((session.user(), session.key().is_some()), (None, false));
    session.insert("n", 1).unwrap();
    session.save().await.unwrap();
    assert_eq!(store.load(&key.id(), Read::Latest).await.unwrap().unwrap(), before);
}

/// Under any keys, in any order; also what is well sealed inside, behind another version.
#[tokio::test]
async fn what_does_not_open_is_given_to_no_other_decoder() {
    let store = Arc::new(Memory::new());
    let clear = visitor(&Sessions::new(Arc::clone(&store)), "planted").await;
    let sealed_one = visitor(&sealed(&store, &[OLD]), "sealed").await;
    let there = async |key: &SessionKey| store.load(&key.id(), Read::Latest).await.unwrap().unwrap().record;
    let (plain, good) = (there(&clear).await, there(&sealed_one).await);
    let behind = |version: u8, bytes: &[u8]| [&[version], bytes].concat();
    let mut forms = vec![plain.payload.to_vec(), br#"{"secret": "planted"}"#.to_vec(), Vec::new()];
    for version in [0, 1, 2, 3, 0xff] {
        forms.push(behind(version, &plain.payload));
        forms.push(behind(version, &good.payload));
        forms.push(behind(version, &good.payload[1..]));
    }
    // That is what it was.
    forms.retain(|form| form[..] != good.payload[..]);
    for form in forms {
        for (key, whole) in [(&clear, &plain), (&sealed_one, &good)] {
            let mut record = whole.clone();
            record.payload = form.clone().into();
            store.delete(&key.id(), None).await.unwrap();
            store.create(&key.id(), &record).await.unwrap();
            for keys in [&[OLD][..], &[NEW], &[OLD, NEW], &[NEW, OLD]] {
                let session = load(&sealed(&store, keys), key).await;
                assert_eq!(
                    (session.user(), session.key(), session.names()),
                    (None, None, vec![]),
                    "{form:?}"
                );
            }
        }
    }
}

#[tokio::test]
async fn older_keys_open_and_the_first_one_seals() {
    let store = Arc::new(Memory::new());
    let key = visitor(&sealed(&store, &[OLD]), "kept").await;
    let both = sealed(&store, &[NEW, OLD]);
    let session = load(&both, &key).await;
    assert_eq!(session.get::<String>("secret").unwrap().as_deref(), Some("kept"));
    session.insert("n", 1).unwrap();
    session.save().await.unwrap();
    let only_new = load(&sealed(&store, &[NEW]), &key).await;
    assert_eq!(only_new.get::<String>("secret").unwrap().as_deref(), Some("kept"));
}

#[tokio::test]
async fn sessions_that_no_key_opens_are_listed_and_ended_all_the_same() {
    let store = Arc::new(Memory::new());
    let key = visitor(&sealed(&store, &[OLD]), "lost").await;
    let rotated = sealed(&store, &[NEW]);
    let page = rotated.backend().index().unwrap().of("alice", None, 10).await.unwrap();
    assert_eq!(page.len(), 1);
    assert_eq!(rotated.revoke("alice").await.unwrap(), 1);
    assert_eq!(store.load(&key.id(), Read::Latest).await.unwrap(), None);
}

#[tokio::test]
async fn a_write_that_meets_what_does_not_open_is_told_so() {
    let store = Arc::new(Memory::new());
    let backend = Sealed::new(Arc::clone(&store), SealKeys::new([OLD]).unwrap());
    let key = visitor(&sealed(&store, &[NEW]), "foreign").await;
    let mut record = store.load(&key.id(), Read::Latest).await.unwrap().unwrap().record;
    record.stamp.sequence += 9;
    let other = SessionKey::generate(Addressing::Hashed).unwrap().id();
    let seen = record.stamp.into();
    let error = backend.save(&key.id(), &record, &seen).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    let error = backend.rotate(&key.id(), &other, &record, &seen).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
}
