//! `cargo xtask soak`: kills, searches and fuzzing that go on for as long as one asks.

use std::{
    collections::{BTreeMap, BTreeSet},
    hash::{BuildHasher, RandomState},
    process::ExitCode,
};

use crate::{
    error::{Error, Result},
    fuzz,
    harness::soaked_test,
    kept::Place,
    report::{Said, Tally},
    servers::Servers,
    suite, table,
};

/// How long kills, and searches, go on.
const SECONDS: &str = "CLOAKROOM_SOAK_SECONDS";
/// The integration test of processes that are killed and networks that break.
const CRASHES: &str = "crashes";
/// The integration test of sessions that move to another engine.
const MOVES: &str = "moves";
/// The suite's cases that search; each gets its share of the time.
const HISTORIES: &str = "histories";
const SEARCHES: u64 = 9;
/// About as many fuzzers share the time of one engine.
const FUZZERS: u64 = 8;

const KILLS: Place = Place {
    file: "docs/guarantees.md",
    title: "Guarantees",
    heading: "Kills and broken networks",
    mark: "kills",
};

const SEARCHED: Place =
    Place { file: "docs/guarantees.md", title: "Guarantees", heading: "Searches", mark: "searches" };

const FOUND: Place = Place {
    file: "docs/guarantees.md",
    title: "Guarantees",
    heading: "What the searches find",
    mark: "saboteurs",
};

