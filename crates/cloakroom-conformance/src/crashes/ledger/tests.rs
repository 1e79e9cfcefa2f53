//! A visitor who has put something in, and what a check says once a note or the store is false.

use bytes::Bytes;
use cloakroom_core::{Stamp, Timestamp};

use super::*;

/// The visitor's number. Even: its list is looked at as well.
const NUMBER: u32 = 2;

struct Place {
    backend: Arc<dyn SessionBackend>,
    session: Session,
    ledger: Ledger,
}

impl Place {
    /// A visitor has come and put something in, and so it was noted.
    async fn new() -> Self {
        let backend: Arc<dyn SessionBackend> = Arc::new(Memory::new());
        let session = Sessions::new(Arc::clone(&backend)).load(None).await.unwrap();
        session.insert(VISITOR, NUMBER).unwrap();
        session.insert("p1", true).unwrap();
        session.insert(COUNT, 1).unwrap();
        session.save().await.unwrap();
        let mut place = Self { backend, session, ledger: Ledger::default() };
        place.notes(Deed::Comes, Word::Did(place.session.key()));
        place.notes(Deed::Puts("p1".to_owned()), Word::Did(None));
        place
    }

    fn notes(&mut self, deed: Deed, word: Word) {
        self.ledger.note(Note { visitor: NUMBER, deed, word });
    }

    /// Logs the visitor in, as itself, and notes nothing.
    async fn log_in(&self) -> SessionKey {
        self.session.insert("l1", true).unwrap();
        self.session.login(&user(NUMBER)).unwrap();
        self.session.save().await.unwrap();
        self.session.key().unwrap()
    }

    /// Stores a record as nobody does who keeps sessions.
    async fn smuggle(&self, record: &Record) {
        let key = SessionKey::generate(Addressing::Hashed).unwrap();
        self.backend.create(&key.id(), record).await.unwrap();
    }

    async fn record(&self) -> Record {
        listed(&self.backend).await.remove(0).1.record
    }

    async fn violations(&mut self, writers: Writers) -> String {
        self.ledger.violations(&self.backend, writers).await.join("; ")
    }

    /// What is wrong with it, now that all have ended.
    async fn wrong(mut self) -> String {
        self.violations(Writers::Ended).await
    }
}

fn login() -> Deed {
    Deed::LogsIn("l1".to_owned())
}

fn another_put() -> Deed {
    Deed::Puts("p2".to_owned())
}

#[tokio::test]
async fn what_is_as_it_was_noted_violates_nothing() {
    let mut place = Place::new().await;
    let key = place.log_in().await;
    place.notes(login(), Word::Did(Some(key)));
    assert_eq!(place.wrong().await, "");
}

#[tokio::test]
async fn what_may_have_been_done_violates_nothing_and_is_settled_by_the_first_look() {
    let mut place = Place::new().await;
    place.notes(another_put(), Word::Tries);
    assert_eq!(place.violations(Writers::Ended).await, "");
    place.session.insert("p2", true).unwrap();
    place.session.insert(COUNT, 2).unwrap();
    place.session.save().await.unwrap();
    assert_eq!(place.wrong().await, "visitor 2: p2 was refused and is there");
}

#[tokio::test]
#[should_panic(expected = "1 violations:\nvisitor 2: p2 was acknowledged and is not there")]
async fn a_check_fails_over_a_violation() {
    let mut place = Place::new().await;
    place.notes(another_put(), Word::Did(None));
    place.ledger.check(&place.backend, Writers::Ended).await;
}

#[tokio::test]
async fn a_lost_session_is_a_violation() {
    let place = Place::new().await;
    place.backend.delete(&place.session.key().unwrap().id(), None).await.unwrap();
    assert_eq!(place.wrong().await, "visitor 2: the session is gone");
}

#[tokio::test]
async fn what_was_done_though_it_was_refused_is_a_violation() {
    let mut place = Place::new().await;
    place.notes(Deed::Puts("p1".to_owned()), Word::DidNot);
    assert_eq!(place.wrong().await, "visitor 2: p1 was refused and is there");
}

