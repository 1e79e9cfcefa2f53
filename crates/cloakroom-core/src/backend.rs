//! The contract every engine signs, and nothing about how sessions are kept.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use crate::{
    Capabilities, Deleted, Read, Record, Result, Revision, Saved, SessionFormat, SessionId, SessionWalk,
    Stored, Swept, Timestamp, Touched,
};

/// Keeps session records under ids.
///
/// # Contract
///
/// - A record is alive iff the clock shows less than its deadline. A record past it is absent for
///   every method but `clear_expired`, swept or not.
/// - `create` never overwrites, `save` never inserts: nothing brings back what has ended.
/// - `save`, `rotate`, `touch` and a conditional `delete` act only on a living record at the
///   revision that the caller has seen. Of two racing writers with one revision exactly one gets
///   `Written`; the other gets `Conflict` with what is there now.
/// - A write whose stamp is already what is stored answers `Written` and changes nothing: the
///   caller's first attempt got through and its reply was lost. (Engines that can't tell say so in
///   [`Capabilities::recognises_own_write`].)
/// - Each method is one step: a crash or a dropped future leaves the state before or the state after.
/// - Ids and records are secrets: no method logs them, no error quotes them.
/// - An error is `Unavailable` only if surely nothing was done; if something may have been, `Unknown`.
///   An engine never repeats a write on its own.
/// - Nothing waits for longer than a few seconds. Core bounds every call by its own limit as well,
///   and may drop a call's future at any time.
///
/// Each clause has a case in the conformance suite. Change the two together. Beside them, what no case shows: a method blocks no
/// thread of a runtime, and its future may be polled by one task first and by another then.
///
/// A method that wraps another backend forwards all of these; none has a default, since a default
/// that works hides a missing promise.
#[async_trait]
pub trait SessionBackend: fmt::Debug + Send + Sync + 'static {
    /// What it promises beyond the contract.
    fn capabilities(&self) -> Capabilities;

    /// Its listing of sessions, if it has one. A wrapper answers for what it wraps.
    fn index(&self) -> Option<&dyn SessionIndex>;

    /// Its way past all sessions; none where visitors bear them. A wrapper answers for what it wraps.
    fn walk(&self) -> Option<&dyn SessionWalk>;

    /// How its sessions are written; none where that is core's own way. A wrapper answers for what it wraps.
    fn format(&self) -> Option<&dyn SessionFormat>;

    /// The living record under `id`. Never deletes, never extends.
    ///
    /// # Errors
    ///
    /// `Unavailable` if the store can't be asked; `Corrupt` if what it holds is no record.
    async fn load(&self, id: &SessionId, read: Read) -> Result<Option<Stored>>;

    /// The revision and the deadline of the living record under `id`, never from a cache: what a load
    /// would find, without moving its payload.
    ///
    /// # Errors
    ///
    /// As [`load`](SessionBackend::load).
    async fn revision(&self, id: &SessionId) -> Result<Option<(Revision, Timestamp)>>;

    /// Stores `new` under an id that is free. One that is taken, even by a dead record that no
    /// sweep has removed yet, may be answered with `Conflict` or `Gone`: the caller draws another.
    ///
    /// # Errors
    ///
    /// `Unavailable` if it surely was not stored, `Unknown` if it may have been.
    async fn create(&self, id: &SessionId, new: &Record) -> Result<Saved>;

    /// Replaces the living record that is at revision `seen`.
    ///
    /// # Errors
    ///
    /// `Unavailable` if it surely was not stored, `Unknown` if it may have been.
    async fn save(&self, id: &SessionId, new: &Record, seen: &Revision) -> Result<Saved>;

    /// Moves the deadline of the living record that is at revision `seen`, forward only. Data and
    /// revision stay, so that no writer conflicts with it.
    ///
    /// # Errors
    ///
    /// `Unavailable` if it surely did not move, `Unknown` if it may have.
    async fn touch(&self, id: &SessionId, until: Timestamp, seen: &Revision) -> Result<Touched>;

    /// Ends the living record at `from`, which is at revision `seen`, and starts `new` at `to`, in
    /// one step also after a crash. `Conflict` holds what is at `from`; at an unchanged revision it
    /// means that `to` is taken.
    ///
    /// # Errors
    ///
    /// `Unavailable` if it surely was not done, `Unknown` if it may have been.
    async fn rotate(&self, from: &SessionId, to: &SessionId, new: &Record, seen: &Revision) -> Result<Saved>;

    /// Ends the record: whatever its revision, or only the one that was `seen`. Asking again is
    /// harmless.
    ///
    /// # Errors
    ///
    /// `Unavailable` if it surely was not ended, `Unknown` if it may have been.
    async fn delete(&self, id: &SessionId, seen: Option<&Revision>) -> Result<Deleted>;

    /// Removes up to `limit` records whose deadline is `before` or earlier, and says how many, and whether more may
    /// be left. The deadline is looked at again in the deleting step, so one that was just extended stays. What
    /// takes too long stops, and goes on when it is asked again.
    ///
    /// # Errors
    ///
    /// `Unavailable` or `Unknown`; what was removed by then stays removed.
    async fn clear_expired(&self, before: Timestamp, limit: u32) -> Result<Swept>;

    /// Waits until what was accepted is done, then lets go of files and connections.
    ///
    /// # Errors
    ///
    /// `Unknown` if something that was accepted may not have been done.
    async fn close(&self) -> Result<()>;
}

