//! docs/benchmarks.md: what is measured stands between marks, and what people have written around them stays.

use std::fs;

use super::{
    estimate::Estimate,
    picture::{self, Bar, Group},
    plan::{ROUNDS, SMALL, SWEEP},
    rooted,
    standing::{OURS, RAW, Standing, Standings},
};
use crate::{
    error::{Error, Result},
    kept::Place,
    table::{align, piped},
};

const PLACE: Place = Place {
    file: "docs/benchmarks.md",
    title: "Benchmarks",
    heading: "What was measured",
    mark: "benchmarks",
};

/// Of which operations there is a picture: its file, its title and the number of tasks.
const PICTURES: [(&str, &str, u64); 4] =
    [("load", "Loads", 64), ("save", "Saves", 64), ("load", "Loads", 1), ("save", "Saves", 1)];

/// A table and what stands above it.
type Section = (String, Vec<Vec<String>>);

/// A whole run.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) machine: Vec<String>,
    pub(crate) left_out: Vec<(String, String)>,
    pub(crate) standings: Standings,
    pub(crate) estimates: Vec<Estimate>,
}

impl Report {
    /// Writes the pictures, and the tables into their place on the page.
    ///
    /// # Errors
    ///
    /// `Io` if one can't be written.
    pub(crate) fn write(&self) -> Result<()> {
        for (table, title, tasks) in PICTURES {
            let path = rooted(&format!("docs/{}", file(table, tasks)));
            fs::write(&path, self.picture(table, title, tasks))
                .map_err(|source| Error::Io(format!("{} is not written", path.display()), source))?;
        }
        PLACE.write(&self.markdown())
    }

    fn markdown(&self) -> String {
        let mut lines = Vec::new();
        if self.standings.rounds() < ROUNDS {
            lines.push("**From a quick run**: short rounds, few of them, no criterion. Only large differences mean anything.".to_owned());
        }
        lines.extend(self.machine.iter().map(|line| format!("{line}.")));
        lines.extend(versions(&self.standings));
        lines.extend(self.left_out.iter().map(|(engine, why)| format!("Left out: {engine}, since {why}.")));
        for (table, title, tasks) in PICTURES {
            let what = format!("{title} of sessions of {SMALL} bytes by {}", by(tasks));
            lines.push(format!(
                "<img src=\"{}\" alt=\"{what}, in parts of what the driver does alone\" width=\"720\">",
                file(table, tasks)
            ));
        }
        for (heading, rows) in sections(&self.standings).into_iter().chain(estimated(&self.estimates)) {
            lines.push(format!("### {heading}"));
            lines.push(piped(&rows).trim_end().to_owned());
        }
        lines.join("\n\n") + "\n"
    }

    fn picture(&self, table: &str, title: &str, tasks: u64) -> String {
        let standings = &self.standings;
        let here = |one: &&Standing| {
            one.table == table && one.tasks == tasks && one.size == Some(SMALL) && one.live <= 1_000
        };
        let groups =
            standings.each(|one| here(&one).then(|| one.engine.clone())).into_iter().filter_map(|name| {
                let of: Vec<_> = standings.0.iter().filter(here).filter(|one| one.engine == name).collect();
                let raw = of.iter().find(|one| one.contender == RAW)?;
                let bar = |one: &&Standing| {
                    let is_ours = one.contender == OURS;
                    Some(Bar { name: one.contender.clone(), ratio: one.times(raw)?, is_ours })
                };
                Some(Group { bars: of.iter().filter_map(bar).collect(), name })
            });
        let about = format!(
            "Sessions of {SMALL} bytes, {}. 1 is the driver alone with the same bytes; longer is faster",
            by(tasks)
        );
        picture::draw(title, &about, &groups.collect::<Vec<_>>())
    }
}

/// The tables for a terminal.
pub(crate) fn text(standings: &Standings) -> String {
    let sections = sections(standings).into_iter();
    sections.map(|(heading, rows)| format!("{heading}\n\n{}", align(&rows))).collect::<Vec<_>>().join("\n")
}

fn file(table: &str, tasks: u64) -> String {
    format!("pictures/bench-{table}-{tasks}.svg")
}

fn by(tasks: u64) -> String {
    if tasks == 1 { "one task".to_owned() } else { format!("{tasks} tasks") }
}

/// Everybody's version, once.
fn versions(standings: &Standings) -> Option<String> {
    let known = |one: &Standing| {
        let version = one.text("version");
        let named = if one.contender.starts_with(RAW) {
            version.to_owned()
        } else {
            format!("{} {version}", one.contender)
        };
        (version != "std").then_some(named)
    };
    let all = standings.each(known);
    (!all.is_empty()).then(|| format!("Versions: {}.", all.join(", ")))
}

