//! Python packages in a folder of their own, for tests that ask another library.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::{Error, Result, error::during, install};

/// The Python of a virtual environment in `folder` that has these requirements, as `requirements.txt` writes them. It is made
/// where it is not there yet, by pip; with a Debian's own Python it may take root to add what that lacks.
///
/// # Errors
///
/// `Missing` without Python, `Server` with what pip said if it fails, `Io` if the operating system refuses.
pub fn python(folder: &Path, requirements: &str) -> Result<PathBuf> {
    let python = folder.join("bin/python");
    // Written last: what was cut short is made anew.
    let made = folder.join("requirements.txt");
    if fs::read_to_string(&made).is_ok_and(|made| made == requirements) {
        return Ok(python);
    }
    install::install(&["python3"])?;
    let create = || run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(folder));
    if let Err(error) = create() {
        // Debian's Python comes without it.
        install::packages(&["python3-venv"]).map_err(|_| error)?;
        create()?;
    }
    let packages = requirements.lines().filter(|line| !line.is_empty());
    run(Command::new(&python).args(PIP).arg("install").args(packages))?;
    fs::write(&made, requirements).map_err(during("a virtual environment can't be written to"))?;
    Ok(python)
}

/// A package's source, as its authors publish it, unpacked in `folder`: the folder that it comes in.
///
/// # Errors
///
/// As [`python`], whose Python it is.
pub fn source(python: &Path, folder: &Path, package: &str) -> Result<PathBuf> {
    let unpacked = folder.join(package.replace("==", "-"));
    if unpacked.is_dir() {
        return Ok(unpacked);
    }
    let download = folder.join("download");
    let options = ["download", "--no-deps", "--no-binary", ":all:", package, "--dest"];
    run(Command::new(python).args(PIP).args(options).arg(&download))?;
    let refused = during("a package's source can't be unpacked");
    let mut archives = fs::read_dir(&download).map_err(refused)?.flatten().map(|entry| entry.path());
    let archive = archives.find(|path| path.extension().is_some_and(|extension| extension == "gz"));
    let archive = archive.ok_or_else(|| Error::Server(format!("pip has no source of {package}")))?;
    run(Command::new("tar").arg("-xzf").arg(archive).arg("-C").arg(folder))?;
    fs::remove_dir_all(&download).map_err(during("a download can't be removed"))?;
    Ok(unpacked)
}

const PIP: [&str; 4] = ["-m", "pip", "--quiet", "--disable-pip-version-check"];

fn run(command: &mut Command) -> Result<()> {
    let output = command.stdin(Stdio::null()).output().map_err(during("a program can't be started"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(Error::Server(format!("{} failed:\n{}", command.get_program().display(), said.trim_end())))
}
