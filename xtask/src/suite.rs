//! `cargo xtask suite`: what every engine and every adapter promises, side by side.

use std::process::ExitCode;

use crate::{
    error::{Error, Result},
    harness::cargo_test,
    kept::Place,
    report::Report,
    servers::Servers,
    soak, table,
};

/// The integration test that engines and adapters share.
pub(crate) const NAME: &str = "suite";

/// Where its tables are kept.
const PLACE: Place = Place { file: "docs/engines.md", title: "Engines", heading: "The suite", mark: "suite" };

/// Runs the suite alone; with `--write`, keeps its tables in the documentation.
///
/// # Errors
///
/// `Usage` for any other argument, `Servers` if one does not start, `Io` if the page cannot be written.
pub(crate) fn run(arguments: &[String]) -> Result<ExitCode> {
    let keep = match arguments {
        [] => false,
        [only] if only == "--write" => true,
        [argument, ..] => return Err(Error::Usage(format!("`suite` does not know `{argument}`"))),
    };
    let report = tables(&Servers::beside_the_build(&["--test", NAME])?)?;
    if keep && report.tally.failed == 0 {
        PLACE.write(&table::markdown(&report.cases))?;
    }
    println!("\n{}", report.tally);
    Ok(if report.tally.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Runs the suite and prints its tables.
///
/// # Errors
///
/// `Io` if cargo cannot be started.
pub(crate) fn tables(servers: &Servers) -> Result<Report> {
    let suite = cargo_test(&["--test", NAME], &["--show-output"], servers)?;
    println!("\n{}", table::draw(&suite.cases));
    println!(
        "histories that were searched, and the faults in them:\n\n{}",
        table::align(&soak::searched(&suite.said))
    );
    if suite.lost > 0 {
        println!("{} announced cases are not in the tables: a binary stopped before them\n", suite.lost);
    }
    Ok(suite)
}

/// Whether the documentation keeps the tables of this run.
///
/// # Errors
///
/// `Io` if the page cannot be read.
pub(crate) fn kept(report: &Report) -> Result<bool> {
    // Cases that failed are to be mended, not kept.
    Ok(report.tally.failed > 0 || PLACE.shows(&table::markdown(&report.cases))?)
}
