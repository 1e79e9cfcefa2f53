//! The contract, in SQL: a WHERE clause asks, the number of changed rows answers.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use cloakroom_core::together::{Late, Line, Turn};
use cloakroom_core::{
    Capabilities, Cursor, Deleted, Error, Page, Read, Record, Result, Revision, Saved, SessionBackend,
    SessionFormat, SessionId, SessionIndex, SessionWalk, Stored, Swept, Timestamp, Touched, Written,
};
use tokio::time::timeout_at;

use crate::Config;
use crate::config::redacted;
use crate::dialect::Dialect;
use crate::driver::{Driver, Instant, Rows, Value, deadline, turn};
use crate::error::{Verdict, too_busy, unanswered, while_reading};
use crate::group::{Load, Loading, Loads, Place, Save, Saves, Saving, is_company};
use crate::layout::{Layout, moment};
use crate::question::late;
use crate::statements::Statements;

/// Sessions in a database. Opened by [`Config::open`].
pub struct Backend {
    driver: Arc<dyn Driver>,
    statements: Statements,
    /// Where rows have stamps.
    lines: Option<Lines>,
    layout: Layout,
    config: Config,
}

/// Calls that arrive while others are under way.
struct Lines {
    loads: Line<Loads>,
    saves: Line<Saves>,
}

impl Backend {
    pub(crate) fn new(
        driver: Arc<dyn Driver>,
        dialect: &Dialect,
        statements: Statements,
        config: Config,
    ) -> Self {
        let lines = statements.stamped.as_ref().map(|stamped| {
            let place = || Place { driver: Arc::clone(&driver), statements: Arc::clone(stamped) };
            let (loads, saves) = dialect.leaders;
            Lines { loads: Line::new(Loads(place()), loads), saves: Line::new(Saves(place()), saves) }
        });
        Self { driver, statements, lines, layout: config.layout.clone(), config }
    }

    /// Makes the table and its indexes. Running it again changes nothing, and several processes may
    /// run it at once. On a server this is the one call that wants the right to make tables: on PostgreSQL
    /// only if there is none yet, on MySQL and MariaDB always.
    ///
    /// # Errors
    ///
    /// `Unavailable` if another process keeps the database locked, or it can't be written to,
    /// `Misconfigured` if its user has no right to do this.
    pub async fn migrate(&self) -> Result<()> {
        self.driver.migrate(&self.statements.schema).await.map_err(|error| {
            let message = format!("the session database {:?} can't be migrated", redacted(&self.config.url));
            Error::caused(error.kind(), message, error)
        })
    }

    fn now(&self) -> Value<'static> {
        moment(self.config.clock.now())
    }

    /// The living record under `id`.
    async fn there(&self, id: &SessionId, by: Instant) -> Result<Option<Stored>> {
        let values = [self.layout.id(id), self.now()];
        let found = self.driver.one(&self.statements.load, &values, by).await?;
        Ok(found.map(|stored| self.layout.found(stored)))
    }

    /// Waits for a save's turn, where there are turns.
    async fn join(
        &self,
        id: &SessionId,
        new: &Record,
        seen: &Revision,
        by: Instant,
    ) -> Result<Option<Turn<Saves>>> {
        let (Some(lines), Some(seen)) = (&self.lines, seen.stamp()) else { return Ok(None) };
        if !is_company(new, self.driver.room()) {
            return Ok(None);
        }
        let save = || Save::new(id, new, seen, self.config.clock.now());
        lines.saves.join(save, turn(), by).await.map(Some).map_err(|why| match why {
            Late::Waiting => too_busy(),
            _ => unanswered(late()),
        })
    }

    fn written(&self, new: &Record) -> Saved {
        Saved::Written(Written::at(self.layout.revision(new)))
    }

    /// Why a write changed no row: it had been done already, somebody else was first, or it is gone.
    async fn why_not(&self, id: &SessionId, new: &Record, by: Instant) -> Result<Saved> {
        Ok(match self.there(id, by).await? {
            None => Saved::Gone,
            Some(stored) if self.layout.is_own(&stored, new) => self.written(new),
            Some(stored) => Saved::Conflict(stored),
        })
    }
}

#[async_trait]
impl SessionBackend for Backend {
    fn capabilities(&self) -> Capabilities {
        self.layout.capabilities(self.driver.durability())
    }

    /// Django's table names no owner.
    fn index(&self) -> Option<&dyn SessionIndex> {
        self.layout.format().is_none().then_some(self)
    }

    fn walk(&self) -> Option<&dyn SessionWalk> {
        Some(self)
    }

    fn format(&self) -> Option<&dyn SessionFormat> {
        self.layout.format()
    }

    async fn load(&self, id: &SessionId, _: Read) -> Result<Option<Stored>> {
        let by = deadline();
        let Some(lines) = &self.lines else { return self.there(id, by).await };
        let load = || Load { id: id.clone(), now: self.config.clock.now() };
        match lines.loads.join(load, turn(), by).await {
            Ok(Turn::Made(Loading::Found(found))) => Ok(found),
            Ok(Turn::Made(Loading::Alone)) => self.there(id, by).await,
            Ok(Turn::Own(_lead)) => self.there(id, by).await,
            Err(Late::Waiting) => Err(too_busy()),
            // Nobody says what came of it: a read may be repeated.
            Err(_) if Instant::now() < by => self.there(id, by).await,
            Err(_) => Err(while_reading(Verdict::Unsure, late())),
        }
    }

    async fn revision(&self, id: &SessionId) -> Result<Option<(Revision, Timestamp)>> {
        let Some(stamped) = &self.statements.stamped else {
            // The revision is the payload.
            let found = self.there(id, deadline()).await?;
            return Ok(found.map(|stored| (stored.revision, stored.record.expires_at)));
        };
        let values = [self.layout.id(id), self.now()];
        self.driver.revision(&stamped.revision, &values, deadline()).await
    }

