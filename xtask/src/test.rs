//! `cargo xtask test`: everything that must hold before a change is taken.

use std::{collections::BTreeSet, process::ExitCode};

use cloakroom_servers::install;

use crate::{
    book,
    cargo::Cargo,
    error::{Error, Result},
    features, floors,
    harness::{cargo_test, choice_test},
    metadata::{self, Member},
    proofs,
    report::Tally,
    servers::Servers,
    suite, table,
};

/// The integration test that asks Django, in each place where it keeps sessions.
const BESIDE: &str = "matrix";

/// What tests run that no server needs: clients of their own, a proxy, a browser.
const TOOLS: [&str; 7] =
    ["chromedriver", "chromium", "mariadb-dump", "openssl", "pgbouncer", "pg_dump", "redis-cli"];

/// Runs the checks, each of which ends the command if it fails, then all tests, whatever fails among them.
///
/// The servers that tests need are started before the first test and end with the command, however it ends.
///
/// # Errors
///
/// `Usage` for any argument, `Components` without rustfmt or clippy, `Step`, `Floors`, `Proofs` or `Book` for a check
/// that fails, `Servers` if one is missing or does not start.
pub(crate) fn run(arguments: &[String]) -> Result<ExitCode> {
    if let Some(argument) = arguments.first() {
        return Err(Error::Usage(format!("`test` takes no argument, and this is one: `{argument}`")));
    }
    checks()?;
    let tally = tests()?;
    println!("\n{tally}");
    Ok(if tally.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn checks() -> Result<()> {
    Cargo::components()?;
    Cargo::new(&["fmt", "--all", "--check"]).run()?;
    floors::check()?;
    features::check()?;
    proofs::check()?;
    book::check()?;
    clippy(&["--workspace", "--all-targets", "--all-features"])?;
    // With all features on, code that needs a missing one still compiles.
    for choice in features::alone().iter().chain(&features::engines()) {
        clippy(&choice.split(' ').collect::<Vec<_>>())?;
    }
    Cargo::new(&["doc", "--workspace", "--no-deps", "--all-features", "--locked"])
        .env("RUSTDOCFLAGS", "-D warnings")
        .run()
}

fn clippy(selection: &[&str]) -> Result<()> {
    Cargo::new(&[&["clippy"], selection, &["--locked", "--", "-D", "warnings"]].concat()).run()
}

fn tests() -> Result<Tally> {
    install::install(&TOOLS)?;
    let servers = Servers::beside_the_build(&[])?;
    let suite = suite::tables(&servers)?;
    let mut tally = suite.tally;
    let beside = cargo_test(&["--test", BESIDE], &[], &servers)?;
    println!("\n{}", table::draw(&beside.cases));
    tally += beside.tally;
    tally += cargo_test(&others(&metadata::members()?), &[], &servers)?.tally;
    tally += cargo_test(&["--doc"], &[], &servers)?.tally;
    // Those of one feature alone are in the workspace's run.
    for choice in features::together() {
        tally += choice_test(&choice, &servers)?.tally;
    }
    if !suite::kept(&suite)? {
        println!("\ndocs/engines.md keeps other tables of the suite: run `cargo xtask suite --write`");
        tally.failed += 1;
    }
    Ok(tally)
}

/// Every target with tests but the suite, which has been run; `--tests` would run it again.
fn others(members: &[Member]) -> Vec<&str> {
    let names: BTreeSet<_> = members.iter().flat_map(|member| &member.tests).map(String::as_str).collect();
    let tabled = [suite::NAME, BESIDE];
    let integration =
        names.into_iter().filter(|name| !tabled.contains(name)).flat_map(|name| ["--test", name]);
    ["--lib", "--bins"].into_iter().chain(integration).collect()
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn member(tests: &[&str]) -> Member {
        Member {
            name: "any".to_owned(),
            manifest: PathBuf::new(),
            dependencies: Vec::new(),
            switches: Vec::new(),
            tests: tests.iter().map(|name| (*name).to_owned()).collect(),
        }
    }

    #[test]
    fn every_test_target_but_the_suite_is_named_once() {
        let members = [member(&["suite", "http"]), member(&["http", "cli"])];
        assert_eq!(others(&members), ["--lib", "--bins", "--test", "cli", "--test", "http"]);
    }
}
