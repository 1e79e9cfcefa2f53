//! Pages that say of each promise which test holds it: that test must exist.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

use crate::error::{Error, Result};

/// The pages. In a table's last column each name in backticks is a test, as `place::name`: `name` is its function's,
/// and `place` any part of the way to the file that it is in, such as its crate or, of a case of the suite, its group.
const PAGES: [&str; 6] = [
    "docs/advisories.md",
    "docs/beside-django.md",
    "docs/coming-from-django.md",
    "docs/concurrency.md",
    "docs/guarantees.md",
    "docs/security.md",
];

/// The last column's title in the table that promises tests: each of its rows has one, or `none:` and why.
const HELD_BY: &str = "held by";

/// The folders with sources.
const SOURCES: [&str; 4] = ["crates", "xtask", "benches", "docs"];

/// Where the suite's cases are, and where a case has to be listed to be run.
const CASES: &str = "cloakroom-conformance/src/";
const LISTS: [&str; 3] = ["cases", "http", "cache"];

/// A Rust source: the parts of its path, and its text.
struct Source {
    parts: Vec<String>,
    is_case: bool,
    text: String,
}

/// Looks for every test that a page names.
///
/// # Errors
///
/// `Proofs` if some are nowhere, after printing each on a line of its own; `Io` if a page or a source cannot be read.
pub(crate) fn check() -> Result<()> {
    let faults = faults()?;
    for fault in &faults {
        eprintln!("{fault}");
    }
    if faults.is_empty() { Ok(()) } else { Err(Error::Proofs(faults.len())) }
}

fn faults() -> Result<Vec<String>> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut sources = Vec::new();
    for folder in SOURCES {
        let unreadable = |source| Error::Io(format!("{folder} is not readable"), source);
        read(&root.join(folder), &root, &mut sources).map_err(unreadable)?;
    }
    let mut faults = Vec::new();
    for page in PAGES {
        let unreadable = |source| Error::Io(format!("{page} is not readable"), source);
        let text = fs::read_to_string(root.join(page)).map_err(unreadable)?;
        faults.extend(faults_of(&text, &sources).into_iter().map(|fault| format!("{page}, {fault}")));
    }
    Ok(faults)
}

fn read(folder: &Path, root: &Path, sources: &mut Vec<Source>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            read(&path, root, sources)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let from_root = path.strip_prefix(root).unwrap_or(&path).with_extension("");
            let parts = from_root.iter().map(|part| part.to_string_lossy().into_owned()).collect();
            let is_case = from_root.to_string_lossy().contains(CASES);
            sources.push(Source { parts, is_case, text: fs::read_to_string(&path)? });
        }
    }
    Ok(())
}

fn faults_of(page: &str, sources: &[Source]) -> Vec<String> {
    let (mut promised, mut ever) = (false, false);
    let mut faults = Vec::new();
    for (number, line) in page.lines().enumerate().map(|(n, line)| (n + 1, line.trim())) {
        if !(line.starts_with('|') && line.ends_with('|') && line.len() > 1) {
            // A table ends with its rows.
            promised = false;
            continue;
        }
        promised |= last_cell(line).trim() == HELD_BY;
        ever |= promised;
        let names = names(last_cell(line));
        if promised && names.is_empty() && says_something(line) {
            faults.push(format!("line {number}: it names no test, and says not why there is none"));
        }
        for name in names {
            let fault = fault(name, sources);
            faults.extend(fault.map(|fault| format!("line {number}: `{name}` {fault}")));
        }
    }
    if ever { faults } else { vec![format!("it has no table with a last column {HELD_BY:?}")] }
}

/// Of a row: neither a table's head, nor a line across it, nor a title within it.
fn says_something(row: &str) -> bool {
    let first = row.trim_start_matches('|').split('|').next().unwrap_or_default().trim();
    let last = last_cell(row).trim();
    !first.is_empty()
        && last != HELD_BY
        && !last.starts_with("none:")
        && !last.trim_matches(['-', ':']).is_empty()
}

