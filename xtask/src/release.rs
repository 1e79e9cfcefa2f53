//! `cargo xtask release-check`: what must hold before the crates are published, beside the tests.

mod api;
mod consumers;
mod contents;
mod docs;
mod features;
mod licences;
mod manifest;
mod packages;
mod published;
mod tool;

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    time::Instant,
};

use crate::{
    cargo::Cargo,
    error::{Error, Result},
    release::published::Published,
    table,
};

/// A part that can be run alone.
struct Step {
    name: &'static str,
    proves: &'static str,
    run: fn(&Release) -> Result<()>,
}

/// The packages come first: the consumers are built from them.
const STEPS: [Step; 6] = [
    Step {
        name: "packages",
        proves: "each crate builds from its own package, which has its licences, its README and no stray files",
        run: packages::run,
    },
    Step {
        name: "consumers",
        proves: "projects outside of the workspace build, and run, with nothing but the packages",
        run: consumers::run,
    },
    Step { name: "api", proves: "the public API is the one in docs/api; --write renews that", run: api::run },
    Step {
        name: "licences",
        proves: "dependencies have licences that we allow, come from crates.io, and are none of the banned ones",
        run: licences::run,
    },
    Step {
        name: "features",
        proves: "each feature of each crate, and what people choose together, builds with the oldest Rust that we name",
        run: features::run,
    },
    Step { name: "docs", proves: "the docs build as docs.rs builds them, without a warning", run: docs::run },
];

/// What the steps work on.
struct Release {
    root: PathBuf,
    /// In the order in which they can be published.
    published: Vec<Published>,
    /// Snapshots are renewed instead of compared.
    write: bool,
}

/// Runs the steps, all or those that are named; each in full view, the last thing is a table of them.
///
/// # Errors
///
/// `Usage` for what is no step, `Metadata` or `Step` if cargo does not know the workspace. A step that fails is one
/// line of the table, and the others go on.
pub(crate) fn run(arguments: &[String]) -> Result<ExitCode> {
    let (flags, names): (Vec<_>, Vec<_>) = arguments.iter().partition(|argument| argument.starts_with('-'));
    if let Some(flag) = flags.iter().find(|flag| *flag != &"--write") {
        return Err(Error::Usage(format!("`release-check` does not know `{flag}`")));
    }
    if let Some(name) = names.iter().find(|name| !STEPS.iter().any(|step| step.name == name.as_str())) {
        return Err(Error::Usage(format!("`release-check` has no step `{name}`")));
    }
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    let root = root.canonicalize().map_err(|source| broken(&root, source))?;
    let release = Release { root, published: published::all()?, write: !flags.is_empty() };
    let wanted = |step: &&Step| names.is_empty() || names.iter().any(|name| name.as_str() == step.name);
    let mut rows = vec![["step", "result", "seconds"].map(str::to_owned).to_vec()];
    let mut failed = false;
    for step in STEPS.iter().filter(wanted) {
        eprintln!("\n{}: {}", step.name, step.proves);
        let start = Instant::now();
        let outcome = (step.run)(&release);
        if let Err(error) = &outcome {
            eprintln!("error: {error}");
        }
        failed |= outcome.is_err();
        let word = if outcome.is_ok() { "ok" } else { "FAILED" };
        let seconds = start.elapsed().as_secs().to_string();
        rows.push(vec![step.name.to_owned(), word.to_owned(), seconds]);
    }
    println!("\n{}", table::align(&rows));
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

impl Release {
    /// Where the packages are unpacked.
    fn unpacked(&self) -> PathBuf {
        self.root.join("target/release-check/packages")
    }

    /// `-p NAME` for each crate that is published.
    fn selection(&self) -> Vec<&str> {
        self.published.iter().flat_map(|published| ["-p", &published.name]).collect()
    }
}

/// Whether a toolchain is there.
///
/// # Errors
///
/// `Toolchain` if it is not.
fn needs_toolchain(name: &str) -> Result<()> {
    let there = Cargo::on(name, "rustc", &["--version"]).succeeds();
    if there { Ok(()) } else { Err(Error::Toolchain(name.to_owned())) }
}

/// Prints the faults.
///
/// # Errors
///
/// `Release` if there are any.
fn report(faults: &[String]) -> Result<()> {
    for fault in faults {
        eprintln!("{fault}");
    }
    if faults.is_empty() { Ok(()) } else { Err(Error::Release(faults.len())) }
}

/// A folder with nothing in it.
///
/// # Errors
///
/// `Io` if it can't be made.
fn empty_folder(path: &Path) -> Result<()> {
    match fs::remove_dir_all(path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => Err(broken(path, source)),
        _ => fs::create_dir_all(path).map_err(|source| broken(path, source)),
    }
}

/// Every file below a folder.
///
/// # Errors
///
/// `Io` if one can't be read.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(|source| broken(folder, source))? {
        let path = entry.map_err(|source| broken(folder, source))?.path();
        if path.is_dir() { found.extend(files(&path)?) } else { found.push(path) }
    }
    found.sort_unstable();
    Ok(found)
}

/// Runs a program that is no cargo.
///
/// # Errors
///
/// `Step` if it fails, `Io` if it can't be started.
fn execute(command: &mut Command) -> Result<()> {
    let line = format!("{command:?}");
    let status =
        command.status().map_err(|source| Error::Io(format!("`{line}` could not be started"), source))?;
    if status.success() { Ok(()) } else { Err(Error::Step(line)) }
}

fn broken(path: &Path, source: io::Error) -> Error {
    Error::Io(format!("{} can't be used", path.display()), source)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_step_is_wrong_usage() {
        for argument in ["packagse", "--wirte"] {
            assert!(matches!(run(&[argument.to_owned()]), Err(Error::Usage(why)) if why.contains(argument)));
        }
    }
}
