//! Licences, banned crates and sources, by cargo-deny and `deny.toml`.

use crate::{
    cargo::Cargo,
    error::Result,
    release::{Release, tool::Tool},
};

const DENY: Tool = Tool { name: "cargo-deny", version: "0.20.2" };

/// Advisories are left out: they come from GitHub, and change without us.
pub(super) fn run(release: &Release) -> Result<()> {
    let deny = DENY.ready(&release.root)?;
    let check = ["--workspace", "--all-features", "--locked", "check", "--hide-inclusion-graph"];
    Cargo::tool(&deny, &[&check[..], &["bans", "licenses", "sources"]].concat()).within(&release.root).run()
}