/// Of a row that ends with a bar.
fn last_cell(row: &str) -> &str {
    let row = row.trim_end_matches('|');
    row.rsplit_once('|').map_or(row, |(_, cell)| cell)
}

/// What stands between backticks.
fn names(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

fn fault(name: &str, sources: &[Source]) -> Option<&'static str> {
    let Some((place, function)) = name.split_once("::") else { return Some("is not written as place::name") };
    let head = format!("fn {function}");
    let is_there = |source: &&Source| {
        let named = source.parts.iter().any(|part| part == place);
        named && source.text.match_indices(&head).any(|(at, _)| ends_there(&source.text[at + head.len()..]))
    };
    let found: Vec<&Source> = sources.iter().filter(is_there).collect();
    if found.is_empty() {
        return Some("is nowhere: no file there has a function of this name");
    }
    let runs = |source: &&Source| !source.is_case || is_listed(function, sources);
    (!found.iter().any(runs)).then_some("is in no list of cases, so nothing runs it")
}

/// A function's name ends where its arguments or its generics begin.
fn ends_there(rest: &str) -> bool {
    rest.starts_with(['(', '<'])
}

fn is_listed(case: &str, sources: &[Source]) -> bool {
    let lists = sources.iter().filter(|source| {
        source.is_case && source.parts.last().is_some_and(|last| LISTS.contains(&last.as_str()))
    });
    let words: BTreeSet<&str> = lists.flat_map(|list| list.text.lines()).map(str::trim).collect();
    words.contains(case)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_test_that_a_page_names_exists() {
        let faults = faults().unwrap();
        assert!(faults.is_empty(), "\n{}", faults.join("\n"));
    }

    fn source(path: &str, text: &str) -> Source {
        let parts = path.split('/').map(str::to_owned).collect();
        Source { parts, is_case: path.contains(CASES), text: text.to_owned() }
    }

    fn sources() -> [Source; 3] {
        [
            source("crates/cloakroom-file/tests/files", "async fn links_are_not_followed() {}"),
            source(
                "crates/cloakroom-conformance/src/session/keys",
                "pub async fn dies(e: E) {}\nfn unlisted(e: E)",
            ),
            source("crates/cloakroom-conformance/src/cases", "session keys {\n    dies\n}"),
        ]
    }

    #[test]
    fn a_test_is_found_by_its_crate_its_file_or_its_group() {
        for name in ["cloakroom-file::links_are_not_followed", "files::links_are_not_followed", "keys::dies"]
        {
            assert_eq!(
                faults_of(&format!("| what | held by |\n|--|--|\n| x | `{name}` |"), &sources()),
                [""; 0]
            );
        }
    }

    #[test]
    fn a_row_names_a_test_or_says_why_there_is_none() {
        let page = "| | what | held by |\n|-|--|--|\n| | **a title** | |\n| 1 | x | none: it does not compile |\n\
                    | 2 | y | surely |";
        assert_eq!(faults_of(page, &sources()), ["line 5: it names no test, and says not why there is none"]);
        assert_eq!(faults_of("| what | where |\n|--|--|", &sources()).len(), 1);
    }

    #[test]
    fn what_does_not_exist_or_does_not_run_is_named_with_its_line() {
        let page = "text `no::name`\n\n| what `no::name` | held by |\n|--|--|\n| x | `keys::dies`, `keys::die`; \
                    `cloakroom-db::dies` `dies` and `keys::unlisted` |";
        let faults = faults_of(page, &sources());
        let named: Vec<&str> = faults.iter().map(|fault| names(fault)[0]).collect();
        assert_eq!(named, ["keys::die", "cloakroom-db::dies", "dies", "keys::unlisted"]);
        assert!(faults.iter().all(|fault| fault.starts_with("line 5: ")), "{faults:?}");
    }
}
