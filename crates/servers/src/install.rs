//! What the servers need that is not here, and how to get it.

use std::{
    io,
    process::{Command, Stdio},
};

use crate::{Error, Result, error::during, programs, user};

/// A program, and the Debian package that has it.
const PACKAGES: [(&str, &str); 14] = [
    ("redis-server", "redis-server"),
    ("redis-cli", "redis-tools"),
    ("openssl", "openssl"),
    ("initdb", "postgresql"),
    ("ipcrm", "util-linux"),
    ("pg_dump", "postgresql-client"),
    ("mariadbd", "mariadb-server"),
    ("mariadb-install-db", "mariadb-server"),
    ("mariadb-dump", "mariadb-client"),
    ("pgbouncer", "pgbouncer"),
    ("chromium", "chromium"),
    ("chromedriver", "chromium-driver"),
    ("python3", "python3-venv"),
    ("wrk", "wrk"),
];

/// Those of the given programs that are not on this machine.
pub fn missing(programs: &[&'static str]) -> Vec<&'static str> {
    let mut missing: Vec<_> =
        programs.iter().copied().filter(|name| programs::locate(name).is_none()).collect();
    missing.sort_unstable();
    missing.dedup();
    missing
}

/// Installs those of the given programs that are missing. What is printed meanwhile goes to standard error.
///
/// # Errors
///
/// `Missing` with the command that would do it, unless we are root on a Debian; `Server` if it was tried and failed.
pub fn install(programs: &[&'static str]) -> Result<()> {
    let missing = missing(programs);
    if missing.is_empty() {
        return Ok(());
    }
    let installed = packages(&packages_of(&missing));
    if installed.is_err() || !self::missing(programs).is_empty() {
        return Err(missing_error(&self::missing(programs)));
    }
    Ok(())
}

/// Installs Debian packages.
///
/// # Errors
///
/// `Server` with the command that would do it, unless we are root on a Debian, and it succeeds.
pub(crate) fn packages(packages: &[&'static str]) -> Result<()> {
    let command = || Error::Server(format!("run `{}` as root", command(packages)));
    if programs::locate("apt-get").is_none() || !user::root() {
        return Err(command());
    }
    let status = Command::new("/bin/sh")
        .args(["-c", include_str!("install.sh"), "cloakroom-install"])
        .args(packages)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .env("PATH", programs::path()?)
        .stdin(Stdio::null())
        .stdout(io::stderr())
        .status()
        .map_err(during("/bin/sh cannot be started"))?;
    if status.success() { Ok(()) } else { Err(command()) }
}

/// What to do about programs that are not here.
pub(crate) fn missing_error(programs: &[&'static str]) -> Error {
    Error::Missing(programs.to_vec(), command(&packages_of(programs)))
}

fn command(packages: &[&str]) -> String {
    format!("apt-get install -y --no-install-recommends {}", packages.join(" "))
}

fn packages_of(programs: &[&str]) -> Vec<&'static str> {
    let needed = PACKAGES.iter().filter(|(program, _)| programs.contains(program));
    let mut packages: Vec<_> = needed.map(|(_, package)| *package).collect();
    packages.dedup();
    packages
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_names_the_command_that_installs_each_package_once() {
        let error = missing_error(&["mariadbd", "mariadb-install-db", "initdb"]).to_string();
        let command = "`apt-get install -y --no-install-recommends postgresql mariadb-server` as root";
        assert!(error.contains(command), "{error}");
    }

    #[test]
    fn only_what_is_not_here_is_missing() {
        assert_eq!(missing(&["sh", "no-such-program", "no-such-program"]), ["no-such-program"]);
    }
}
