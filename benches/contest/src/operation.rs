//! What a contender can be asked to do.

use serde::{Deserialize, Serialize};

/// One operation on sessions, or on many at once.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Operation {
    /// Reads a session.
    Load,
    /// Stores a session under a new id.
    Create,
    /// Replaces a session by another of the same size.
    Save,
    /// Moves a session's end.
    Touch,
    /// Gives a session another id.
    Rotate,
    /// Ends a session.
    Delete,
    /// Counts up in one session that all tasks share.
    Update,
    /// Removes what has expired while somebody saves; the times are those of the saves.
    Sweep,
}

impl Operation {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Load,
        Self::Create,
        Self::Save,
        Self::Touch,
        Self::Rotate,
        Self::Delete,
        Self::Update,
        Self::Sweep,
    ];

    /// Its name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Load => "load",
            Self::Create => "create",
            Self::Save => "save",
            Self::Touch => "touch",
            Self::Rotate => "rotate",
            Self::Delete => "delete",
            Self::Update => "update",
            Self::Sweep => "sweep",
        }
    }
}
