//! Where the links of the built book lead. Those that leave the book lead into the repository from then on.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use crate::error::{Error, Result};

/// Where the repository can be read.
const REPOSITORY: &str = "https://github.com/cloakroom-rs/cloakroom";

/// The page for what is not there has links from a site's root.
const NOT_FOUND: &str = "404.html";

/// Where a link leads.
#[derive(Debug, Eq, PartialEq)]
enum Leads {
    /// To another site; whether that is there is not asked.
    Away,
    /// To a file of the book, and to the named place on it.
    Within(String, String),
    /// To a file or a folder of the repository.
    Outside(String),
    Nowhere,
}

/// What is there to link to.
struct There<'a> {
    /// The book's files, from its folder, and the places on each.
    book: &'a BTreeMap<String, BTreeSet<String>>,
    root: &'a Path,
}

/// Looks at every link of the book in `target/book`, and mends those that leave it.
pub(super) fn faults(root: &Path) -> Result<Vec<String>> {
    let folder = root.join("target/book");
    let mut pages = BTreeMap::new();
    let mut book = BTreeMap::new();
    for name in super::files(&folder)? {
        let mut places = BTreeSet::new();
        if super::is(&name, "html") && name != NOT_FOUND {
            let html = super::text(&folder.join(&name))?;
            places.extend(tags(&html).filter_map(|tag| attribute(tag, "id")).map(str::to_owned));
            pages.insert(name.clone(), html);
        }
        book.insert(name, places);
    }
    let there = There { book: &book, root };
    let mut faults = Vec::new();
    for (name, html) in &pages {
        let (mended, broken) = there.mended(name, html);
        faults.extend(broken.iter().map(|link| format!("{name} links to {link}, which is nowhere")));
        if mended != *html {
            fs::write(folder.join(name), mended)
                .map_err(|source| Error::Io(format!("target/book/{name} is not written"), source))?;
        }
    }
    Ok(faults)
}

impl There<'_> {
    /// The page with links that work, and those that can't be made to.
    fn mended(&self, page: &str, html: &str) -> (String, BTreeSet<String>) {
        let links = tags(html).flat_map(|tag| [attribute(tag, "href"), attribute(tag, "src")]).flatten();
        let (mut mended, mut broken) = (html.to_owned(), BTreeSet::new());
        for link in links.collect::<BTreeSet<_>>() {
            match self.leads(page, link) {
                Leads::Away => {}
                Leads::Within(file, place) => {
                    let known = self.book.get(&file).is_some_and(|places| places.contains(&place));
                    if !place.is_empty() && !known {
                        broken.insert(link.to_owned());
                    }
                }
                Leads::Outside(url) => {
                    mended = mended.replace(&format!("href=\"{link}\""), &format!("href=\"{url}\""));
                }
                Leads::Nowhere => {
                    broken.insert(link.to_owned());
                }
            }
        }
        (mended, broken)
    }

    fn leads(&self, page: &str, link: &str) -> Leads {
        let (path, place) = link.split_once('#').unwrap_or((link, ""));
        if let Some(rest) = path.strip_prefix(REPOSITORY) {
            let known = ["/blob/main/", "/tree/main/"].iter().find_map(|kind| rest.strip_prefix(kind));
            let gone = known.is_some_and(|known| !self.root.join(known).exists());
            return if gone { Leads::Nowhere } else { Leads::Away };
        }
        let scheme = path.split_once(':').map_or("", |(scheme, _)| scheme);
        if !scheme.is_empty() && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Leads::Away;
        }
        if path.is_empty() {
            return Leads::Within(page.to_owned(), place.to_owned());
        }
        let Some(path) = from_root(page, path) else { return Leads::Nowhere };
        if let Some(file) = path.strip_prefix("docs/").filter(|file| self.book.contains_key(*file)) {
            return Leads::Within(file.to_owned(), place.to_owned());
        }
        // mdBook takes every page for one of its own.
        let page = path.strip_suffix(".html").map(|page| format!("{page}.md"));
        let there = [Some(path), page].into_iter().flatten().find(|path| self.root.join(path).exists());
        // Nobody looks whether the place is there: link to the page.
        there.filter(|_| place.is_empty()).map_or(Leads::Nowhere, |path| {
            let kind = if self.root.join(&path).is_dir() { "tree" } else { "blob" };
            Leads::Outside(format!("{REPOSITORY}/{kind}/main/{path}"))
        })
    }
}

