//! A store of tower-sessions.

use std::pin::Pin;

use cloakroom_contest::{Contender, Emptied, Operation, Result, payload};
use serde_json::Value;
use tempfile::TempDir;
use tower_sessions::{
    ExpiredDeletion, SessionStore,
    cookie::time::{Duration, OffsetDateTime},
    session::{Id, Record},
};
use tower_sessions_redis_store::fred::prelude::Pool;
use tower_sessions_sqlx_store::sqlx::{self, PgPool, SqlitePool};

/// The one name that is set.
const NAME: &str = "t";
const LIFE: Duration = Duration::hours(1);

/// Where the store has its records.
pub(super) enum Place {
    Nowhere,
    Sqlite(SqlitePool, #[expect(dead_code, reason = "removed with the store")] TempDir),
    Postgres(PgPool, String),
    Redis(Pool),
}

type Sweep<S> = fn(&S) -> Pin<Box<dyn Future<Output = Result<Emptied>> + Send + '_>>;

/// Records of one name, whose text is so long that the whole record has as many bytes as everybody's.
pub(super) struct Tower<S> {
    store: S,
    place: Place,
    sweep: Option<Sweep<S>>,
    /// What a record has beside the text.
    beside: usize,
    size: usize,
}

impl<S: SessionStore> Tower<S> {
    pub(super) fn new(store: S, place: Place, size: usize) -> Self {
        let beside =
            rmp_serde::to_vec(&record(Id::default(), "x".repeat(size))).map_or(0, |all| all.len() - size);
        Self { store, place, sweep: None, beside, size }
    }

    /// A store that removes what has expired.
    pub(super) fn sweeping(mut self, sweep: Sweep<S>) -> Self {
        self.sweep = Some(sweep);
        self
    }

    fn filled(&self, id: Id, mut text: String) -> Record {
        text.truncate(self.size - self.beside);
        record(id, text)
    }

    async fn there(&self, id: &Id) -> Result<Record> {
        Ok(self.store.load(id).await?.ok_or("a session is gone")?)
    }
}

impl<S: SessionStore> Contender for Tower<S> {
    type Session = Record;

    async fn create(&self, text: String) -> Result<Record> {
        let mut record = self.filled(Id::default(), text);
        self.store.create(&mut record).await?;
        Ok(record)
    }

    async fn load(&self, session: &Record) -> Result<usize> {
        Ok(text(&self.there(&session.id).await?)?.len() + self.beside)
    }

    async fn save(&self, session: &mut Record, text: String) -> Result {
        *session = self.filled(session.id, text);
        Ok(self.store.save(session).await?)
    }

    /// It has no other way than to save the whole.
    async fn touch(&self, session: &mut Record) -> Result {
        session.expiry_date += Duration::milliseconds(1);
        Ok(self.store.save(session).await?)
    }

    /// As its `cycle_id` and the save after it do.
    async fn rotate(&self, session: &mut Record, text: String) -> Result {
        let old = session.id;
        *session = self.filled(Id::default(), text);
        self.store.delete(&old).await?;
        Ok(self.store.create(session).await?)
    }

    async fn delete(&self, session: Record) -> Result {
        Ok(self.store.delete(&session.id).await?)
    }

    async fn update(&self, session: &Record) -> Result {
        let count = self.counted(session).await?;
        let record = self.filled(session.id, payload(self.size, count + 1));
        Ok(self.store.save(&record).await?)
    }

    async fn counted(&self, session: &Record) -> Result<u64> {
        Ok(u64::from_str_radix(&text(&self.there(&session.id).await?)?[..16], 16)?)
    }

    async fn bytes(&self, live: u64) -> Result<Option<f64>> {
        let whole = match &self.place {
            Place::Nowhere => return Ok(None),
            Place::Redis(pool) => return super::memory(pool).await.map(Some),
            Place::Sqlite(pool, _) => {
                sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(pool).await?;
                let size = "SELECT (page_count - freelist_count) * page_size \
                            FROM pragma_page_count, pragma_freelist_count, pragma_page_size";
                sqlx::query_scalar::<_, i64>(size).fetch_one(pool).await?
            }
            Place::Postgres(pool, table) => {
                sqlx::query(&format!("VACUUM FULL {table}")).execute(pool).await?;
                sqlx::query_scalar("SELECT pg_total_relation_size($1::text::regclass)")
                    .bind(table)
                    .fetch_one(pool)
                    .await?
            }
        };
        Ok(Some(f64::from(u32::try_from(whole)?) / f64::from(u32::try_from(live)?)))
    }

    /// As its own create writes them, whose texts nobody reads.
    async fn crowd(&self, expired: u64, living: u64) -> Result {
        let (number, expired) = (i64::try_from(expired + living)?, i64::try_from(expired)?);
        match &self.place {
            Place::Sqlite(pool, _) => {
                let fill = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) \
                            INSERT INTO tower_sessions (id, data, expiry_date) SELECT printf('%022d', i), \
                            zeroblob(?), strftime('%Y-%m-%d %H:%M:%S', 'now', iif(i > ?, '+2 hours', '-2 hours')) || '.0 +00:00:00' \
                            FROM n";
                sqlx::query(fill)
                    .bind(number)
                    .bind(i64::try_from(self.size)?)
                    .bind(expired)
                    .execute(pool)
                    .await?;
            }
            Place::Postgres(pool, table) => {
                let fill = format!(
                    "INSERT INTO {table} (id, data, expiry_date) SELECT lpad(i::text, 22, '0'), \
                     convert_to(repeat('x', $2), 'UTF8'), now() + INTERVAL '2 hours' * CASE WHEN i > $3 THEN 1 ELSE -1 END \
                     FROM generate_series(1, $1) AS n(i)"
                );
                sqlx::query(&fill)
                    .bind(number)
                    .bind(i32::try_from(self.size)?)
                    .bind(expired)
                    .execute(pool)
                    .await?;
            }
            _ => return Err("its store is not filled".into()),
        }
        Ok(())
    }

    async fn sweep(&self) -> Result<Emptied> {
        self.sweep.ok_or("it does not sweep")?(&self.store).await
    }

    fn lacks(&self) -> &'static [Operation] {
        if self.sweep.is_some() { &[] } else { &[Operation::Sweep] }
    }
}

pub(super) async fn sweep(store: &impl ExpiredDeletion) -> Result<Emptied> {
    store.delete_expired().await?;
    Ok(Emptied)
}

/// What an earlier run has left, or the same run before it was closed.
pub(super) async fn drop_table(pool: &PgPool, name: &str) -> Result {
    sqlx::query(&format!("DROP TABLE IF EXISTS {name}")).execute(pool).await?;
    Ok(())
}

fn record(id: Id, text: String) -> Record {
    let data = [(NAME.to_owned(), Value::String(text))].into();
    Record { id, data, expiry_date: OffsetDateTime::now_utc() + LIFE }
}

fn text(record: &Record) -> Result<&str> {
    Ok(record.data.get(NAME).and_then(Value::as_str).ok_or("a session has lost its text")?)
}
