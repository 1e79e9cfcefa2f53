//! Every statement, once: `?` stands for a parameter, `{table}` for the table, `{its_end}` for the deadline of a row that is found by its id.

use std::sync::Arc;

use crate::dialect::Dialect;
use crate::layout::Layout;
use crate::several::{SaveAll, Several};

const LOAD: &str = "SELECT payload, expires_at, owner, stamp FROM {table} WHERE id = ? AND {its_end} > ?";

const REVISION: &str = "SELECT expires_at, stamp FROM {table} WHERE id = ? AND {its_end} > ?";

/// Of several at once: `{each}` stands for a parameter, or a row of them, for each.
const LOAD_ALL: &str = "SELECT payload, expires_at, owner, stamp, id FROM {table} \
     WHERE id IN ({each}) AND {its_end} > ?";

const CREATE: &str =
    "INSERT INTO {table} (payload, expires_at, owner, stamp, id) VALUES (?, ?, ?, ?, ?) {unless_taken}";

const SAVE: &str = "UPDATE {table} SET payload = ?, expires_at = ?, owner = ?, stamp = ? \
     WHERE id = ? AND stamp = ? AND {its_end} > ?";

const TOUCH: &str =
    "UPDATE {table} SET expires_at = ? WHERE id = ? AND stamp = ? AND {its_end} > ? AND {its_end} < ?";

/// One statement, so that no crash leaves two ids alive or none. The primary key refuses an id that is
/// taken, also by one that came at the same moment.
const ROTATE: &str = "UPDATE {table} SET payload = ?, expires_at = ?, owner = ?, stamp = ?, id = ? \
     WHERE id = ? AND stamp = ? AND {its_end} > ?";

const DELETE: &str = "DELETE FROM {table} WHERE id = ? AND {its_end} > ?";

const DELETE_SEEN: &str = "DELETE FROM {table} WHERE id = ? AND {its_end} > ? AND stamp = ?";

const PAGE_OF: &str = "SELECT payload, expires_at, owner, stamp, id FROM {table} \
     WHERE owner = ? AND expires_at > ? AND id > ? ORDER BY id LIMIT ?";

const WALK: &str = "SELECT payload, expires_at, owner, stamp, id FROM {table} \
     WHERE {its_end} > ? AND id > ? ORDER BY id LIMIT ?";

/// In Django's table (`django_session`) a key and its text are text, and the end is a date: `{moment}` makes one of a
/// parameter, `{ends}` a number of the column. Whose text is what was seen has not been changed: `{same}`.
mod django {
    pub(super) const LOAD: &str = "SELECT {data}, {ends}, {nobodys} FROM {table} \
         WHERE session_key = ? AND {its_end} > {moment}";

    pub(super) const CREATE: &str = "INSERT INTO {table} (session_data, expire_date, session_key) \
         VALUES (?, {moment}, ?) {unless_taken}";

    pub(super) const SAVE: &str = "UPDATE {table} SET session_data = ?, expire_date = {moment} \
         WHERE session_key = ? AND {same} AND {its_end} > {moment}";

    pub(super) const TOUCH: &str = "UPDATE {table} SET expire_date = {moment} \
         WHERE session_key = ? AND {same} AND {its_end} > {moment} AND {its_end} < {moment}";

    pub(super) const ROTATE: &str = "UPDATE {table} SET session_data = ?, expire_date = {moment}, session_key = ? \
         WHERE session_key = ? AND {same} AND {its_end} > {moment}";

    pub(super) const DELETE: &str = "DELETE FROM {table} WHERE session_key = ? AND {its_end} > {moment}";

    pub(super) const DELETE_SEEN: &str =
        "DELETE FROM {table} WHERE session_key = ? AND {its_end} > {moment} AND {same}";

    pub(super) const WALK: &str = "SELECT {data}, {ends}, {nobodys}, {key} FROM {table} \
         WHERE {its_end} > {moment} AND session_key > ? ORDER BY session_key LIMIT ?";
}

