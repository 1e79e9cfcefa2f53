//! What an engine may lack, and the proof that it does: a limit that is documented has to show.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use cloakroom_core::{
    Addressing, Deleted, ErrorKind, Lifetime, Read, Saved, SessionId, SessionKey, Touched, Written,
};

use crate::Engine;

/// A promise that an engine's [`Capabilities`](cloakroom_core::Capabilities) take back.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Limit {
    /// What was handed out stays valid until its deadline, whatever ended it.
    Revocation,
    /// Of racing writers each is told that theirs is written.
    Arbitration,
    /// Each change is told to the browser, which keeps the last answer.
    Quiet,
    /// Nothing is written once the response's headers have left.
    Afterwards,
    /// A session has to fit a cookie.
    Room,
    /// There is nothing to sweep.
    Sweep,
    /// A user's sessions are not listed.
    Index,
    /// There is no way past all sessions.
    Walk,
    /// Ids are the visitors' keys.
    HashedIds,
    /// A write whose answer was lost can't be told from somebody else's.
    OwnWrites,
    /// A full store drops living sessions.
    Eviction,
    /// A rotation that is cut short may leave both ids alive, or neither.
    AtomicRotate,
    /// When a session began is not kept, nor when its user logged in: nothing ends so long after that.
    Beginnings,
    /// A session's end is in what its visitor bears: neither a visit nor another age than the engine's moves it.
    Deadlines,
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Revocation => "what was handed out stays valid until its deadline",
            Self::Arbitration => "of racing writers each is told that theirs is written",
            Self::Quiet => "each change is told to the browser, which keeps the last answer",
            Self::Afterwards => "nothing is written once the headers have left",
            Self::Room => "a session has to fit a cookie",
            Self::Sweep => "there is nothing to sweep",
            Self::Index => "a user's sessions are not listed",
            Self::Walk => "there is no way past all sessions",
            Self::HashedIds => "ids are the visitors' keys",
            Self::OwnWrites => "a lost answer can't be told from somebody else's write",
            Self::Eviction => "a full store drops living sessions",
            Self::AtomicRotate => "a rotation that is cut short may leave both ids alive, or neither",
            Self::Beginnings => "when a session began is not kept, and nothing ends so long after that",
            Self::Deadlines => "neither a visit nor another age than the engine's moves a session's end",
        })
    }
}

impl Engine {
    /// Whether the engine says that it can't keep this promise. If so, the limit is seen to show, on a
    /// session of its own and without moving the clock, and noted on standard output: a case that needs
    /// the promise checks then what is left of it, and does not pass for what it did not check. A limit
    /// that does not show fails the case, since the capabilities are out of date.
    pub async fn lacks(&self, limit: Limit) -> bool {
        let capabilities = self.backend.capabilities();
        let presented = capabilities.addressing == Addressing::Presented;
        let lacks = match limit {
            Limit::Revocation
            | Limit::Arbitration
            | Limit::Quiet
            | Limit::Afterwards
            | Limit::Room
            | Limit::Sweep => presented,
            Limit::Index => self.backend.index().is_none(),
            Limit::Walk => self.backend.walk().is_none(),
            Limit::HashedIds => capabilities.addressing != Addressing::Hashed,
            Limit::OwnWrites => !capabilities.recognises_own_write,
            Limit::Eviction => capabilities.may_evict,
            Limit::AtomicRotate => !capabilities.atomic_rotate,
            Limit::Beginnings => self.backend.format().is_some(),
            Limit::Deadlines => presented && self.backend.format().is_some(),
        };
        if lacks {
            match limit {
                Limit::Revocation => self.shows_what_was_handed_out_to_live_on().await,
                Limit::Arbitration => self.shows_racing_writers_to_be_written().await,
                Limit::Quiet => self.shows_a_change_to_make_a_new_value().await,
                Limit::Afterwards => self.shows_a_late_change_to_be_refused().await,
                Limit::Room => self.shows_a_large_record_to_be_refused().await,
                Limit::Sweep => self.shows_nothing_to_be_swept().await,
                Limit::Index => self.shows_lists_to_be_unsupported().await,
                Limit::Walk => assert!(presented, "what is stored can be walked past"),
                Limit::HashedIds => {
                    let key = SessionKey::generate(capabilities.addressing).unwrap();
                    assert_eq!(key.id().expose(), key.expose());
                }
                Limit::OwnWrites => self.shows_a_repeated_write_to_conflict().await,
                Limit::AtomicRotate if presented => self.shows_what_was_handed_out_to_live_on().await,
                // When and how, no case can make an engine do these: what it says is taken.
                Limit::Eviction | Limit::AtomicRotate => {}
                Limit::Beginnings => self.shows_no_session_to_have_begun().await,
                Limit::Deadlines => self.shows_the_end_to_be_borne().await,
            }
            println!("documented limit: {limit}");
        }
        lacks
    }

