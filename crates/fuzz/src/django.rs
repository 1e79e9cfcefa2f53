//! What Django's formats share: a session that is read is one that can be written, and is the same then.

use bytes::Bytes;
use cloakroom_core::{ErrorKind, Portable, SessionFormat};
use cloakroom_django::{Secrets, Site};
use ring::digest::{SHA256, digest};
use ring::hmac::{HMAC_SHA256, Key, sign};

use crate::kept::{NOW, measured};

const SECRET: &str = "django-insecure-0123456789abcdefghijklmnopqrstuvwxyz";
/// What it takes to note 4,096 names.
const NAMES: u64 = 1 << 20;
/// What zlib can make of a byte at most, what Latin-1 then makes of that, and room to grow into.
const GROWTH: u64 = 1_032 * 8;
/// A session's largest text while it grows, and what it is read from.
const LARGEST: u64 = 96 << 20;

pub(crate) fn site() -> Site {
    Site::new(Secrets::new(SECRET).unwrap())
}

/// As Django signs it, at the second 1.
pub(crate) fn signed(payload: &[u8], salt: &str) -> Vec<u8> {
    let key = digest(&SHA256, format!("{salt}signer{SECRET}").as_bytes());
    let said = [payload, b":1"].concat();
    let signature = crate::django_text::base64(sign(&Key::new(HMAC_SHA256, key.as_ref()), &said).as_ref());
    [&said, b":".as_slice(), signature.as_bytes()].concat()
}

/// Reads a payload, and what is read again from what is written of it.
pub(crate) fn read(format: &dyn SessionFormat, payload: &[u8]) -> bool {
    let payload = Bytes::copy_from_slice(payload);
    let (read, cost) = measured(|| format.decode(&payload));
    let most = (payload.len() as u64 * GROWTH).min(LARGEST) + NAMES;
    assert!(cost.bytes_max <= most, "{} bytes in use for {}", cost.bytes_max, payload.len());
    let session = match read {
        Ok(session) => session,
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Corrupt);
            return false;
        }
    };
    let written = match format.encode(&session, NOW, usize::MAX) {
        Ok(written) => written,
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::TooLarge, "what is read can be written");
            return true;
        }
    };
    let again = format.decode(&written).expect("what is written can be read");
    assert!(said(&again) == said(&session), "it says the same");
    assert!(format.encode(&again, NOW, usize::MAX).unwrap() == written, "and is written the same");
    true
}

fn said(session: &Portable) -> impl PartialEq + use<> {
    let names: Vec<String> = session.entries.iter().map(|(name, _)| name.clone()).collect();
    (names, session.user.clone(), session.proof.clone(), session.expiry)
}
