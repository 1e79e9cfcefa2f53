//! The table, in Markdown.

use crate::{
    races::{Kept, LOGOUTS, Logouts, Outcome, REQUESTS},
    sites::Site,
};

/// The row of a site that was served.
pub(crate) fn row(site: &Site, version: &str, outcome: &Outcome) -> String {
    let Outcome { names, increments, logouts } = outcome;
    line(&[site.library, version, site.engine, &kept(names), &kept(increments), &undone(logouts)])
}

/// The row of one that was not, which has no number.
pub(crate) fn absent(site: &Site, why: &str) -> String {
    line(&[site.library, "–", site.engine, &format!("not run: {why}"), "–", "–"])
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

#[cfg(test)]
mod tests {
    use crate::races::Answers;

    use super::*;

    fn site() -> Site {
        Site { library: "a", engine: "b", served: Err("no c") }
    }

    #[test]
    fn what_was_refused_is_told_apart_from_what_was_lost() {
        let kept = |statuses: &[u16]| {
            let statuses = statuses.iter().map(|status| (*status).try_into().unwrap());
            Kept { kept: 3, answers: Answers::of(statuses) }
        };
        let outcome =
            Outcome { names: kept(&[200, 503, 409]), increments: kept(&[200]), logouts: Logouts::default() };
        assert_eq!(
            row(&site(), "1.0.0", &outcome),
            "| a | 1.0.0 | b | 3 of 32, 2 refused | 3 of 32 | 0 of 20 |\n"
        );
    }

    #[test]
    fn a_site_that_was_not_run_has_no_number() {
        let row = absent(&site(), "no c");
        assert_eq!(row, "| a | – | b | not run: no c | – | – |\n");
    }
}