    async fn shows_what_was_handed_out_to_live_on(&self) {
        let (first, second) = self.ids();
        let there = self.record("handed out");
        let issued = issued(self.carried.create(&first, &there).await.unwrap());
        let (value, seen) = (presented(&issued), &issued.revision);
        let new = self.record("rotated");
        let rotated = self.carried.rotate(&value, &second, &new, seen).await.unwrap();
        assert!(matches!(rotated, Saved::Written(_)), "{rotated:?}");
        assert_eq!(self.carried.delete(&value, None).await.unwrap(), Deleted::Ended);
        let still = self.carried.load(&value, Read::Latest).await.unwrap();
        assert!(still.is_some_and(|still| still.record == there), "the engine can revoke: it may say so");
    }

    async fn shows_racing_writers_to_be_written(&self) {
        let value = issued(self.carried.create(&self.id(), &self.record("seen")).await.unwrap());
        let (id, seen) = (presented(&value), &value.revision);
        for new in [self.record("one"), self.record("two")] {
            let saved = self.carried.save(&id, &new, seen).await.unwrap();
            assert!(matches!(saved, Saved::Written(_)), "the engine can arbitrate: it may say so: {saved:?}");
            let own = self.carried.load(&presented(&issued(saved)), Read::Latest).await.unwrap();
            assert_eq!(own.unwrap().record, new, "each holds its own change, and nothing else");
        }
    }

    async fn shows_a_change_to_make_a_new_value(&self) {
        let old = issued(self.carried.create(&self.id(), &self.record("old")).await.unwrap());
        let saved = self.carried.save(&presented(&old), &self.record("new"), &old.revision).await.unwrap();
        assert_ne!(presented(&issued(saved)), presented(&old), "what visitors present says what they have");
    }

    async fn shows_a_late_change_to_be_refused(&self) {
        let session = self.sessions().load(None).await.unwrap();
        session.insert("n", 1).unwrap();
        session.save().await.unwrap();
        session.headers_left();
        session.insert("n", 2).unwrap();
        assert_eq!(session.save().await.unwrap_err().kind(), ErrorKind::TooLate);
    }

    async fn shows_a_large_record_to_be_refused(&self) {
        let mut large = self.record("");
        large.payload = Bytes::from(vec![0; 4096]);
        let refused = self.carried.create(&self.id(), &large).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::TooLarge);
    }

    async fn shows_nothing_to_be_swept(&self) {
        let mut dead = self.record("dead");
        dead.expires_at = self.now().minus(Duration::from_hours(1));
        let _ = self.carried.create(&self.id(), &dead).await.unwrap();
        assert_eq!(self.carried.clear_expired(self.now(), 100).await.unwrap().removed, 0);
    }

    async fn shows_lists_to_be_unsupported(&self) {
        let sessions = self.sessions();
        assert_eq!(sessions.of_user("alice").await.unwrap_err().kind(), ErrorKind::Unsupported);
        assert_eq!(sessions.revoke("alice").await.unwrap_err().kind(), ErrorKind::Unsupported);
    }

    async fn shows_no_session_to_have_begun(&self) {
        let session = self.sessions().load(None).await.unwrap();
        session.login("somebody").unwrap();
        session.save().await.unwrap();
        assert_eq!((session.created_at(), session.key().is_some()), (None, true));
        session.flush();
        session.save().await.unwrap();
        let limits: [fn(&mut Lifetime); 2] = [
            |its| its.idle = Some(Duration::from_hours(1)),
            |its| its.absolute = Some(Duration::from_hours(1)),
        ];
        for limit in limits {
            let refused = self.sessions_with(|options| limit(&mut options.lifetime)).load(None).await;
            assert_eq!(refused.unwrap_err().kind(), ErrorKind::Misconfigured);
        }
    }

    async fn shows_the_end_to_be_borne(&self) {
        let brief = self.sessions_with(|options| options.lifetime.age = Duration::from_mins(1));
        let session = brief.load(None).await.unwrap();
        session.insert("n", 1).unwrap();
        session.save().await.unwrap();
        let stored = brief.load(session.key()).await.unwrap();
        assert!(stored.expiry_date() > session.expiry_date(), "other ages count: the engine may say so");
        let there = self.record("visited");
        let value = issued(self.carried.create(&self.id(), &there).await.unwrap());
        let until = there.expires_at.plus(Duration::from_hours(1));
        let touched = self.carried.touch(&presented(&value), until, &value.revision).await.unwrap();
        assert_eq!(touched, Touched::Skipped, "the engine notes visits: it may say so");
    }

    async fn shows_a_repeated_write_to_conflict(&self) {
        let id = self.id();
        let seen = self.put(&id, &self.record("first")).await;
        let second = self.record("second");
        let written = self.save(&id, &second, &seen).await.unwrap();
        assert!(matches!(written, Saved::Written(_)), "{written:?}");
        let again = self.save(&id, &second, &seen).await.unwrap();
        assert!(matches!(again, Saved::Conflict(_)), "the engine knows its writes: it may say so: {again:?}");
        self.delete(&id, None).await.unwrap();
    }
}

/// A write that was done.
fn issued(saved: Saved) -> Written {
    match saved {
        Saved::Written(written) => written,
        other => panic!("not written: {other:?}"),
    }
}

/// What the visitor presents from then on, as an id.
fn presented(written: &Written) -> SessionId {
    let value = written.present.as_deref().expect("an engine that is presented issues what is");
    SessionId::parse(value).expect("a value that a cookie can hold")
}
