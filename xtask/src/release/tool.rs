//! Programs from crates.io that the checks use, in target/tools.

use std::path::{Path, PathBuf};

use crate::{cargo::Cargo, error::Result};

/// A program, at the version that the checks are known to work with.
pub(super) struct Tool {
    pub(super) name: &'static str,
    pub(super) version: &'static str,
}

impl Tool {
    /// Where it is; it is built first, for some minutes, where it is missing.
    ///
    /// # Errors
    ///
    /// `Step` if it can't be fetched or built.
    pub(super) fn ready(&self, root: &Path) -> Result<PathBuf> {
        let tools = root.join("target/tools");
        let exact = format!("{}@{}", self.name, self.version);
        // Cargo itself knows whether it is there already.
        let install = ["install", "--quiet", "--locked", "--root", &tools.to_string_lossy(), &exact];
        Cargo::new(&install).run()?;
        Ok(tools.join("bin").join(self.name))
    }
}
