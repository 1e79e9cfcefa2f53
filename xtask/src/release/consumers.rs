//! Projects outside of the workspace, which have the packages and nothing else of ours.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use crate::{
    cargo::Cargo,
    error::Result,
    release::{Release, broken, empty_folder, files, report},
};

/// One folder of xtask/consumers. With a `main` it runs; a library, whose engine needs a server, is built and tested.
struct Consumer {
    folder: PathBuf,
    manifest: String,
}

/// Copies the projects into target/release-check, puts the packages in the place of crates.io, builds and runs them.
pub(super) fn run(release: &Release) -> Result<()> {
    let consumers = consumers(&release.root.join("xtask/consumers"))?;
    report(&faults(release, &consumers))?;
    let place = release.root.join("target/release-check");
    empty_folder(&place.join("consumers"))?;
    for consumer in &consumers {
        consumer.copy(&place.join("consumers"))?;
    }
    write(&place.join("Cargo.toml"), &workspace(release, &consumers)?)?;
    // The same versions as everywhere; cargo drops from it what is not needed here.
    write(&place.join("Cargo.lock"), &read(&release.root.join("Cargo.lock"))?)?;
    for consumer in &consumers {
        let name = consumer.package();
        let verb = if consumer.folder.join("src/main.rs").is_file() { "run" } else { "test" };
        cargo(&place, &[verb, "-p", &name])?;
    }
    for published in &release.published {
        for program in &published.programs {
            cargo(&place, &["run", "-p", &published.name, "--bin", program, "--", "--help"])?;
        }
    }
    Ok(())
}

/// In the workspace's own target folder: what it has built of others' crates serves here, too.
fn cargo(place: &Path, arguments: &[&str]) -> Result<()> {
    Cargo::new(arguments).env("CARGO_TARGET_DIR", "../").within(place).run()
}

fn consumers(folder: &Path) -> Result<Vec<Consumer>> {
    let manifests = files(folder)?.into_iter().filter(|path| path.ends_with("Cargo.toml"));
    let consumer = |path: PathBuf| {
        let manifest = read(&path)?;
        Ok(Consumer { folder: path.parent().unwrap_or(folder).to_owned(), manifest })
    };
    manifests.map(consumer).collect()
}

/// A package that is missing, a library that nobody consumes.
fn faults(release: &Release, consumers: &[Consumer]) -> Vec<String> {
    let used: BTreeSet<_> = consumers.iter().flat_map(Consumer::dependencies).collect();
    let packed = |title: String| release.unpacked().join(title).is_dir();
    let missing = release.published.iter().filter(|published| !packed(published.title())).map(|published| {
        format!("target/release-check/packages lacks {}: run the step packages first", published.title())
    });
    let libraries = release.published.iter().filter(|published| published.is_library);
    let unused = libraries
        .filter(|library| !used.contains(library.name.as_str()))
        .map(|library| format!("no project in xtask/consumers depends on {}: add one", library.name));
    missing.chain(unused).collect()
}

/// The workspace of the projects, and of the packages that are programs.
fn workspace(release: &Release, consumers: &[Consumer]) -> Result<String> {
    let programs = release.published.iter().filter(|published| !published.programs.is_empty());
    let members = consumers.iter().map(|consumer| format!("consumers/{}", consumer.name()));
    let members = members.chain(programs.map(|published| format!("packages/{}", published.title())));
    let members: Vec<_> = members.collect();
    let patches: Vec<_> = release
        .published
        .iter()
        .map(|published| format!("{} = {{ path = \"packages/{}\" }}\n", published.name, published.title()))
        .collect();
    let own = read(&release.root.join("Cargo.toml"))?;
    // With other profiles all dependencies would be built again.
    let profiles = own.find("[profile.").map_or("", |start| &own[start..]);
    Ok(format!(
        "[workspace]\nresolver = \"3\"\nmembers = {members:?}\n\n[patch.crates-io]\n{}\n{profiles}",
        patches.concat(),
    ))
}

impl Consumer {
    fn name(&self) -> String {
        self.folder.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    fn package(&self) -> String {
        format!("consumer-{}", self.name())
    }

    /// The first word of each line of its manifest: enough to find crates by name.
    fn dependencies(&self) -> impl Iterator<Item = &str> {
        self.manifest.lines().filter_map(|line| line.split_once(" = ")).map(|(name, _)| name)
    }

    fn copy(&self, to: &Path) -> Result<()> {
        for path in files(&self.folder)? {
            let copy = to.join(self.name()).join(path.strip_prefix(&self.folder).unwrap_or(&path));
            let parent = copy.parent().unwrap_or(to);
            fs::create_dir_all(parent).map_err(|source| broken(parent, source))?;
            fs::copy(&path, &copy).map_err(|source| broken(&path, source))?;
        }
        Ok(())
    }
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).map_err(|source| broken(path, source))
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).map_err(|source| broken(path, source))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_project_is_a_package_by_the_name_of_its_folder() {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("consumers");
        let consumers = consumers(&folder).unwrap();
        assert!(!consumers.is_empty());
        for consumer in consumers {
            assert!(consumer.manifest.contains(&format!("name = \"{}\"", consumer.package())));
        }
    }
}
