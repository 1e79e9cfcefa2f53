//! What crates.io and docs.rs want to know of a crate, and what crates.io refuses or passes over.

use serde_json::Value;

use crate::{metadata::list, release::published::Published};

/// crates.io refuses more.
const MOST: usize = 5;

/// The slugs that fit one of ours: crates.io drops what it does not know without an error.
const CATEGORIES: [&str; 13] = [
    "asynchronous",
    "authentication",
    "caching",
    "command-line-utilities",
    "cryptography",
    "database",
    "development-tools::testing",
    "encoding",
    "filesystem",
    "parser-implementations",
    "web-programming",
    "web-programming::http-server",
    "web-programming::websocket",
];

/// What a manifest lacks, or says wrong.
pub(super) fn faults(published: &Published) -> Vec<String> {
    let (name, manifest) = (&published.name, &published.manifest);
    let missing = ["description", "documentation", "license", "readme", "repository", "rust_version"]
        .into_iter()
        .filter(|field| manifest[field].as_str().is_none_or(str::is_empty))
        .map(|field| format!("its manifest has no `{}`", field.replace('_', "-")));
    let counted = ["keywords", "categories"].into_iter().filter_map(|field| {
        let count = list(manifest, field).count();
        (count == 0 || count > MOST).then(|| format!("it has {count} {field}: crates.io takes one to {MOST}"))
    });
    let keywords = list(manifest, "keywords")
        .filter(|keyword| !keyword.as_str().is_some_and(is_keyword))
        .map(|keyword| format!("crates.io refuses the keyword {keyword}"));
    let categories = list(manifest, "categories")
        .filter(|category| !category.as_str().is_some_and(|slug| CATEGORIES.contains(&slug)))
        .map(|category| {
            format!("{category} is none of the categories in xtask/src/release/manifest.rs: does crates.io have it?")
        });
    let shown = manifest["metadata"]["docs"]["rs"]["all-features"] == Value::Bool(true);
    let docs = (!shown).then(|| "docs.rs shows its default features alone: set `all-features`".to_owned());
    let all = missing.chain(counted).chain(keywords).chain(categories).chain(docs);
    all.map(|fault| format!("{name}: {fault}")).collect()
}

/// As crates.io has it: ASCII, a letter first, at most 20 characters.
fn is_keyword(word: &str) -> bool {
    word.len() <= 20
        && word.starts_with(|first: char| first.is_ascii_alphabetic())
        && word.chars().all(|c| c.is_ascii_alphanumeric() || "-_+".contains(c))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::release::published;

    fn faults_with(field: &str, value: Value) -> Vec<String> {
        let mut package = json!({
            "name": "a", "version": "0.1.0", "rust_version": "1.95", "manifest_path": "/a/Cargo.toml",
            "dependencies": [], "targets": [], "description": "d", "documentation": "d", "license": "MIT",
            "readme": "README.md", "repository": "r", "keywords": ["session"], "categories": ["database"],
            "metadata": {"docs": {"rs": {"all-features": true}}},
        });
        package[field] = value;
        let answer = json!({"packages": [package]}).to_string();
        published::parse(&answer).unwrap().iter().flat_map(faults).collect()
    }

    #[test]
    fn a_manifest_that_says_everything_is_fine() {
        assert!(faults_with("description", json!("d")).is_empty());
    }

    #[test]
    fn what_crates_io_wants_to_know_must_be_said() {
        for field in ["description", "documentation", "license", "readme", "repository"] {
            assert_eq!(faults_with(field, Value::Null).len(), 1, "{field}");
        }
    }

    #[test]
    fn what_crates_io_refuses_is_a_fault() {
        assert_eq!(faults_with("keywords", json!(["a", "b", "c", "d", "e", "f"])).len(), 1);
        assert_eq!(faults_with("keywords", json!(["two words"])).len(), 1);
        assert_eq!(faults_with("categories", json!(["sessions"])).len(), 1);
    }

    #[test]
    fn docs_of_the_default_features_alone_are_a_fault() {
        assert_eq!(faults_with("metadata", Value::Null).len(), 1);
    }
}
