//! Every feature of every crate, with the oldest Rust that is promised.

use std::collections::BTreeSet;

use crate::{
    cargo::Cargo,
    error::Result,
    features,
    release::{Release, needs_toolchain, tool::Tool},
};

const HACK: Tool = Tool { name: "cargo-hack", version: "0.6.46" };

/// With each feature alone, with none and with all; then what people choose together.
pub(super) fn run(release: &Release) -> Result<()> {
    let hack = HACK.ready(&release.root)?;
    let versions: BTreeSet<_> = release.published.iter().map(|published| &published.rust_version).collect();
    for version in versions {
        // A toolchain's name has all three numbers.
        let toolchain =
            if version.split('.').count() == 2 { format!("{version}.0") } else { version.clone() };
        needs_toolchain(&toolchain)?;
        let crates = release.published.iter().filter(|published| published.rust_version == *version);
        let selection = crates.flat_map(|published| ["-p", &published.name]);
        let check: Vec<_> =
            ["hack", "check", "--each-feature", "--locked"].into_iter().chain(selection).collect();
        Cargo::on(&toolchain, &hack.to_string_lossy(), &check).within(&release.root).run()?;
        for choice in features::choices() {
            let check: Vec<_> = ["check", "--locked"].into_iter().chain(choice.split(' ')).collect();
            Cargo::on(&toolchain, "cargo", &check).within(&release.root).run()?;
        }
    }
    Ok(())
}
