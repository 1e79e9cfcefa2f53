//! Several saves at once.

use sqlx::{ColumnIndex, Decode, Encode, Executor, IntoArguments, Row, Type};
use tokio::time::Instant;

use crate::dialect::Dialect;
use crate::driver::{Database, Value};
use crate::error::{Verdict, told};
use crate::group::{Save, Saving, latest};
use crate::pool::Lease;
use crate::question::{Answer, Question, late};
use crate::several::{Several, Transaction, padded};
use crate::statements::Sql;

/// A group of saves, on a connection, until a moment.
pub(crate) struct Work<DB: sqlx::Database> {
    pub(crate) lease: Lease<DB>,
    pub(crate) dialect: &'static Dialect,
    pub(crate) until: Instant,
}

impl<DB: Database> Work<DB>
where
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
    DB::Arguments: IntoArguments<DB>,
    for<'v> &'v [u8]: Encode<'v, DB> + Type<DB>,
    for<'v> &'v str: Encode<'v, DB> + Type<DB>,
    for<'v> Option<&'v [u8]>: Encode<'v, DB>,
    for<'r> Vec<u8>: Decode<'r, DB> + Type<DB>,
    for<'r> i64: Encode<'r, DB> + Decode<'r, DB> + Type<DB>,
    usize: ColumnIndex<DB::Row>,
{
    /// By one statement: what it does not store is tried by itself.
    pub(crate) async fn at_once(mut self, sql: &Several, saves: &[Save]) -> Vec<Saving> {
        let rows = padded(saves.iter(), Save::size);
        let sql = sql.of(rows.len());
        let mut values: Vec<_> = rows.into_iter().flat_map(Save::row_and_seen).collect();
        values.push(latest(saves.iter().map(|save| save.now)));
        let question = self.question(&sql, &values, true);
        let error = match self.ask(question).await {
            Ok(answer) => {
                self.lease.give_back();
                let stored: Vec<Vec<u8>> = answer.rows.iter().filter_map(|row| row.try_get(0).ok()).collect();
                let is_stored = |save: &Save| stored.iter().any(|id| id == save.id.as_bytes());
                let came = |save| if is_stored(save) { Saving::Stored } else { Saving::Alone };
                return saves.iter().map(came).collect();
            }
            Err(error) => error,
        };
        let verdict = self.dialect.judge(&error);
        if verdict.ends_connection() {
            self.lease.bury();
        } else {
            self.lease.give_back();
        }
        let came = if verdict == Verdict::Unsure { unknown(error) } else { Saving::Alone };
        vec![came; saves.len()]
    }

    /// By a transaction, for a database that does not say which rows it has changed. What goes wrong before its COMMIT is sent
    /// is a sure no, answered or not.
    pub(crate) async fn in_transaction(mut self, sql: &Transaction, saves: &[Save]) -> Vec<Saving> {
        let alone = || vec![Saving::Alone; saves.len()];
        let stored = match self.store(sql, saves).await {
            Ok(stored) => stored,
            Err(error) => {
                self.roll_back(sql, &error).await;
                return alone();
            }
        };
        let told =
            |fate: Saving| stored.iter().map(|&is| if is { fate.clone() } else { Saving::Alone }).collect();
        match self.ask(Question::script(&sql.commit)).await {
            Ok(_) => {
                self.lease.give_back();
                told(Saving::Stored)
            }
            // Also of what a database says it has refused: it may have been done by then.
            Err(error) => {
                self.lease.bury();
                told(unknown(error))
            }
        }
    }

    /// Which of them were stored, if it is committed.
    async fn store(&mut self, sql: &Transaction, saves: &[Save]) -> sqlx::Result<Vec<bool>> {
        self.ask(Question::script(&sql.begin)).await?;
        let unchanged = self.pick(sql, saves).await?;
        let stored = saves.iter().zip(&unchanged).filter(|(_, unchanged)| **unchanged);
        let rows = padded(stored.map(|(save, _)| save), Save::size);
        if !rows.is_empty() {
            let put = sql.put.of(rows.len());
            let values: Vec<_> = rows.into_iter().flat_map(Save::row).collect();
            self.ask(self.question(&put, &values, false)).await?;
        }
        Ok(unchanged)
    }

    /// Of which the row is there as it was seen, and from now on nobody else's to write.
    async fn pick(&mut self, sql: &Transaction, saves: &[Save]) -> sqlx::Result<Vec<bool>> {
        let rows = padded(saves.iter(), |_| 0);
        let pick = sql.pick.of(rows.len());
        let mut values: Vec<_> = rows.into_iter().map(|save| Value::Bytes(save.id.as_bytes())).collect();
        values.push(latest(saves.iter().map(|save| save.now)));
        let picked = self.ask(self.question(&pick, &values, true)).await?;
        let picked: Vec<(Vec<u8>, Vec<u8>)> =
            picked.rows.iter().filter_map(|row| Some((row.try_get(0).ok()?, row.try_get(1).ok()?))).collect();
        let is_unchanged =
            |save: &Save| picked.iter().any(|(id, stamp)| id == save.id.as_bytes() && *stamp == save.seen);
        Ok(saves.iter().map(is_unchanged).collect())
    }

    /// Nothing of it is to stay. A connection on which that is not sure is closed, which has the same effect.
    async fn roll_back(mut self, sql: &Transaction, error: &sqlx::Error) {
        let is_alive = !self.dialect.judge(error).ends_connection();
        if is_alive && self.ask(Question::script(&sql.rollback)).await.is_ok() {
            self.lease.give_back();
        } else {
            self.lease.bury();
        }
    }

    fn question(&self, sql: &Sql, values: &[Value<'_>], reads: bool) -> Question<DB> {
        Question::new(sql, values, self.dialect, reads)
    }

    async fn ask(&mut self, question: Question<DB>) -> sqlx::Result<Answer<DB>> {
        question.put_to(&mut self.lease.connection, self.until).await.unwrap_or_else(|_| Err(late()))
    }
}

fn unknown(error: sqlx::Error) -> Saving {
    Saving::Unknown(told(error).to_string())
}
