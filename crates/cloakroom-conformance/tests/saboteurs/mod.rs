//! The suite tests itself: each engine here breaks one promise, and the case that names it must fail.

mod presented;
mod saboteur;

use std::sync::Arc;
use std::time::Duration;

use cloakroom_conformance::search::{Effort, Faults, Search, search};
use cloakroom_conformance::{Setup, cases, run};
use cloakroom_core::{Clock, ErrorKind, SessionBackend, Sessions, SystemClock};
use presented::{Overdone, Presented};
use saboteur::{Sabotage, Saboteur};

/// A search that has found nothing by then is unlikely to.
const MOST_HISTORIES: u64 = 1_000;

/// Sees that a case passes on a sound engine and fails on the saboteur.
async fn caught<B: SessionBackend, W: Send + 'static>(
    make: fn(Arc<dyn Clock>, Option<W>) -> B,
    wrong: W,
    name: &str,
) {
    let case = cases().into_iter().find(|case| case.name == name).expect("there is such a case");
    run(async |clock| Setup::from(make(clock, None)), case.run).await;
    let sabotaged =
        tokio::spawn(run(move |clock| std::future::ready(Setup::from(make(clock, Some(wrong)))), case.run));
    let failed = sabotaged.await.expect_err("the case must fail");
    assert!(failed.is_panic());
}

macro_rules! caught {
    ($engine:ident $wrong:ident: $($name:ident: $how:ident by $case:literal)*) => {
        $(#[tokio::test]
        async fn $name() {
            caught($engine::new, $wrong::$how, $case).await;
        })*
    };
}

caught! {
    Presented Overdone:
    a_limit_that_does_not_show_for_what_was_ended: Revokes by "save::never_revives_a_deleted_record"
    a_limit_that_does_not_show_for_racing_writers: Arbitrates by "updates::different_names_of_two_requests_both_survive"
    a_limit_that_does_not_show_for_what_is_large: HoldsAnything by "create::a_record_is_loaded_as_it_was_stored"
    a_limit_that_does_not_show_for_a_change: SavesInPlace by "lifetimes::a_visit_is_written_only_when_a_tenth_has_passed"
    touch_that_hands_nothing_out: TouchPresentsNothing by "lifetimes::an_idle_session_ends_on_time_and_visits_keep_it"
    values_that_no_cookie_holds: PresentsNonsense by "keys::what_the_browser_was_told_opens_what_was_written_last"
}

/// How many histories a search draws before it finds this broken promise.
async fn found(sabotage: Sabotage, what: Search) -> Option<u64> {
    let mut effort = Effort::from_environment();
    (effort.time, effort.histories) = (Duration::ZERO, MOST_HISTORIES);
    let mut found = None;
    let make = move |clock| std::future::ready(Setup::from(Saboteur::new(clock, Some(sabotage))));
    run(make, async |engine| {
        found = search(engine, what, effort).await.err().map(|found| found.searched.histories);
    })
    .await;
    found
}

#[tokio::test]
async fn the_searches_find_every_broken_promise() {
    let mut missed = Vec::new();
    for &sabotage in Sabotage::ALL {
        let mut by = None;
        for what in [Search::CallsInTurn, Search::CallsAtOnce, Search::RequestsInTurn] {
            by = found(sabotage, what).await.map(|histories| (what, histories));
            if let Some((what, histories)) = by {
                println!("found: {sabotage:?} by {what:?} after {histories} histories");
                break;
            }
        }
        if by.is_none() {
            missed.push(sabotage);
        }
    }
    assert_eq!(missed, []);
}

/// What requests see of a broken engine, faults or none. (What they cannot see is a promise that the sessions do without.)
#[tokio::test]
async fn requests_that_race_find_every_broken_promise_that_reaches_them() {
    use Sabotage::{
        CreateEvicts, DeleteDoesNothing, IdsCut, IdsFoldCase, IgnoresDeadlines, IndexFoldsCase,
        IndexIgnoresOwner, LoadNeverLooks, LoadShowsCopies, PayloadAsText, RotateIgnoresRevision,
        RotateLeavesOld, RotateRevives, SaveIgnoresRevision, SaveInserts, SaveResurrects, SweepTakesAll,
    };
    let mut missed = Vec::new();
    for sabotage in [
        CreateEvicts,
        PayloadAsText,
        IgnoresDeadlines,
        LoadShowsCopies,
        LoadNeverLooks,
        SaveInserts,
        SaveResurrects,
        SaveIgnoresRevision,
        RotateLeavesOld,
        RotateIgnoresRevision,
        RotateRevives,
        DeleteDoesNothing,
        SweepTakesAll,
        IndexIgnoresOwner,
        IndexFoldsCase,
        IdsFoldCase,
        IdsCut,
    ] {
        for faults in [Faults::None, Faults::All] {
            if found(sabotage, Search::RequestsAtOnce(faults)).await.is_none() {
                missed.push((sabotage, faults));
            }
        }
    }
    assert_eq!(missed, []);
}

#[tokio::test]
async fn a_value_that_no_cookie_holds_is_an_error_and_the_changes_wait() {
    let clock = Arc::new(SystemClock);
    let sessions = Sessions::new(Presented::new(clock, Some(Overdone::PresentsNonsense)));
    let session = sessions.load(None).await.unwrap();
    session.insert("n", 1).unwrap();
    for _ in 0..2 {
        assert_eq!(session.save().await.unwrap_err().kind(), ErrorKind::Misconfigured);
        assert!(session.key().is_none() && session.is_modified());
    }
}

