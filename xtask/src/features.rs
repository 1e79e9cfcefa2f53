//! What a user chooses and what that pulls in: features alone, the pairs that people use, engines alone.

use std::collections::BTreeSet;

use crate::{
    cargo::Cargo,
    error::{Error, Result},
};

/// The facade's features that stand for something of their own.
const FEATURES: [&str; 13] = [
    "sqlite",
    "postgres",
    "mysql",
    "redis",
    "memory",
    "cached-db",
    "file",
    "signed-cookies",
    "django",
    "tower",
    "axum",
    "actix",
    "metrics",
];

/// What people choose together.
const PAIRS: [&str; 10] = [
    "axum,postgres",
    "axum,redis",
    "axum,file",
    "axum,signed-cookies",
    "actix,redis",
    "axum,cached-db,memory,sqlite",
    "axum,cached-db,postgres,redis",
    "axum,django,sqlite",
    "cached-db,django,redis,sqlite",
    "axum,metrics,sqlite",
];

/// Crates that cost something to compile, and the features that may bring them: they must, and no other may.
const COSTS: [(&str, &[&str]); 18] = [
    ("sqlx-core", &["sqlite", "postgres", "mysql", "cached-db"]),
    ("libsqlite3-sys", &["sqlite"]),
    ("sqlx-postgres", &["postgres"]),
    ("sqlx-mysql", &["mysql"]),
    ("redis", &["redis"]),
    ("deadpool-redis", &["redis"]),
    ("rustls", &["postgres", "mysql", "redis"]),
    ("moka", &["memory"]),
    ("cloakroom-db", &["sqlite", "postgres", "mysql", "cached-db"]),
    ("cloakroom-cache", &["redis", "memory", "cached-db"]),
    ("cloakroom-file", &["file"]),
    ("cloakroom-cookie", &["signed-cookies"]),
    ("cloakroom-tower", &["tower", "axum"]),
    ("axum-core", &["axum"]),
    ("tower-service", &["tower", "axum"]),
    ("cloakroom-actix", &["actix"]),
    ("actix-web", &["actix"]),
    ("metrics", &["metrics"]),
];

/// An engine's crate as somebody has it who depends on nothing else, and what it must not know.
const ENGINES: [(&str, &[&str]); 7] = [
    ("-p cloakroom-db", &["redis", "moka", "tower-service", "http"]),
    ("-p cloakroom-cache", &["sqlx-core", "moka", "tower-service", "http"]),
    (
        "-p cloakroom-cache --no-default-features --features memory",
        &["sqlx-core", "redis", "deadpool-redis", "rustls", "tower-service", "http"],
    ),
    ("-p cloakroom-file", &["sqlx-core", "redis", "moka", "rustls", "tower-service", "http"]),
    ("-p cloakroom-cookie", &["sqlx-core", "redis", "moka", "rustls", "tower-service", "http"]),
    ("-p cloakroom-tower", &["sqlx-core", "redis", "moka", "rustls", "cloakroom-db", "cloakroom-cache"]),
    (
        "-p cloakroom-actix",
        &["sqlx-core", "redis", "moka", "rustls", "tower-service", "cloakroom-db", "cloakroom-cache"],
    ),
];

/// The facade with nothing, and with each feature alone: arguments for cargo.
pub(crate) fn alone() -> Vec<String> {
    [""].iter().chain(&FEATURES).map(|features| facade(features)).collect()
}

/// The facade with what people choose together.
pub(crate) fn together() -> Vec<String> {
    PAIRS.iter().map(|features| facade(features)).collect()
}

/// All of these.
pub(crate) fn choices() -> Vec<String> {
    [alone(), together()].concat()
}

/// Crates that people depend on alone, with as little as they can choose.
pub(crate) fn engines() -> Vec<String> {
    let engines = ENGINES.iter().map(|(selection, _)| (*selection).to_owned());
    let bare = ["cloakroom-tower", "cloakroom-db", "cloakroom-cache"];
    engines.chain(bare.map(|name| format!("-p {name} --no-default-features"))).collect()
}

fn facade(features: &str) -> String {
    format!("-p cloakroom --no-default-features --features={features}")
}

/// Asks `cargo tree` what each choice compiles.
///
/// # Errors
///
/// `Floors` if one brings more than it may, or less than it says, after printing each fault.
pub(crate) fn check() -> Result<()> {
    let mut faults = Vec::new();
    for feature in FEATURES {
        let crates = tree(&facade(feature))?;
        faults.extend(amiss(feature, &crates));
    }
    for (selection, unknown) in ENGINES {
        let crates = tree(selection)?;
        let known = unknown.iter().filter(|name| crates.contains(**name));
        faults.extend(known.map(|name| format!("`{selection}` compiles {name}: it must not know it")));
    }
    for fault in &faults {
        eprintln!("{fault}");
    }
    if faults.is_empty() {
        eprintln!("\nfeatures: each of {} compiles what it needs and nothing of the others", FEATURES.len());
        Ok(())
    } else {
        Err(Error::Floors(faults.len()))
    }
}

/// What a feature brings and should not, and the other way round.
fn amiss(feature: &str, crates: &BTreeSet<String>) -> Vec<String> {
    let wrong = COSTS.iter().filter_map(|(name, bringing)| {
        match (crates.contains(*name), bringing.contains(&feature)) {
            (true, false) => Some(format!("the feature `{feature}` compiles {name}: it must not")),
            (false, true) => Some(format!("the feature `{feature}` is to bring {name}, and does not")),
            _ => None,
        }
    });
    wrong.collect()
}

/// The names of all crates that a selection compiles for its users.
fn tree(selection: &str) -> Result<BTreeSet<String>> {
    let fixed = ["tree", "--edges", "normal", "--prefix", "none", "--locked"];
    let arguments: Vec<_> = fixed.into_iter().chain(selection.split(' ')).collect();
    let listed = Cargo::new(&arguments).output()?;
    Ok(listed.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crates(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn a_feature_that_brings_just_what_it_should_is_fine() {
        assert!(amiss("file", &crates(&["cloakroom-core", "cloakroom-file"])).is_empty());
    }

    #[test]
    fn a_feature_that_brings_anothers_driver_is_a_fault() {
        let faults = amiss("file", &crates(&["cloakroom-file", "sqlx-core"]));
        assert_eq!(faults, ["the feature `file` compiles sqlx-core: it must not"]);
    }

    #[test]
    fn a_feature_that_brings_nothing_is_a_fault() {
        let faults = amiss("file", &crates(&[]));
        assert_eq!(faults, ["the feature `file` is to bring cloakroom-file, and does not"]);
    }

    #[test]
    fn every_feature_alone_and_every_pair_is_one_choice() {
        let choices = choices();
        for features in FEATURES.iter().chain(&PAIRS) {
            let ending = format!("--features={features}");
            assert_eq!(choices.iter().filter(|choice| choice.ends_with(&ending)).count(), 1);
        }
    }
}
