//! Every statement, once: `?` stands for a parameter, `{table}` for the table.

use std::sync::Arc;

use crate::dialect::Dialect;

const LOAD: &str = "SELECT payload, expires_at, owner, stamp FROM {table} WHERE id = ? AND expires_at > ?";

const REVISION: &str = "SELECT expires_at, stamp FROM {table} WHERE id = ? AND expires_at > ?";

const CREATE: &str =
    "INSERT INTO {table} (id, payload, expires_at, owner, stamp) VALUES (?, ?, ?, ?, ?) {unless_taken}";

const SAVE: &str = "UPDATE {table} SET payload = ?, expires_at = ?, owner = ?, stamp = ? \
     WHERE id = ? AND stamp = ? AND expires_at > ?";

const TOUCH: &str =
    "UPDATE {table} SET expires_at = ? WHERE id = ? AND stamp = ? AND expires_at > ? AND expires_at < ?";

/// One statement, so that no crash leaves two ids alive or none. The primary key refuses an id that is
/// taken, also by one that came at the same moment.
const ROTATE: &str = "UPDATE {table} SET id = ?, payload = ?, expires_at = ?, owner = ?, stamp = ? \
     WHERE id = ? AND stamp = ? AND expires_at > ?";

const DELETE: &str = "DELETE FROM {table} WHERE id = ? AND expires_at > ?";

const DELETE_SEEN: &str = "DELETE FROM {table} WHERE id = ? AND expires_at > ? AND stamp = ?";

const PAGE_OF: &str = "SELECT payload, expires_at, owner, stamp, id FROM {table} \
     WHERE owner = ? AND expires_at > ? AND id > ? ORDER BY id LIMIT ?";

const PAGE_ALL: &str = "SELECT payload, expires_at, owner, stamp, id FROM {table} \
     WHERE expires_at > ? AND id > ? ORDER BY id LIMIT ?";

/// SQL as one database reads it, for one table.
pub(crate) type Sql = Arc<str>;

#[derive(Debug)]
pub(crate) struct Statements {
    pub(crate) load: Sql,
    pub(crate) revision: Sql,
    pub(crate) create: Sql,
    pub(crate) save: Sql,
    pub(crate) touch: Sql,
    pub(crate) rotate: Sql,
    pub(crate) delete: Sql,
    pub(crate) delete_seen: Sql,
    pub(crate) sweep: Sql,
    pub(crate) page_of: Sql,
    pub(crate) page_all: Sql,
    pub(crate) schema: Sql,
}

impl Statements {
    /// `table` has been seen to be an identifier.
    pub(crate) fn new(dialect: &Dialect, table: &str) -> Self {
        let render = |template: &str| render(template, dialect, table);
        Self {
            load: render(LOAD),
            revision: render(REVISION),
            create: render(CREATE),
            save: render(SAVE),
            touch: render(TOUCH),
            rotate: render(ROTATE),
            delete: render(DELETE),
            delete_seen: render(DELETE_SEEN),
            sweep: render(dialect.sweep),
            page_of: render(PAGE_OF),
            page_all: render(PAGE_ALL),
            schema: render(dialect.schema),
        }
    }
}

fn render(template: &str, dialect: &Dialect, table: &str) -> Sql {
    let named = template.replace("{table}", table).replace("{unless_taken}", dialect.unless_taken);
    let mut parts = named.split('?');
    let mut sql = parts.next().unwrap_or_default().to_owned();
    for (before, part) in parts.enumerate() {
        sql += &(dialect.parameter)(before + 1);
        sql += part;
    }
    sql.trim_end().into()
}

#[cfg(all(test, feature = "sqlite", feature = "postgres", feature = "mysql"))]
mod tests {
    use std::fmt::Write;

    use super::*;

    /// All SQL at a glance. After a change on purpose: `UPDATE_STATEMENTS=1 cargo test -p cloakroom-db`
    #[test]
    fn the_statements_are_the_ones_that_were_looked_at() {
        type Statement = fn(&Statements) -> &Sql;
        let statements: [(&str, Statement); 12] = [
            ("load", |all| &all.load),
            ("revision", |all| &all.revision),
            ("create", |all| &all.create),
            ("save", |all| &all.save),
            ("touch", |all| &all.touch),
            ("rotate", |all| &all.rotate),
            ("delete", |all| &all.delete),
            ("delete what was seen", |all| &all.delete_seen),
            ("sweep", |all| &all.sweep),
            ("a page of an owner's", |all| &all.page_of),
            ("a page of all", |all| &all.page_all),
            ("migrate", |all| &all.schema),
        ];
        let databases = [
            ("SQLite", crate::sqlite::DIALECT),
            ("PostgreSQL", crate::postgres::DIALECT),
            ("MySQL", crate::mysql::DIALECT),
        ];
        let mut shown = String::new();
        for (name, statement) in statements {
            writeln!(shown, "{name}").unwrap();
            for (database, dialect) in databases {
                let all = Statements::new(&dialect, "sessions");
                writeln!(shown, "  {database:<12}{}", statement(&all)).unwrap();
            }
        }
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/statements.txt");
        if std::env::var_os("UPDATE_STATEMENTS").is_some() {
            std::fs::write(path, &shown).unwrap();
        }
        assert_eq!(shown, std::fs::read_to_string(path).unwrap());
    }
}
