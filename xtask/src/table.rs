//! The conformance suite at a glance: a row per case, a column per engine.

use std::collections::{BTreeMap, BTreeSet};

use crate::report::{Case, Outcome};

/// Engines that are wrong on purpose: a case that passes has caught one.
const SABOTEURS: &str = "saboteurs";

/// By case.
type Column<'a> = BTreeMap<&'a str, Outcome>;

/// By engine.
type Columns<'a> = BTreeMap<&'a str, Column<'a>>;

/// Draws a table for each set of engines that have cases in common, then the list of saboteurs.
///
/// The first segment of a test's path is its engine, the rest is its case.
pub(crate) fn draw(cases: &[Case]) -> String {
    let mut columns = columns(cases);
    let saboteurs = columns.remove(SABOTEURS).unwrap_or_default();
    let mut drawn: Vec<String> = relatives(columns).iter().map(|columns| align(&table(columns))).collect();
    if !saboteurs.is_empty() {
        drawn.push(align(&list(&saboteurs)));
    }
    drawn.join("\n")
}

/// The same tables in Markdown, without the saboteurs.
pub(crate) fn markdown(cases: &[Case]) -> String {
    let mut columns = columns(cases);
    columns.remove(SABOTEURS);
    let tables = relatives(columns);
    tables.iter().map(|columns| piped(&rows(columns, sentence, mark))).collect::<Vec<_>>().join("\n")
}

fn columns(cases: &[Case]) -> Columns<'_> {
    let mut columns = Columns::new();
    for Case { name, outcome } in cases {
        // A test at the root belongs to the suite as such.
        let (engine, case) = name.split_once("::").unwrap_or(("suite", name));
        let cell = columns.entry(engine).or_default().entry(case).or_insert(*outcome);
        *cell = (*cell).max(*outcome);
    }
    columns
}

/// Engines with a case in common, directly or through a third one, belong together.
fn relatives(columns: Columns<'_>) -> Vec<Columns<'_>> {
    let mut families: Vec<Columns<'_>> = Vec::new();
    for (engine, column) in columns {
        let (related, mut apart): (Vec<_>, Vec<_>) = families.into_iter().partition(|family| {
            family.values().flat_map(BTreeMap::keys).any(|case| column.contains_key(case))
        });
        let mut family: Columns<'_> = related.into_iter().flatten().collect();
        family.insert(engine, column);
        apart.push(family);
        families = apart;
    }
    families.sort_by(|one, other| one.keys().cmp(other.keys()));
    families
}

fn table(columns: &Columns<'_>) -> Vec<Vec<String>> {
    let mut rows = rows(columns, str::to_owned, word);
    for outcome in [Outcome::Passed, Outcome::Limited, Outcome::Failed, Outcome::Ignored] {
        let occurs = |column: &Column<'_>| column.values().filter(|cell| **cell == outcome).count();
        if columns.values().any(|column| occurs(column) > 0) {
            let label = format!("total {}", word(Some(outcome)));
            rows.push(
                [label]
                    .into_iter()
                    .chain(columns.values().map(|column| occurs(column).to_string()))
                    .collect(),
            );
        }
    }
    rows
}

/// Over a row per case, one of the engines' names.
fn rows(
    columns: &Columns<'_>,
    label: fn(&str) -> String,
    cell: fn(Option<Outcome>) -> &'static str,
) -> Vec<Vec<String>> {
    let mut rows = vec![["case"].iter().chain(columns.keys()).map(|name| (*name).to_owned()).collect()];
    for case in columns.values().flat_map(BTreeMap::keys).collect::<BTreeSet<_>>() {
        let cells = columns.values().map(|column| cell(column.get(case).copied()).to_owned());
        rows.push([label(case)].into_iter().chain(cells).collect());
    }
    rows
}

fn list(saboteurs: &Column<'_>) -> Vec<Vec<String>> {
    let row = |(name, outcome): (&&str, &Outcome)| {
        let end = match outcome {
            Outcome::Passed | Outcome::Limited => "caught",
            Outcome::Failed => "NOT CAUGHT",
            Outcome::Ignored => "ignored",
        };
        vec![format!("saboteur {name}"), end.to_owned()]
    };
    saboteurs.iter().map(row).collect()
}

fn word(outcome: Option<Outcome>) -> &'static str {
    match outcome {
        Some(Outcome::Passed) => "ok",
        Some(Outcome::Limited) => "limit",
        Some(Outcome::Failed) => "FAILED",
        Some(Outcome::Ignored) => "ignored",
        None => "-",
    }
}

fn mark(outcome: Option<Outcome>) -> &'static str {
    match outcome {
        Some(Outcome::Passed) => "✓",
        Some(Outcome::Limited) => "limit",
        Some(Outcome::Failed) => "✗",
        Some(Outcome::Ignored) => "not run",
        None => "–",
    }
}

/// `create::never_overwrites` as prose, which it is.
fn sentence(case: &str) -> String {
    case.replace("::", ": ").replace('_', " ")
}

/// Rows in Markdown, the first as the head.
pub(crate) fn piped(rows: &[Vec<String>]) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let mut lines = rows.iter().map(|row| line(row));
    let head = lines.next().unwrap_or_default();
    let rule = rows.first().map(|row| ["|---|", &":-:|".repeat(row.len().saturating_sub(1)), "\n"].concat());
    [head, rule.unwrap_or_default()].into_iter().chain(lines).collect()
}

/// Rows for a terminal.
pub(crate) fn align(rows: &[Vec<String>]) -> String {
    let width =
        |column: usize| rows.iter().filter_map(|row| row.get(column)).map(String::len).max().unwrap_or(0);
    let mut drawn = String::new();
    for row in rows {
        let cells: Vec<_> =
            row.iter().enumerate().map(|(column, cell)| format!("{cell:0$}", width(column))).collect();
        drawn.push_str(cells.join("  ").trim_end());
        drawn.push('\n');
    }
    drawn
}

#[cfg(test)]
mod tests;
