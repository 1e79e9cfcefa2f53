//! The suite's tables as the documentation keeps them, between two marks.

use std::{fs, io, path::PathBuf};

use crate::error::{Error, Result};

const FILE: &str = "docs/engines.md";
const START: &str = "<!-- suite table -->";
const END: &str = "<!-- end of suite table -->";

/// Puts the tables into the page; makes the page, or the place for them at its end, if there is none.
///
/// # Errors
///
/// `Io` if the page cannot be read or written.
pub(crate) fn write(tables: &str) -> Result<()> {
    let page = page()?.unwrap_or_else(|| "# Engines\n".to_owned());
    fs::write(path(), renewed(&page, tables))
        .map_err(|source| Error::Io(format!("{FILE} is not written"), source))
}

/// Whether the page shows these tables. A page that does not exist shows nothing wrong.
///
/// # Errors
///
/// `Io` if the page cannot be read.
pub(crate) fn shows(tables: &str) -> Result<bool> {
    Ok(page()?.is_none_or(|page| renewed(&page, tables) == page))
}

fn page() -> Result<Option<String>> {
    match fs::read_to_string(path()) {
        Err(source) if source.kind() == io::ErrorKind::NotFound => Ok(None),
        read => read.map(Some).map_err(|source| Error::Io(format!("{FILE} is not readable"), source)),
    }
}

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..").join(FILE)
}

fn renewed(page: &str, tables: &str) -> String {
    let marked = page.split_once(START).and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
    match marked {
        Some((before, after)) => [before, START, "\n\n", tables, "\n", END, after].concat(),
        None => [page, "\n## The suite\n\n", START, "\n\n", tables, "\n", END, "\n"].concat(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_replaced_and_what_is_around_them_stays() {
        let page = format!("# A\n\n{START}\n\nold\n\n{END}\nlast\n");
        assert_eq!(renewed(&page, "new\n"), format!("# A\n\n{START}\n\nnew\n\n{END}\nlast\n"));
    }

    #[test]
    fn page_without_marks_gets_them_once_and_may_end_with_them() {
        let once = renewed("# A\n", "table\n");
        assert_eq!(once, format!("# A\n\n## The suite\n\n{START}\n\ntable\n\n{END}\n"));
        assert_eq!(renewed(once.trim_end(), "table\n"), once.trim_end());
    }
}
