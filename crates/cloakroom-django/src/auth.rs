//! The session auth hash: what Django keeps of a password, so that changing it ends the user's sessions.

use ring::hmac::{Key, sign};

use crate::Secrets;

const SALT: &str = "django.contrib.auth.models.AbstractBaseUser.get_session_auth_hash";

/// `get_session_auth_hash()` of a user whose password column (the encoded hash) is `password`, then
/// `get_session_auth_fallback_hash()`.
///
/// ```
/// use cloakroom_django::{Secrets, session_auth_hashes};
///
/// let secrets = Secrets::new("the new one")?.fallbacks(["the one before"])?;
/// let hashes = session_auth_hashes(&secrets, "pbkdf2_sha256$1000000$salt$hash");
/// assert_eq!(hashes.len(), 2);
/// assert_eq!(hashes[0].len(), 64);
/// # Ok::<(), cloakroom_core::Error>(())
/// ```
pub fn session_auth_hashes(secrets: &Secrets, password: &str) -> Vec<String> {
    secrets.salted(SALT).iter().map(|key| hex(key, password)).collect()
}

fn hex(key: &Key, password: &str) -> String {
    let nibbles = sign(key, password.as_bytes())
        .as_ref()
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .collect::<Vec<_>>();
    nibbles.into_iter().filter_map(|nibble| char::from_digit(nibble.into(), 16)).collect()
}
