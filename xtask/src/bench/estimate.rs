//! What criterion has found, by the files that it keeps.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

/// How long one thing took.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Estimate {
    pub(crate) group: String,
    pub(crate) name: String,
    /// The median of its samples.
    pub(crate) nanoseconds: f64,
}

/// All that are kept in this folder, in the order of their names. What has a parameter is left out: these are the
/// engines' operations, which are measured side by side as well.
pub(crate) fn all(folder: &Path) -> Vec<Estimate> {
    let functions = within(folder).into_iter().flat_map(|group| within(&group));
    let mut all: Vec<_> = functions.filter_map(|function| read(&function.join("new"))).collect();
    all.sort_by(|one, other| (&one.group, &one.name).cmp(&(&other.group, &other.name)));
    all
}

fn within(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    entries.filter_map(|entry| Some(entry.ok()?.path())).filter(|path| path.is_dir()).collect()
}

fn read(folder: &Path) -> Option<Estimate> {
    let json = |name: &str| serde_json::from_str::<Value>(&fs::read_to_string(folder.join(name)).ok()?).ok();
    let (about, numbers) = (json("benchmark.json")?, json("estimates.json")?);
    let text = |name: &str| Some(about.get(name)?.as_str()?.to_owned());
    let nanoseconds = numbers.pointer("/median/point_estimate")?.as_f64()?;
    Some(Estimate { group: text("group_id")?, name: text("function_id")?, nanoseconds })
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tempfile::TempDir;

    use super::*;

    fn keep(folder: &Path, group: &str, name: &str, nanoseconds: f64) {
        fs::create_dir_all(folder).unwrap();
        let about = json!({"group_id": group, "function_id": name, "value_str": null});
        let numbers = json!({"mean": {"point_estimate": 1.0}, "median": {"point_estimate": nanoseconds}});
        fs::write(folder.join("benchmark.json"), about.to_string()).unwrap();
        fs::write(folder.join("estimates.json"), numbers.to_string()).unwrap();
    }

    #[test]
    fn what_has_no_parameter_is_found_with_its_median() {
        let folder = TempDir::new().unwrap();
        keep(&folder.path().join("codec/decode/new"), "codec", "decode", 7.0);
        keep(&folder.path().join("codec/decode/base"), "codec", "decode", 8.0);
        keep(&folder.path().join("load/sqlite/64/new"), "load", "sqlite", 9.0);
        fs::create_dir_all(folder.path().join("report")).unwrap();
        let decode = Estimate { group: "codec".to_owned(), name: "decode".to_owned(), nanoseconds: 7.0 };
        assert_eq!(all(folder.path()), [decode]);
    }
}
