//! The cookie's rules, for an adapter.

use cloakroom_core::Error;
use cloakroom_http::{CookieOptions, CookiePolicy, find};

fn main() -> Result<(), Error> {
    let policy = CookiePolicy::new(CookieOptions::default())?;
    let header: &[u8] = b"theme=dark; sessionid=abc";
    assert_eq!(find([header], policy.name()), Some("abc"));
    Ok(())
}
