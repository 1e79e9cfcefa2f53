//! A text with an HMAC-SHA256, in base64, as a cookie would have it.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use cloakroom_contest::{Contender, Operation, Result};
use ring::hmac::{HMAC_SHA256, Key, sign, verify};

const SIGNATURE: usize = 32;

/// Signs and looks at signatures, and keeps nothing.
pub(crate) struct Cookie(Key);

impl Cookie {
    pub(crate) fn new(secret: &[u8]) -> Self {
        Self(Key::new(HMAC_SHA256, secret))
    }

    fn signed(&self, text: String) -> String {
        let mut bytes = text.into_bytes();
        let signature = sign(&self.0, &bytes);
        bytes.extend_from_slice(signature.as_ref());
        BASE64.encode(bytes)
    }

    fn read(&self, value: &str) -> Result<Vec<u8>> {
        let mut bytes = BASE64.decode(value)?;
        let text = bytes.len().checked_sub(SIGNATURE).ok_or("a value is too short")?;
        verify(&self.0, &bytes[..text], &bytes[text..]).map_err(|_| "a signature is wrong")?;
        bytes.truncate(text);
        Ok(bytes)
    }
}

impl Contender for Cookie {
    type Session = String;

    async fn create(&self, text: String) -> Result<String> {
        Ok(self.signed(text))
    }

    async fn load(&self, session: &String) -> Result<usize> {
        Ok(self.read(session)?.len())
    }

    async fn save(&self, session: &mut String, text: String) -> Result {
        *session = self.signed(text);
        Ok(())
    }

    async fn touch(&self, session: &mut String) -> Result {
        *session = self.signed(String::from_utf8(self.read(session)?)?);
        Ok(())
    }

    async fn rotate(&self, session: &mut String, text: String) -> Result {
        self.save(session, text).await
    }

    async fn delete(&self, _: String) -> Result {
        Ok(())
    }

    async fn update(&self, _: &String) -> Result {
        Err("visitors share nothing".into())
    }

    async fn counted(&self, _: &String) -> Result<u64> {
        Err("visitors share nothing".into())
    }

    fn lacks(&self) -> &'static [Operation] {
        crate::list::OF_COOKIES
    }
}
