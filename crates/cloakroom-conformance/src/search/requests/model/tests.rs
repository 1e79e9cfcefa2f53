//! Of each promise a history that keeps it, which is explained, and one that breaks it, which is not.

use super::super::super::order::{Entry, Verdict, judge};
use super::*;

const IDLE: Duration = Duration::from_hours(2);
const ALICE: Option<&str> = Some("alice");
const SET: Edit = Edit::Set("a", 1);
const COUNT: Edit = Edit::Increment("a");
const LOGIN: Edit = Edit::Login("alice");

fn view(a: i64) -> View {
    View { data: BTreeMap::from([("a", a)]), ..View::default() }
}

fn alices(a: i64) -> View {
    View { user: ALICE, ..view(a) }
}

fn commit(from: Option<usize>, edits: &[Edit], outcome: Outcome) -> Event {
    Event::Commit { key: from.map(Key::Told), sent: Vec::new(), ways: vec![edits.to_vec()], outcome }
}

fn stores(from: Option<usize>, edits: &[Edit], to: usize, view: View) -> Event {
    commit(from, edits, Outcome::Done { key: Some(Key::Told(to)), view, waits: Vec::new() })
}

fn begins() -> Event {
    stores(None, &[SET], 0, view(1))
}

fn reads(key: usize, found: Option<View>) -> Event {
    Event::Read { key: Key::Told(key), found }
}

fn ends(key: usize, told: bool) -> Event {
    Event::End { key: Key::Told(key), told }
}

fn entry(event: Event, begun: usize, ended: usize, minutes: i64) -> Entry<Event> {
    let at = minutes * 60_000;
    Entry { event, begun, ended: Some(ended), certain: true, when: Span { from: at, to: at } }
}

fn is_explained(idle: Option<Duration>, entries: &[Entry<Event>]) -> bool {
    judge(&World::new(idle), entries) == Verdict::Explained
}

/// One after the other, each at its minute.
fn timed<const N: usize>(idle: Option<Duration>, events: [(i64, Event); N]) -> bool {
    let entries = events.into_iter().enumerate();
    let entries: Vec<_> =
        entries.map(|(at, (minutes, event))| entry(event, 2 * at, 2 * at + 1, minutes)).collect();
    is_explained(idle, &entries)
}

fn in_turn<const N: usize>(events: [Event; N]) -> bool {
    timed(None, events.map(|event| (0, event)))
}

/// The first, the last, and all others between them at once.
fn at_once<const N: usize>(events: [Event; N]) -> bool {
    let moments = |at| match at {
        0 => (0, 1),
        _ if at == N - 1 => (4, 5),
        _ => (2, 3),
    };
    let entries = events.into_iter().enumerate();
    let entries: Vec<_> = entries.map(|(at, event)| entry(event, moments(at).0, moments(at).1, 0)).collect();
    is_explained(None, &entries)
}

#[test]
fn of_two_updates_at_once_both_count() {
    let [one, other] = [2, 3].map(|a| stores(Some(0), &[COUNT], 0, view(a)));
    assert!(at_once([begins(), other.clone(), one.clone(), reads(0, Some(view(3)))]));
    assert!(!at_once([begins(), other, one.clone(), reads(0, Some(view(2)))]));
    assert!(!at_once([begins(), one.clone(), one, reads(0, Some(view(2)))]));
}

