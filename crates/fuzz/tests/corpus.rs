//! What was found once is tried for ever.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use cloakroom_fuzz::TARGETS;

/// Together they are kept small enough to be kept at all.
const MOST_FILES: usize = 250;
const MOST_BYTES: usize = 1 << 20;

fn here() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn entries(folder: &Path) -> BTreeSet<PathBuf> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}

fn names(folder: &Path) -> BTreeSet<String> {
    entries(folder).iter().map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect()
}

/// Each file of a target's folder, and whether it was what it passes for.
fn replayed(target: &str) -> Vec<bool> {
    let (_, run) = TARGETS.into_iter().find(|(name, _)| *name == target).unwrap();
    let files = entries(&here().join("corpus").join(target));
    files
        .iter()
        .map(|file| {
            // Told only if the test fails: the last one is the culprit.
            println!("{}", file.strip_prefix(here()).unwrap().display());
            run(&fs::read(file).unwrap())
        })
        .collect()
}

/// The corpus has been on both sides of the border: formats that move on do not leave it behind unnoticed.
fn keeps_its_promises(target: &str) {
    let replayed = replayed(target);
    assert!(replayed.contains(&true), "nothing in the corpus is accepted");
    assert!(replayed.contains(&false), "nothing in the corpus is refused");
}

#[test]
fn cookie_headers_keep_their_promises() {
    keeps_its_promises("cookie_header");
}

#[test]
fn cookies_of_django_keep_their_promises() {
    keeps_its_promises("django_cookie");
}

#[test]
fn pickles_keep_their_promises() {
    keeps_its_promises("django_pickle");
}

#[test]
fn texts_of_django_keep_their_promises() {
    keeps_its_promises("django_text");
}

#[test]
fn files_keep_their_promises() {
    keeps_its_promises("file");
}

#[test]
fn payloads_keep_their_promises() {
    keeps_its_promises("payload");
}

#[test]
fn redis_urls_keep_their_promises() {
    keeps_its_promises("redis_url");
}

#[test]
fn redis_values_keep_their_promises() {
    keeps_its_promises("redis_value");
}

#[test]
fn sealed_texts_keep_their_promises() {
    keeps_its_promises("sealed");
}

#[test]
fn settings_keep_their_promises() {
    keeps_its_promises("settings");
}

#[test]
fn signed_cookies_keep_their_promises() {
    keeps_its_promises("signed_cookie");
}

#[test]
fn every_target_has_a_folder_and_a_program_and_nothing_else_has() {
    let targets = BTreeSet::from(TARGETS.map(|(name, _)| name.to_owned()));
    assert_eq!(names(&here().join("corpus")), targets);
    assert_eq!(names(&here().join("fuzz/fuzz_targets")), targets);
    let manifest = fs::read_to_string(here().join("fuzz/Cargo.toml")).unwrap();
    let programs = manifest.lines().filter_map(|line| line.strip_prefix("name = ")).skip(1);
    assert_eq!(programs.map(|name| name.trim_matches('"').to_owned()).collect::<BTreeSet<_>>(), targets);
}

#[test]
fn the_corpus_stays_small() {
    let folders = entries(&here().join("corpus"));
    let sizes: Vec<usize> =
        folders.iter().flat_map(|folder| entries(folder)).map(|file| fs::read(file).unwrap().len()).collect();
    assert!(sizes.len() <= MOST_FILES, "{} files", sizes.len());
    assert!(sizes.iter().sum::<usize>() <= MOST_BYTES, "{} bytes", sizes.iter().sum::<usize>());
}
