//! The public API of each library, one line per item, in docs/api.

use std::{collections::BTreeSet, fs, io, path::Path};

use crate::{
    cargo::Cargo,
    error::Result,
    release::{Release, broken, files, needs_toolchain, published::Published, report, tool::Tool},
};

const PUBLIC_API: Tool = Tool { name: "cargo-public-api", version: "0.52.0" };

/// Marker traits that nobody chooses by, and that come and go with a private field.
const MARKERS: [&str; 5] = ["Freeze", "Unpin", "UnsafeUnpin", "RefUnwindSafe", "UnwindSafe"];

/// Compares each API with its snapshot, or with `--write` renews that.
pub(super) fn run(release: &Release) -> Result<()> {
    needs_toolchain("nightly")?;
    let program = PUBLIC_API.ready(&release.root)?;
    let folder = release.root.join("docs/api");
    fs::create_dir_all(&folder).map_err(|source| broken(&folder, source))?;
    let libraries = || release.published.iter().filter(|published| published.is_library);
    let mut faults = Vec::new();
    for library in libraries() {
        let listed = listing(library, &program, &release.root)?;
        let page = folder.join(format!("{}.txt", library.name));
        if release.write {
            fs::write(&page, listed).map_err(|source| broken(&page, source))?;
        } else {
            faults.extend(changes(&library.name, &kept(&page)?, &listed));
        }
    }
    for page in files(&folder)? {
        let name = page.file_stem().unwrap_or_default().to_string_lossy();
        if !libraries().any(|library| library.name == name) {
            faults.push(format!("docs/api/{name}.txt is of no library that is published"));
        }
    }
    if !faults.is_empty() {
        eprintln!("\nIf that is what you want, `cargo xtask release-check --write api` keeps it.");
    }
    report(&faults)
}

fn listing(library: &Published, program: &Path, root: &Path) -> Result<String> {
    let asked = ["public-api", "-p", &library.name, "--all-features", "-s"];
    // What the step docs has built serves here, too.
    let listed =
        Cargo::on("nightly", &program.to_string_lossy(), &[&asked[..], &["--color", "never"]].concat())
            .env("CARGO_TARGET_DIR", "target/docsrs")
            .within(root)
            .output()?;
    Ok(listed.lines().filter(|line| !is_marker(line)).flat_map(|line| [line, "\n"]).collect())
}

/// Of `impl core::marker::Unpin for …` and its like.
fn is_marker(line: &str) -> bool {
    let implemented = line.strip_prefix("impl").and_then(|rest| rest.split_once(" for ")).map(|(one, _)| one);
    implemented.is_some_and(|path| MARKERS.iter().any(|marker| path.ends_with(&format!("::{marker}"))))
}

/// What was listed last; nothing, of a library that is new.
fn kept(page: &Path) -> Result<String> {
    match fs::read_to_string(page) {
        Err(source) if source.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        read => read.map_err(|source| broken(page, source)),
    }
}

/// What is gone, and what is new: a line each.
fn changes(name: &str, kept: &str, listed: &str) -> Vec<String> {
    let [before, now] = [kept, listed].map(|text| text.lines().collect::<BTreeSet<_>>());
    let gone = before.difference(&now).map(|line| format!("{name}: - {line}"));
    let new = now.difference(&before).map(|line| format!("{name}: + {line}"));
    gone.chain(new).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_gone_and_what_is_new_is_told() {
        let told = changes("a", "pub fn a::one()\npub fn a::two()\n", "pub fn a::two()\npub fn a::three()\n");
        assert_eq!(told, ["a: - pub fn a::one()", "a: + pub fn a::three()"]);
    }

    #[test]
    fn markers_are_left_out_but_for_send_and_sync() {
        assert!(is_marker("impl core::panic::unwind_safe::UnwindSafe for a::One"));
        assert!(is_marker("impl<T> !core::marker::Unpin for a::One<T>"));
        assert!(!is_marker("impl core::marker::Send for a::One"));
        assert!(!is_marker("pub fn a::One::unpin()"));
    }
}
