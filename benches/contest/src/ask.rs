//! What a program is asked to run.

use serde::Deserialize;

use crate::Operation;

/// One line of standard input.
#[derive(Clone, Debug, Deserialize)]
pub struct Ask {
    /// The operation; without one the engine's stores of that size are closed.
    pub table: Option<Operation>,
    /// Whose store it is.
    pub engine: String,
    /// Who works on it.
    #[serde(default)]
    pub contender: String,
    /// Of how many bytes sessions are.
    pub size: usize,
    /// How many tasks work at once.
    #[serde(default)]
    pub tasks: usize,
    /// For how long.
    #[serde(default)]
    pub milliseconds: u64,
    /// How many sessions there are while the operation runs.
    pub live: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_without_an_operation_asks_to_close() {
        let ask: Ask = serde_json::from_str(r#"{"engine":"sqlite","size":300,"live":1000}"#).unwrap();
        assert_eq!((ask.table, ask.size), (None, 300));
    }

    #[test]
    fn an_operation_is_asked_for_by_its_name() {
        for operation in Operation::ALL {
            let line = serde_json::json!({"table": operation.name(), "engine": "e", "size": 1, "live": 1});
            assert_eq!(serde_json::from_value::<Ask>(line).unwrap().table, Some(operation));
        }
    }
}
