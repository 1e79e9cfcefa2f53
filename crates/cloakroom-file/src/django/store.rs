//! The contract, in files that Django writes as well: a swap changes, and what comes out of it decides. All of it blocks.

use std::fs::File;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use cloakroom_core::{
    Clock, Deleted, Error, ErrorKind, Expiry, Lifetime, Record, Result, Revision, Saved, SessionFormat,
    SessionId, Stamp, Stored, Timestamp, Touched, Written,
};

use super::folder::{Folder, Kept, Moved, Names, touch};
use crate::error::{while_committing, while_flushing, while_preparing};

/// How often something is put back that somebody has written over meanwhile. Each takes microseconds, and a request at Django more.
const MOST_ROUNDS: u32 = 16;

/// A site's sessions. Whoever calls what writes holds the folder's lock.
pub(super) struct Store {
    pub(super) folder: Folder,
    pub(super) format: Arc<dyn SessionFormat>,
    /// The site's age of sessions; the rest is in them.
    lifetime: Lifetime,
    pub(super) clock: Arc<dyn Clock>,
    /// The last name that a sweep has come to.
    pub(super) swept: Mutex<String>,
    /// How many files it has left of a round that an earlier one had no time to finish.
    pub(super) left_to_sweep: AtomicUsize,
}

impl Store {
    pub(super) fn new(
        folder: Folder,
        format: Arc<dyn SessionFormat>,
        lifetime: Lifetime,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { folder, format, lifetime, clock, swept: Mutex::default(), left_to_sweep: AtomicUsize::new(0) }
    }

    /// The living session under `id`. It needs no lock: what has a session's name is whole.
    pub(super) fn load(&self, id: &SessionId) -> Result<Option<Stored>> {
        let Some(names) = self.folder.names_of(id) else { return Ok(None) };
        Ok(self.living(&names)?.map(|kept| self.stored(&kept)))
    }

    pub(super) fn create(&self, id: &SessionId, new: &Record) -> Result<Saved> {
        let Some(names) = self.folder.names_of(id) else { return Ok(Saved::Gone) };
        if let Some(there) = self.folder.look(&names.own)? {
            // A dead one is the sweep's.
            let conflict = self.is_alive(&there).then(|| Saved::Conflict(self.stored(&there)));
            return Ok(conflict.unwrap_or(Saved::Gone));
        }
        self.draft(&names, new)?;
        let moved = self.folder.move_to_free(&names.draft, &names.own);
        if !matches!(moved, Ok(Moved::Done)) {
            self.folder.discard(&names.draft);
        }
        match moved.map_err(while_committing)? {
            Moved::Done => Ok(written(new)),
            Moved::Taken | Moved::Gone => Ok(Saved::Gone),
        }
    }

    pub(super) fn save(&self, id: &SessionId, new: &Record, seen: &Bytes) -> Result<Saved> {
        let Some(names) = self.folder.names_of(id) else { return Ok(Saved::Gone) };
        let Some(there) = self.living(&names)? else { return Ok(Saved::Gone) };
        if there.payload != *seen {
            return Ok(Saved::Conflict(self.stored(&there)));
        }
        let draft = self.draft(&names, new)?;
        self.exchange(id, &names, draft, new, seen)
    }

    /// Swaps the draft in, and looks at what comes out.
    pub(super) fn exchange(
        &self,
        id: &SessionId,
        names: &Names,
        draft: File,
        new: &Record,
        seen: &Bytes,
    ) -> Result<Saved> {
        match self.folder.swap(&names.draft, &names.own) {
            Ok(true) => {}
            Ok(false) => {
                self.folder.discard(&names.draft);
                // It was ended, or somebody has taken the draft away.
                return match self.folder.look(&names.own)? {
                    None => Ok(Saved::Gone),
                    Some(_) => Err(disturbed(ErrorKind::Unavailable)),
                };
            }
            Err(error) => {
                self.folder.discard(&names.draft);
                return Err(while_committing(error));
            }
        }
        match self.folder.look(&names.draft) {
            Ok(Some(out)) if out.payload == *seen => {
                self.folder.discard(&names.draft);
                Ok(written(new))
            }
            // Django wrote after the look before: it has the last word.
            _ => self.put_back(id, names, draft),
        }
    }

