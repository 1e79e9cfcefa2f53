//! Tables as the documentation keeps them, each between two marks.

use std::{fs, io, path::PathBuf};

use crate::error::{Error, Result};

/// A place on a page that is written by a command, and by nobody else.
pub(crate) struct Place {
    /// The page, from the root of the repository.
    pub(crate) file: &'static str,
    /// The title of that page, if it has to be made.
    pub(crate) title: &'static str,
    /// What stands above the tables, if the page has no place for them yet.
    pub(crate) heading: &'static str,
    /// By what the marks are known.
    pub(crate) mark: &'static str,
}

impl Place {
    /// Puts the tables there; makes the page, or the place at its end, if there is none.
    ///
    /// # Errors
    ///
    /// `Io` if the page cannot be read or written.
    pub(crate) fn write(&self, tables: &str) -> Result<()> {
        let page = self.page()?.unwrap_or_else(|| format!("# {}\n", self.title));
        fs::write(self.path(), self.renewed(&page, tables))
            .map_err(|source| Error::Io(format!("{} is not written", self.file), source))
    }

    /// Whether the page shows these tables. A page that does not exist shows nothing wrong.
    ///
    /// # Errors
    ///
    /// `Io` if the page cannot be read.
    pub(crate) fn shows(&self, tables: &str) -> Result<bool> {
        Ok(self.page()?.is_none_or(|page| self.renewed(&page, tables) == page))
    }

    /// Whether the page has this place already.
    #[cfg(test)]
    pub(crate) fn is_on_its_page(&self) -> bool {
        let start = format!("<!-- {} table -->", self.mark);
        self.page().is_ok_and(|page| page.is_some_and(|page| page.contains(&start)))
    }

    fn page(&self) -> Result<Option<String>> {
        match fs::read_to_string(self.path()) {
            Err(source) if source.kind() == io::ErrorKind::NotFound => Ok(None),
            read => {
                read.map(Some).map_err(|source| Error::Io(format!("{} is not readable", self.file), source))
            }
        }
    }

    fn path(&self) -> PathBuf {
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..").join(self.file)
    }

    fn renewed(&self, page: &str, tables: &str) -> String {
        let (start, end) =
            (format!("<!-- {} table -->", self.mark), format!("<!-- end of {} table -->", self.mark));
        let marked =
            page.split_once(&start).and_then(|(before, rest)| Some((before, rest.split_once(&end)?.1)));
        let (before, after) = marked.map_or_else(
            || (format!("{page}\n## {}\n\n", self.heading), "\n"),
            |(before, after)| (before.to_owned(), after),
        );
        [&before, &start, "\n\n", tables, "\n", &end, after].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: Place = Place { file: "docs/none.md", title: "A", heading: "B", mark: "c" };

    #[test]
    fn tables_are_replaced_and_what_is_around_them_stays() {
        let page = |tables| format!("# A\n\n<!-- c table -->\n\n{tables}\n<!-- end of c table -->\nlast\n");
        assert_eq!(PLACE.renewed(&page("old\n"), "new\n"), page("new\n"));
    }

    #[test]
    fn another_places_tables_on_the_same_page_stay() {
        let page = "<!-- d table -->\n\nold\n\n<!-- end of d table -->\n";
        assert!(PLACE.renewed(page, "new\n").starts_with(page));
    }

    #[test]
    fn page_without_marks_gets_them_once_and_may_end_with_them() {
        let once = PLACE.renewed("# A\n", "table\n");
        assert_eq!(once, "# A\n\n## B\n\n<!-- c table -->\n\ntable\n\n<!-- end of c table -->\n");
        assert_eq!(PLACE.renewed(once.trim_end(), "table\n"), once.trim_end());
    }
}
