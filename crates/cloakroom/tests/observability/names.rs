//! Names stay: what the code tells, what `docs/observability.md` lists and what the dashboard asks for are the same.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use cloakroom::Memory;
use cloakroom::core::Measured;
use metrics::{
    Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit, with_local_recorder,
};
use serde_json::Value;

const PAGE: &str = include_str!("../../../../docs/observability.md");
const DASHBOARD: &str = include_str!("../../../../docs/observability/grafana.json");

/// Notes what metrics are said to be.
#[derive(Default)]
struct Descriptions(Mutex<BTreeMap<String, Kind>>);

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Kind {
    Counter,
    Histogram,
}

impl Recorder for Descriptions {
    fn describe_counter(&self, name: KeyName, _: Option<Unit>, _: SharedString) {
        self.0.lock().unwrap().insert(name.as_str().to_owned(), Kind::Counter);
    }

    fn describe_gauge(&self, name: KeyName, _: Option<Unit>, _: SharedString) {
        panic!("{} is a gauge, which no page knows of", name.as_str());
    }

    fn describe_histogram(&self, name: KeyName, _: Option<Unit>, _: SharedString) {
        self.0.lock().unwrap().insert(name.as_str().to_owned(), Kind::Histogram);
    }

    fn register_counter(&self, _: &Key, _: &Metadata<'_>) -> Counter {
        Counter::noop()
    }

    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::noop()
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}

/// All metrics that there are.
fn metrics() -> BTreeMap<String, Kind> {
    let descriptions = Descriptions::default();
    with_local_recorder(&descriptions, || drop(Measured::new(Memory::new(), "any")));
    descriptions.0.into_inner().unwrap()
}

/// The sources of all crates that are published.
fn sources() -> Vec<String> {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut folders: Vec<PathBuf> = fs::read_dir(crates)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with("cloakroom"))
        .map(|path| path.join("src"))
        .collect();
    let mut texts = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                texts.push(fs::read_to_string(path).unwrap());
            }
        }
    }
    assert!(texts.len() > 100, "{}", texts.len());
    texts
}

/// Every word of `text` that begins with `prefix` and goes on with a-z and `_`.
fn words(text: &str, prefix: &str) -> BTreeSet<String> {
    let is_name = |c: char| c.is_ascii_lowercase() || c == '_';
    text.match_indices(prefix)
        .filter(|(at, _)| !text[..*at].ends_with(is_name))
        .map(|(at, _)| {
            let rest = &text[at + prefix.len()..];
            let end = rest.find(|c| !is_name(c)).unwrap_or(rest.len());
            format!("{prefix}{}", &rest[..end])
        })
        .collect()
}

/// What the rows of the page's tables begin with.
fn rows(prefix: &str) -> BTreeSet<String> {
    let begun = format!("| `{prefix}");
    let rows = PAGE.lines().filter_map(|line| line.strip_prefix(&begun)?.split('`').next());
    rows.map(|rest| format!("{prefix}{rest}")).collect()
}

