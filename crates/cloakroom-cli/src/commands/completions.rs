//! `completions`

use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::args::Arguments;
use crate::output::Output;
use crate::trouble::Trouble;

pub(crate) fn run(shell: Shell, out: &mut Output) -> Result<(), Trouble> {
    let mut command = Arguments::command();
    let name = command.get_name().to_owned();
    // Not written straight away: it would panic where nobody reads on.
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut command, name, &mut text);
    out.text(&text)?;
    out.flush()
}
