//! The fuzzers of `crates/fuzz`, one after the other.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::ExitCode,
};

use crate::{
    cargo::Cargo,
    error::{Error, Result},
};

/// As in the targets' bounds: what takes more for an input this small has lost its measure.
const LIMITS: [&str; 3] = ["-max_len=4096", "-malloc_limit_mb=64", "-timeout=10"];

/// `cargo xtask fuzz SECONDS`
///
/// # Errors
///
/// `Usage` for anything but a number of seconds, else as [`run`].
pub(crate) fn command(arguments: &[String]) -> Result<ExitCode> {
    let seconds = match arguments {
        [seconds] => seconds.parse().ok().filter(|seconds| *seconds > 0),
        _ => None,
    };
    run(seconds.ok_or_else(|| Error::Usage("`fuzz` takes a number of seconds for each fuzzer".to_owned()))?)?;
    Ok(ExitCode::SUCCESS)
}

/// Runs each fuzzer for so many seconds, from the corpus that is kept on. What they find on the way stays in
/// `target/fuzz-corpus`; an input that breaks a promise ends the run, and its path is printed: it belongs into the corpus,
/// under a name that tells what it does.
///
/// # Errors
///
/// `Fuzzing` without cargo-fuzz, `Step` if a promise is broken, `Io` if a folder can't be read or made.
pub(crate) fn run(seconds: u64) -> Result<()> {
    if !is_there() {
        return Err(Error::Fuzzing);
    }
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    let package = root.join("crates/fuzz");
    let scratch = root.join("target/fuzz-scratch");
    fs::create_dir_all(&scratch).map_err(|source| broken(&scratch, source))?;
    let scratch = scratch.to_string_lossy();
    let time = format!("-max_total_time={seconds}");
    for target in targets(&package)? {
        let found = root.join("target/fuzz-corpus").join(&target);
        fs::create_dir_all(&found).map_err(|source| broken(&found, source))?;
        let [programs, build, found, kept] =
            [package.join("fuzz"), root.join("target/fuzz"), found, package.join("corpus").join(&target)]
                .map(|path| path.to_string_lossy().into_owned());
        let fuzz = ["fuzz", "run", "--fuzz-dir", &programs, "--target-dir", &build, &target, &found, &kept];
        let fuzz = Cargo::new(&[&fuzz[..], &["--", &time], &LIMITS].concat());
        // Coverage takes unstable flags of the compiler. A fuzzer ends without tidying up.
        fuzz.env("RUSTC_BOOTSTRAP", "1").env("TMPDIR", &scratch).run()?;
    }
    Ok(())
}

/// Whether cargo-fuzz is installed.
pub(crate) fn is_there() -> bool {
    Cargo::new(&["fuzz", "--version"]).succeeds()
}

/// The targets' names, which are those of their folders in the corpus.
fn targets(package: &Path) -> Result<Vec<String>> {
    let corpus = package.join("corpus");
    let read = || -> io::Result<Vec<String>> {
        fs::read_dir(&corpus)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
    };
    let mut targets = read().map_err(|source| broken(&corpus, source))?;
    targets.sort_unstable();
    Ok(targets)
}

fn broken(path: &Path, source: io::Error) -> Error {
    Error::Io(format!("{} can't be used", path.display()), source)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fuzzers_want_to_know_how_long() {
        for arguments in [&[][..], &["0"], &["soon"], &["1", "2"]] {
            let arguments: Vec<_> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
            assert!(matches!(command(&arguments), Err(Error::Usage(_))), "{arguments:?}");
        }
    }
}
