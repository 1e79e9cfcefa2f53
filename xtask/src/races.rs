//! `cargo xtask races`: what parallel requests lose and what comes back after a logout, side by side with other libraries.

use std::{path::Path, process::ExitCode};

use crate::{
    cargo::{Cargo, Echo},
    error::{Error, Result},
    kept::Place,
    servers::Servers,
};

/// The package that runs them, from the root of the repository. It is no member of the workspace.
const PACKAGE: &str = "benches/peers/Cargo.toml";
/// Where it is built: beside the workspace, whose builds it would otherwise wait for.
const BUILT: &str = "target/peers";

/// Where the table is kept.
const PLACE: Place = Place {
    file: "docs/guarantees.md",
    title: "Guarantees",
    heading: "Beside other libraries",
    mark: "races",
};

/// Checks the package as the workspace is checked, and runs it; with `--write`, keeps its table in the documentation.
///
/// # Errors
///
/// `Usage` for any other argument, `Components` without rustfmt or clippy, `Step` for a check that fails, `Servers` if
/// Redis does not start, `Io` if the page cannot be written.
pub(crate) fn run(arguments: &[String]) -> Result<ExitCode> {
    let keep = match arguments {
        [] => false,
        [only] if only == "--write" => true,
        [argument, ..] => return Err(Error::Usage(format!("`races` does not know `{argument}`"))),
    };
    check()?;
    let echo = raced(&Servers::start(&["redis"])?)?;
    if !echo.succeeded {
        return Ok(ExitCode::FAILURE);
    }
    if keep {
        PLACE.write(&echo.output)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn check() -> Result<()> {
    Cargo::components()?;
    Cargo::new(&["fmt", "--manifest-path", &rooted(PACKAGE), "--check"]).run()?;
    cargo(&["clippy", "--all-targets"], &["--", "-D", "warnings"]).run()?;
    cargo(&["test"], &[]).run()
}

/// The package's own output is the table.
fn raced(servers: &Servers) -> Result<Echo> {
    let run = cargo(&["run"], &[]);
    servers.variables().fold(run, |run, (name, value)| run.env(name, value)).echo(|_| true)
}

fn cargo(command: &[&str], rest: &[&str]) -> Cargo {
    let (package, built) = (rooted(PACKAGE), rooted(BUILT));
    let place = ["--manifest-path", &package, "--target-dir", &built, "--locked"];
    Cargo::new(&[command, &place, rest].concat())
}

fn rooted(path: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    root.unwrap_or(Path::new(".")).join(path).to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_argument_is_wrong_usage() {
        let refused = run(&["--wrte".to_owned()]);
        assert!(matches!(refused, Err(Error::Usage(message)) if message.contains("`--wrte`")));
    }
}
