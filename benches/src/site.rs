//! A site whose requests are measured, on either framework.
//!
//! | route | what its handler does |
//! |---|---|
//! | `GET /bare` | nothing, and no session layer is around it |
//! | `GET /untouched` | nothing, within the layer |
//! | `GET /read` | answers with `count` |
//! | `POST /change` | adds one to `count`, and answers with it |
//! | `POST /login` | makes a session of six names |
//!
//! The sites of other libraries, in `benches/peers`, answer the same.

pub mod actix;
pub mod engine;
pub mod tower;

use serde_json::{Map, Value};

/// What a new session holds: six names, 300 bytes.
const SESSION: &str = include_str!("../session.json");

/// The name that is read and changed.
const COUNT: &str = "count";

/// What the handlers answer that do nothing.
const DONE: &str = "done";

/// A new session's names and values.
fn entries() -> Map<String, Value> {
    serde_json::from_str(SESSION).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_session_has_six_names_in_300_bytes() {
        assert_eq!(SESSION.trim_end().len(), 300);
        assert_eq!(entries().len(), 6);
        assert_eq!(entries()[COUNT], 0);
    }
}