/// Lists a user's living sessions, in pages, by ascending id.
///
/// It may show a session that is gone by now; it never misses one that lives through the whole
/// listing, nor one that is rotated meanwhile: that is shown under one of its ids.
#[async_trait]
pub trait SessionIndex: Send + Sync {
    /// Up to `limit` sessions of `owner` with ids greater than `after`. An empty page is the last.
    ///
    /// # Errors
    ///
    /// `Unavailable` if the store can't be asked.
    async fn of(
        &self,
        owner: &str,
        after: Option<&SessionId>,
        limit: u32,
    ) -> Result<Vec<(SessionId, Stored)>>;
}

/// Forwarded by hand, without `async`: the inner future is passed on, not boxed a second time.
impl<B: SessionBackend + ?Sized> SessionBackend for Arc<B> {
    fn capabilities(&self) -> Capabilities {
        (**self).capabilities()
    }

    fn index(&self) -> Option<&dyn SessionIndex> {
        (**self).index()
    }

    fn walk(&self) -> Option<&dyn SessionWalk> {
        (**self).walk()
    }

    fn format(&self) -> Option<&dyn SessionFormat> {
        (**self).format()
    }

    fn load<'s, 'a, 't>(&'s self, id: &'a SessionId, read: Read) -> Boxed<'t, Option<Stored>>
    where
        's: 't,
        'a: 't,
        Self: 't,
    {
        (**self).load(id, read)
    }

    fn revision<'s, 'a, 't>(&'s self, id: &'a SessionId) -> Boxed<'t, Option<(Revision, Timestamp)>>
    where
        's: 't,
        'a: 't,
        Self: 't,
    {
        (**self).revision(id)
    }

    fn create<'s, 'a, 'b, 't>(&'s self, id: &'a SessionId, new: &'b Record) -> Boxed<'t, Saved>
    where
        's: 't,
        'a: 't,
        'b: 't,
        Self: 't,
    {
        (**self).create(id, new)
    }

    fn save<'s, 'a, 'b, 'c, 't>(
        &'s self,
        id: &'a SessionId,
        new: &'b Record,
        seen: &'c Revision,
    ) -> Boxed<'t, Saved>
    where
        's: 't,
        'a: 't,
        'b: 't,
        'c: 't,
        Self: 't,
    {
        (**self).save(id, new, seen)
    }

    fn touch<'s, 'a, 'b, 't>(
        &'s self,
        id: &'a SessionId,
        until: Timestamp,
        seen: &'b Revision,
    ) -> Boxed<'t, Touched>
    where
        's: 't,
        'a: 't,
        'b: 't,
        Self: 't,
    {
        (**self).touch(id, until, seen)
    }

    fn rotate<'s, 'a, 'b, 'c, 'd, 't>(
        &'s self,
        from: &'a SessionId,
        to: &'b SessionId,
        new: &'c Record,
        seen: &'d Revision,
    ) -> Boxed<'t, Saved>
    where
        's: 't,
        'a: 't,
        'b: 't,
        'c: 't,
        'd: 't,
        Self: 't,
    {
        (**self).rotate(from, to, new, seen)
    }

    fn delete<'s, 'a, 'b, 't>(&'s self, id: &'a SessionId, seen: Option<&'b Revision>) -> Boxed<'t, Deleted>
    where
        's: 't,
        'a: 't,
        'b: 't,
        Self: 't,
    {
        (**self).delete(id, seen)
    }

    fn clear_expired<'s, 't>(&'s self, before: Timestamp, limit: u32) -> Boxed<'t, Swept>
    where
        's: 't,
        Self: 't,
    {
        (**self).clear_expired(before, limit)
    }

    fn close<'s, 't>(&'s self) -> Boxed<'t, ()>
    where
        's: 't,
        Self: 't,
    {
        (**self).close()
    }
}

/// What `async_trait` makes of an `async fn`.
type Boxed<'t, T> = std::pin::Pin<Box<dyn Future<Output = Result<T>> + Send + 't>>;
