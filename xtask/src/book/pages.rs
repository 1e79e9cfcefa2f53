//! Which pages the book has, and who compiles their snippets.

use std::path::Path;

use crate::error::Result;

/// What is in docs and is no page.
const NO_PAGES: [&str; 2] = ["SUMMARY.md", "beside-django/"];

/// Pages for those who come from others show the others' code, too.
const FROM_OTHERS: &str = "coming-from-";

/// Who compiles what stands on a page.
struct Compilers<'a> {
    /// A crate has the page in its documentation.
    page_is_compiled: bool,
    page_shows_others: bool,
    /// All sources, [trimmed].
    sources: &'a [String],
}

/// A page's snippets and what they say.
struct Snippet<'a> {
    line: usize,
    /// What follows the opening quotes: the language, and how it is compiled.
    info: &'a str,
    body: Vec<&'a str>,
}

/// Files that lead into the book and are no part of it.
const FRONT: [&str; 4] = ["ARCHITECTURE.md", "CONTRIBUTING.md", "README.md", "SECURITY.md"];

/// Pages that SUMMARY.md does not name, snippets that nothing compiles, and links from the front to nowhere.
pub(super) fn faults(root: &Path) -> Result<Vec<String>> {
    let docs = root.join("docs");
    let summary = super::text(&docs.join("SUMMARY.md"))?;
    let (libraries, sources) = (sources(root, Some("src"))?, sources(root, None)?);
    let sources: Vec<String> = sources.iter().map(|source| trimmed(source.lines())).collect();
    let mut faults = Vec::new();
    for file in FRONT {
        let text = super::text(&root.join(file))?;
        let gone = links(&text).filter(|link| !root.join(link).exists());
        faults.extend(gone.map(|link| format!("{file} links to {link}, which is nowhere")));
    }
    for page in super::files(&docs)?.iter().filter(|name| is_page(name)) {
        if !summary.contains(&format!("]({page})")) {
            faults.push(format!("docs/{page}: SUMMARY.md does not name it"));
        }
        let text = super::text(&docs.join(page))?;
        let compilers = Compilers {
            page_is_compiled: libraries.iter().any(|library| library.contains(&format!("docs/{page}\")]"))),
            page_shows_others: page.starts_with(FROM_OTHERS),
            sources: &sources,
        };
        let there = |included: &str| std::fs::read_to_string(docs.join(page).with_file_name(included)).ok();
        faults.extend(
            snippets(&text)
                .iter()
                .filter_map(|snippet| Some((snippet.line, fault(snippet, &compilers, there)?)))
                .map(|(line, fault)| format!("docs/{page}, line {line}: {fault}")),
        );
    }
    Ok(faults)
}

fn is_page(name: &str) -> bool {
    super::is(name, "md") && !NO_PAGES.iter().any(|other| name.starts_with(other))
}

/// The files that a page's links lead to.
fn links(page: &str) -> impl Iterator<Item = &str> {
    let links = page.split("](").skip(1).filter_map(|rest| Some(rest.split_once(')')?.0));
    links.filter_map(|link| link.split('#').next()).filter(|file| !file.is_empty() && !file.contains("://"))
}

/// The crates' sources; those of one of their folders alone, such as `src`, whose doc comments are compiled.
fn sources(root: &Path, folder: Option<&str>) -> Result<Vec<String>> {
    let crates = root.join("crates");
    let sources = super::files(&crates)?;
    let wanted = |name: &&String| {
        super::is(name, "rs") && folder.is_none_or(|folder| name.split('/').nth(1) == Some(folder))
    };
    sources.iter().filter(wanted).map(|name| super::text(&crates.join(name))).collect()
}

/// Lines without what is around them, and without empty ones: a part of a source stands less deep on a page.
fn trimmed<'a>(lines: impl Iterator<Item = &'a str>) -> String {
    lines.map(str::trim).filter(|line| !line.is_empty()).flat_map(|line| [line, "\n"]).collect()
}

fn snippets(page: &str) -> Vec<Snippet<'_>> {
    let mut snippets: Vec<Snippet<'_>> = Vec::new();
    let mut open: Option<&str> = None;
    for (number, line) in page.lines().enumerate() {
        let text = line.trim_start();
        let marks = &text[..text.len() - text.trim_start_matches('`').len()];
        match open {
            None if marks.len() >= 3 => {
                open = Some(marks);
                snippets.push(Snippet {
                    line: number + 1,
                    info: text[marks.len()..].trim(),
                    body: Vec::new(),
                });
            }
            Some(opening) if marks.len() >= opening.len() && marks.len() == text.trim_end().len() => {
                open = None;
            }
            Some(_) => snippets.iter_mut().last().into_iter().for_each(|last| last.body.push(text)),
            None => {}
        }
    }
    snippets
}

