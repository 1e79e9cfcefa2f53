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
    let mut columns = Columns::new();
    for Case { name, outcome } in cases {
        // A test at the root belongs to the suite as such.
        let (engine, case) = name.split_once("::").unwrap_or(("suite", name));
        let cell = columns.entry(engine).or_default().entry(case).or_insert(*outcome);
        *cell = (*cell).max(*outcome);
    }
    let saboteurs = columns.remove(SABOTEURS).unwrap_or_default();
    let mut drawn: Vec<String> = relatives(columns).iter().map(|columns| align(&table(columns))).collect();
    if !saboteurs.is_empty() {
        drawn.push(align(&list(&saboteurs)));
    }
    drawn.join("\n")
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
    let row = |label: &str, cell: &dyn Fn(&Column<'_>) -> String| {
        [label.to_owned()].into_iter().chain(columns.values().map(cell)).collect::<Vec<_>>()
    };
    let mut rows = vec![["case"].iter().chain(columns.keys()).map(|name| (*name).to_owned()).collect()];
    for case in columns.values().flat_map(BTreeMap::keys).collect::<BTreeSet<_>>() {
        rows.push(row(case, &|column| column.get(case).map_or("-", |outcome| word(*outcome)).to_owned()));
    }
    for outcome in [Outcome::Passed, Outcome::Failed, Outcome::Ignored] {
        let occurs = |column: &Column<'_>| column.values().filter(|cell| **cell == outcome).count();
        if columns.values().any(|column| occurs(column) > 0) {
            rows.push(row(&format!("total {}", word(outcome)), &|column| occurs(column).to_string()));
        }
    }
    rows
}

fn list(saboteurs: &Column<'_>) -> Vec<Vec<String>> {
    let row = |(name, outcome): (&&str, &Outcome)| {
        let end = match outcome {
            Outcome::Passed => "caught",
            Outcome::Failed => "NOT CAUGHT",
            Outcome::Ignored => "ignored",
        };
        vec![format!("saboteur {name}"), end.to_owned()]
    };
    saboteurs.iter().map(row).collect()
}

fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Passed => "ok",
        Outcome::Failed => "FAILED",
        Outcome::Ignored => "ignored",
    }
}

fn align(rows: &[Vec<String>]) -> String {
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
