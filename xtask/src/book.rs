//! `cargo xtask book`: the pages of docs as a book.

mod links;
mod pages;

use std::{
    env, fs, io,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use crate::{
    cargo::Cargo,
    error::{Error, Result},
};

/// The version of mdBook, which is built once into `target/tools`.
const VERSION: &str = "0.5.4";

/// What lies beside the pages, and mdBook takes for a part of the book. Links to it lead to the repository.
const BESIDE: [&str; 3] = ["api", "beside-django", "book.toml"];

/// Builds the book into `target/book`; with `--open` a browser shows it.
///
/// # Errors
///
/// `Usage` for any other argument, `Io` if no browser can be started, else as [`check`].
pub(crate) fn run(arguments: &[String]) -> Result<ExitCode> {
    let open = match arguments {
        [] => false,
        [argument] if argument == "--open" => true,
        _ => return Err(Error::Usage("`book` knows `--open` alone".to_owned())),
    };
    check()?;
    let index = root().join("target/book/index.html");
    println!("{}", index.display());
    if open {
        let opener = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
        Command::new(opener)
            .arg(&index)
            .spawn()
            .map_err(|source| Error::Io(format!("{opener} can't be started"), source))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Builds the book, and looks for pages that it leaves out, snippets that nothing compiles and links that lead nowhere.
///
/// # Errors
///
/// `Book` if there are any, after printing each on a line of its own; `Step` if mdBook can't be installed; `Io` if a page
/// can't be read, or mdBook can't be started.
pub(crate) fn check() -> Result<()> {
    let mdbook = installed()?;
    let root = root();
    let mut faults = pages::faults(&root)?;
    let said = built(&mdbook, &root)?;
    if said.is_empty() {
        faults.extend(links::faults(&root)?);
    }
    faults.extend(said);
    for fault in &faults {
        eprintln!("{fault}");
    }
    if faults.is_empty() { Ok(()) } else { Err(Error::Book(faults.len())) }
}

fn root() -> PathBuf {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().unwrap_or(xtask).to_owned()
}

/// mdBook of our version. Without its server and with little else it is built in about a minute.
fn installed() -> Result<PathBuf> {
    let tools = root().join("target/tools");
    let mdbook = tools.join("bin").join(format!("mdbook{}", env::consts::EXE_SUFFIX));
    let said = Command::new(&mdbook).arg("--version").output();
    if said.is_ok_and(|said| String::from_utf8_lossy(&said.stdout).trim() == format!("mdbook v{VERSION}")) {
        return Ok(mdbook);
    }
    let version = format!("mdbook@{VERSION}");
    let tools = tools.to_string_lossy();
    // A book takes a second without optimisation, too; optimising takes minutes.
    let install = ["install", "--locked", "--debug", "--root", &tools, "--no-default-features"];
    Cargo::new(&[&install[..], &["--features", "search", &version]].concat())
        .env("CARGO_PROFILE_DEV_DEBUG", "0")
        .run()?;
    Ok(mdbook)
}

/// What mdBook has to say against the book: it builds many that are not as they were meant.
fn built(mdbook: &Path, root: &Path) -> Result<Vec<String>> {
    let said = Command::new(mdbook)
        .arg("build")
        .arg(root.join("docs"))
        .env_remove("RUST_LOG")
        .env_remove("MDBOOK_LOG")
        .output()
        .map_err(|source| Error::Io("mdbook can't be started".to_owned(), source))?;
    for name in BESIDE {
        remove(&root.join("target/book").join(name))
            .map_err(|source| Error::Io(format!("target/book/{name} is not removed"), source))?;
    }
    let text = String::from_utf8_lossy(&said.stderr);
    let against = |line: &&str| !line.trim_start().starts_with("INFO") && !line.trim().is_empty();
    let mut faults: Vec<_> = text.lines().filter(against).map(|line| format!("mdbook: {line}")).collect();
    if faults.is_empty() && !said.status.success() {
        faults.push("mdbook: it failed and does not say why".to_owned());
    }
    Ok(faults)
}

fn remove(path: &Path) -> io::Result<()> {
    let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    removed.or_else(|error| if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) })
}

/// All files in a folder and in those within, with their paths from there, parts joined by `/`.
fn files(folder: &Path) -> Result<Vec<String>> {
    fn walk(folder: &Path, from: &str, found: &mut Vec<String>) -> io::Result<()> {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let name = format!("{from}{}", entry.file_name().to_string_lossy());
            if entry.file_type()?.is_dir() {
                walk(&entry.path(), &format!("{name}/"), found)?;
            } else {
                found.push(name);
            }
        }
        Ok(())
    }
    let mut found = Vec::new();
    walk(folder, "", &mut found)
        .map_err(|source| Error::Io(format!("{} is not readable", folder.display()), source))?;
    found.sort_unstable();
    Ok(found)
}

fn is(name: &str, extension: &str) -> bool {
    Path::new(name).extension().is_some_and(|own| own == extension)
}

fn text(path: &Path) -> Result<String> {
    fs::read_to_string(path)
        .map_err(|source| Error::Io(format!("{} is not readable", path.display()), source))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_book_is_built_and_perhaps_opened_and_nothing_else() {
        assert!(matches!(run(&["--serve".to_owned()]), Err(Error::Usage(_))));
    }
}
