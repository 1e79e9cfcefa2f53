//! `cargo test`, with servers at hand for the tests that need some.

use crate::{
    cargo::Cargo,
    error::Result,
    report::{Reader, Report},
    servers::Servers,
};

/// Every crate, every feature; what fails stops nothing.
pub(crate) const COMMON: [&str; 5] = ["test", "--workspace", "--all-features", "--locked", "--no-fail-fast"];

/// Runs the tests of some targets, also those that plain `cargo test` ignores for want of a server.
///
/// # Errors
///
/// `Io` if cargo cannot be started; failing tests are part of the answer.
pub(crate) fn cargo_test(targets: &[&str], options: &[&str], servers: &Servers) -> Result<Report> {
    tested(&[&COMMON[..], targets].concat(), options, servers, &[])
}

/// The same for as long as the environment says, with what they say of what they have done.
///
/// # Errors
///
/// As [`cargo_test`].
pub(crate) fn soaked_test(
    targets: &[&str],
    filters: &[&str],
    servers: &Servers,
    environment: &[(&str, &str)],
) -> Result<Report> {
    let options = [&["--show-output"], filters].concat();
    tested(&[&COMMON[..], targets].concat(), &options, servers, environment)
}

/// Runs the facade's engines as one choice of features has them.
///
/// # Errors
///
/// As [`cargo_test`].
pub(crate) fn choice_test(choice: &str, servers: &Servers) -> Result<Report> {
    let selection: Vec<_> = choice.split(' ').collect();
    let fixed = ["test", "--locked", "--no-fail-fast", "--test", "engines"];
    tested(&[&fixed[..], &selection].concat(), &[], servers, &[])
}

fn tested(
    arguments: &[&str],
    options: &[&str],
    servers: &Servers,
    environment: &[(&str, &str)],
) -> Result<Report> {
    let cargo = Cargo::new(&[arguments, &["--", "--include-ignored"], options].concat());
    let cargo = servers.variables().fold(cargo, |cargo, (name, value)| cargo.env(name, value));
    let cargo = environment.iter().fold(cargo, |cargo, (name, value)| cargo.env(name, value));
    let mut reader = Reader::new();
    let echo = cargo.echo(|line| reader.shows(line))?;
    Ok(Report::read(&echo.output, echo.succeeded))
}
