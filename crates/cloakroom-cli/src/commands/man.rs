//! `man`

use std::path::Path;

use clap::CommandFactory as _;
use clap_mangen::Man;

use crate::args::Arguments;
use crate::output::Output;
use crate::trouble::Trouble;

pub(crate) fn run(dir: Option<&Path>, out: &mut Output) -> Result<(), Trouble> {
    let command = Arguments::command();
    if let Some(dir) = dir {
        let failed = |error| Trouble::Failed(format!("{}: {error}", dir.display()));
        return clap_mangen::generate_to(command, dir).map_err(failed);
    }
    let mut page = Vec::new();
    let rendered = Man::new(command).render(&mut page);
    rendered.map_err(|error| Trouble::Failed(format!("no page: {error}")))?;
    out.text(&page)?;
    out.flush()
}
