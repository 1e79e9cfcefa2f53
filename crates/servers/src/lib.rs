//! Private, throw-away servers on free ports and in temporary folders.
