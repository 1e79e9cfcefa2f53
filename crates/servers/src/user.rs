//! The users that servers run as which refuse to be root.

use std::{fs, os::unix::fs::MetadataExt};

use crate::{Error, Result, error::during};

/// A user of this machine.
#[derive(Clone, Copy, Debug)]
pub(crate) struct User {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

/// Who a server runs as: the named user if we are root, else nobody but us.
///
/// # Errors
///
/// `Server` if root's machine has no such user.
pub(crate) fn instead_of_root(name: &str) -> Result<Option<User>> {
    if !root() {
        return Ok(None);
    }
    let users = fs::read_to_string("/etc/passwd").map_err(during("/etc/passwd is not readable"))?;
    let user = users.lines().find_map(|line| entry(line, name));
    user.map(Some)
        .ok_or_else(|| Error::Server(format!("a server that refuses root needs the user `{name}`: add it")))
}

/// Whether we are root, who owns our own entry among the processes then.
pub(crate) fn root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
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
