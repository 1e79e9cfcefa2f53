//! The contract, in files: a lock asks, a rename answers. All of it blocks.

use std::io::Read as _;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use cloakroom_core::{
    Clock, Deleted, ErrorKind, Record, Result, Saved, SessionId, Stamp, Stored, Timestamp, Touched, Written,
};

use crate::error::{foreign, while_committing, while_preparing, while_reading};
use crate::location::Location;
use crate::owners::owner_of;
use crate::root::Root;
use crate::section::{self, Search};

/// Most sessions fit, and one read is all they take.
const FIRST_READ: usize = 4096;

/// Sessions in a folder. Whoever calls what writes holds the locks of the folders concerned.
#[derive(Debug)]
pub(crate) struct Store {
    pub(crate) root: Root,
    pub(crate) clock: Arc<dyn Clock>,
    /// Where the next sweep begins.
    pub(crate) next_to_sweep: AtomicUsize,
    /// How many folders it has left of a round that an earlier one had no time to finish.
    pub(crate) left_to_sweep: AtomicUsize,
}

impl Store {
    pub(crate) fn new(root: Root, clock: Arc<dyn Clock>) -> Self {
        Self { root, clock, next_to_sweep: AtomicUsize::new(0), left_to_sweep: AtomicUsize::new(0) }
    }

    /// The living record under `id`, if that can be told at once: without a disk to wait for. Nothing if it
    /// has to be looked for by [`load`](Store::load).
    pub(crate) fn peek(&self, id: &SessionId) -> Option<Record> {
        let mut bytes = vec![0; FIRST_READ];
        let filled = self.root.peek(&Location::of(id.as_bytes()).path(), &mut bytes)?;
        match section::find(&bytes[..filled], |section| section == id.as_bytes()) {
            Search::Found(found) => Some(found.record(bytes)).filter(|record| self.is_alive(record)),
            _ => None,
        }
    }

    /// The living record under `id`. It needs no lock: what has a session's name is whole.
    pub(crate) fn load(&self, id: &SessionId) -> Result<Option<Record>> {
        let found = match self.read(id) {
            // A rotation cuts off what it has moved: who was reading that by its old name looks again.
            Err(error) if error.kind() == ErrorKind::Corrupt => self.read(id)?,
            read => read?,
        };
        Ok(found.filter(|record| self.is_alive(record)))
    }

    pub(crate) fn create(&self, id: &SessionId, new: &Record) -> Result<Saved> {
        let there = match self.read(id) {
            // Somebody's, if unreadable: it is left alone.
            Err(error) if error.kind() == ErrorKind::Corrupt => return Ok(Saved::Gone),
            read => read?,
        };
        match there {
            Some(there) if self.is_alive(&there) => Ok(unless_own(there, new)),
            dead => self.put(id, dead.as_ref(), new),
        }
    }

    pub(crate) fn save(&self, id: &SessionId, new: &Record, seen: Stamp) -> Result<Saved> {
        let Some(there) = self.living(id)? else { return Ok(Saved::Gone) };
        if there.stamp != seen || there.stamp == new.stamp {
            return Ok(unless_own(there, new));
        }
        self.put(id, Some(&there), new)
    }

    /// The file is written anew: its checksum covers the deadline, and readers hold no lock.
    pub(crate) fn touch(&self, id: &SessionId, until: Timestamp, seen: Stamp) -> Result<Touched> {
        let Some(there) = self.living(id)? else { return Ok(Touched::Gone) };
        if there.stamp != seen || there.expires_at >= until {
            return Ok(Touched::Skipped);
        }
        let mut moved = there.clone();
        moved.expires_at = until;
        self.put(id, Some(&there), &moved)?;
        Ok(Touched::Moved(Written::at(seen)))
    }

