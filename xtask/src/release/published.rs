//! The crates that are published, as cargo knows them.

use serde_json::Value;

use crate::{
    error::{Error, Result},
    metadata::{self, list, text},
};

/// A crate without `publish = false`.
#[derive(Clone, Debug)]
pub(super) struct Published {
    pub(super) name: String,
    pub(super) version: String,
    /// As `1.95`.
    pub(super) rust_version: String,
    /// Whether others can depend on it.
    pub(super) is_library: bool,
    /// Its programs' names.
    pub(super) programs: Vec<String>,
    /// All that cargo says of it.
    pub(super) manifest: Value,
    needs: Vec<String>,
}

impl Published {
    /// As its package is called.
    pub(super) fn title(&self) -> String {
        format!("{}-{}", self.name, self.version)
    }
}

/// All of them, each after those that it depends on.
///
/// # Errors
///
/// `Step` if cargo refuses a manifest, `Metadata` if its answer is not understood.
pub(super) fn all() -> Result<Vec<Published>> {
    parse(&metadata::answer()?)
}

pub(super) fn parse(answer: &str) -> Result<Vec<Published>> {
    let answer: Value = serde_json::from_str(answer).map_err(|_| Error::Metadata)?;
    let is_published =
        |package: &&Value| package["publish"].as_array().is_none_or(|where_to| !where_to.is_empty());
    let published: Option<Vec<_>> = list(&answer, "packages").filter(is_published).map(published).collect();
    Ok(ordered(published.ok_or(Error::Metadata)?))
}

fn published(package: &Value) -> Option<Published> {
    let targets = |kind: &'static str| {
        list(package, "targets").filter(move |target| list(target, "kind").any(|known| known == kind))
    };
    // What tests need is no part of a package.
    let needs = list(package, "dependencies").filter(|line| line["kind"] != "dev");
    Some(Published {
        name: text(&package["name"])?,
        version: text(&package["version"])?,
        rust_version: text(&package["rust_version"])?,
        is_library: targets("lib").next().is_some(),
        programs: targets("bin").map(|target| text(&target["name"])).collect::<Option<_>>()?,
        manifest: package.clone(),
        needs: needs.map(|line| text(&line["name"])).collect::<Option<_>>()?,
    })
}

/// Cargo lists crates by their path. In what it accepts nothing depends on itself, so each round finds one.
fn ordered(mut left: Vec<Published>) -> Vec<Published> {
    let mut ordered = Vec::new();
    while !left.is_empty() {
        let waits = |one: &Published| left.iter().any(|other| one.needs.contains(&other.name));
        let next = left.iter().position(|one| !waits(one)).unwrap_or(0);
        ordered.push(left.remove(next));
    }
    ordered
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn package(name: &str, needs: &[(&str, Option<&str>)]) -> Value {
        let needs: Vec<_> = needs.iter().map(|(name, kind)| json!({"name": name, "kind": kind})).collect();
        json!({
            "name": name, "version": "0.1.0", "rust_version": "1.95", "manifest_path": "/a/Cargo.toml",
            "publish": null, "dependencies": needs, "targets": [{"name": name, "kind": ["lib"]}],
        })
    }

    fn names(packages: &[Value]) -> Vec<String> {
        let answer = json!({"packages": packages}).to_string();
        parse(&answer).unwrap().into_iter().map(|published| published.name).collect()
    }

    #[test]
    fn a_crate_comes_after_those_that_it_depends_on() {
        let packages =
            [package("a", &[("c", None)]), package("b", &[]), package("c", &[("b", None), ("serde", None)])];
        assert_eq!(names(&packages), ["b", "c", "a"]);
    }

    #[test]
    fn what_only_tests_need_decides_no_order() {
        let packages = [package("a", &[("b", Some("dev"))]), package("b", &[("a", None)])];
        assert_eq!(names(&packages), ["a", "b"]);
    }

    #[test]
    fn what_is_not_published_is_left_out() {
        let mut private = package("a", &[]);
        private["publish"] = json!([]);
        assert_eq!(names(&[private, package("b", &[])]), ["b"]);
    }
}
