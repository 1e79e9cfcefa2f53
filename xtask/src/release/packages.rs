//! Packages as crates.io would get them, each built from itself and from the others' packages.

use std::process::Command;

use crate::{
    cargo::Cargo,
    error::Result,
    release::{Release, contents, empty_folder, execute, manifest, report},
};

/// Packages all crates at once: cargo takes what one needs of another from that one's package, since crates.io does
/// not have it yet.
pub(super) fn run(release: &Release) -> Result<()> {
    let manifests = release.published.iter().flat_map(manifest::faults).collect::<Vec<_>>();
    report(&manifests)?;
    // What is published must be committed; what is checked need not be.
    let fixed = ["package", "--locked", "--allow-dirty"];
    let package = Cargo::new(&[&fixed[..], &release.selection()].concat());
    // As the workspace's profile: what it has built of others' crates serves here, too.
    package.env("CARGO_PROFILE_DEV_DEBUG", "false").run()?;
    let unpacked = release.unpacked();
    empty_folder(&unpacked)?;
    let mut faults = Vec::new();
    for published in &release.published {
        let package = format!("target/package/{}.crate", published.title());
        execute(
            Command::new("tar").current_dir(&release.root).arg("-xzf").arg(package).arg("-C").arg(&unpacked),
        )?;
        faults.extend(contents::faults(&unpacked.join(published.title()), &release.root)?);
    }
    report(&faults)?;
    eprintln!("\npackages: {}, in the order to publish them:", release.published.len());
    for published in &release.published {
        eprintln!("  {}", published.title());
    }
    Ok(())
}
