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

/// One statement, so that no crash leaves two ids alive or none.
const ROTATE: &str = "UPDATE {table} SET id = ?, payload = ?, expires_at = ?, owner = ?, stamp = ? \
     WHERE id = ? AND stamp = ? AND expires_at > ? \
     AND NOT EXISTS (SELECT 1 FROM (SELECT id FROM {table} WHERE id = ?) AS taken)";

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
    pub(crate) schema: Vec<Sql>,
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
            schema: dialect.schema.iter().map(|statement| render(statement)).collect(),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_written_and_counted_as_the_database_does() {
        let dialect = Dialect {
            parameter: |n| format!("${n}"),
            unless_taken: "ON CONFLICT DO NOTHING",
            sweep: "",
            schema: &[],
        };
        assert_eq!(
            &*render(CREATE, &dialect, "t"),
            "INSERT INTO t (id, payload, expires_at, owner, stamp) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING"
        );
    }
}
