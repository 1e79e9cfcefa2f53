//! Authenticated encryption of what is stored, bound to where it is stored.

use std::fmt;

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hkdf::{HKDF_SHA256, Prk, Salt};

use crate::{Error, ErrorKind, Result, random};

/// What the derived keys are for: keys that are derived from the same root for something else differ.
const PURPOSE: &[u8] = b"cloakroom seal 1";
/// In front of each sealed text, so that a later form can be told from this one.
const VERSION: u8 = 1;

/// Keys to seal with the first of, and to open with any of: AES-256-GCM under a key of its own for each
/// place, derived by HKDF-SHA256, so that no key seals often enough for its random nonces to meet.
///
/// What was sealed for one place does not open at another, nor beside something else than it was sealed with, nor
/// changed by a bit.
///
/// ```
/// use cloakroom_core::SealKeys;
///
/// let old = SealKeys::new([[1; 32]])?;
/// let sealed = old.seal(b"here", b"alice's", b"secret")?;
///
/// let rotated = SealKeys::new([[2; 32], [1; 32]])?;
/// assert_eq!(rotated.open(b"here", b"alice's", &sealed).as_deref(), Some(b"secret".as_slice()));
/// assert_eq!(rotated.open(b"there", b"alice's", &sealed), None);
/// assert_eq!(rotated.open(b"here", b"bob's", &sealed), None);
/// # Ok::<(), cloakroom_core::Error>(())
/// ```
#[derive(Clone)]
pub struct SealKeys(Vec<Prk>);

impl SealKeys {
    /// What sealing adds to a text's length.
    pub const OVERHEAD: usize = 1 + NONCE_LEN + 16;

    /// The keys, the one to seal with first. Each is 32 bytes from a good generator.
    ///
    /// # Errors
    ///
    /// `Misconfigured` if there is none.
    pub fn new(roots: impl IntoIterator<Item = [u8; 32]>) -> Result<Self> {
        let salt = Salt::new(HKDF_SHA256, PURPOSE);
        let keys: Vec<_> = roots.into_iter().map(|root| salt.extract(&root)).collect();
        if keys.is_empty() {
            return Err(Error::new(ErrorKind::Misconfigured, "there is no key to seal with"));
        }
        Ok(Self(keys))
    }

    /// `plain`, readable only with one of these keys, only at `place`, and only together with `about`, which
    /// is kept beside it in the clear.
    ///
    /// # Errors
    ///
    /// `Unavailable` if the operating system has no random numbers to give.
    pub fn seal(&self, place: &[u8], about: &[u8], plain: &[u8]) -> Result<Vec<u8>> {
        let mut nonce = [0; NONCE_LEN];
        random::fill(&mut nonce)?;
        let mut sealed = Vec::with_capacity(plain.len() + Self::OVERHEAD);
        sealed.push(VERSION);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(plain);
        let (front, text) = sealed.split_at_mut(1 + NONCE_LEN);
        let key = self.0.first().and_then(|root| key_for(root, place));
        let tag = key.and_then(|key| {
            let about = Aad::from([&front[..1], about].concat());
            key.seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), about, text).ok()
        });
        // It fails for texts of gigabytes only, and those are refused long before.
        let tag =
            tag.ok_or_else(|| Error::new(ErrorKind::TooLarge, "a session this large can't be sealed"))?;
        sealed.extend_from_slice(tag.as_ref());
        Ok(sealed)
    }

    /// What was sealed for `place` and with `about` by one of these keys; nothing for anything else.
    pub fn open(&self, place: &[u8], about: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        let (version, rest) = sealed.split_first().filter(|(version, _)| **version == VERSION)?;
        let (nonce, text) = rest.split_first_chunk::<NONCE_LEN>()?;
        let about = [&[*version], about].concat();
        self.0.iter().find_map(|root| {
            let mut text = text.to_vec();
            let nonce = Nonce::assume_unique_for_key(*nonce);
            let plain = key_for(root, place)?.open_in_place(nonce, Aad::from(&about), &mut text).ok()?.len();
            text.truncate(plain);
            Some(text)
        })
    }
}

fn key_for(root: &Prk, place: &[u8]) -> Option<LessSafeKey> {
    let info = [place];
    let key = root.expand(&info, &AES_256_GCM).ok()?;
    Some(LessSafeKey::new(UnboundKey::from(key)))
}

impl fmt::Debug for SealKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealKeys({} redacted)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> SealKeys {
        SealKeys::new([[7; 32]]).unwrap()
    }

    #[test]
    fn equal_texts_are_sealed_differently() {
        assert_ne!(keys().seal(b"a", b"", b"same").unwrap(), keys().seal(b"a", b"", b"same").unwrap());
    }

    #[test]
    fn a_sealed_text_hides_what_it_says_and_is_as_long_as_promised() {
        let sealed = keys().seal(b"a", b"", b"attack at dawn").unwrap();
        assert!(!sealed.windows(6).any(|window| window == b"attack"));
        assert_eq!(sealed.len(), b"attack at dawn".len() + SealKeys::OVERHEAD);
    }

    #[test]
    fn no_changed_bit_and_no_cut_text_opens() {
        let sealed = keys().seal(b"a", b"", b"x").unwrap();
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert_eq!(keys().open(b"a", b"", &changed), None, "{at}");
            assert_eq!(keys().open(b"a", b"", &sealed[..at]), None, "{at}");
        }
    }

    #[test]
    fn a_key_that_is_unknown_opens_nothing() {
        let sealed = SealKeys::new([[8; 32]]).unwrap().seal(b"a", b"", b"x").unwrap();
        assert_eq!(keys().open(b"a", b"", &sealed), None);
    }

    #[test]
    fn no_keys_at_all_are_refused() {
        assert_eq!(SealKeys::new([]).unwrap_err().kind(), ErrorKind::Misconfigured);
    }
}