/// Soaks each engine for so many seconds, 900 without a number, and the fuzzers for as long in all; with `--write`, keeps the
/// counts in the documentation.
///
/// # Errors
///
/// `Usage` for any other argument, `Fuzzing` without cargo-fuzz, `Servers` if one does not start, `Io` if the page cannot be written; as
/// [`fuzz::run`].
pub(crate) fn run(arguments: &[String]) -> Result<ExitCode> {
    let (mut seconds, mut keep) = (900_u64, false);
    for argument in arguments {
        match (argument.as_str(), argument.parse()) {
            ("--write", _) => keep = true,
            (_, Ok(number)) if number > 0 => seconds = number,
            _ => return Err(Error::Usage(format!("`soak` does not know `{argument}`"))),
        }
    }
    if !fuzz::is_there() {
        return Err(Error::Fuzzing);
    }
    let servers = Servers::beside_the_build(&[])?;
    let long = seconds.to_string();
    let environment = [(SECONDS, long.as_str())];
    let kills = soaked_test(&["--test", CRASHES, "--test", MOVES], &[], &servers, &environment)?;
    // Another seed each time: what is searched is not what the tests have searched.
    let seed = RandomState::new().hash_one(SEARCHES).to_string();
    let share = seconds.div_ceil(SEARCHES).to_string();
    let environment = [(SECONDS, share.as_str()), ("CLOAKROOM_SEED", seed.as_str())];
    let searches =
        soaked_test(&["--test", suite::NAME], &[HISTORIES, "the_searches_find"], &servers, &environment)?;
    let mut tally = Tally::default();
    tally += kills.tally;
    tally += searches.tally;
    println!("\n{}\n{}", table::align(&killed(&kills.said)), table::align(&searched(&searches.said)));
    if keep && tally.failed == 0 {
        KILLS.write(&table::piped(&killed(&kills.said)))?;
        SEARCHED.write(&table::piped(&searched(&searches.said)))?;
        FOUND.write(&table::piped(&found(&searches.said)))?;
    }
    fuzz::run(seconds.div_ceil(FUZZERS))?;
    println!("\n{tally}");
    Ok(if tally.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A row per engine, a column per search: histories, and the faults that they suffered.
pub(crate) fn searched(said: &[Said]) -> Vec<Vec<String>> {
    let mut engines: BTreeMap<&str, BTreeMap<&str, String>> = BTreeMap::new();
    for Said { by, line } in said {
        let Some(counts) = line.strip_prefix("searched: ") else { continue };
        let mut path = by.splitn(2, "::histories::");
        let (Some(engine), Some(case)) = (path.next(), path.next()) else { continue };
        let count = |word| {
            let counted = counts.split(", ").find_map(|count| count.strip_suffix(word));
            counted.unwrap_or("0").trim().to_owned()
        };
        let (histories, faults) = (count("histories"), count("faults"));
        let cell = if faults == "0" { histories } else { format!("{histories} ({faults})") };
        engines.entry(engine).or_default().insert(case, cell);
    }
    let cases: Vec<&str> = engines
        .values()
        .flat_map(|cells| cells.keys().copied())
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    let head = [String::new()].into_iter().chain(cases.iter().map(|case| case.replace('_', " ")));
    let row = |(engine, cells): (&&str, &BTreeMap<&str, String>)| {
        let cells = cases.iter().map(|case| cells.get(case).cloned().unwrap_or_else(|| "–".to_owned()));
        [(*engine).to_owned()].into_iter().chain(cells).collect()
    };
    [head.collect()].into_iter().chain(engines.iter().map(row)).collect()
}

/// A row per test that kills or cuts, those that search among them.
fn killed(said: &[Said]) -> Vec<Vec<String>> {
    let head = ["", "rounds or histories", "operations", "kills, faults"];
    let head = head.map(str::to_owned).to_vec();
    let row = |Said { by, line }: &Said| {
        let test = by.rsplit("::").next().unwrap_or_default().replace('_', " ");
        let line = match line.strip_prefix("searched: ") {
            Some(counts) => format!("{test}: {counts}"),
            None => line.strip_prefix("soak: ")?.to_owned(),
        };
        let (engine, counts) = line.split_once(": ")?;
        // What was undecided is no count of its own here.
        let counts =
            counts.split(", ").map(|count| count.split(' ').next().unwrap_or_default().to_owned()).take(3);
        Some([engine.to_owned()].into_iter().chain(counts).collect())
    };
    [head].into_iter().chain(said.iter().filter_map(row)).collect()
}

/// A row per engine that breaks a promise, and what found it.
fn found(said: &[Said]) -> Vec<Vec<String>> {
    let head = ["broken promise", "found by", "after histories"].map(str::to_owned).to_vec();
    let row = |Said { line, .. }: &Said| {
        let (sabotage, rest) = line.strip_prefix("found: ")?.split_once(" by ")?;
        let (by, after) = rest.split_once(" after ")?;
        let after = after.strip_suffix(" histories")?;
        Some(vec![spaced(sabotage), spaced(by), after.to_owned()])
    };
    [head].into_iter().chain(said.iter().filter_map(row)).collect()
}

/// `SaveInTwoSteps` as `save in two steps`.
fn spaced(name: &str) -> String {
    let mut words = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.push(letter.to_ascii_lowercase());
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(by: &str, line: &str) -> Said {
        Said { by: by.to_owned(), line: line.to_owned() }
    }

    #[test]
    fn searches_are_a_table_of_engines() {
        let said = [
            said("memory::histories::lost_calls", "searched: 20 histories, 90 operations, 7 faults"),
            said("sqlite::histories::calls_in_turn", "searched: 30 histories, 95 operations, 0 faults"),
            said("sqlite::load::other", "documented limit: none"),
        ];
        let rows = [["", "calls in turn", "lost calls"], ["memory", "–", "20 (7)"], ["sqlite", "30", "–"]];
        assert_eq!(searched(&said), rows.map(|row| row.map(str::to_owned).to_vec()));
    }

    #[test]
    fn kills_are_a_table_of_tests() {
        let said = [said("x", "soak: Redis, killed: 27 rounds, 17158 operations, 135 kills/faults")];
        assert_eq!(killed(&said)[1], ["Redis, killed", "27", "17158", "135"]);
        let said = [
            said[0].clone(),
            Said {
                by: "a::over_a_network".into(),
                line: "searched: 5 histories, 20 operations, 3 faults".into(),
            },
        ];
        assert_eq!(killed(&said)[2], ["over a network", "5", "20", "3"]);
    }

    #[test]
    fn broken_promises_are_a_table_in_words() {
        let said = [said("x", "found: SaveInTwoSteps by CallsAtOnce after 16 histories")];
        assert_eq!(found(&said)[1], ["save in two steps", "calls at once", "16"]);
    }

    #[test]
    fn each_table_has_its_place_on_the_page() {
        for place in [KILLS, SEARCHED, FOUND] {
            assert!(place.is_on_its_page(), "{}", place.mark);
        }
    }

    #[test]
    fn unknown_argument_is_wrong_usage() {
        for argument in ["soon", "0", "-1"] {
            assert!(matches!(run(&[argument.to_owned()]), Err(Error::Usage(_))), "{argument}");
        }
    }
}