/// SQL as one database reads it, for one table.
pub(crate) type Sql = Arc<str>;

#[derive(Debug)]
pub(crate) struct Statements {
    pub(crate) load: Sql,
    pub(crate) create: Sql,
    pub(crate) save: Sql,
    pub(crate) touch: Sql,
    pub(crate) rotate: Sql,
    pub(crate) delete: Sql,
    pub(crate) delete_seen: Sql,
    pub(crate) walk: Sql,
    pub(crate) sweep: Sql,
    pub(crate) schema: Sql,
    pub(crate) stamped: Option<Arc<Stamped>>,
}

/// What takes a stamp's or an owner's column.
#[derive(Debug)]
pub(crate) struct Stamped {
    pub(crate) revision: Sql,
    pub(crate) page_of: Sql,
    pub(crate) load_all: Several,
    pub(crate) save_all: SaveAll,
}

impl Statements {
    /// `table` has been seen to be an identifier.
    pub(crate) fn new(dialect: &Dialect, layout: &Layout, table: &str) -> Self {
        let theirs = &dialect.django;
        let (templates, schema, words): (_, _, &[(&str, &str)]) = match layout {
            Layout::Native => (
                [LOAD, CREATE, SAVE, TOUCH, ROTATE, DELETE, DELETE_SEEN, WALK],
                dialect.schema,
                &[("{id}", "id"), ("{end}", "expires_at"), ("{its_end}", dialect.its_end), ("{moment}", "?")],
            ),
            Layout::Django(_) => (
                [
                    django::LOAD,
                    django::CREATE,
                    django::SAVE,
                    django::TOUCH,
                    django::ROTATE,
                    django::DELETE,
                    django::DELETE_SEEN,
                    django::WALK,
                ],
                theirs.schema,
                &[
                    ("{id}", "session_key"),
                    ("{end}", "expire_date"),
                    ("{its_end}", theirs.its_end),
                    ("{moment}", theirs.moment),
                    ("{ends}", theirs.ends),
                    ("{data}", theirs.data),
                    ("{key}", theirs.key),
                    ("{nobodys}", theirs.nobodys),
                    ("{same}", theirs.same),
                ],
            ),
        };
        let render = |template: &str| render(template, words, dialect, table);
        let [load, create, save, touch, rotate, delete, delete_seen, walk] = templates.map(render);
        let worded = |template: &str| worded(template, words, dialect, table);
        let several =
            |template: &str, each: &'static str| Several::new(worded(template), each, dialect.parameter);
        let stamped = || Stamped {
            revision: render(REVISION),
            page_of: render(PAGE_OF),
            load_all: several(LOAD_ALL, "?"),
            save_all: SaveAll::new(dialect.save_all, several),
        };
        Self {
            load,
            create,
            save,
            touch,
            rotate,
            delete,
            delete_seen,
            walk,
            sweep: render(dialect.sweep),
            schema: render(schema),
            stamped: matches!(layout, Layout::Native).then(|| Arc::new(stamped())),
        }
    }
}

fn render(template: &str, words: &[(&str, &str)], dialect: &Dialect, table: &str) -> Sql {
    numbered(&worded(template, words, dialect, table), dialect.parameter)
}

fn worded(template: &str, words: &[(&str, &str)], dialect: &Dialect, table: &str) -> String {
    let own = [("{table}", table), ("{unless_taken}", dialect.unless_taken)];
    words.iter().chain(&own).fold(template.to_owned(), |sql, (hole, word)| sql.replace(hole, word))
}

pub(crate) fn numbered(worded: &str, parameter: fn(usize) -> String) -> Sql {
    let mut parts = worded.split('?');
    let mut sql = parts.next().unwrap_or_default().to_owned();
    for (before, part) in parts.enumerate() {
        sql += &parameter(before + 1);
        sql += part;
    }
    sql.trim_end().into()
}