#[test]
fn what_two_requests_put_under_different_names_both_survives() {
    let also = |b: &[(&'static str, i64)]| View { data: b.iter().copied().collect(), ..View::default() };
    let [b, c] = [Edit::Set("b", 2), Edit::Set("c", 3)];
    let first = stores(Some(0), &[b], 0, also(&[("a", 1), ("b", 2)]));
    let all = also(&[("a", 1), ("b", 2), ("c", 3)]);
    assert!(at_once([begins(), first.clone(), stores(Some(0), &[c], 0, all.clone()), reads(0, Some(all))]));
    let lost = also(&[("a", 1), ("c", 3)]);
    assert!(!at_once([begins(), first, stores(Some(0), &[c], 0, lost.clone()), reads(0, Some(lost))]));
}

#[test]
fn what_has_ended_stays_so() {
    assert!(in_turn([begins(), ends(0, true), reads(0, None)]));
    assert!(!in_turn([begins(), ends(0, true), reads(0, Some(view(1)))]));
    assert!(!in_turn([begins(), ends(0, true), stores(Some(0), &[COUNT], 0, view(2))]));
    assert!(!in_turn([begins(), ends(0, true), stores(None, &[SET], 0, view(1))]));
}

#[test]
fn what_lives_is_found() {
    assert!(in_turn([begins(), reads(0, Some(view(1)))]));
    assert!(!in_turn([begins(), reads(0, None)]));
}

#[test]
fn a_visitor_is_told_of_an_end_by_who_has_ended_a_living_session() {
    assert!(in_turn([begins(), ends(0, true)]));
    assert!(in_turn([begins(), ends(0, true), ends(0, false)]));
    assert!(!in_turn([begins(), ends(0, false), ends(0, true)]));
}

#[test]
fn only_who_has_lost_the_session_is_interrupted() {
    let interrupted = commit(Some(0), &[COUNT], Outcome::Interrupted);
    assert!(in_turn([begins(), ends(0, false), interrupted.clone()]));
    assert!(!in_turn([begins(), interrupted]));
}

#[test]
fn a_login_has_a_new_key_and_the_old_one_is_dead() {
    let login = stores(Some(0), &[LOGIN], 1, alices(1));
    assert!(in_turn([begins(), login.clone(), reads(0, None), reads(1, Some(alices(1)))]));
    assert!(!in_turn([begins(), login, reads(0, Some(view(1)))]));
    assert!(!in_turn([begins(), stores(Some(0), &[LOGIN], 0, alices(1))]));
    assert!(!in_turn([begins(), stores(Some(0), &[COUNT], 1, view(2))]), "nothing else brings one");
}

#[test]
fn another_users_login_keeps_nothing() {
    let bobs = |view| stores(Some(1), &[Edit::Login("bob")], 2, view);
    let login = stores(Some(0), &[LOGIN], 1, alices(1));
    assert!(in_turn([begins(), login.clone(), bobs(View { user: Some("bob"), ..View::default() })]));
    assert!(!in_turn([begins(), login, bobs(View { user: Some("bob"), ..view(1) })]));
}

/// A commit of unknown outcome, and a later one that finds out.
fn after_a_loss(a: i64) -> bool {
    let lost = commit(Some(0), &[COUNT], Outcome::Lost(1));
    let sent = vec![Sent { number: 1, edits: Vec::new() }];
    let done = Outcome::Done { key: Some(Key::Told(0)), view: view(a), waits: Vec::new() };
    let next = Event::Commit { key: Some(Key::Told(0)), sent, ways: vec![vec![COUNT]], outcome: done };
    let unknown = Entry { certain: false, ended: None, ..entry(lost, 2, 3, 0) };
    let rest = [entry(next, 4, 5, 0), entry(reads(0, Some(view(a))), 6, 7, 0)];
    is_explained(None, &[[entry(begins(), 0, 1, 0), unknown].as_slice(), &rest].concat())
}

#[test]
fn what_was_lost_counts_once_or_not_at_all() {
    assert!(after_a_loss(2), "not done");
    assert!(after_a_loss(3), "done");
    assert!(!after_a_loss(4), "done twice");
    assert!(!after_a_loss(1), "neither");
}

#[test]
fn what_was_found_done_is_told_under_a_key_of_its_own() {
    let lost = commit(Some(0), &[LOGIN], Outcome::Lost(1));
    let unknown = Entry { certain: false, ended: None, ..entry(lost, 2, 3, 0) };
    let found = |sent| entry(Event::Found { sent: vec![sent], key: Key::Told(1) }, 4, 5, 0);
    let then = |key, found| entry(reads(key, found), 6, 7, 0);
    let begun = entry(begins(), 0, 1, 0);
    let all = |a, b| is_explained(None, &[begun.clone(), unknown.clone(), a, b]);
    assert!(all(found(1), then(1, Some(alices(1)))));
    assert!(!all(found(1), then(0, Some(view(1)))), "that key is replaced");
    assert!(!all(found(2), then(1, Some(alices(1)))), "nothing of the kind was sent");
}

#[test]
fn what_another_handle_changes_is_stored_as_well_or_waits() {
    let mixed = |view, waits: &[Edit]| Event::Commit {
        key: Some(Key::Told(0)),
        sent: Vec::new(),
        ways: vec![vec![COUNT], vec![Edit::Set("a", 7), COUNT]],
        outcome: Outcome::Done { key: Some(Key::Told(0)), view, waits: waits.to_vec() },
    };
    assert!(in_turn([begins(), mixed(view(8), &[]), reads(0, Some(view(8)))]));
    assert!(in_turn([begins(), mixed(view(7), &[Edit::Set("a", 7)]), reads(0, Some(view(2)))]));
    assert!(!in_turn([begins(), mixed(view(7), &[]), reads(0, Some(view(7)))]), "the update is lost");
    assert!(!in_turn([begins(), mixed(view(7), &[Edit::Set("a", 7)]), reads(0, Some(view(7)))]));
}

#[test]
fn a_session_lives_for_its_time_and_no_longer() {
    let hour = |view| View { rule: Rule::Hours(1), ..view };
    let begins = || stores(None, &[SET, Edit::Expire(Rule::Hours(1))], 0, hour(view(1)));
    let found = || reads(0, Some(hour(view(1))));
    assert!(timed(None, [(0, begins()), (59, found()), (60, reads(0, None))]));
    assert!(!timed(None, [(0, begins()), (60, found())]), "too long");
    assert!(!timed(None, [(0, begins()), (59, reads(0, None))]), "too short");
    let change = || stores(Some(0), &[COUNT], 0, hour(view(2)));
    let later = || reads(0, Some(hour(view(2))));
    assert!(timed(None, [(0, begins()), (59, change()), (118, later()), (119, reads(0, None))]));
    assert!(!timed(None, [(0, begins()), (59, change()), (118, reads(0, None))]), "a change starts it anew");
}

#[test]
fn an_idle_session_ends_in_time_and_visits_keep_it() {
    let visit = |began: i64| Event::Visit { key: Key::Told(0), began: began * 60_000 };
    let found = || reads(0, Some(view(1)));
    let idle = |events| timed(Some(IDLE), events);
    assert!(idle([(0, begins()), (119, found()), (132, reads(0, None))]));
    assert!(!idle([(0, begins()), (119, found()), (132, found())]), "too long");
    assert!(!idle([(0, begins()), (60, found()), (119, reads(0, None))]), "too short");
    assert!(idle([(0, begins()), (100, visit(100)), (219, found())]));
    assert!(!idle([(0, begins()), (100, visit(100)), (219, reads(0, None))]), "the visit did not count");
    assert!(!idle([(0, begins()), (100, visit(100)), (232, found())]), "it counted for too long");
}

#[test]
fn a_revocation_ends_all_that_there_was_and_no_login_after_it() {
    let login = |key| stores(None, &[LOGIN], key, View { user: ALICE, ..View::default() });
    let there = |key| reads(key, Some(View { user: ALICE, ..View::default() }));
    let revokes = Event::RevokeBegins { user: "alice", number: 1 };
    let end = Event::EndOf { user: "alice", key: Key::Told(0) };
    let over = Event::RevokeEnds { number: 1 };
    assert!(in_turn([login(0), revokes.clone(), end.clone(), over.clone(), reads(0, None)]));
    assert!(!in_turn([login(0), revokes.clone(), end, over.clone(), there(0)]), "it is back");
    assert!(!in_turn([login(0), revokes.clone(), over.clone(), reads(0, None)]), "it was left alive");
    assert!(in_turn([revokes.clone(), login(0), over.clone(), there(0)]));
    let bobs = View { user: Some("bob"), ..View::default() };
    let bob = stores(None, &[Edit::Login("bob")], 0, bobs.clone());
    assert!(in_turn([bob.clone(), revokes.clone(), over.clone(), reads(0, Some(bobs))]));
    assert!(!in_turn([bob, revokes, over, reads(0, None)]), "it was somebody else's");
}

#[test]
fn a_users_sessions_are_counted() {
    let login = |key| stores(None, &[LOGIN], key, View { user: ALICE, ..View::default() });
    let counted = |sessions| Event::Count { user: "alice", sessions };
    assert!(in_turn([begins(), login(1), login(2), counted(2)]));
    assert!(!in_turn([begins(), login(1), login(2), counted(1)]));
    assert!(!in_turn([begins(), login(1), login(2), counted(3)]));
}

#[test]
fn nothing_is_stored_for_a_visitor_with_nothing_to_remember() {
    let nothing = |view| commit(None, &[], Outcome::Done { key: None, view, waits: Vec::new() });
    assert!(in_turn([nothing(View::default())]));
    assert!(!in_turn([nothing(view(1))]));
    assert!(!in_turn([stores(None, &[], 0, View::default())]));
}
