//! Packages as crates.io would get them, each built from itself and from the others' packages.

use std::{fs, path::Path, process::Command, time::SystemTime};

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
    // In a folder that was never there: of a package of the same version, from the same place, cargo would take what it has unpacked and
    // built before.
    let since = SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_millis());
    let built = release.root.join(format!("target/release-check/package-{since}"));
    empty_folder(&built)?;
    let packaged = package
        .env("CARGO_PROFILE_DEV_DEBUG", "false")
        .env("CARGO_TARGET_DIR", &built.to_string_lossy())
        .run()
        .and_then(|()| unpack(release, &built.join("package")));
    let _ = fs::remove_dir_all(&built);
    report(&packaged?)?;
    eprintln!("\npackages: {}, in the order to publish them:", release.published.len());
    for published in &release.published {
        eprintln!("  {}", published.title());
    }
    Ok(())
}

/// What is wrong with what is in them.
fn unpack(release: &Release, packages: &Path) -> Result<Vec<String>> {
    let unpacked = release.unpacked();
    empty_folder(&unpacked)?;
    let mut faults = Vec::new();
    for published in &release.published {
        let package = packages.join(format!("{}.crate", published.title()));
        execute(
            Command::new("tar").current_dir(&release.root).arg("-xzf").arg(package).arg("-C").arg(&unpacked),
        )?;
        faults.extend(contents::faults(&unpacked.join(published.title()), &release.root)?);
    }
    Ok(faults)
}
