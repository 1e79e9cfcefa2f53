//! What cargo knows about the members of the workspace.

use std::path::PathBuf;

use serde_json::Value;

use crate::{
    cargo::Cargo,
    error::{Error, Result},
};

/// A crate of the workspace.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) name: String,
    pub(crate) manifest: PathBuf,
    pub(crate) dependencies: Vec<Dependency>,
    /// What the crate's own features turn on: `name`, `dep:name` or `name/feature`.
    pub(crate) switches: Vec<String>,
    /// The names of its integration tests.
    pub(crate) tests: Vec<String>,
}

/// One line of a member's dependencies.
#[derive(Debug)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    pub(crate) features: Vec<String>,
    /// Needed by tests, examples and benches alone.
    pub(crate) dev: bool,
}

/// The workspace as it stands on disk.
///
/// # Errors
///
/// `Step` if cargo refuses a manifest, `Metadata` if its answer is not understood.
pub(crate) fn members() -> Result<Vec<Member>> {
    parse(&answer()?)
}

/// What `cargo metadata` says of the workspace's members.
///
/// # Errors
///
/// `Step` if cargo refuses a manifest.
pub(crate) fn answer() -> Result<String> {
    Cargo::new(&["metadata", "--format-version", "1", "--no-deps"]).output()
}

/// Reads the answer of `cargo metadata --no-deps`, which lists the members and nothing else.
pub(crate) fn parse(answer: &str) -> Result<Vec<Member>> {
    let answer: Value = serde_json::from_str(answer).map_err(|_| Error::Metadata)?;
    list(&answer, "packages").map(member).collect::<Option<_>>().ok_or(Error::Metadata)
}

fn member(package: &Value) -> Option<Member> {
    let switches = package["features"].as_object()?.values().filter_map(Value::as_array).flatten();
    let tests = list(package, "targets")
        .filter(|target| list(target, "kind").any(|kind| kind == "test") && target["test"] != false);
    Some(Member {
        name: text(&package["name"])?,
        manifest: text(&package["manifest_path"])?.into(),
        dependencies: list(package, "dependencies").map(dependency).collect::<Option<_>>()?,
        switches: switches.map(text).collect::<Option<_>>()?,
        tests: tests.map(|target| text(&target["name"])).collect::<Option<_>>()?,
    })
}

fn dependency(line: &Value) -> Option<Dependency> {
    Some(Dependency {
        name: text(&line["name"])?,
        features: list(line, "features").map(text).collect::<Option<_>>()?,
        dev: line["kind"] == "dev",
    })
}

pub(crate) fn list<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    value[name].as_array().into_iter().flatten()
}

pub(crate) fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_integration_tests_that_cargo_runs_are_listed() {
        let answer = json!({"packages": [{
            "name": "a", "manifest_path": "/a/Cargo.toml", "features": {}, "dependencies": [],
            "targets": [
                {"name": "a", "kind": ["lib"], "test": true},
                {"name": "suite", "kind": ["test"], "test": true},
                {"name": "asleep", "kind": ["test"], "test": false},
                {"name": "speed", "kind": ["bench"], "test": false},
            ],
        }]});
        assert_eq!(parse(&answer.to_string()).unwrap()[0].tests, ["suite"]);
    }

    #[test]
    fn package_without_a_name_is_not_understood() {
        let answer = json!({"packages": [{"features": {}}]});
        assert!(matches!(parse(&answer.to_string()), Err(Error::Metadata)));
    }
}
