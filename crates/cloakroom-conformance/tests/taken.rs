//! A store in which every id is taken, or claims to be.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use cloakroom_core::{
    Capabilities, CookieChange, Deleted, ErrorKind, Memory, Read, Record, Result, Revision, Saved,
    SessionBackend, SessionFormat, SessionId, SessionIndex, SessionWalk, Sessions, Stored, Swept, Timestamp,
    Touched,
};

/// As one whose table has a second unique column, or whose ids are cut to what others have.
#[derive(Debug, Default)]
struct Full {
    store: Memory,
    creates: AtomicUsize,
}

#[async_trait]
impl SessionBackend for Full {
    fn capabilities(&self) -> Capabilities {
        self.store.capabilities()
    }

    fn index(&self) -> Option<&dyn SessionIndex> {
        self.store.index()
    }

    fn walk(&self) -> Option<&dyn SessionWalk> {
        self.store.walk()
    }

    fn format(&self) -> Option<&dyn SessionFormat> {
        self.store.format()
    }

    async fn load(&self, id: &SessionId, read: Read) -> Result<Option<Stored>> {
        self.store.load(id, read).await
    }

    async fn revision(&self, id: &SessionId) -> Result<Option<(Revision, Timestamp)>> {
        self.store.revision(id).await
    }

    async fn create(&self, _: &SessionId, new: &Record) -> Result<Saved> {
        self.creates.fetch_add(1, Ordering::Relaxed);
        let mut somebodys = new.clone();
        somebodys.stamp.nonce ^= 1;
        Ok(Saved::Conflict(Stored::stamped(somebodys)))
    }

    async fn save(&self, id: &SessionId, new: &Record, seen: &Revision) -> Result<Saved> {
        self.store.save(id, new, seen).await
    }

    async fn touch(&self, id: &SessionId, until: Timestamp, seen: &Revision) -> Result<Touched> {
        self.store.touch(id, until, seen).await
    }

    async fn rotate(&self, from: &SessionId, to: &SessionId, new: &Record, seen: &Revision) -> Result<Saved> {
        self.store.rotate(from, to, new, seen).await
    }

    async fn delete(&self, id: &SessionId, seen: Option<&Revision>) -> Result<Deleted> {
        self.store.delete(id, seen).await
    }

    async fn clear_expired(&self, before: Timestamp, limit: u32) -> Result<Swept> {
        self.store.clear_expired(before, limit).await
    }

    async fn close(&self) -> Result<()> {
        self.store.close().await
    }
}

#[tokio::test]
async fn a_store_where_every_id_is_taken_is_asked_a_few_times_and_no_more() {
    let full = Arc::new(Full::default());
    let session = Sessions::new(Arc::clone(&full)).load(None).await.unwrap();
    session.insert("n", 1).unwrap();
    assert_eq!(session.save().await.unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!((session.key(), session.activity().cookie), (None, CookieChange::Keep));
    let creates = full.creates.load(Ordering::Relaxed);
    assert!(creates <= 4, "{creates}");
}