    /// Gives what came out its name back. `ours` is what has it, if Django has not written once more.
    fn put_back(&self, id: &SessionId, names: &Names, ours: File) -> Result<Saved> {
        let mut last = ours;
        for round in 0..MOST_ROUNDS {
            // It stays open: so no other file gets its number.
            let returned = self.folder.look(&names.draft).ok().flatten();
            if !self.folder.swap(&names.draft, &names.own).map_err(while_flushing)? {
                // It was ended meanwhile, and stays that.
                self.folder.discard(&names.draft);
                return match self.load(id)? {
                    None => Ok(Saved::Gone),
                    Some(_) => Err(disturbed(ErrorKind::Unknown)),
                };
            }
            if self.folder.is(&names.draft, &last).map_err(while_flushing)? {
                self.folder.discard(&names.draft);
                if round > 0 {
                    // What was written over ours may rest on it.
                    return Err(disturbed(ErrorKind::Unknown));
                }
                return Ok(self.load(id)?.map_or(Saved::Gone, Saved::Conflict));
            }
            // Yet another, and newer than what has just got the name.
            let Some(returned) = returned else { break };
            last = returned.file;
        }
        let _ = self.folder.move_over(&names.draft, &names.own);
        Err(disturbed(ErrorKind::Unknown))
    }

    /// The time of modification is what the end counts from, so that moves; a moment of the session's own does not.
    pub(super) fn touch(&self, id: &SessionId, until: Timestamp, seen: &Bytes) -> Result<Touched> {
        let Some(names) = self.folder.names_of(id) else { return Ok(Touched::Gone) };
        let Some(there) = self.living(&names)? else { return Ok(Touched::Gone) };
        let fixed = matches!(self.expiry(&there.payload), Expiry::At(_));
        if there.payload != *seen || fixed || self.deadline(&there) >= until {
            return Ok(Touched::Skipped);
        }
        touch(&there.file, self.beginning(&there.payload, until)).map_err(while_committing)?;
        Ok(Touched::Moved(Written::at(Revision::opaque(there.payload))))
    }

    /// Under the new key the old content comes first: nobody knows that key yet, and so nobody has the new content by the old one.
    pub(super) fn rotate(
        &self,
        from: &SessionId,
        to: &SessionId,
        new: &Record,
        seen: &Bytes,
    ) -> Result<Saved> {
        let (Some(start), Some(end)) = (self.folder.names_of(from), self.folder.names_of(to)) else {
            return Ok(Saved::Gone);
        };
        let Some(there) = self.living(&start)? else { return Ok(Saved::Gone) };
        if there.payload != *seen || self.folder.changed(&end.own).map_err(while_preparing)?.is_some() {
            return Ok(Saved::Conflict(self.stored(&there)));
        }
        self.draft(&end, new)?;
        let moved = self.folder.move_to_free(&start.own, &end.own);
        match moved {
            Ok(Moved::Done) => self.finish_rotation(from, &start, &end, new, seen),
            moved => {
                self.folder.discard(&end.draft);
                match moved.map_err(while_committing)? {
                    Moved::Taken => Ok(Saved::Conflict(self.stored(&there))),
                    Moved::Done | Moved::Gone => Ok(Saved::Gone),
                }
            }
        }
    }

    fn finish_rotation(
        &self,
        from: &SessionId,
        start: &Names,
        end: &Names,
        new: &Record,
        seen: &Bytes,
    ) -> Result<Saved> {
        if matches!(self.folder.look(&end.own), Ok(Some(moved)) if moved.payload == *seen) {
            let replaced = self.folder.move_over(&end.draft, &end.own).map_err(while_flushing)?;
            return if replaced { Ok(written(new)) } else { Err(disturbed(ErrorKind::Unknown)) };
        }
        self.folder.discard(&end.draft);
        self.give_back(&end.own, &start.own)?;
        Ok(self.load(from)?.map_or(Saved::Gone, Saved::Conflict))
    }

    /// Without `seen` whatever is there, also what can't be read.
    pub(super) fn delete(&self, id: &SessionId, seen: Option<&Bytes>) -> Result<Deleted> {
        let Some(names) = self.folder.names_of(id) else { return Ok(Deleted::Absent) };
        let there = match (self.living(&names), seen) {
            (Err(error), None) if error.kind() == ErrorKind::Corrupt => None,
            (living, _) => match living? {
                None => return Ok(Deleted::Absent),
                there => there,
            },
        };
        let Some(seen) = seen else {
            let removed = self.folder.remove(&names.own).map_err(while_committing)?;
            return Ok(if there.is_some() && removed { Deleted::Ended } else { Deleted::Absent });
        };
        if let Some(there) = there.filter(|there| there.payload != *seen) {
            return Ok(Deleted::Conflict(self.stored(&there)));
        }
        self.take_away(id, &names, seen)
    }