    pub(crate) fn rotate(
        &self,
        from: &SessionId,
        to: &SessionId,
        new: &Record,
        seen: Stamp,
    ) -> Result<Saved> {
        let onto = match self.read(to) {
            Err(error) if error.kind() != ErrorKind::Corrupt => return Err(error),
            // Unreadable, dead or alive: it is taken.
            read => read.map_or(Some(None), |onto| onto.map(Some)),
        };
        if let Some(Some(there)) = &onto
            && there.stamp == new.stamp
            && self.is_alive(there)
        {
            return Ok(written(new));
        }
        let Some(there) = self.living(from)? else { return Ok(Saved::Gone) };
        if there.stamp != seen || onto.is_some() {
            return Ok(Saved::Conflict(Stored::stamped(there)));
        }
        self.move_to(to, new, from, &there)
    }

    /// Without `seen` whatever is there, also what can't be read.
    pub(crate) fn delete(&self, id: &SessionId, seen: Option<Stamp>) -> Result<Deleted> {
        let there = match (self.living(id), seen) {
            (Err(error), None) if error.kind() == ErrorKind::Corrupt => None,
            (living, _) => match living? {
                None => return Ok(Deleted::Absent),
                there => there,
            },
        };
        if let (Some(there), Some(seen)) = (&there, seen)
            && there.stamp != seen
        {
            return Ok(Deleted::Conflict(Stored::stamped(there.clone())));
        }
        let location = Location::of(id.as_bytes());
        self.root.remove(&location.path()).map_err(while_committing)?;
        self.disown(&location, owner_of(there.as_ref()), None);
        Ok(if there.is_some() { Deleted::Ended } else { Deleted::Absent })
    }

    /// The record under `id`, dead or alive.
    pub(crate) fn read(&self, id: &SessionId) -> Result<Option<Record>> {
        let found = self.read_at(&Location::of(id.as_bytes()), |section| section == id.as_bytes())?;
        Ok(found.map(|(_, record)| record))
    }

    /// The session that a file is named after, dead or alive.
    pub(crate) fn read_named(&self, location: &Location) -> Result<Option<(SessionId, Record)>> {
        self.read_at(location, |section| Location::of(section) == *location)
    }

    fn read_at(
        &self,
        location: &Location,
        wanted: impl Fn(&[u8]) -> bool,
    ) -> Result<Option<(SessionId, Record)>> {
        let Some(mut file) = self.root.read(&location.path()).map_err(while_reading)? else {
            return Ok(None);
        };
        let mut bytes = vec![0; FIRST_READ];
        let mut filled = 0;
        loop {
            match section::find(&bytes[..filled], &wanted) {
                Search::Found(found) => return Ok(Some((found.id.clone(), found.record(bytes)))),
                Search::Foreign => return Err(foreign()),
                Search::Needs(length) if length > bytes.len() => {
                    // Memory is spent on what there is, not on what a damaged head claims.
                    if file.metadata().map_err(while_reading)?.len() < length as u64 {
                        return Err(foreign());
                    }
                    bytes.resize(length, 0);
                }
                Search::Needs(_) => {}
            }
            match file.read(&mut bytes[filled..]).map_err(while_reading)? {
                0 => return Err(foreign()),
                more => filled += more,
            }
        }
    }

    fn living(&self, id: &SessionId) -> Result<Option<Record>> {
        Ok(self.read(id)?.filter(|record| self.is_alive(record)))
    }

    fn is_alive(&self, record: &Record) -> bool {
        record.is_alive(self.clock.now())
    }

    /// Stores `new` in the place of what is there.
    fn put(&self, id: &SessionId, old: Option<&Record>, new: &Record) -> Result<Saved> {
        let location = Location::of(id.as_bytes());
        let mut file = Vec::new();
        section::append(&mut file, id, new)?;
        let owners = (owner_of(old), new.owner.as_deref());
        self.own(&location, owners.1, owners.0)?;
        let folder = location.folder.name();
        self.root.draft(folder, &file, new.expires_at).map_err(while_preparing)?;
        self.root.publish(folder, &location.path()).map_err(while_committing)?;
        self.disown(&location, owners.0, owners.1);
        Ok(written(new))
    }

