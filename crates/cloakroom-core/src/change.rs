//! What one request did to its session, kept as changes so that it can be done again to what
//! another request has stored meanwhile.

use bytes::Bytes;

use crate::content::Content;
use crate::data::Piece;
use crate::{Expiry, Timestamp};

#[derive(Clone, Debug)]
pub(crate) enum Change {
    Clear,
    Set(String, Bytes),
    Remove(String),
    Expire(Expiry),
    Login(Login),
    /// The login is bound to this from now on.
    Prove(Bytes),
    /// A new key, and nothing else.
    Cycle,
    /// Nothing, but it is to be stored.
    Mark,
}

#[derive(Clone, Debug)]
pub(crate) struct Login {
    pub(crate) user: String,
    pub(crate) at: Timestamp,
    pub(crate) proof: Option<Bytes>,
    /// Nothing of what was there is theirs.
    pub(crate) afresh: bool,
}

/// Where a request comes from, as far as that is known.
#[derive(Clone, Debug, Default)]
pub(crate) struct Origin {
    pub(crate) user_agent: Option<Bytes>,
    pub(crate) address: Option<Bytes>,
}

impl Origin {
    /// Keeps it with a session.
    pub(crate) fn note(&self, content: &mut Content) {
        content.head.user_agent = self.user_agent.clone().map(Piece::Own);
        content.head.address = self.address.clone().map(Piece::Own);
    }
}

impl Change {
    /// Does it to a session.
    pub(crate) fn apply(&self, content: &mut Content) {
        match self {
            Self::Clear => content.data.clear(),
            Self::Set(name, value) => content.data.set(name, value.clone()),
            Self::Remove(name) => content.data.remove(name),
            Self::Expire(expiry) => content.head.expiry = *expiry,
            Self::Login(login) => {
                // Or somebody else's session has come to be what it is applied to, by an answer that was late.
                let owned = content.is_somebodys();
                let same = content.owner.as_deref() == Some(&login.user)
                    && content.proof().map(str::as_bytes) == login.proof.as_deref();
                if login.afresh || owned && !same {
                    *content = Content::new(login.at);
                }
                content.owner = Some(login.user.clone());
                content.head.authenticated_at = Some(login.at);
                content.head.proof = login.proof.clone().map(Piece::Own);
            }
            Self::Prove(proof) => content.head.proof = Some(Piece::Own(proof.clone())),
            Self::Cycle | Self::Mark => {}
        }
    }

    /// Whether `later` leaves nothing of it.
    fn is_undone_by(&self, later: &Self) -> bool {
        match (self, later) {
            (_, Self::Login(login)) if login.afresh => true,
            // What it has dropped stays dropped.
            (Self::Login(login), Self::Login(_)) => !login.afresh,
            (Self::Set(..) | Self::Remove(_) | Self::Clear, Self::Clear)
            | (Self::Expire(_), Self::Expire(_))
            | (Self::Prove(_), Self::Prove(_) | Self::Login(_))
            | (Self::Cycle, Self::Cycle)
            | (Self::Mark, Self::Mark) => true,
            (Self::Set(name, _) | Self::Remove(name), Self::Remove(later)) => name == later,
            _ => false,
        }
    }
}

/// Changes in the order they were made, each with the moment it was made in: a commit takes what
/// was there when it began and leaves what came meanwhile.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    log: Vec<(u64, Change)>,
    made: u64,
}

impl Changes {
    pub(crate) fn record(&mut self, change: Change) {
        self.made += 1;
        let made = self.made;
        if let Change::Set(name, value) = change {
            // A name set twice keeps its first place in the order, as it does in the data. But a login may drop what was set
            // before it, and nothing that was set after it.
            let login = self.log.iter().rposition(|(_, earlier)| matches!(earlier, Change::Login(_)));
            let since = login.map_or(0, |login| login + 1);
            let known = self.log[since..]
                .iter_mut()
                .find(|(_, earlier)| matches!(earlier, Change::Set(set, _) if *set == name));
            match known {
                Some(entry) => *entry = (made, Change::Set(name, value)),
                None => self.log.push((made, Change::Set(name, value))),
            }
        } else {
            self.log.retain(|(_, earlier)| !earlier.is_undone_by(&change));
            self.log.push((made, change));
        }
    }

    /// The moment of the last change so far.
    pub(crate) fn now(&self) -> u64 {
        self.made
    }

    /// Does them all to `content`, up to those made at `until`.
    pub(crate) fn apply(&self, content: &mut Content, until: u64) {
        for (made, change) in &self.log {
            if *made <= until {
                change.apply(content);
            }
        }
    }