caught! {
    Saboteur Sabotage:
    create_that_overwrites: CreateOverwrites by "create::never_overwrites_a_living_record"
    create_that_does_not_know_its_own_write: CreateForgetsItself by "create::repeated_with_its_own_stamp_is_one_write"
    create_that_makes_room_in_secret: CreateEvicts by "create::five_hundred_records_are_all_kept"
    create_that_checks_before_it_inserts: CreateInTwoSteps by "create::one_of_many_racing_creators_wins"
    payloads_kept_as_text: PayloadAsText by "create::a_record_is_loaded_as_it_was_stored"
    load_that_ignores_the_deadline: IgnoresDeadlines by "load::a_record_is_absent_from_its_deadline_on_swept_or_not"
    load_that_extends: LoadExtends by "load::reading_neither_deletes_nor_extends"
    load_that_shows_a_copy: LoadShowsCopies by "load::is_no_staler_than_promised"
    load_that_never_shows_the_truth: LoadNeverLooks by "load::is_no_staler_than_promised"
    revision_that_is_never_found: RevisionHidden by "load::a_revision_is_what_a_load_would_find"
    save_that_inserts: SaveInserts by "save::never_inserts"
    save_that_resurrects_after_a_delete: SaveResurrects by "save::never_revives_a_deleted_record"
    save_that_ignores_the_deadline: SaveIgnoresDeadline by "save::never_revives_an_expired_record"
    save_that_loses_the_compare_and_swap: SaveIgnoresRevision by "save::of_an_older_revision_is_a_conflict_that_shows_what_is_there"
    save_that_compares_and_then_swaps: SaveInTwoSteps by "save::one_of_many_racing_writers_wins"
    save_that_does_not_know_its_own_write: SaveForgetsItself by "save::repeated_with_its_own_stamp_is_one_write"
    save_that_loses_updates: SaveIgnoresRevision by "updates::different_names_of_two_requests_both_survive"
    save_that_counts_a_lost_reply_twice: SaveForgetsItself by "losses::a_lost_reply_never_counts_an_update_twice"
    save_that_undoes_a_logout: SaveResurrects by "endings::a_save_after_another_requests_logout_is_interrupted_and_stores_nothing"
    touch_that_rewrites: TouchRewrites by "touch::makes_no_writer_conflict"
    touch_that_moves_backwards: TouchMovesBackwards by "touch::never_moves_backwards"
    touch_that_ignores_the_revision: TouchIgnoresRevision by "touch::never_undoes_a_shorter_life"
    touch_that_undoes_a_shorter_expiry: TouchIgnoresRevision by "lifetimes::a_visit_never_undoes_a_shorter_expiry"
    touch_that_revives: IgnoresDeadlines by "touch::never_revives_what_has_ended"
    rotate_that_leaves_the_old_one_alive: RotateLeavesOld by "rotate::ends_the_old_id_and_starts_the_new_one"
    rotate_that_leaves_a_thief_a_living_key: RotateLeavesOld by "keys::the_key_before_a_login_is_dead"
    rotate_that_ignores_the_revision: RotateIgnoresRevision by "rotate::of_an_older_revision_is_a_conflict_and_changes_nothing"
    rotate_that_revives: RotateRevives by "rotate::of_what_has_ended_starts_nothing"
    rotate_that_overwrites: RotateOverwrites by "rotate::onto_a_taken_id_leaves_both_as_they_are"
    rotate_that_inserts_and_then_deletes: RotateInTwoSteps by "steps::a_rotation_that_is_dropped_leaves_one_of_both_alive"
    rotate_that_deletes_and_then_inserts: RotateEndsFirst by "steps::a_rotation_that_is_dropped_leaves_one_of_both_alive"
    rotate_that_does_not_know_its_own_write: RotateForgetsItself by "rotate::repeated_with_its_own_stamp_is_one_rotation"
    delete_that_does_nothing: DeleteDoesNothing by "delete::ends_a_record_once"
    delete_that_claims_what_had_expired: IgnoresDeadlines by "delete::of_an_expired_record_ends_nothing"
    delete_that_ignores_the_revision: DeleteIgnoresRevision by "delete::at_a_revision_leaves_a_changed_record_alone"
    sweep_that_goes_by_old_deadlines: SweepTakesExtended by "sweep::spares_what_was_just_extended"
    sweep_without_a_limit: SweepUnbounded by "sweep::takes_no_more_than_its_limit_and_says_when_none_is_left"
    sweep_that_takes_the_living: SweepTakesAll by "sweep::removes_what_has_expired_and_nothing_else"
    index_that_stops_after_a_page: IndexStops by "index::pages_show_everything_once_in_order"
    walk_that_stops_after_a_page: WalkStops by "walk::meets_every_living_record_whatever_the_pages_size"
    walk_that_shows_the_dead: WalkShowsExpired by "walk::meets_nothing_that_has_ended"
    index_that_shows_everybodys: IndexIgnoresOwner by "index::lists_an_owners_living_sessions_and_nobody_elses"
    index_that_folds_case: IndexFoldsCase by "index::hostile_owners_are_only_themselves"
    ids_that_fold_case: IdsFoldCase by "ids::ids_that_differ_in_case_or_length_are_different"
    ids_that_are_cut: IdsCut by "ids::hostile_ids_name_only_themselves"
}