fn queries() -> Vec<String> {
    fn collect(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(map) => {
                found.extend(map.get("expr").and_then(Value::as_str).map(str::to_owned));
                map.values().for_each(|value| collect(value, found));
            }
            Value::Array(values) => values.iter().for_each(|value| collect(value, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    collect(&serde_json::from_str(DASHBOARD).unwrap(), &mut found);
    assert!(found.len() > 8, "{}", found.len());
    found
}

/// The metric that a series is of, as Prometheus names series.
fn metric(series: &str, metrics: &BTreeMap<String, Kind>) -> Option<String> {
    let parts = ["_bucket", "_sum", "_count"];
    let part = parts.iter().find_map(|part| series.strip_suffix(part));
    match part {
        Some(histogram) => (metrics.get(histogram) == Some(&Kind::Histogram)).then(|| histogram.to_owned()),
        None => (metrics.get(series) == Some(&Kind::Counter)).then(|| series.to_owned()),
    }
}

#[test]
fn the_page_lists_each_span_and_each_event_that_the_code_tells_and_no_other() {
    let told: BTreeSet<_> = sources().iter().flat_map(|source| words(source, "\"session.")).collect();
    let told: BTreeSet<_> = told.iter().map(|name| name[1..].to_owned()).collect();
    assert_eq!(rows("session."), told);
}

#[test]
fn everything_that_the_code_tells_has_a_name_and_our_target() {
    let macros = ["trace!(", "debug!(", "info!(", "warn!(", "error!(", "debug_span!(", "info_span!("];
    for source in sources() {
        for found in macros.iter().flat_map(|name| source.match_indices(name)) {
            if source[..found.0].ends_with('_') {
                continue;
            }
            let call: String = source[found.0 + found.1.len()..].chars().take(120).collect();
            let call = call.trim_start();
            let named =
                call.starts_with("name: \"session.") || call.starts_with("target: \"cloakroom\", \"session.");
            assert!(named && call.contains("target: \"cloakroom\""), "{}{call}", found.1);
        }
    }
}

#[test]
fn the_page_lists_each_metric_and_no_other() {
    assert_eq!(rows("cloakroom_"), metrics().into_keys().collect());
}

#[test]
fn what_is_counted_is_described() {
    let described = metrics().into_keys().collect();
    let named: BTreeSet<_> = sources().iter().flat_map(|source| words(source, "\"cloakroom_")).collect();
    let named: BTreeSet<_> = named.iter().map(|name| name[1..].to_owned()).collect();
    let is_metric = |name: &String| ["_total", "_seconds", "_bytes"].iter().any(|unit| name.ends_with(unit));
    assert_eq!(named.into_iter().filter(is_metric).collect::<BTreeSet<_>>(), described);
}

#[test]
fn the_dashboard_asks_for_each_metric_and_no_other() {
    let metrics = metrics();
    let mut asked = BTreeSet::new();
    for query in queries() {
        let series = words(&query, "cloakroom_");
        assert!(!series.is_empty(), "{query}");
        for series in series {
            asked.insert(metric(&series, &metrics).unwrap_or_else(|| panic!("{query}: no {series}")));
        }
    }
    assert_eq!(asked, metrics.into_keys().collect());
}

/// The labels of a query: what stands before a matcher's operator, and what `by` groups by.
fn labels(query: &str) -> BTreeSet<String> {
    let inside = |open: &str, close: char| {
        let parts: Vec<_> = query
            .match_indices(open)
            .map(|(at, _)| query[at + open.len()..].split(close).next().unwrap().to_owned())
            .collect();
        parts
    };
    let matchers = inside("{", '}').join(",");
    let matched =
        matchers.split(',').map(|matcher| matcher.split(['=', '!']).next().unwrap().trim().to_owned());
    let grouped = inside("by (", ')').join(",");
    let grouped = grouped.split(',').map(|label| label.trim().to_owned());
    matched.chain(grouped).filter(|label| !label.is_empty()).collect()
}

#[test]
fn the_dashboard_asks_for_labels_and_outcomes_that_the_page_lists() {
    // Prometheus adds `job`, `instance` and a histogram's `le`.
    let known = BTreeSet::from(["direction", "engine", "instance", "job", "le", "operation", "outcome"]);
    for query in queries() {
        for label in labels(&query) {
            assert!(known.contains(&*label), "{query}: no {label}");
        }
        for value in query.split('"').skip(1).step_by(2).filter(|value| !value.starts_with('$')) {
            for value in value.split('|') {
                assert!(PAGE.contains(&format!("`{value}`")), "{query}: no {value}");
            }
        }
    }
}

#[test]
fn every_panel_asks_the_data_source_that_the_reader_chooses() {
    let dashboard: Value = serde_json::from_str(DASHBOARD).unwrap();
    let variables = dashboard["templating"]["list"].as_array().unwrap();
    assert!(variables.iter().any(|one| one["name"] == "datasource" && one["type"] == "datasource"));
    for panel in dashboard["panels"].as_array().unwrap().iter().filter(|panel| panel["type"] != "row") {
        assert_eq!(panel["datasource"]["uid"], "${datasource}", "{}", panel["title"]);
    }
    // Those of queries and of variables as well; the dashboard itself has one, its own.
    let ids = DASHBOARD.lines().filter(|line| line.trim_start().starts_with("\"uid\": "));
    let others: Vec<_> = ids.filter(|line| !line.contains("${datasource}")).collect();
    assert!(matches!(*others, [own] if own.contains("cloakroom-sessions")), "{others:?}");
}