#[tokio::test]
async fn what_nobody_put_in_is_a_violation() {
    let place = Place::new().await;
    place.session.insert("l9", true).unwrap();
    place.session.save().await.unwrap();
    assert_eq!(place.wrong().await, "visitor 2: l9 was never put in");
}

#[tokio::test]
async fn what_is_counted_twice_is_a_violation() {
    let place = Place::new().await;
    place.session.update(COUNT, |n: &mut u64| *n += 1).await.unwrap();
    assert_eq!(place.wrong().await, "visitor 2: 2 were counted, and 1 are there");
}

#[tokio::test]
async fn a_session_that_is_back_after_its_logout_is_a_violation() {
    let mut place = Place::new().await;
    place.notes(Deed::Leaves, Word::Did(None));
    assert_eq!(place.wrong().await, "visitor 2: the session is back after a logout");
}

#[tokio::test]
async fn a_session_that_lives_twice_is_a_violation() {
    let place = Place::new().await;
    place.smuggle(&place.record().await).await;
    assert_eq!(place.wrong().await, "visitor 2: 2 sessions, where there must be one");
}

#[tokio::test]
async fn a_session_under_the_key_that_a_login_replaced_is_a_violation() {
    let mut place = Place::new().await;
    place.notes(login(), Word::Did(Some(SessionKey::generate(Addressing::Hashed).unwrap())));
    let wrong = place.wrong().await;
    let expected = "visitor 2: it lives under a key that was replaced; \
                    visitor 2: l1 was acknowledged and is not there";
    assert_eq!(wrong, expected);
}

#[tokio::test]
async fn a_session_under_a_key_that_nobody_was_told_is_a_violation_unless_a_login_was_cut_short() {
    let mut place = Place::new().await;
    place.log_in().await;
    place.notes(login(), Word::Tries);
    assert_eq!(place.violations(Writers::MayGoOn).await, "");
    place.ledger.visitors.get_mut(&NUMBER).unwrap().moving = false;
    assert_eq!(place.wrong().await, "visitor 2: it lives under a key that nobody was told");
}

#[tokio::test]
async fn a_session_whose_key_nobody_knows_is_ended_by_the_look_that_finds_it() {
    let mut place = Place::new().await;
    place.log_in().await;
    place.notes(login(), Word::Tries);
    assert_eq!(place.violations(Writers::Ended).await, "");
    assert_eq!(listed(&place.backend).await.len(), 0);
}

#[tokio::test]
async fn somebody_else_who_is_logged_in_is_a_violation() {
    let mut place = Place::new().await;
    place.session.login("mallory").unwrap();
    place.session.save().await.unwrap();
    place.notes(Deed::Comes, Word::Did(place.session.key()));
    assert_eq!(place.wrong().await, "visitor 2: somebody else is logged in");
}

#[tokio::test]
async fn a_record_of_nobody_is_a_violation() {
    let place = Place::new().await;
    let stamp = Stamp { sequence: 1, nonce: 1 };
    place.smuggle(&Record::new(Bytes::from_static(b"garbage"), Timestamp::MAX, None, stamp)).await;
    assert_eq!(place.wrong().await, "a record does not decode, or is nobody's");
}

#[tokio::test]
async fn a_session_of_a_visitor_who_never_came_is_a_violation() {
    let mut place = Place::new().await;
    place.ledger = Ledger::default();
    assert_eq!(place.wrong().await, "visitor 2 never came, or left long ago, and has a session");
}

#[tokio::test]
async fn what_fails_is_told_beside_what_was_found_before() {
    let mut place = Place::new().await;
    place.notes(another_put(), Word::Did(None));
    place.session.insert(COUNT, "many").unwrap();
    place.session.save().await.unwrap();
    let wrong = place.wrong().await;
    let expected = "visitor 2: p2 was acknowledged and is not there; visitor 2: the store fails: ";
    assert!(wrong.starts_with(expected), "{wrong}");
}