    /// Takes a session's name away and looks at what had it: what was not seen gets it back.
    fn take_away(&self, id: &SessionId, names: &Names, seen: &Bytes) -> Result<Deleted> {
        if !self.folder.move_over(&names.own, &names.draft).map_err(while_committing)? {
            return Ok(Deleted::Absent);
        }
        if matches!(self.folder.look(&names.draft), Ok(Some(out)) if out.payload == *seen) {
            self.folder.discard(&names.draft);
            return Ok(Deleted::Ended);
        }
        self.give_back(&names.draft, &names.own)?;
        Ok(self.load(id)?.map_or(Deleted::Absent, Deleted::Conflict))
    }

    /// Gives a session that was taken away its name back, unless Django has written another there.
    pub(super) fn give_back(&self, taken: &str, own: &str) -> Result<()> {
        let moved = self.folder.move_to_free(taken, own).map_err(while_flushing)?;
        if moved == Moved::Taken {
            self.folder.discard(taken);
        }
        Ok(())
    }

    fn draft(&self, names: &Names, new: &Record) -> Result<File> {
        let modified = self.beginning(&new.payload, new.expires_at);
        self.folder.draft(&names.draft, &new.payload, modified).map_err(while_preparing)
    }

    fn living(&self, names: &Names) -> Result<Option<Kept>> {
        Ok(self.folder.look(&names.own)?.filter(|kept| self.is_alive(kept)))
    }

    fn is_alive(&self, kept: &Kept) -> bool {
        self.clock.now() < self.deadline(kept)
    }

    /// When a session ends. One that can't be read ends as if it had said nothing.
    pub(super) fn deadline(&self, kept: &Kept) -> Timestamp {
        self.lifetime.expiry_date(self.expiry(&kept.payload), kept.modified)
    }

    /// When a session with this text, which ends then, was last changed.
    fn beginning(&self, payload: &Bytes, expires_at: Timestamp) -> Timestamp {
        match self.expiry(payload) {
            Expiry::At(_) => self.clock.now(),
            expiry => expires_at.minus(self.lifetime.expiry_age(expiry, Timestamp::MIN)),
        }
    }

    fn expiry(&self, payload: &Bytes) -> Expiry {
        self.format.decode(payload).map(|session| session.expiry).unwrap_or_default()
    }

    fn stored(&self, kept: &Kept) -> Stored {
        // Whose it is the text tells, and no write has a stamp.
        let stamp = Stamp { sequence: 0, nonce: 0 };
        let record = Record::new(kept.payload.clone(), self.deadline(kept), None, stamp);
        Stored::new(record, Revision::opaque(kept.payload.clone()))
    }
}

fn written(new: &Record) -> Saved {
    Saved::Written(Written::at(Revision::opaque(new.payload.clone())))
}

