//! Who else on this host can read what settings name.

use std::env;
use std::path::{Path, PathBuf};

use super::Weakness;
use crate::settings::FILE;
use crate::{Engine, Settings};

pub(super) fn weaknesses(settings: &Settings) -> Vec<Weakness> {
    let mut found = Vec::new();
    let database = || settings.db_url.strip_prefix("sqlite:").map(sqlite_file);
    let file = matches!(settings.engine, Engine::Db | Engine::CachedDb).then(database).flatten();
    if let Some(file) = file.filter(|file| is_readable_by_others(file)) {
        found.push(Weakness::weak(
            "SESSION_DB_URL",
            format!("everybody on this host can read {}", file.display()),
            "take that away with chmod o-r, from -wal and -shm beside it, too",
        ));
    }
    if settings.engine == Engine::File {
        if is_readable_by_others(&settings.file_path) {
            found.push(Weakness::weak(
                "SESSION_FILE_PATH",
                format!("everybody on this host can look into {}", settings.file_path.display()),
                "take that away with chmod o-rx",
            ));
        }
        if is_temporary(&settings.file_path) {
            found.push(Weakness::weak(
                "SESSION_FILE_PATH",
                "it is in the system's temporary folder, where files are cleaned away and anybody can be there first",
                "set it to a folder of the service's own, as /var/lib/SERVICE/sessions",
            ));
        }
    }
    let file = env::var_os(FILE).filter(|path| !path.is_empty()).map(PathBuf::from);
    if file.is_some_and(|path| is_readable_by_others(&path) && holds_a_secret(&path)) {
        found.push(Weakness::weak(
            FILE,
            "everybody on this host can read the file that it names, and secrets are in it",
            "take that away with chmod o-r, and make new secrets",
        ));
    }
    found
}

/// As sqlx reads the URL.
fn sqlite_file(rest: &str) -> PathBuf {
    let path = rest.split('?').next().unwrap_or_default();
    path.strip_prefix("//").unwrap_or(path).into()
}

fn holds_a_secret(path: &Path) -> bool {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let Ok(table) = text.parse::<toml::Table>() else { return false };
    table.iter().any(|(name, value)| {
        // A password is before the host.
        let login = || name.ends_with("_URL") && value.as_str().is_some_and(|url| url.contains('@'));
        matches!(name.as_str(), "SECRET_KEY" | "SECRET_KEY_FALLBACKS" | "SESSION_SEAL_KEYS") || login()
    })
}

fn is_temporary(path: &Path) -> bool {
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    // It need not be there yet.
    let folder = path.ancestors().find_map(|path| path.canonicalize().ok()).unwrap_or_default();
    let temporary = [env::temp_dir(), "/tmp".into(), "/var/tmp".into()];
    temporary.iter().any(|temporary| path.starts_with(temporary) || folder.starts_with(real(temporary)))
}

/// Whether its mode and those of all folders on the way let anybody read it. What is not there nobody reads.
#[cfg(unix)]
fn is_readable_by_others(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;

    const READ: u32 = 0o004;
    const ENTER: u32 = 0o001;
    let allows = |path: &Path, bit: u32| {
        path.metadata().is_ok_and(|metadata| metadata.permissions().mode() & bit != 0)
    };
    let Ok(path) = path.canonicalize() else { return false };
    allows(&path, READ) && path.ancestors().skip(1).all(|folder| allows(folder, ENTER))
}

/// Who may read it is not in its mode.
#[cfg(not(unix))]
fn is_readable_by_others(_: &Path) -> bool {
    false
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn chmod(path: &Path, mode: u32) {
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn a_file_is_readable_by_others_if_its_mode_and_the_way_to_it_say_so() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("sessions.sqlite3");
        fs::write(&file, "").unwrap();
        for (of_folder, of_file, readable) in
            [(0o755, 0o644, true), (0o700, 0o644, false), (0o755, 0o640, false), (0o711, 0o604, true)]
        {
            chmod(folder.path(), of_folder);
            chmod(&file, of_file);
            assert_eq!(is_readable_by_others(&file), readable, "{of_folder:o} {of_file:o}");
        }
        assert!(!is_readable_by_others(&folder.path().join("missing")));
    }

    #[test]
    fn a_login_in_a_url_is_a_secret_and_a_url_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("settings.toml");
        for (text, secret) in [
            ("SESSION_ENGINE = 'file'", false),
            ("SESSION_DB_URL = 'postgres://host/db'", false),
            ("SESSION_DB_URL = 'postgres://me:hunter2@host/db'", true),
            ("SECRET_KEY = 'hunter2'", true),
        ] {
            fs::write(&file, text).unwrap();
            assert_eq!(holds_a_secret(&file), secret, "{text}");
        }
    }

    #[test]
    fn a_folder_that_is_not_there_yet_is_temporary_where_its_parents_are() {
        let folder = tempfile::tempdir().unwrap();
        assert!(is_temporary(&folder.path().join("a/b")));
        assert!(!is_temporary(Path::new("/srv/sessions")) && !is_temporary(Path::new("/tmpfiles")));
    }
}
