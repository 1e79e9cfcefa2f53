//! Where the servers' programs are, also outside PATH.

use std::{
    cmp::Reverse,
    env, fs,
    path::{Path, PathBuf},
};

use crate::{Error, Result, install};

/// Folders that distributions keep servers in, and that the PATH of a user often lacks.
const FOLDERS: [&str; 3] = ["/usr/local/sbin", "/usr/sbin", "/sbin"];
/// A folder per version: Debian keeps PostgreSQL's own programs out of PATH.
const POSTGRESQL: &str = "/usr/lib/postgresql";

/// The program, wherever it is.
///
/// # Errors
///
/// `Missing` with the command that installs it.
pub(crate) fn find(name: &'static str) -> Result<PathBuf> {
    locate(name).ok_or_else(|| install::missing_error(&[name]))
}

/// The program, wherever it is, or nothing.
pub(crate) fn locate(name: &str) -> Option<PathBuf> {
    folders().into_iter().map(|folder| folder.join(name)).find(|path| path.is_file())
}

/// What the servers and their tools get as PATH.
pub(crate) fn path() -> Result<std::ffi::OsString> {
    env::join_paths(folders())
        .map_err(|_| Error::Server("a folder of PATH has a colon in its name: rename it".to_owned()))
}

fn folders() -> Vec<PathBuf> {
    let own = env::var_os("PATH").unwrap_or_default();
    let own = env::split_paths(&own).filter(|folder| folder.is_absolute());
    own.chain(FOLDERS.map(PathBuf::from)).chain(versions(Path::new(POSTGRESQL))).collect()
}

/// The newest first.
fn versions(parent: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    let number = |name: &str| name.split('.').map(|part| part.parse().ok()).collect::<Option<Vec<u32>>>();
    let mut versions: Vec<_> = entries
        .filter_map(|entry| Some((number(entry.file_name().to_str()?)?, entry.path().join("bin"))))
        .collect();
    versions.sort_by_key(|(number, _)| Reverse(number.clone()));
    versions.into_iter().map(|(_, folder)| folder).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn newest_version_comes_first_by_number() {
        let parent = tempfile::tempdir().unwrap();
        for version in ["9.6", "15", "16", "common"] {
            fs::create_dir(parent.path().join(version)).unwrap();
        }
        let expected = ["16", "15", "9.6"].map(|version| parent.path().join(version).join("bin"));
        assert_eq!(versions(parent.path()), expected);
    }
}