    /// Ends `old` and starts `new` in one step.
    fn move_to(&self, to: &SessionId, new: &Record, from: &SessionId, old: &Record) -> Result<Saved> {
        let (start, end) = (Location::of(from.as_bytes()), Location::of(to.as_bytes()));
        self.own(&end, new.owner.as_deref(), None)?;
        let prepared = self.prepare_move(to, new, from, old)?;
        // Until here `from` lives, and from here on `to`.
        self.root.rename(&start.path(), &end.path()).map_err(while_committing)?;
        // What `from` was is of no use any more. If it stays, the next write leaves it out.
        let _ = prepared.file.set_len(prepared.length);
        self.disown(&start, old.owner.as_deref(), None);
        Ok(written(new))
    }

    /// Gives `from` a file that is `to`'s as soon as it is named so.
    fn prepare_move(&self, to: &SessionId, new: &Record, from: &SessionId, old: &Record) -> Result<Prepared> {
        let location = Location::of(from.as_bytes());
        let mut file = Vec::new();
        section::append(&mut file, to, new)?;
        let length = file.len() as u64;
        section::append(&mut file, from, old)?;
        let folder = location.folder.name();
        let draft = self.root.draft(folder, &file, new.expires_at).map_err(while_preparing)?;
        self.root.publish(folder, &location.path()).map_err(while_preparing)?;
        Ok(Prepared { file: draft, length })
    }
}

/// A file that can be found under two names.
struct Prepared {
    file: std::fs::File,
    /// How much of it is the new one's.
    length: u64,
}

fn written(new: &Record) -> Saved {
    Saved::Written(Written::at(new.stamp))
}

