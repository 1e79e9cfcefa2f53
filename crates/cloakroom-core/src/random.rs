//! The operating system's random numbers. A failure is an error, never a weaker number.

use ring::rand::{SecureRandom, SystemRandom};

use crate::{Error, ErrorKind, Result};

/// Fills `bytes` from the operating system's generator.
pub(crate) fn fill(bytes: &mut [u8]) -> Result<()> {
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
