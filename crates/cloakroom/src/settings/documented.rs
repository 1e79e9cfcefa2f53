//! The page of settings says what the code does: the same names, the same defaults, the same refusals.

use std::collections::BTreeMap;
use std::path::Path;

use super::{Settings, TABLE};

/// A row of one of the page's tables: a setting, its default and an example.
struct Row {
    default: Option<String>,
    example: String,
}

fn page() -> String {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/settings.md");
    std::fs::read_to_string(page).unwrap()
}

/// What stands between backticks.
fn quoted(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

/// The cells of the tables' rows, without heads.
fn cells(page: &str) -> impl Iterator<Item = Vec<&str>> {
    let rows = page.lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| row.trim_matches('|').split(" | ").map(str::trim).collect())
}

/// All settings of the page; each stands there once.
fn rows(page: &str) -> BTreeMap<&str, Row> {
    let mut rows = BTreeMap::new();
    for cells in cells(page).filter(|cells| cells.len() == 4) {
        // What follows a default in words says how it is meant, or that it can't be written down.
        let default = cells[1].starts_with('`').then(|| quoted(cells[1])[0].to_owned());
        let row = Row { default, example: quoted(cells[2])[0].to_owned() };
        let name = quoted(cells[0])[0];
        assert!(rows.insert(name, row).is_none(), "{name} has two rows");
    }
    rows
}

/// All that settings can be, also what `Debug` does not show.
fn shown(settings: &Settings) -> String {
    let Settings { db_url, cache_url, db_pooler, cache_replicas, power_safe, .. } = settings;
    let Settings { secret_key, secret_key_fallbacks, .. } = settings;
    format!(
        "{settings:?} {db_url} {cache_url} {db_pooler} {cache_replicas} {power_safe} {secret_key:?} {secret_key_fallbacks:?}"
    )
}

#[test]
fn the_page_names_each_setting_and_nothing_else() {
    let page = page();
    let named: Vec<_> = rows(&page).into_keys().collect();
    assert_eq!(named, TABLE.map(|(name, _)| name));
}

#[test]
fn the_type_that_has_them_names_each_setting_as_well() {
    let named = include_str!("../settings.rs").lines().filter_map(|line| line.strip_prefix("/// | `"));
    let mut named: Vec<_> = named.filter_map(|row| row.split('`').next()).collect();
    named.sort_unstable();
    assert_eq!(named, TABLE.map(|(name, _)| name));
}

#[test]
fn the_pages_defaults_change_nothing_and_its_examples_do() {
    let page = page();
    for (name, row) in rows(&page) {
        let mut settings = Settings::default();
        // A limit's policy has no meaning, and no value, where there is no limit.
        if let Some(default) =
            row.default.filter(|_| !["SESSION_FILE_PATH", "SESSION_LOGIN_POLICY"].contains(&name))
        {
            settings.set(name, &default).unwrap();
            assert_eq!(shown(&settings), shown(&Settings::default()), "{name}");
        }
        settings.set(name, &row.example).unwrap();
        assert_ne!(shown(&settings), shown(&Settings::default()), "{name}");
    }
}

#[test]
fn what_the_page_says_is_refused_together_is_refused_by_one_of_their_names() {
    let page = page();
    let pairs: Vec<_> = cells(&page).filter(|cells| cells.len() == 2).collect();
    assert!(pairs.len() > 10, "the table of what is refused is gone");
    for cells in pairs {
        let mut settings = Settings::default();
        for assignment in quoted(cells[0]) {
            let (name, value) = assignment.split_once('=').unwrap();
            settings.set(name, value).unwrap();
        }
        let refused = settings.check().and_then(|()| settings.cookie_policy().map(|_| ()));
        let error = refused.expect_err(cells[0]).to_string();
        let named = error.split(':').next().unwrap();
        assert!(
            cells[0].contains(named) || named.starts_with("SESSION_COOKIE_NAME"),
            "{}: {error}",
            cells[0]
        );
    }
}

#[test]
fn the_pages_files_are_read() {
    let page = page();
    let files: Vec<_> = page.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(!files.is_empty());
    for file in files {
        let mut settings = Settings::default();
        settings.read_toml(file).unwrap();
        settings.check().unwrap();
    }
}
