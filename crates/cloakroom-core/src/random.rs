//! The operating system's random numbers. A failure is an error, never a weaker number.

use ring::rand::{SecureRandom, SystemRandom};

use crate::{Error, ErrorKind, Result};

/// Fills `bytes` from the operating system's generator.
pub(crate) fn fill(bytes: &mut [u8]) -> Result<()> {
    #[cfg(test)]
    tests::fail_if_told()?;
    SystemRandom::new().fill(bytes).map_err(|source| {
        Error::caused(ErrorKind::Unavailable, "the operating system's random generator failed", source)
    })
}

/// A random number.
pub(crate) fn number() -> Result<u64> {
    let mut bytes = [0; 8];
    fill(&mut bytes)?;
    Ok(u64::from_le_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::sync::Arc;

    use super::*;
    use crate::{CookieChange, Memory, Read, SealKeys, Sealed, Session, SessionBackend, Sessions};

    thread_local! {
        static FAILS: Cell<bool> = const { Cell::new(false) };
    }

    /// Makes the generator fail, or work again, for this thread.
    fn fails(fails: bool) {
        FAILS.set(fails);
    }

    pub(super) fn fail_if_told() -> Result<()> {
        if FAILS.get() { Err(Error::new(ErrorKind::Unavailable, "none left, as planned")) } else { Ok(()) }
    }

    async fn visit(sessions: &Sessions, session: &Session) -> Session {
        sessions.load(session.key()).await.unwrap()
    }

    /// Sees that what was changed can't be committed, and that the browser hears nothing of it.
    async fn assert_refused(session: &Session) {
        fails(true);
        let refused = session.save().await;
        fails(false);
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::Unavailable);
        assert_eq!(session.activity().cookie, CookieChange::Keep);
    }

    #[tokio::test]
    async fn without_random_numbers_nothing_is_stored_and_no_cookie_is_set() {
        let store = Arc::new(Memory::new());
        let seal = Sealed::new(Arc::clone(&store), SealKeys::new([[7; 32]]).unwrap());
        for sessions in [Sessions::new(Arc::clone(&store)), Sessions::new(seal)] {
            let newcomer = sessions.load(None).await.unwrap();
            newcomer.insert("n", 1).unwrap();
            assert_refused(&newcomer).await;
            assert_eq!(newcomer.key(), None);
            assert_eq!(store.walk().unwrap().page(None, 10).await.unwrap().found, []);

            newcomer.save().await.unwrap();
            let id = newcomer.id().unwrap();
            let there = store.load(&id, Read::Latest).await.unwrap();
            let (changed, moved) = (visit(&sessions, &newcomer).await, visit(&sessions, &newcomer).await);
            changed.insert("n", 2).unwrap();
            moved.login("alice").unwrap();
            for session in [&changed, &moved] {
                assert_refused(session).await;
                assert_eq!(session.key(), newcomer.key(), "it keeps the key that it had");
            }
            let all = store.walk().unwrap().page(None, 10).await.unwrap().found;
            assert_eq!(all, [(id, there.unwrap())]);

            // What waited is committed when there are numbers again, and a logout takes none.
            moved.save().await.unwrap();
            moved.logout();
            fails(true);
            let ended = moved.save().await;
            fails(false);
            ended.unwrap();
            assert_eq!(store.walk().unwrap().page(None, 10).await.unwrap().found, []);
        }
    }
}
