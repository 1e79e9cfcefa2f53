//! The users that servers run as which refuse to be root.

use std::{fs, os::unix::fs::MetadataExt, path::Path};

use crate::{Error, Result, error::during};

/// A user of this machine.
#[derive(Clone, Copy, Debug)]
pub(crate) struct User {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

/// Who a server runs as: the named user if the folder's owner is root, else nobody but its owner.
///
/// # Errors
///
/// `Server` if root's machine has no such user.
pub(crate) fn instead_of_root(name: &str, folder: &Path) -> Result<Option<User>> {
    if !owned_by_root(folder)? {
        return Ok(None);
    }
    let users = fs::read_to_string("/etc/passwd").map_err(during("/etc/passwd is not readable"))?;
    let user = users.lines().find_map(|line| entry(line, name));
    user.map(Some)
        .ok_or_else(|| Error::Server(format!("a server that refuses root needs the user `{name}`: add it")))
}

/// Whether we are root.
pub(crate) fn root() -> Result<bool> {
    owned_by_root(tempfile::tempdir().map_err(during("no temporary folder can be made"))?.path())
}

/// Whether a folder that was just made is root's: so are we.
fn owned_by_root(path: &Path) -> Result<bool> {
    Ok(path.metadata().map_err(during("a new folder is not readable"))?.uid() == 0)
}

/// `postgres:x:101:104:…`
fn entry(line: &str, name: &str) -> Option<User> {
    let mut fields = line.split(':');
    if fields.next()? != name {
        return None;
    }
    Some(User { uid: fields.nth(1)?.parse().ok()?, gid: fields.next()?.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_is_found_by_its_whole_name() {
        assert!(entry("mysqlx:x:5:6::/:/bin/false", "mysql").is_none());
        let user = entry("mysql:x:103:111:MySQL Server,,,:/:/bin/false", "mysql").unwrap();
        assert_eq!((user.uid, user.gid), (103, 111));
    }
}
