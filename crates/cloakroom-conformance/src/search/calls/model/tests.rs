//! Of each clause an answer that keeps it, which is explained, and one that breaks it, which is not.

use super::super::super::order::{Entry, Verdict, judge};
use super::*;

const HOUR: i64 = 3_600_000;

/// A record that lives for an hour, by its stamp.
fn kept(stamp: u64) -> Kept {
    Kept { payload: Bytes::new(), ends: HOUR, owner: None, stamp: (stamp, stamp) }
}

fn owned(stamp: u64, owner: &str) -> Kept {
    Kept { owner: Some(owner.to_owned()), ..kept(stamp) }
}

fn create(stamp: u64, answer: Answer) -> Event {
    Event { call: Call::Create { id: 0, new: kept(stamp) }, answer }
}

fn save(stamp: u64, seen: u64, answer: Answer) -> Event {
    Event { call: Call::Save { id: 0, new: kept(stamp), seen: (seen, seen) }, answer }
}

fn touch(until: i64, seen: u64, answer: Answer) -> Event {
    Event { call: Call::Touch { id: 0, until, seen: (seen, seen) }, answer }
}

fn rotate(stamp: u64, seen: u64, answer: Answer) -> Event {
    Event { call: Call::Rotate { from: 0, to: 1, new: kept(stamp), seen: (seen, seen) }, answer }
}

fn delete(seen: Option<u64>, answer: Answer) -> Event {
    Event { call: Call::Delete { id: 0, seen: seen.map(|seen| (seen, seen)) }, answer }
}

fn load(id: Id, found: Option<Kept>) -> Event {
    Event { call: Call::Load { id, copied: false }, answer: Answer::Found(found) }
}

fn stored() -> Event {
    create(1, Answer::Written)
}

/// Each at its time, one after the other.
fn timed<const N: usize>(events: [(i64, Event); N]) -> bool {
    let entries = events.into_iter().enumerate().map(|(at, (time, event))| {
        let when = Span { from: time, to: time };
        Entry { event, begun: 2 * at, ended: Some(2 * at + 1), certain: true, when }
    });
    judge(&Store::empty(true), &entries.collect::<Vec<_>>()) == Verdict::Explained
}

fn in_turn<const N: usize>(events: [Event; N]) -> bool {
    timed(events.map(|event| (0, event)))
}

#[test]
fn a_create_never_overwrites_and_knows_its_own_write() {
    assert!(in_turn([stored(), create(2, Answer::Conflict(kept(1))), load(0, Some(kept(1)))]));
    assert!(!in_turn([stored(), create(2, Answer::Written)]));
    assert!(in_turn([stored(), create(1, Answer::Written)]));
    assert!(!in_turn([stored(), create(1, Answer::Conflict(kept(1)))]));
}

#[test]
fn a_save_stores_over_what_was_seen_and_nothing_else() {
    assert!(in_turn([stored(), save(2, 1, Answer::Written), load(0, Some(kept(2)))]));
    assert!(!in_turn([stored(), save(2, 1, Answer::Written), load(0, Some(kept(1)))]), "it was not stored");
    assert!(in_turn([stored(), save(2, 9, Answer::Conflict(kept(1))), load(0, Some(kept(1)))]));
    assert!(!in_turn([stored(), save(2, 9, Answer::Written)]));
    assert!(!in_turn([stored(), save(2, 9, Answer::Conflict(kept(3)))]), "that is not there");
    assert!(in_turn([save(2, 1, Answer::Gone)]));
    assert!(!in_turn([save(2, 1, Answer::Written)]), "it inserts");
}

#[test]
fn a_repeated_save_is_one() {
    assert!(in_turn([stored(), save(2, 1, Answer::Written), save(2, 1, Answer::Written)]));
    assert!(!in_turn([stored(), save(2, 1, Answer::Written), save(2, 1, Answer::Conflict(kept(2)))]));
}

#[test]
fn a_touch_moves_forward_and_changes_nothing_else() {
    let later = Kept { ends: 2 * HOUR, ..kept(1) };
    assert!(in_turn([stored(), touch(2 * HOUR, 1, Answer::Moved), load(0, Some(later.clone()))]));
    assert!(!in_turn([stored(), touch(2 * HOUR, 1, Answer::Moved), load(0, Some(kept(1)))]));
    let rewritten = Kept { stamp: (2, 2), ..later };
    assert!(!in_turn([stored(), touch(2 * HOUR, 1, Answer::Moved), load(0, Some(rewritten))]));
    assert!(in_turn([stored(), touch(HOUR / 2, 1, Answer::Skipped)]));
    assert!(!in_turn([stored(), touch(HOUR / 2, 1, Answer::Moved)]), "backwards");
    assert!(!in_turn([stored(), touch(2 * HOUR, 9, Answer::Moved)]), "over what was not seen");
}

