//! `cloakroom`: looks at sessions, ends them, sweeps them and moves them, by the settings of the application
//! that they belong to.

use std::process::ExitCode;

use clap::Parser as _;

use crate::args::Arguments;

mod args;
mod commands;
mod ids;
mod moment;
mod output;
mod place;
mod run;
mod stop;
mod trouble;

fn main() -> ExitCode {
    // Wrong usage ends here with 2, help with 0.
    let arguments = Arguments::parse();
    match commands::run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(trouble) => trouble.report(),
    }
}