fn sections(standings: &Standings) -> Vec<Section> {
    let mut all = Vec::new();
    let ordinary = |one: &Standing| {
        let apart = one.live > 1_000 || one.table == SWEEP || one.table.ends_with(" counted");
        (!apart && one.size.is_some()).then_some(one.size)
    };
    for size in standings.each(ordinary) {
        let named = size.unwrap_or_default();
        let others =
            standings.each(|one| (one.size == size && one.contender != OURS).then(|| one.contender.clone()));
        for other in others {
            let whom = if other == RAW { "the driver alone".to_owned() } else { other.clone() };
            let rows = ratios(standings, size, &other);
            if rows.len() > 1 {
                all.push((
                    format!(
                        "How many times as fast as {whom}, sessions of {named} bytes (1 task / 64 tasks)"
                    ),
                    rows,
                ));
            }
        }
    }
    for table in standings.each(|one| ordinary(one).map(|_| one.table.clone())) {
        for size in standings.each(ordinary) {
            let heading = format!("{table}, sessions of {} bytes", size.unwrap_or_default());
            all.push((
                heading,
                absolute(standings, |one| one.table == table && one.size == size && one.live <= 1_000),
            ));
        }
    }
    all.push(("What a session takes in the store".to_owned(), kept(standings)));
    all.push(("How often memory is asked for, an operation (1 task)".to_owned(), allocations(standings)));
    all.push((
        "Saves while 100,000 expired sessions of 110,000 are removed".to_owned(),
        absolute(standings, |one| one.table == SWEEP),
    ));
    for table in standings.each(|one| (one.live > 1_000 && one.table != SWEEP).then(|| one.table.clone())) {
        let heading = format!("{table} against the number of sessions, times in µs (64 tasks)");
        all.push((heading, sizes(standings, &table)));
    }
    for table in standings.each(|one| one.size.is_none().then(|| one.table.clone())) {
        all.push((table.clone(), absolute(standings, |one| one.table == table)));
    }
    all.retain(|(_, rows)| rows.len() > 1);
    all
}

/// A table for each of criterion's groups.
fn estimated(estimates: &[Estimate]) -> Vec<Section> {
    estimates
        .chunk_by(|one, next| one.group == next.group)
        .map(|group| {
            let head = vec!["what".to_owned(), "µs".to_owned()];
            let row = |one: &Estimate| vec![one.name.clone(), shown(one.nanoseconds / 1_000.0)];
            let heading = format!("By criterion: {}", group[0].group);
            (heading, [head].into_iter().chain(group.iter().map(row)).collect())
        })
        .collect()
}

/// A row per engine, a column per operation.
fn ratios(standings: &Standings, size: Option<u64>, other: &str) -> Vec<Vec<String>> {
    let ours = |one: &Standing| {
        one.contender == OURS
            && one.size == size
            && one.live <= 1_000
            && one.table != SWEEP
            && !one.table.ends_with(" counted")
    };
    let tables = standings.each(|one| ours(one).then(|| one.table.clone()));
    let mut rows = vec![[String::new()].into_iter().chain(tables.iter().cloned()).collect::<Vec<_>>()];
    for engine in standings.each(|one| ours(one).then(|| one.engine.clone())) {
        let cell = |table: &String| {
            let ratio = |tasks| {
                let mine = standings.0.iter().find(|one| {
                    ours(one) && one.engine == engine && one.table == *table && one.tasks == tasks
                })?;
                mine.times(standings.beside(mine).find(|one| one.contender == other)?)
            };
            match (ratio(1), ratio(64)) {
                (None, None) => "–".to_owned(),
                (one, many) => format!("{} / {}", times(one), times(many)),
            }
        };
        let cells: Vec<_> = tables.iter().map(cell).collect();
        if cells.iter().any(|cell| cell != "–") {
            rows.push([engine.clone()].into_iter().chain(cells).collect());
        }
    }
    rows
}

fn absolute(standings: &Standings, wanted: impl Fn(&Standing) -> bool) -> Vec<Vec<String>> {
    let head = ["engine", "who", "tasks", "a second", "p50 µs", "p99 µs", "longest µs", "CPU µs", "kept"];
    let row = |one: &Standing| {
        let number = |name: &str| one.median(name).map_or("–".to_owned(), shown);
        let kept = one.median("kept").map_or("–".to_owned(), |part| format!("{:.1} %", part * 100.0));
        vec![
            one.engine.clone(),
            one.contender.clone(),
            one.tasks.to_string(),
            number("per_second"),
            number("p50_us"),
            number("p99_us"),
            number("longest_us"),
            number("cpu_us"),
            kept,
        ]
    };
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    rows.extend(standings.0.iter().filter(|one| wanted(one)).map(row));
    without_empty_columns(&rows)
}