/// The path from the repository's root, if it does not leave that.
fn from_root(page: &str, link: &str) -> Option<String> {
    let folder = page.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut path = vec!["docs"];
    for part in folder.split('/').chain(link.split('/')) {
        match part {
            "" | "." => {}
            ".." => drop(path.pop()?),
            part => path.push(part),
        }
    }
    Some(path.join("/"))
}

/// What stands between `<` and `>`; in a page's text both are written otherwise.
fn tags(html: &str) -> impl Iterator<Item = &str> {
    let starts = html.split('<').skip(1);
    starts.filter(|tag| tag.starts_with(|first: char| first.is_ascii_alphabetic())).map(|tag| {
        let end = tag.find('>').unwrap_or(tag.len());
        &tag[..end]
    })
}

fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    let (_, value) = tag.split_once(&format!(" {name}=\""))?;
    value.split_once('"').map(|(value, _)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn book() -> BTreeMap<String, BTreeSet<String>> {
        let page = |name: &str, places: &[&str]| {
            (name.to_owned(), places.iter().map(|place| (*place).to_owned()).collect())
        };
        BTreeMap::from([
            page("a.html", &["here"]),
            page("b.html", &["there"]),
            page("operations/redis.html", &[]),
            page("pictures/race.svg", &[]),
        ])
    }

    fn mended(page: &str, link: &str) -> (String, bool) {
        let book = book();
        let root = crate::book::root();
        let there = There { book: &book, root: &root };
        let (html, broken) = there.mended(page, &format!("<p><a class=\"x\" href=\"{link}\">text</a>"));
        let link = html.split('"').nth(3).map(str::to_owned);
        (link.unwrap_or_default(), broken.is_empty())
    }

    #[test]
    fn a_link_within_the_book_stays() {
        for link in ["b.html", "b.html#there", "#here", "./pictures/race.svg", "operations/redis.html"] {
            assert_eq!(mended("a.html", link), (link.to_owned(), true));
        }
        assert!(mended("operations/redis.html", "../b.html#there").1);
    }

    #[test]
    fn a_link_to_no_file_or_to_no_place_on_it_is_broken() {
        for link in
            ["c.html", "b.html#here", "#there", "../none.html", "../../../etc/passwd", "../SECURITY.html#a"]
        {
            assert!(!mended("a.html", link).1, "{link}");
        }
        assert!(!mended("operations/redis.html", "b.html").1);
    }

    #[test]
    fn a_link_that_leaves_the_book_leads_into_the_repository() {
        let cases = [
            ("a.html", "../SECURITY.html", "blob/main/SECURITY.md"),
            ("a.html", "../crates/fuzz", "tree/main/crates/fuzz"),
            ("a.html", "beside-django/service", "tree/main/docs/beside-django/service"),
            ("operations/redis.html", "../../LICENSE-MIT", "blob/main/LICENSE-MIT"),
        ];
        for (page, link, leads) in cases {
            assert_eq!(mended(page, link), (format!("{REPOSITORY}/{leads}"), true));
        }
    }

    #[test]
    fn other_sites_are_not_asked_and_our_own_files_there_have_to_be_here() {
        for link in ["https://example.org/a#b", "mailto:a@example.org", REPOSITORY] {
            assert_eq!(mended("a.html", link), (link.to_owned(), true));
        }
        assert!(mended("a.html", &format!("{REPOSITORY}/blob/main/Cargo.toml")).1);
        assert!(!mended("a.html", &format!("{REPOSITORY}/blob/main/none.toml")).1);
    }

    #[test]
    fn a_picture_that_is_nowhere_is_broken() {
        let (book, root) = (book(), crate::book::root());
        let (_, broken) =
            There { book: &book, root: &root }.mended("a.html", "<img src=\"pictures/b.svg\" alt=\"\">");
        assert_eq!(broken.len(), 1);
    }

    #[test]
    fn text_that_looks_like_a_link_is_none() {
        assert_eq!(tags("if a < b href=\"x\" &lt;a href=\"y\"&gt; <br>").collect::<Vec<_>>(), ["br"]);
    }
}