/// Another program has taken part at the worst moment.
fn disturbed(kind: ErrorKind) -> Error {
    Error::new(kind, "a session's file was written or removed by others while it was being replaced")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use cloakroom_conformance::PlainFormat;
    use cloakroom_core::SystemClock;

    use super::*;
    use crate::django::Config;

    /// A site's folder in some state, and who writes there.
    struct Left {
        store: Store,
        path: tempfile::TempDir,
    }

    fn left() -> Left {
        let path = tempfile::tempdir().unwrap();
        let format: Arc<dyn SessionFormat> = Arc::new(PlainFormat);
        let folder = Folder::open(&Config::new(path.path(), Arc::clone(&format))).unwrap();
        let store = Store::new(folder, format, Lifetime::default(), Arc::new(SystemClock));
        Left { store, path }
    }

    fn id(text: &str) -> SessionId {
        SessionId::parse(text).unwrap()
    }

    fn record(payload: &'static str) -> Record {
        let end = SystemClock.now().plus(Duration::from_hours(1));
        Record::new(payload.into(), end, None, Stamp { sequence: 1, nonce: 1 })
    }

    impl Left {
        /// Django writes, as it does: over whatever is there.
        fn django_writes(&self, key: &str, text: &str) {
            let beside = self.path.path().join("beside");
            std::fs::write(&beside, text).unwrap();
            std::fs::rename(beside, self.path.path().join(format!("sessionid{key}"))).unwrap();
        }

        /// What is in the folder, by the part of its name that is no site's.
        fn there(&self) -> Vec<String> {
            let mut names = self.store.folder.names().unwrap();
            names.retain(|name| name.starts_with("sessionid"));
            let text = |name: &String| std::fs::read_to_string(self.path.path().join(name)).unwrap();
            names.iter().map(|name| format!("{}: {}", &name["sessionid".len()..], text(name))).collect()
        }
    }

    fn shown(saved: &Result<Saved>) -> String {
        match saved {
            Ok(Saved::Conflict(there)) => String::from_utf8(there.record.payload.to_vec()).unwrap(),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn what_django_writes_between_the_look_and_the_swap_is_put_back_and_shown() {
        let left = left();
        let names = left.store.folder.names_of(&id("abcdefgh")).unwrap();
        let ours = record("ours");
        let draft = left.store.draft(&names, &ours).unwrap();
        left.django_writes("abcdefgh", "django");
        let saved = left.store.exchange(&id("abcdefgh"), &names, draft, &ours, &"seen".into());
        assert_eq!((shown(&saved), left.there()), ("django".into(), vec!["abcdefgh: django".into()]));
    }

    #[test]
    fn what_django_writes_between_the_look_and_the_end_is_given_its_name_back_and_shown() {
        let left = left();
        let names = left.store.folder.names_of(&id("abcdefgh")).unwrap();
        left.django_writes("abcdefgh", "django");
        let deleted = left.store.take_away(&id("abcdefgh"), &names, &"seen".into()).unwrap();
        assert!(matches!(deleted, Deleted::Conflict(there) if there.record.payload == "django"));
        assert_eq!(left.there(), ["abcdefgh: django"]);
        assert_eq!(left.store.take_away(&id("abcdefgh"), &names, &"django".into()).unwrap(), Deleted::Ended);
        assert_eq!(left.there(), [""; 0]);
    }

    /// Ours stood there for a moment, and what Django wrote over it may rest on it.
    #[test]
    fn what_django_writes_before_something_is_put_back_stays_and_ours_is_unknown() {
        let left = left();
        let names = left.store.folder.names_of(&id("abcdefgh")).unwrap();
        let draft = left.store.draft(&names, &record("ours")).unwrap();
        left.django_writes("abcdefgh", "django");
        assert!(left.store.folder.swap(&names.draft, &names.own).unwrap());
        left.django_writes("abcdefgh", "django again");
        let saved = left.store.put_back(&id("abcdefgh"), &names, draft);
        assert_eq!(saved.unwrap_err().kind(), ErrorKind::Unknown);
        assert_eq!(left.there(), ["abcdefgh: django again"]);
    }

    #[test]
    fn what_was_ended_before_something_is_put_back_stays_ended() {
        let left = left();
        let names = left.store.folder.names_of(&id("abcdefgh")).unwrap();
        let draft = left.store.draft(&names, &record("ours")).unwrap();
        left.django_writes("abcdefgh", "django");
        assert!(left.store.folder.swap(&names.draft, &names.own).unwrap());
        assert!(left.store.folder.remove(&names.own).unwrap());
        assert_eq!(left.store.put_back(&id("abcdefgh"), &names, draft).unwrap(), Saved::Gone);
        assert_eq!(left.there(), [""; 0]);
    }

    #[test]
    fn what_was_ended_before_the_swap_stays_ended() {
        let left = left();
        let names = left.store.folder.names_of(&id("abcdefgh")).unwrap();
        let ours = record("ours");
        let draft = left.store.draft(&names, &ours).unwrap();
        let saved = left.store.exchange(&id("abcdefgh"), &names, draft, &ours, &"seen".into());
        assert_eq!((saved.unwrap(), left.there()), (Saved::Gone, Vec::new()));
    }

    /// Of a writer that died before it looked: its change stands, as if it had been acknowledged.
    #[test]
    fn a_swap_whose_writer_died_has_happened() {
        let left = left();
        let names = left.store.folder.names_of(&id("abcdefgh")).unwrap();
        left.store.create(&id("abcdefgh"), &record("old")).unwrap();
        left.store.draft(&names, &record("new")).unwrap();
        assert!(left.store.folder.swap(&names.draft, &names.own).unwrap());
        let next = left.store.save(&id("abcdefgh"), &record("next"), &"new".into());
        assert!(matches!(next, Ok(Saved::Written(_))), "{next:?}");
        assert_eq!(left.there(), ["abcdefgh: next"]);
    }

    /// It has been moved to the new key by then.
    #[test]
    fn what_django_writes_before_a_rotation_moves_it_stays_under_the_old_key() {
        for again in [false, true] {
            let left = left();
            let [from, to] = ["abcdefgh", "abczzzzz"].map(id);
            let [start, end] = [&from, &to].map(|id| left.store.folder.names_of(id).unwrap());
            left.store.draft(&end, &record("ours")).unwrap();
            left.django_writes("abczzzzz", "django");
            if again {
                left.django_writes("abcdefgh", "django again");
            }
            let saved = left.store.finish_rotation(&from, &start, &end, &record("ours"), &"seen".into());
            let stays = if again { "django again" } else { "django" };
            assert_eq!((shown(&saved), left.there()), (stays.into(), vec![format!("abcdefgh: {stays}")]));
        }
    }
}
