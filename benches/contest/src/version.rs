//! The versions that were really built, as a lockfile has them.

/// The version of a package in the text of a `Cargo.lock`: the first, if there are several.
pub fn version<'a>(lockfile: &'a str, package: &str) -> Option<&'a str> {
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