#[cfg(all(test, feature = "sqlite", feature = "postgres", feature = "mysql"))]
mod tests {
    use std::fmt::Write;

    use bytes::Bytes;
    use cloakroom_core::{Portable, Result, SessionFormat, Timestamp};

    use super::*;
    use crate::several::Transaction;

    /// The statements are the same whatever the text says.
    #[derive(Debug)]
    struct Unread;

    impl SessionFormat for Unread {
        fn encode(&self, _: &Portable, _: Timestamp, _: usize) -> Result<Bytes> {
            Ok(Bytes::new())
        }

        fn decode(&self, _: &Bytes) -> Result<Portable> {
            Ok(Portable::default())
        }

        fn proofs(&self, _: &str, _: &str) -> Vec<String> {
            Vec::new()
        }
    }

    const NAMES: [&str; 16] = [
        "load",
        "load two",
        "revision",
        "create",
        "save",
        "save two",
        "save two: pick",
        "save two: put",
        "touch",
        "rotate",
        "delete",
        "delete what was seen",
        "sweep",
        "a page of an owner's",
        "a page of all",
        "migrate",
    ];

    fn named(all: &Statements) -> Vec<(&'static str, Sql)> {
        let own = [
            ("load", &all.load),
            ("create", &all.create),
            ("save", &all.save),
            ("touch", &all.touch),
            ("rotate", &all.rotate),
            ("delete", &all.delete),
            ("delete what was seen", &all.delete_seen),
            ("sweep", &all.sweep),
            ("a page of all", &all.walk),
            ("migrate", &all.schema),
        ];
        let own = own.into_iter().map(|(name, sql)| (name, sql.clone()));
        let stamped = all.stamped.iter().flat_map(|stamped| {
            let [first, second] = match &stamped.save_all {
                SaveAll::AtOnce(sql) => [Some(("save two", sql.of(2))), None],
                SaveAll::InTransaction(Transaction { pick, put, .. }) => {
                    [Some(("save two: pick", pick.of(2))), Some(("save two: put", put.of(2)))]
                }
            };
            let load_two = ("load two", stamped.load_all.of(2));
            let [revision, page_of] = [&stamped.revision, &stamped.page_of].map(Sql::clone);
            [
                Some(("revision", revision)),
                Some(("a page of an owner's", page_of)),
                Some(load_two),
                first,
                second,
            ]
        });
        own.chain(stamped.flatten()).collect()
    }

    /// All SQL at a glance. After a change on purpose: `UPDATE_STATEMENTS=1 cargo test -p cloakroom-db`
    #[test]
    fn the_statements_are_the_ones_that_were_looked_at() {
        let databases = [
            ("SQLite", crate::sqlite::DIALECT),
            ("PostgreSQL", crate::postgres::DIALECT),
            ("MySQL", crate::mysql::DIALECT),
        ];
        let mut shown = String::new();
        let layouts = [
            ("", Layout::Native, "sessions"),
            (" (Django's)", Layout::Django(Arc::new(Unread)), "django_session"),
        ];
        for (whose, layout, table) in layouts {
            let rendered = databases
                .map(|(database, dialect)| (database, named(&Statements::new(&dialect, &layout, table))));
            for name in NAMES {
                let found: Vec<_> = rendered
                    .iter()
                    .flat_map(|(database, all)| all.iter().map(move |(named, sql)| (database, named, sql)))
                    .filter(|(_, named, _)| **named == name)
                    .collect();
                if !found.is_empty() {
                    writeln!(shown, "{name}{whose}").unwrap();
                }
                for (database, _, sql) in found {
                    writeln!(shown, "  {database:<12}{sql}").unwrap();
                }
            }
        }
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/statements.txt");
        if std::env::var_os("UPDATE_STATEMENTS").is_some() {
            std::fs::write(path, &shown).unwrap();
        }
        assert_eq!(shown, std::fs::read_to_string(path).unwrap());
    }
}
