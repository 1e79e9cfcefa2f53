//! A cookie's value: a token, sealed or not, and signed.

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use bytes::Bytes;
use cloakroom_core::{Error, ErrorKind, Record, Result, SealKeys};

use crate::signature::{LENGTH as SIGNATURE, Signature};
use crate::token::Token;

/// The first byte of a value, so that neither form is ever taken for the other, nor for a later one.
const SIGNED: u8 = 1;
const SEALED: u8 = 2;
/// No browser keeps a cookie whose name and value are longer than that together (RFC 6265bis, 5.6).
pub(crate) const LONGEST_COOKIE: usize = 4096;

/// No browser would keep a cookie of so many bytes.
pub(crate) fn too_large(needed: usize) -> Error {
    let message = format!(
        "the session needs a cookie of {needed} bytes, name and value, and browsers keep {LONGEST_COOKIE}"
    );
    Error::new(ErrorKind::TooLarge, message)
}

/// Writes and reads the values of one cookie.
pub(crate) struct Format {
    name: String,
    signature: Signature,
    seal: Option<SealKeys>,
}

impl Format {
    pub(crate) fn new(name: String, signature: Signature, seal: Option<SealKeys>) -> Self {
        Self { name, signature, seal }
    }

    /// The cookie's name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn is_sealed(&self) -> bool {
        self.seal.is_some()
    }

    /// The value that says this.
    ///
    /// # Errors
    ///
    /// `TooLarge` if no browser would keep it, `Unavailable` if the operating system has no random numbers to
    /// seal it with.
    pub(crate) fn write(&self, token: &Token) -> Result<String> {
        let bytes = self.bytes(&token.record);
        // Before any work is done on it: a payload can have megabytes.
        let needed = self.name.len() + bytes.saturating_mul(4).div_ceil(3);
        if needed > LONGEST_COOKIE {
            return Err(too_large(needed));
        }
        let mut text = Vec::with_capacity(bytes);
        match &self.seal {
            None => {
                text.push(SIGNED);
                token.write(&mut text);
            }
            Some(keys) => {
                let mut plain = Vec::with_capacity(bytes);
                token.write(&mut plain);
                text.push(SEALED);
                text.extend_from_slice(&keys.seal(self.name.as_bytes(), &[], &plain)?);
            }
        }
        self.signature.sign(&mut text);
        Ok(BASE64_URL_SAFE_NO_PAD.encode(text))
    }

    /// What a value says, if it is one of ours; in time bounded by a cookie's length.
    pub(crate) fn read(&self, value: &str) -> Option<Token> {
        if self.name.len() + value.len() > LONGEST_COOKIE {
            return None;
        }
        let signed = Bytes::from(BASE64_URL_SAFE_NO_PAD.decode(value).ok()?);
        let (version, said) = self.signature.verified(&signed)?.split_first()?;
        match (&self.seal, *version) {
            (None, SIGNED) => Token::read(&signed.slice_ref(said)),
            (Some(keys), SEALED) => Token::read(&keys.open(self.name.as_bytes(), &[], said)?.into()),
            _ => None,
        }
    }

    /// How many bytes a value has before it is written as text.
    fn bytes(&self, record: &Record) -> usize {
        let sealed = if self.is_sealed() { SealKeys::OVERHEAD } else { 0 };
        1 + sealed + Token::len(record) + SIGNATURE
    }
}