#[test]
fn a_rotation_ends_the_one_and_starts_the_other() {
    let rotated = || rotate(2, 1, Answer::Written);
    assert!(in_turn([stored(), rotated(), load(0, None), load(1, Some(kept(2)))]));
    assert!(!in_turn([stored(), rotated(), load(0, Some(kept(1)))]), "the old one lives");
    assert!(!in_turn([stored(), rotated(), load(1, None)]), "the new one does not");
    assert!(in_turn([stored(), rotated(), rotated()]), "it knows its own write");
    assert!(in_turn([rotate(2, 1, Answer::Gone)]));
    assert!(!in_turn([rotated()]), "it revives");
    assert!(!in_turn([stored(), rotate(2, 9, Answer::Written)]), "of what was not seen");
}

#[test]
fn a_delete_ends_once_and_only_what_was_seen() {
    assert!(in_turn([stored(), delete(None, Answer::Ended), delete(None, Answer::Absent), load(0, None)]));
    assert!(!in_turn([stored(), delete(None, Answer::Ended), delete(None, Answer::Ended)]));
    assert!(!in_turn([stored(), delete(None, Answer::Ended), load(0, Some(kept(1)))]));
    assert!(in_turn([stored(), delete(Some(9), Answer::Conflict(kept(1))), load(0, Some(kept(1)))]));
    assert!(!in_turn([stored(), delete(Some(9), Answer::Ended)]));
}

#[test]
fn a_record_is_absent_from_its_deadline_on_and_not_before() {
    assert!(timed([(0, stored()), (HOUR - 1, load(0, Some(kept(1)))), (HOUR, load(0, None))]));
    assert!(!timed([(0, stored()), (HOUR, load(0, Some(kept(1))))]));
    assert!(!timed([(0, stored()), (HOUR - 1, load(0, None))]));
    assert!(!timed([(0, stored()), (HOUR, save(2, 1, Answer::Written))]));
    let revision = |shown| Event { call: Call::Revision { id: 0 }, answer: Answer::Revision(shown) };
    assert!(timed([(0, stored()), (1, revision(Some(((1, 1), HOUR)))), (HOUR, revision(None))]));
    assert!(!timed([(0, stored()), (1, revision(None))]));
}

#[test]
fn a_create_under_the_id_of_a_dead_record_may_find_it_taken() {
    for answer in [Answer::Written, Answer::Gone] {
        assert!(timed([(0, stored()), (HOUR, create(2, answer))]));
    }
    assert!(!in_turn([create(2, Answer::Gone)]), "there never was one");
}

#[test]
fn a_sweep_takes_no_more_than_its_limit_and_nobody_who_lives() {
    let sweep = |swept| Event { call: Call::Sweep { limit: 1 }, answer: Answer::Swept(swept) };
    assert!(in_turn([stored(), sweep(1), load(0, Some(kept(1)))]));
    assert!(!in_turn([stored(), sweep(2)]));
    assert!(!in_turn([stored(), sweep(1), load(0, None)]));
}

#[test]
fn a_listing_shows_an_owners_first_ones_and_nobody_elses() {
    let put = |id, owner| Event { call: Call::Create { id, new: owned(1, owner) }, answer: Answer::Written };
    let listed = |page: &[(Id, Kept)]| {
        let call = Call::Of { owner: "alice".to_owned(), after: None, alone: true };
        Event { call, answer: Answer::Listed(page.to_vec()) }
    };
    let (first, second) = ((0, owned(1, "alice")), (2, owned(1, "alice")));
    let of = |page: &[(Id, Kept)]| in_turn([put(0, "alice"), put(1, "bob"), put(2, "alice"), listed(page)]);
    assert!(of(&[first.clone(), second.clone()]));
    assert!(of(std::slice::from_ref(&first)), "a page");
    assert!(!of(&[second]), "the first is missing");
    assert!(!of(&[]));
    assert!(!of(&[first, (1, owned(1, "bob"))]));
}

#[test]
fn what_was_lost_may_be_done_or_not() {
    for found in [None, Some(kept(1))] {
        let lost = Entry {
            event: create(1, Answer::Lost),
            begun: 0,
            ended: Some(1),
            certain: false,
            when: Span { from: 0, to: 0 },
        };
        let look = Entry { event: load(0, found), begun: 2, ended: Some(3), certain: true, ..lost.clone() };
        assert_eq!(judge(&Store::empty(true), &[lost, look]), Verdict::Explained);
    }
}