/// What is there, unless it is what was to be stored.
fn unless_own(there: Record, new: &Record) -> Saved {
    if there.stamp == new.stamp { written(new) } else { Saved::Conflict(Stored::stamped(there)) }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;
    use std::time::{Duration, Instant};

    use bytes::Bytes;
    use cloakroom_core::{ManualClock, Swept};

    use super::*;
    use crate::Config;
    use crate::location::FOLDERS;

    /// A store that was left in some state, and the two ids of a rotation in it.
    struct Left {
        store: Store,
        clock: ManualClock,
        path: std::path::PathBuf,
        from: SessionId,
        to: SessionId,
        _folder: tempfile::TempDir,
    }

    /// A session that is about to move.
    fn before_a_rotation() -> Left {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sessions");
        let clock = ManualClock::at(Timestamp::from_millis(1_000_000));
        let root = Root::open(&Config::new(&path)).unwrap();
        let store = Store::new(root, Arc::new(clock.clone()));
        let [from, to] = ["k3from", "k3to"].map(|id| SessionId::parse(id).unwrap());
        store.create(&from, &record("old", 1)).unwrap();
        Left { store, clock, path, from, to, _folder: folder }
    }

    /// Its writer died when the file with both records was in place.
    fn in_the_middle_of_a_rotation() -> Left {
        let left = before_a_rotation();
        let old = left.store.read(&left.from).unwrap().unwrap();
        left.store.prepare_move(&left.to, &record("new", 2), &left.from, &old).unwrap();
        left
    }

    /// Its writer died when the file had its new name, and the old record was still in it.
    fn at_the_end_of_a_rotation() -> Left {
        let left = in_the_middle_of_a_rotation();
        left.store.root.rename("k3/6b3366726f6d", "k3/6b33746f").unwrap();
        left
    }

    fn record(payload: &'static str, sequence: u64) -> Record {
        let stamp = Stamp { sequence, nonce: sequence };
        let end = Timestamp::from_millis(2_000_000).plus(Duration::from_secs(sequence));
        Record::new(Bytes::from_static(payload.as_bytes()), end, Some("alice".into()), stamp)
    }

    impl Left {
        /// What lives, by the place of its id, however it is read.
        fn alive(&self) -> String {
            let mut alive = String::new();
            for (place, id) in [("from ", &self.from), ("to ", &self.to)] {
                let loaded = self.store.load(id).unwrap();
                assert!(self.store.peek(id).is_none_or(|peeked| Some(&peeked) == loaded.as_ref()));
                if let Some(record) = loaded {
                    alive.push_str(place);
                    alive.push_str(str::from_utf8(&record.payload).unwrap());
                }
            }
            alive
        }

        fn sweep(&self) -> u64 {
            self.store
                .sweep(self.store.clock.now(), 10, Instant::now() + Duration::from_secs(4))
                .unwrap()
                .removed
        }

        fn length(&self, name: &str) -> u64 {
            std::fs::metadata(self.path.join(name)).unwrap().len()
        }
    }

    #[test]
    fn a_file_is_not_believed_to_be_longer_than_it_is() {
        let left = before_a_rotation();
        let path = left.path.join("k3/6b3366726f6d");
        let mut file = std::fs::read(&path).unwrap();
        // Where the length of the payload is.
        file[56..60].copy_from_slice(&(16_u32 << 20).to_be_bytes());
        std::fs::write(&path, &file).unwrap();
        let used = allocation_counter::measure(|| {
            assert_eq!(left.store.load(&left.from).unwrap_err().kind(), ErrorKind::Corrupt);
        });
        assert!(used.bytes_max < 1 << 16, "{} bytes for {}", used.bytes_max, file.len());
    }

    #[test]
    fn a_rotation_that_died_before_its_rename_has_not_happened() {
        let left = in_the_middle_of_a_rotation();
        assert_eq!(left.alive(), "from old");
        let seen = Stamp { sequence: 1, nonce: 1 };
        assert_eq!(
            left.store.save(&left.from, &record("next", 3), seen).unwrap(),
            written(&record("next", 3))
        );
        assert_eq!(left.alive(), "from next");
    }

    #[test]
    fn a_rotation_that_died_before_its_rename_can_be_asked_for_again() {
        let left = in_the_middle_of_a_rotation();
        let (new, seen) = (record("new", 2), Stamp { sequence: 1, nonce: 1 });
        for _ in 0..2 {
            assert_eq!(left.store.rotate(&left.from, &left.to, &new, seen).unwrap(), written(&new));
            assert_eq!(left.alive(), "to new");
        }
    }

    #[test]
    fn a_session_whose_rotation_died_can_be_ended() {
        let left = in_the_middle_of_a_rotation();
        assert_eq!(left.store.delete(&left.from, None).unwrap(), Deleted::Ended);
        assert_eq!(left.alive(), "");
    }

    #[test]
    fn a_session_whose_rotation_died_ends_and_is_swept_when_it_would_have() {
        let left = in_the_middle_of_a_rotation();
        left.clock.advance(record("old", 1).expires_at.since(left.clock.now()));
        assert_eq!(left.alive(), "");
        left.clock.advance(Duration::from_secs(1));
        assert_eq!(left.sweep(), 1);
        assert!(left.store.root.read("k3/6b3366726f6d").unwrap().is_none());
    }

    #[test]
    fn a_rotation_that_died_after_its_rename_has_happened() {
        let left = at_the_end_of_a_rotation();
        assert_eq!(left.alive(), "to new");
        let seen = Stamp { sequence: 1, nonce: 1 };
        let again = left.store.rotate(&left.from, &left.to, &record("new", 2), seen).unwrap();
        assert_eq!(again, written(&record("new", 2)));
        assert_eq!(left.store.delete(&left.to, None).unwrap(), Deleted::Ended);
        assert_eq!(left.alive(), "", "nothing brings the old one back");
    }

    #[test]
    fn nothing_of_the_old_record_is_left_when_a_rotation_is_through() {
        let cut_short = at_the_end_of_a_rotation();
        let left = before_a_rotation();
        let seen = Stamp { sequence: 1, nonce: 1 };
        left.store.rotate(&left.from, &left.to, &record("new", 2), seen).unwrap();
        assert!(left.length("k3/6b33746f") < cut_short.length("k3/6b33746f"));
        let again = Stamp { sequence: 2, nonce: 2 };
        cut_short.store.touch(&cut_short.to, Timestamp::MAX, again).unwrap();
        assert_eq!(
            left.length("k3/6b33746f"),
            cut_short.length("k3/6b33746f"),
            "the next write leaves it out"
        );
    }

    #[test]
    fn a_mark_whose_writer_died_is_swept_when_its_session_is_not_there() {
        let left = before_a_rotation();
        let marks = || {
            let (folder, _) = crate::owners::marks_of("alice");
            left.store.root.names(&folder).unwrap().into_iter().filter(|name| name.len() > 2).count()
        };
        left.store.own(&Location::of(left.to.as_bytes()), Some("alice"), None).unwrap();
        assert_eq!(marks(), 2);
        assert_eq!(left.sweep(), 0);
        assert_eq!((marks(), left.alive()), (1, "from old".to_owned()));
    }

    #[test]
    fn a_sweep_that_runs_out_of_time_says_so_and_the_next_goes_on() {
        let left = before_a_rotation();
        left.store.create(&SessionId::parse("zz").unwrap(), &record("late", 1)).unwrap();
        left.clock.advance(Duration::from_secs(10_000));
        let now = left.clock.now();
        assert_eq!(left.store.sweep(now, 10, Instant::now()).unwrap(), Swept { removed: 0, more: true });
        let later = Instant::now() + Duration::from_secs(4);
        assert_eq!(left.store.sweep(now, 1, later).unwrap().removed, 1);
        assert_eq!(
            left.store.sweep(now, 10, later).unwrap().removed,
            1,
            "not in the folders it was through with"
        );
        assert_eq!(left.store.sweep(now, 10, later).unwrap().removed, 0);
    }

    #[test]
    fn sweeps_that_all_run_out_of_time_come_to_an_end() {
        let left = before_a_rotation();
        left.store.delete(&left.from, None).unwrap();
        for id in ["k3", "zz"] {
            let Record { payload, expires_at, stamp, .. } = record("living", 1);
            let nobodys = Record::new(payload, expires_at, None, stamp);
            left.store.create(&SessionId::parse(id).unwrap(), &nobodys).unwrap();
        }
        let more = || left.store.sweep(left.clock.now(), 10, Instant::now()).unwrap().more;
        assert!((0..10).any(|_| !more()));
    }

    /// The next sweep begins with the marks.
    fn before_its_marks() -> Left {
        let left = before_a_rotation();
        left.store.next_to_sweep.store(FOLDERS, Ordering::Relaxed);
        left
    }

    #[test]
    fn a_sweep_that_runs_out_of_time_over_living_marks_ends_there() {
        let left = before_its_marks();
        let swept = left.store.sweep(left.clock.now(), 10, Instant::now()).unwrap();
        assert_eq!(swept, Swept { removed: 0, more: true });
        assert!(left.store.next_to_sweep.load(Ordering::Relaxed) > FOLDERS, "it came round to the sessions");
    }

    #[test]
    fn marks_that_can_not_be_swept_are_told_of_when_no_session_is_left_to_count() {
        let left = before_its_marks();
        std::fs::write(left.path.join("owners/000"), "no folder").unwrap();
        left.clock.advance(Duration::from_secs(10_000));
        let sweep =
            |limit| left.store.sweep(left.clock.now(), limit, Instant::now() + Duration::from_secs(4));
        left.store.create(&SessionId::parse("zz").unwrap(), &record("late", 1)).unwrap();
        assert_eq!(sweep(1).unwrap().removed, 1);
        assert_eq!(sweep(1).unwrap().removed, 1);
        assert_eq!(sweep(1).unwrap_err().kind(), ErrorKind::Unavailable);
    }

    #[test]
    fn a_folder_that_can_not_be_swept_keeps_the_next_sweep_from_no_other() {
        let left = before_a_rotation();
        std::fs::write(left.path.join("ab"), "no folder").unwrap();
        left.clock.advance(Duration::from_secs(10_000));
        for living in [true, false] {
            let later = Instant::now() + Duration::from_secs(4);
            let error = left.store.sweep(left.clock.now(), 10, later).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unavailable);
            assert_eq!(left.store.root.read("k3/6b3366726f6d").unwrap().is_some(), living);
        }
    }
}
