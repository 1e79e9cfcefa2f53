//! What is timed, and nothing about how.

use std::future::{Future, ready};
use std::sync::LazyLock;

use crate::{Operation, Result};

/// A way to keep sessions. All get the same bytes, and what they are asked for is a real change each time.
pub trait Contender: Send + Sync + 'static {
    /// All that must be known of a session for the next operation on it: what a request would know that has loaded it.
    type Session: Send + Sync + 'static;

    /// Stores this text under a new id.
    fn create(&self, text: String) -> impl Future<Output = Result<Self::Session>> + Send;

    /// Reads a session, and says how many bytes of text there were.
    fn load(&self, session: &Self::Session) -> impl Future<Output = Result<usize>> + Send;

    /// Replaces what a session holds.
    fn save(&self, session: &mut Self::Session, text: String) -> impl Future<Output = Result> + Send;

    /// Moves a session's end.
    fn touch(&self, session: &mut Self::Session) -> impl Future<Output = Result> + Send;

    /// Gives a session another id, and this text.
    fn rotate(&self, session: &mut Self::Session, text: String) -> impl Future<Output = Result> + Send;

    /// Ends a session.
    fn delete(&self, session: Self::Session) -> impl Future<Output = Result> + Send;

    /// The session that all tasks count up in. By default one like the others.
    fn shared(&self, text: String) -> impl Future<Output = Result<Self::Session>> + Send {
        self.create(text)
    }

    /// Counts up in the shared session, as a request would that knows its id alone.
    fn update(&self, session: &Self::Session) -> impl Future<Output = Result> + Send;

    /// How far the shared session has been counted up.
    fn counted(&self, session: &Self::Session) -> impl Future<Output = Result<u64>> + Send;

    /// How much the store keeps for each of the `live` sessions that there are, if it can be asked.
    fn bytes(&self, _live: u64) -> impl Future<Output = Result<Option<f64>>> + Send {
        ready(Ok(None))
    }

    /// Puts so many sessions there that have expired, and so many that live, faster than one by one.
    fn crowd(&self, _expired: u64, _living: u64) -> impl Future<Output = Result> + Send {
        ready(Err("its store is not filled".into()))
    }

    /// Puts so many living sessions there, faster than one by one, and gives some of them. `None`: one by one is all there is.
    fn fill(
        &self,
        _number: u64,
        _some: u64,
    ) -> impl Future<Output = Result<Option<Vec<Self::Session>>>> + Send {
        ready(Ok(None))
    }

    /// Removes what has expired.
    fn sweep(&self) -> impl Future<Output = Result<Emptied>> + Send {
        ready(Err("it does not sweep".into()))
    }

    /// What it can't do, or what would mean nothing.
    fn lacks(&self) -> &'static [Operation];
}

/// That a sweep went to its end. What is left is not counted: stores differ in whether they can tell.
#[derive(Clone, Copy, Debug)]
pub struct Emptied;

/// The largest text.
const LARGEST: usize = 1 << 14;

/// A text of so many bytes that begins with a number, so that no two are equal. The rest is noise: a database that compresses values
/// finds nothing to compress.
pub fn payload(size: usize, turn: u64) -> String {
    static NOISE: LazyLock<String> = LazyLock::new(noise);
    let mut text = format!("{turn:016x}");
    text.reserve_exact(size.saturating_sub(text.len()));
    text.extend(NOISE.get(text.len()..size.min(LARGEST)));
    text
}

/// Letters and digits without a pattern, the same ones in each run.
fn noise() -> String {
    const SIGNS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let sign = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        char::from(SIGNS[usize::try_from(state >> 58).unwrap_or_default()])
    };
    (0..LARGEST).map(sign).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_turns_are_two_texts_of_the_same_length() {
        let (one, other) = (payload(300, 1), payload(300, 2));
        assert_eq!((one.len(), other.len()), (300, 300));
        assert_ne!(one, other);
    }

    #[test]
    fn a_text_has_nothing_to_compress() {
        let text = payload(4_096, 1);
        let mut pairs: Vec<_> = text.as_bytes().windows(4).collect();
        pairs.sort_unstable();
        pairs.dedup();
        assert!(pairs.len() > 4_000, "{} of 4,093 are different", pairs.len());
    }
}
