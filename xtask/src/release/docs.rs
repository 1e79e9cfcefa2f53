//! The documentation as docs.rs shows it.

use crate::{
    cargo::Cargo,
    error::Result,
    release::{Release, needs_toolchain},
};

/// docs.rs builds on nightly, with `--cfg docsrs`, each crate with the features that its manifest names: all.
pub(super) fn run(release: &Release) -> Result<()> {
    needs_toolchain("nightly")?;
    // Beside what `cargo doc` leaves in target/doc.
    let fixed = ["doc", "--no-deps", "--all-features", "--locked", "--target-dir", "target/docsrs"];
    Cargo::on("nightly", "cargo", &[&fixed[..], &release.selection()].concat())
        .env("RUSTDOCFLAGS", "-D warnings --cfg docsrs")
        .within(&release.root)
        .run()
}