/// What is wrong with a snippet. `there` reads what it includes.
fn fault(
    snippet: &Snippet<'_>,
    compilers: &Compilers<'_>,
    there: impl Fn(&str) -> Option<String>,
) -> Option<String> {
    let mut words = snippet.info.split([',', ' ']).map(str::trim);
    let language = words.clone().next().unwrap_or_default();
    if language.is_empty() {
        // rustdoc takes it for Rust, readers see no colours.
        return Some("a snippet says no language: `text`, if it is none".to_owned());
    }
    let included: Vec<&str> = snippet.body.iter().filter_map(|line| include(line)).collect();
    if let Some(broken) = included.iter().find_map(|included| broken(included, &there)) {
        return Some(broken);
    }
    if language != "rust" || (!included.is_empty() && included.len() == snippet.body.len()) {
        // What is included is compiled where it is.
        return None;
    }
    if words.any(|word| word.starts_with("ignore")) {
        let text = trimmed(snippet.body.iter().copied());
        let others = compilers.page_shows_others && !text.contains("cloakroom");
        let known = others || compilers.sources.iter().any(|source| source.contains(&text));
        return (!known).then(|| "an ignored snippet stands in no source: have it compiled".to_owned());
    }
    (!compilers.page_is_compiled)
        .then(|| "nothing compiles this snippet: add the page to `mod pages` of a crate".to_owned())
}

/// What a line includes, as mdBook writes it.
fn include(line: &str) -> Option<&str> {
    let (directive, what) = line.trim().strip_prefix("{{#")?.strip_suffix("}}")?.split_once(' ')?;
    ["include", "rustdoc_include"].contains(&directive).then_some(what.trim())
}

/// mdBook prints nothing in the place of what it does not find.
fn broken(included: &str, there: impl Fn(&str) -> Option<String>) -> Option<String> {
    let (file, part) = included.split_once(':').unwrap_or((included, ""));
    let Some(text) = there(file) else { return Some(format!("it includes {file}, which is nowhere")) };
    let named = part.starts_with(|first: char| first.is_alphabetic());
    (named && !text.contains(&format!("ANCHOR: {part}")))
        .then(|| format!("it includes {part} of {file}, which has no such anchor"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults_of(page: &str, compiled: bool) -> Vec<String> {
        faults_on(page, compiled, false)
    }

    fn faults_on(page: &str, page_is_compiled: bool, page_shows_others: bool) -> Vec<String> {
        let sources = &["fn a() {\nlet b;\nlet c;\n}\n".to_owned()];
        let compilers = Compilers { page_is_compiled, page_shows_others, sources };
        let there = |file: &str| (file == "../a.rs").then(|| "// ANCHOR: b".to_owned());
        snippets(page).iter().filter_map(|snippet| fault(snippet, &compilers, there)).collect()
    }

    #[test]
    fn every_page_is_named_and_every_snippet_is_compiled() {
        let faults = faults(&crate::book::root()).unwrap();
        assert!(faults.is_empty(), "\n{}", faults.join("\n"));
    }

    #[test]
    fn links_from_the_front_are_those_to_files() {
        let page = "[a](docs/a.md#b) and [c](#d), [e](https://example.org) [f](LICENSE-MIT)";
        assert_eq!(links(page).collect::<Vec<_>>(), ["docs/a.md", "LICENSE-MIT"]);
    }

    #[test]
    fn what_is_beside_the_pages_is_none() {
        let pages = ["SUMMARY.md", "beside-django/site/README.md", "book.toml", "operations/redis.md"];
        assert_eq!(
            pages.into_iter().filter(|name| is_page(name)).collect::<Vec<_>>(),
            ["operations/redis.md"]
        );
    }

    #[test]
    fn a_snippet_that_no_crate_compiles_is_a_fault() {
        let page = "text\n\n```rust,no_run\nlet a;\n```\n\n```toml\na = 1\n```\n";
        assert_eq!(faults_of(page, true), [""; 0]);
        assert_eq!(faults_of(page, false).len(), 1);
        assert_eq!(snippets(page)[0].line, 3);
    }

    #[test]
    fn a_snippet_that_says_no_language_is_a_fault() {
        assert_eq!(faults_of("```\nlet a;\n```", true).len(), 1);
    }

    #[test]
    fn an_ignored_snippet_is_a_part_of_a_source_or_the_code_of_others_on_a_page_about_them() {
        assert_eq!(faults_of("```rust,ignore\nlet b;\n\n    let c;\n```", false), [""; 0]);
        assert_eq!(faults_of("```rust,ignore\nlet c;\nlet b;\n```", false).len(), 1);
        let theirs = "```rust,ignore\nuse tower_sessions::Session;\n```";
        assert_eq!(faults_on(theirs, false, true), [""; 0]);
        assert_eq!(faults_on(theirs, false, false).len(), 1);
        assert_eq!(faults_on(&theirs.replace("tower_sessions", "cloakroom"), false, true).len(), 1);
    }

    #[test]
    fn what_is_included_is_compiled_where_it_is_and_has_to_be_there() {
        for included in ["../a.rs", "../a.rs:b", "../a.rs:2:3"] {
            let page = format!("```rust,ignore\n{{{{#include {included}}}}}\n```");
            assert_eq!(faults_of(&page, false), [""; 0], "{included}");
        }
        for included in ["../b.rs", "../a.rs:c"] {
            let page = format!("```rust\n{{{{#include {included}}}}}\n```");
            assert_eq!(faults_of(&page, true).len(), 1, "{included}");
        }
        assert_eq!(faults_of("```rust,ignore\n{{#include ../a.rs}}\nlet a;\n```", true).len(), 1);
    }

    #[test]
    fn quotes_within_quotes_belong_to_the_snippet() {
        let page = "````text\n```rust\nlet a;\n```\n````\n";
        assert_eq!(snippets(page).len(), 1);
        assert_eq!(faults_of(page, false), [""; 0]);
    }
}
