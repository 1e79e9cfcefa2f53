//! The floors: a crate depends only on crates of the floors below its own.

use std::{fs, process::ExitCode};

use crate::{
    error::{Error, Result},
    features,
    metadata::{self, Member},
};

/// From the ground up; crates of one floor do not know each other.
const FLOORS: [&[&str]; 6] = [
    // The servers, the orders that tests run and the clock of the benches know nothing of sessions.
    &["cloakroom-contest", "cloakroom-core", "cloakroom-interleavings", "cloakroom-servers"],
    // Engines, the cookie policy and a foreign wire format.
    &[
        "cloakroom-cache",
        "cloakroom-cookie",
        "cloakroom-db",
        "cloakroom-django",
        "cloakroom-file",
        "cloakroom-http",
    ],
    // Its scripts for adapters speak the cookie policy, so it stands above that.
    &["cloakroom-conformance"],
    &["cloakroom-actix", "cloakroom-tower"],
    &["cloakroom"],
    // Nothing depends on these.
    &[
        "beside-django",
        "beside-django-demo",
        "cloakroom-benches",
        "cloakroom-cli",
        "cloakroom-fuzz",
        "playground",
        "xtask",
    ],
];

/// Only the facade, and what stands on it, knows these: neither an adapter nor the suite names an engine.
const ENGINES: [&str; 4] = ["cloakroom-cache", "cloakroom-cookie", "cloakroom-db", "cloakroom-file"];

/// What the core may use of tokio: both work under any runtime and do no I/O.
const CORE_TOKIO: [&str; 2] = ["sync", "time"];

/// `cargo xtask floors`
///
/// # Errors
///
/// `Usage` for any argument, else as [`check`] and [`features::check`].
pub(crate) fn run(arguments: &[String]) -> Result<ExitCode> {
    if let Some(argument) = arguments.first() {
        return Err(Error::Usage(format!("`floors` takes no argument, and this is one: `{argument}`")));
    }
    check()?;
    features::check()?;
    Ok(ExitCode::SUCCESS)
}

/// Holds the workspace against the floors, and each manifest against the workspace's lints.
///
/// # Errors
///
/// `Floors` if anything is amiss, after printing each fault on a line of its own.
pub(crate) fn check() -> Result<()> {
    let members = metadata::members()?;
    let mut faults = faults(&members);
    for member in &members {
        let manifest = fs::read_to_string(&member.manifest)
            .map_err(|source| Error::Io(format!("{} is not readable", member.manifest.display()), source))?;
        if !inherits_lints(&manifest) {
            faults.push(format!("{} has lints of its own: add `[lints] workspace = true`", member.name));
        }
    }
    for fault in &faults {
        eprintln!("{fault}");
    }
    if faults.is_empty() {
        eprintln!("\nfloors: {} crates, each depends only on floors below its own", members.len());
        Ok(())
    } else {
        Err(Error::Floors(faults.len()))
    }
}

fn faults(members: &[Member]) -> Vec<String> {
    members.iter().flat_map(|member| upward(member).into_iter().chain(core_tokio(member))).collect()
}

fn upward(member: &Member) -> Vec<String> {
    let name = &member.name;
    let Some(own) = floor(name) else {
        return vec![format!("{name} is on no floor: give it one in xtask/src/floors.rs")];
    };
    let needed = member.dependencies.iter().filter(|dependency| !dependency.dev);
    let facade = floor("cloakroom");
    let forbidden = |other: &str| {
        floor(other).is_some_and(|floor| floor >= own) || (ENGINES.contains(&other) && facade > Some(own))
    };
    needed
        .filter(|dependency| forbidden(&dependency.name))
        .map(|dependency| {
            let other = &dependency.name;
            format!("{name} depends on {other}, which it must not know: drop it, or need it in tests only")
        })
        .collect()
}

fn core_tokio(member: &Member) -> Vec<String> {
    if member.name != "cloakroom-core" {
        return Vec::new();
    }
    let needed =
        member.dependencies.iter().filter(|dependency| !dependency.dev && dependency.name == "tokio");
    let always = needed.flat_map(|dependency| &dependency.features).map(String::as_str);
    let switched = member
        .switches
        .iter()
        .filter_map(|switch| switch.strip_prefix("tokio/").or_else(|| switch.strip_prefix("tokio?/")));
    always
        .chain(switched)
        .filter(|feature| !CORE_TOKIO.contains(feature))
        .map(|feature| {
            format!("cloakroom-core turns on `{feature}` of tokio: it may use sync and time alone")
        })
        .collect()
}

fn floor(name: &str) -> Option<usize> {
    FLOORS.iter().position(|floor| floor.contains(&name))
}

fn inherits_lints(manifest: &str) -> bool {
    let lines = manifest.lines().map(|line| line.split('#').next().unwrap_or(line).trim());
    let mut section =
        lines.skip_while(|line| *line != "[lints]").skip(1).take_while(|line| !line.starts_with('['));
    section.any(|line| {
        line.split_once('=').is_some_and(|(key, value)| (key.trim(), value.trim()) == ("workspace", "true"))
    })
}

#[cfg(test)]
mod tests;