    async fn create(&self, id: &SessionId, new: &Record) -> Result<Saved> {
        let stamp = new.stamp.to_bytes();
        let values = self.layout.columns(new, &stamp, &[self.layout.id(id)])?;
        let by = deadline();
        match self.driver.execute(&self.statements.create, &values, by).await? {
            0 => self.why_not(id, new, by).await,
            _ => Ok(self.written(new)),
        }
    }

    async fn save(&self, id: &SessionId, new: &Record, seen: &Revision) -> Result<Saved> {
        let by = deadline();
        let lead = match self.join(id, new, seen, by).await? {
            Some(Turn::Own(lead)) => lead,
            Some(Turn::Made(Saving::Stored)) => return Ok(self.written(new)),
            Some(Turn::Made(Saving::Unknown(why))) => return Err(unanswered(why)),
            Some(Turn::Made(Saving::Alone)) | None => None,
        };
        let (stamp, seen) = (new.stamp.to_bytes(), self.layout.token(seen)?);
        let values = self.layout.columns(new, &stamp, &[self.layout.id(id), seen.value(), self.now()])?;
        let changed = self.driver.execute(&self.statements.save, &values, by).await?;
        drop(lead);
        match changed {
            0 => self.why_not(id, new, by).await,
            _ => Ok(self.written(new)),
        }
    }

    async fn touch(&self, id: &SessionId, until: Timestamp, seen: &Revision) -> Result<Touched> {
        let token = self.layout.token(seen)?;
        let values = [moment(until), self.layout.id(id), token.value(), self.now(), moment(until)];
        let by = deadline();
        if self.driver.execute(&self.statements.touch, &values, by).await? > 0 {
            return Ok(Touched::Moved(Written::at(seen.clone())));
        }
        Ok(self.there(id, by).await?.map_or(Touched::Gone, |_| Touched::Skipped))
    }

    async fn rotate(&self, from: &SessionId, to: &SessionId, new: &Record, seen: &Revision) -> Result<Saved> {
        let (stamp, seen) = (new.stamp.to_bytes(), self.layout.token(seen)?);
        let rest = [self.layout.id(to), self.layout.id(from), seen.value(), self.now()];
        let values = self.layout.columns(new, &stamp, &rest)?;
        let by = deadline();
        if self.driver.execute(&self.statements.rotate, &values, by).await? > 0 {
            return Ok(self.written(new));
        }
        match self.why_not(to, new, by).await? {
            Saved::Written(written) => Ok(Saved::Written(written)),
            _ => Ok(self.there(from, by).await?.map_or(Saved::Gone, Saved::Conflict)),
        }
    }

    async fn delete(&self, id: &SessionId, seen: Option<&Revision>) -> Result<Deleted> {
        let by = deadline();
        let values = [self.layout.id(id), self.now()];
        let Some(seen) = seen else {
            let ended = self.driver.execute(&self.statements.delete, &values, by).await? > 0;
            return Ok(if ended { Deleted::Ended } else { Deleted::Absent });
        };
        let token = self.layout.token(seen)?;
        let values = [values[0], values[1], token.value()];
        if self.driver.execute(&self.statements.delete_seen, &values, by).await? > 0 {
            return Ok(Deleted::Ended);
        }
        Ok(self.there(id, by).await?.map_or(Deleted::Absent, Deleted::Conflict))
    }

    async fn clear_expired(&self, before: Timestamp, limit: u32) -> Result<Swept> {
        let values = [moment(before), Value::Number(limit.into()), moment(before)];
        let removed = self.driver.execute(&self.statements.sweep, &values, deadline()).await?;
        Ok(Swept::of(removed, limit))
    }

    async fn close(&self) -> Result<()> {
        if let Some(lines) = &self.lines {
            // Who is in the line is sent with its group; a try by itself after that may find it closed. A caller who has
            // stopped asking is not waited for.
            let drained = async {
                lines.saves.drained().await;
                lines.loads.drained().await;
            };
            let _ = timeout_at(deadline(), drained).await;
        }
        self.driver.close().await
    }
}

#[async_trait]
impl SessionIndex for Backend {
    async fn of(
        &self,
        owner: &str,
        after: Option<&SessionId>,
        limit: u32,
    ) -> Result<Vec<(SessionId, Stored)>> {
        let Some(stamped) = &self.statements.stamped else { return Ok(Vec::new()) };
        let values =
            [Value::Bytes(owner.as_bytes()), self.now(), following(after), Value::Number(limit.into())];
        Ok(self.driver.page(&stamped.page_of, &values, deadline()).await?.found)
    }
}

#[async_trait]
impl SessionWalk for Backend {
    async fn page(&self, from: Option<&Cursor>, limit: u32) -> Result<Page> {
        let behind = from.map(Cursor::as_bytes).unwrap_or_default();
        let behind = self.layout.raw_id(behind).ok_or_else(Cursor::foreign)?;
        let values = [self.now(), behind, Value::Number(limit.into())];
        let Rows { found, count, last } =
            self.driver.page(&self.statements.walk, &values, deadline()).await?;
        let found = found.into_iter().map(|(id, stored)| (id, self.layout.found(stored))).collect();
        let full = count >= limit as usize;
        Ok(Page::new(found, last.filter(|_| full).map(Cursor::new)))
    }
}

impl fmt::Debug for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Backend").field("table", &self.config.table_name()).finish_non_exhaustive()
    }
}

/// Every id is greater than no id at all.
fn following(after: Option<&SessionId>) -> Value<'_> {
    Value::Bytes(after.map(SessionId::as_bytes).unwrap_or_default())
}
