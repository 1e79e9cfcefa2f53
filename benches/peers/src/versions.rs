//! The versions that were really built, as the lockfile has them.

use crate::Result;

const LOCKFILE: &str = include_str!("../Cargo.lock");

/// The version of a package.
///
/// # Errors
///
/// For one that is not in the lockfile.
pub(crate) fn of(package: &str) -> Result<String> {
    version(LOCKFILE, package)
        .map(str::to_owned)
        .ok_or_else(|| format!("{package} is not in Cargo.lock").into())
}

fn version<'a>(lockfile: &'a str, package: &str) -> Option<&'a str> {
    let entry = format!("[[package]]\nname = \"{package}\"\nversion = \"");
    Some(lockfile.split_once(&entry)?.1.split_once('"')?.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_is_found_by_its_whole_name() {
        let lockfile = "[[package]]\nname = \"a-b\"\nversion = \"1.0.0\"\n\n[[package]]\nname = \"a\"\nversion = \"2.0.0\"\n";
        assert_eq!(version(lockfile, "a"), Some("2.0.0"));
        assert_eq!(version(lockfile, "b"), None);
    }
}
