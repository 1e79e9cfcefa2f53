//! The table, in Markdown.

use crate::{
    races::{Kept, LOGOUTS, Logouts, Outcome, REQUESTS},
    sites::Site,
};

/// A site's row.
pub(crate) fn row(site: &Site, outcome: &Outcome) -> String {
    let cells = [
        site.library,
        &site.version,
        site.engine,
        &kept(&outcome.names),
        &kept(&outcome.increments),
        &undone(&outcome.logouts),
    ];
    line(&cells)
}

/// All rows under their titles.
pub(crate) fn markdown(rows: &[String]) -> String {
    let titles = ["library", "version", "engine", "different names", "increments", "logouts undone"];
    [line(&titles), "|---|---|---|--:|--:|--:|\n".to_owned(), rows.concat()].concat()
}

fn line(cells: &[&str]) -> String {
    format!("| {} |\n", cells.join(" | "))
}

/// What was refused is not lost without a word: it is told apart.
fn kept(kept: &Kept) -> String {
    let refused = match kept.answers.failed() {
        0 => String::new(),
        refused => format!(", {refused} refused"),
    };
    format!("{} of {REQUESTS}{refused}", kept.kept)
}

fn undone(logouts: &Logouts) -> String {
    format!("{} of {LOGOUTS}", logouts.undone)
}