fn kept(standings: &Standings) -> Vec<Vec<String>> {
    let sizes = standings.each(|one| one.median("bytes").and(one.size).filter(|_| one.live <= 1_000));
    let head = ["engine".to_owned(), "who".to_owned()].into_iter();
    let head = head
        .chain(sizes.iter().map(|size| format!("bytes for {size}")))
        .chain(["what is acknowledged survives".to_owned()]);
    let mut rows = vec![head.collect::<Vec<_>>()];
    let each = |one: &Standing| (one.size.is_some()).then(|| (one.engine.clone(), one.contender.clone()));
    for (engine, contender) in standings.each(each) {
        let of = |one: &&Standing| one.engine == engine && one.contender == contender && one.live <= 1_000;
        let bytes = |size: &u64| {
            let one = standings.0.iter().find(|one| of(one) && one.size == Some(*size) && one.table != SWEEP);
            one.and_then(|one| one.median("bytes")).map_or("–".to_owned(), |bytes| format!("{bytes:.0}"))
        };
        let durable =
            standings.0.iter().find(of).map(|one| one.text("durable").to_owned()).unwrap_or_default();
        let row =
            [engine.clone(), contender.clone()].into_iter().chain(sizes.iter().map(bytes)).chain([durable]);
        rows.push(row.collect());
    }
    rows
}

fn allocations(standings: &Standings) -> Vec<Vec<String>> {
    let counted = |one: &Standing| {
        one.table.strip_suffix(" counted").filter(|_| one.size == Some(SMALL)).map(str::to_owned)
    };
    let tables = standings.each(counted);
    let head = ["engine", "who"].map(str::to_owned).into_iter().chain(tables.iter().cloned());
    let mut rows = vec![head.collect::<Vec<_>>()];
    for (engine, contender) in
        standings.each(|one| counted(one).map(|_| (one.engine.clone(), one.contender.clone())))
    {
        let cell = |table: &String| {
            let here = |one: &&Standing| {
                counted(one).as_ref() == Some(table) && one.engine == engine && one.contender == contender
            };
            let number = standings.0.iter().find(here).and_then(|one| one.median("allocations"));
            number.map_or("–".to_owned(), |number| format!("{number:.1}"))
        };
        rows.push([engine.clone(), contender.clone()].into_iter().chain(tables.iter().map(cell)).collect());
    }
    rows
}

/// A row per contender, a column per number of sessions.
fn sizes(standings: &Standings, table: &str) -> Vec<Vec<String>> {
    let here = |one: &&Standing| one.table == table && one.tasks == 64 && one.size == Some(SMALL);
    let numbers = {
        let mut numbers = standings.each(|one| here(&one).then_some(one.live));
        numbers.sort_unstable();
        numbers
    };
    let head = ["engine", "who"].map(str::to_owned).into_iter();
    let mut rows = vec![head.chain(numbers.iter().map(|live| shown_whole(*live))).collect::<Vec<_>>()];
    for (engine, contender) in standings
        .each(|one| (here(&one) && one.live > 1_000).then(|| (one.engine.clone(), one.contender.clone())))
    {
        let cell = |live: &u64| {
            let one = standings
                .0
                .iter()
                .filter(here)
                .find(|one| one.live == *live && one.engine == engine && one.contender == contender);
            one.and_then(|one| one.median("p50_us")).map_or("–".to_owned(), shown)
        };
        rows.push([engine.clone(), contender.clone()].into_iter().chain(numbers.iter().map(cell)).collect());
    }
    rows
}

fn without_empty_columns(rows: &[Vec<String>]) -> Vec<Vec<String>> {
    let width = rows.first().map_or(0, Vec::len);
    let filled = |column: &usize| rows.iter().skip(1).any(|row| row[*column] != "–");
    let columns: Vec<_> = (0..width).filter(filled).collect();
    rows.iter().map(|row| columns.iter().map(|column| row[*column].clone()).collect()).collect()
}

fn times(ratio: Option<f64>) -> String {
    ratio.map_or("–".to_owned(), |ratio| format!("{ratio:.2}"))
}

/// Three digits say enough.
fn shown(number: f64) -> String {
    match number {
        small if small < 10.0 => format!("{small:.2}"),
        middle if middle < 100.0 => format!("{middle:.1}"),
        large => format!("{large:.0}"),
    }
}

fn shown_whole(number: u64) -> String {
    match number {
        millions if millions >= 1_000_000 => format!("{} million", millions / 1_000_000),
        number => number.to_string(),
    }
}

#[cfg(test)]
mod tests;