    /// Forgets those made until then: they are stored.
    pub(crate) fn stored(&mut self, until: u64) {
        self.log.retain(|(made, _)| *made > until);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.log.is_empty()
    }

    pub(crate) fn forget(&mut self) {
        self.log.clear();
    }

    /// What they ask for besides what they do to the content.
    pub(crate) fn wishes(&self) -> Wishes {
        let any = |asks: fn(&Change) -> bool| self.log.iter().any(|(_, change)| asks(change));
        Wishes {
            rotate: any(|change| matches!(change, Change::Cycle | Change::Login(_))),
            login: any(|change| matches!(change, Change::Login(_))),
            expire: any(|change| matches!(change, Change::Expire(_))),
            store: any(|change| matches!(change, Change::Mark)),
        }
    }
}

/// What changes ask for besides what they do to the content.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts")]
pub(crate) struct Wishes {
    /// A new key.
    pub(crate) rotate: bool,
    /// Somebody logs in.
    pub(crate) login: bool,
    /// The browser hears of the end that was set.
    pub(crate) expire: bool,
    /// It is stored although nothing else was changed.
    pub(crate) store: bool,
}

impl Wishes {
    /// Whether that takes a write.
    pub(crate) fn any(self) -> bool {
        self.rotate || self.expire || self.store
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(name: &str, value: &'static str) -> Change {
        Change::Set(name.into(), value.into())
    }

    fn names(content: &Content) -> Vec<String> {
        content
            .data
            .iter()
            .map(|(name, value)| format!("{name}={}", String::from_utf8_lossy(value)))
            .collect()
    }

    #[test]
    fn replaying_changes_gives_what_making_them_gave() {
        let made = [
            set("a", "1"),
            set("b", "2"),
            Change::Remove("a".into()),
            set("a", "3"),
            set("b", "4"),
            Change::Cycle,
        ];
        let (mut one_by_one, mut replayed) = (Content::new(Timestamp::MIN), Content::new(Timestamp::MIN));
        let mut changes = Changes::default();
        for change in made {
            change.apply(&mut one_by_one);
            changes.record(change);
        }
        changes.apply(&mut replayed, changes.now());
        assert_eq!(names(&replayed), names(&one_by_one));
    }

    #[test]
    fn a_removal_is_remembered_when_the_name_comes_back_from_elsewhere() {
        let mut changes = Changes::default();
        changes.record(Change::Remove("a".into()));
        let mut content = Content::new(Timestamp::MIN);
        content.data.set("a", Bytes::from_static(b"1"));
        changes.apply(&mut content, changes.now());
        assert_eq!(names(&content), Vec::<String>::new());
    }

    #[test]
    fn what_is_changed_while_a_commit_runs_stays_for_the_next() {
        let mut changes = Changes::default();
        changes.record(set("a", "1"));
        let began = changes.now();
        changes.record(set("a", "2"));
        changes.record(set("b", "2"));
        changes.stored(began);
        let mut content = Content::new(Timestamp::MIN);
        changes.apply(&mut content, changes.now());
        assert_eq!(names(&content), ["a=2", "b=2"]);
    }

    fn login(user: &str, afresh: bool) -> Change {
        Change::Login(Login { user: user.to_owned(), at: Timestamp::MIN, proof: None, afresh })
    }

    fn made(log: impl IntoIterator<Item = Change>) -> Changes {
        let mut changes = Changes::default();
        log.into_iter().for_each(|change| changes.record(change));
        changes
    }

    #[test]
    fn what_is_set_after_a_login_is_not_dropped_by_it() {
        let changes = made([set("a", "1"), login("bob", false), set("a", "2")]);
        let mut alices = Content::new(Timestamp::MIN);
        login("alice", false).apply(&mut alices);
        changes.apply(&mut alices, changes.now());
        assert_eq!(names(&alices), ["a=2"]);
    }

    #[test]
    fn what_a_login_has_dropped_stays_dropped_if_its_user_logs_in_once_more() {
        let changes = made([login("bob", false), login("alice", true), login("alice", false)]);
        let mut anonymous = Content::new(Timestamp::MIN);
        anonymous.data.set("a", Bytes::from_static(b"1"));
        changes.apply(&mut anonymous, changes.now());
        assert_eq!(names(&anonymous), Vec::<String>::new());
    }

    #[test]
    fn a_name_set_a_thousand_times_is_one_change() {
        let mut changes = Changes::default();
        (0..1_000).for_each(|_| changes.record(set("a", "1")));
        assert_eq!(changes.log.len(), 1);
    }
}
