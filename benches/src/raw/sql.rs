//! A database through sqlx's pool, without the pings that it makes unless it is told not to.

use cloakroom_contest::{Contender, Emptied, Operation, Result, payload};
use cloakroom_core::{Clock as _, SystemClock};
use tempfile::TempDir;

use super::{LIFE, count, id};
use crate::shelf::Shelf;
use crate::table::{Sql, Table, Value, filled_id};

/// Rows of the same table as the engine's.
pub(crate) struct Rows {
    shelf: Shelf,
    size: usize,
    load: Sql,
    create: Sql,
    save: Sql,
    touch: Sql,
    rotate: Sql,
    delete: Sql,
    sweep: Sql,
    _folder: Option<TempDir>,
}

impl Rows {
    pub(crate) fn new(table: Table, folder: Option<TempDir>) -> Self {
        let sql = |text: &str| table.statement(text);
        Self {
            load: sql("SELECT payload, expires_at, owner, stamp FROM {table} WHERE id = ?"),
            create: sql("INSERT INTO {table} (payload, expires_at, stamp, id) VALUES (?, ?, ?, ?)"),
            save: sql("UPDATE {table} SET payload = ?, expires_at = ?, stamp = ? WHERE id = ?"),
            touch: sql("UPDATE {table} SET expires_at = ? WHERE id = ?"),
            rotate: sql("UPDATE {table} SET payload = ?, expires_at = ?, stamp = ?, id = ? WHERE id = ?"),
            delete: sql("DELETE FROM {table} WHERE id = ?"),
            sweep: sql("DELETE FROM {table} WHERE expires_at <= ?"),
            size: table.size,
            shelf: Shelf::Table(table),
            _folder: folder,
        }
    }

    async fn run(&self, sql: &Sql, values: &[Value<'_>]) -> Result {
        match self.shelf.table()?.execute(sql, values).await? {
            1 => Ok(()),
            rows => Err(format!("{rows} rows were changed, and not one").into()),
        }
    }

    async fn text(&self, id: &str) -> Result<Vec<u8>> {
        self.shelf.table()?.payload(&self.load, &[Value::Bytes(id.as_bytes())]).await
    }

    async fn replace(&self, id: &str, text: &str) -> Result {
        let ends = Value::Number(ends()?);
        let stamp = Value::Bytes(&text.as_bytes()[..16]);
        self.run(&self.save, &[Value::Bytes(text.as_bytes()), ends, stamp, Value::Bytes(id.as_bytes())]).await
    }
}

impl Contender for Rows {
    type Session = String;

    async fn create(&self, text: String) -> Result<String> {
        let id = id()?;
        let (stamp, ends) = (Value::Bytes(&text.as_bytes()[..16]), Value::Number(ends()?));
        self.run(&self.create, &[Value::Bytes(text.as_bytes()), ends, stamp, Value::Bytes(id.as_bytes())])
            .await?;
        Ok(id)
    }

    async fn load(&self, session: &String) -> Result<usize> {
        Ok(self.text(session).await?.len())
    }

    async fn save(&self, session: &mut String, text: String) -> Result {
        self.replace(session, &text).await
    }

    async fn touch(&self, session: &mut String) -> Result {
        self.run(&self.touch, &[Value::Number(ends()?), Value::Bytes(session.as_bytes())]).await
    }

    async fn rotate(&self, session: &mut String, text: String) -> Result {
        let new = id()?;
        let (stamp, ends) = (Value::Bytes(&text.as_bytes()[..16]), Value::Number(ends()?));
        let ids = [&new, &*session].map(|id| Value::Bytes(id.as_bytes()));
        self.run(&self.rotate, &[Value::Bytes(text.as_bytes()), ends, stamp, ids[0], ids[1]]).await?;
        *session = new;
        Ok(())
    }

    async fn delete(&self, session: String) -> Result {
        self.run(&self.delete, &[Value::Bytes(session.as_bytes())]).await
    }

    async fn update(&self, session: &String) -> Result {
        let counted = count(&self.text(session).await?)?;
        self.replace(session, &payload(self.size, counted + 1)).await
    }

    async fn counted(&self, session: &String) -> Result<u64> {
        count(&self.text(session).await?)
    }

    async fn bytes(&self, live: u64) -> Result<Option<f64>> {
        self.shelf.bytes(live).await
    }

    async fn crowd(&self, expired: u64, living: u64) -> Result {
        self.shelf.table()?.crowd(expired, living).await
    }

    async fn fill(&self, number: u64, some: u64) -> Result<Option<Vec<String>>> {
        let ends = SystemClock.now().millis() + LIFE * 24;
        self.shelf.table()?.grow(number, ends).await?;
        Ok(Some((0..some).map(|turn| filled_id(turn * (number / some).max(1))).collect()))
    }

    async fn sweep(&self) -> Result<Emptied> {
        let before = i64::try_from(SystemClock.now().millis() - LIFE)?;
        self.shelf.table()?.execute(&self.sweep, &[Value::Number(before)]).await?;
        Ok(Emptied)
    }

    fn lacks(&self) -> &'static [Operation] {
        &[]
    }
}

fn ends() -> Result<i64> {
    Ok(i64::try_from(SystemClock.now().millis() + LIFE)?)
}
