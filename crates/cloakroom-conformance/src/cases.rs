//! The one list of cases: a case that is not in it does not exist.

use std::pin::Pin;

use crate::Engine;

/// A case of the suite, by name: for those who run it in ways of their own.
#[non_exhaustive]
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// `group::case`, as in the names of tests.
    pub name: &'static str,
    /// Panics if the engine breaks the promise.
    pub run: fn(Engine) -> Pin<Box<dyn Future<Output = ()> + Send>>,
}

/// All cases for engines.
pub fn cases() -> Vec<Case> {
    macro_rules! list {
        ($($module:ident $group:ident { $($case:ident)* })*) => {
            vec![$($(Case {
                name: concat!(stringify!($group), "::", stringify!($case)),
                run: |engine| Box::pin(crate::$module::$group::$case(engine)),
            },)*)*]
        };
    }
    crate::__backend_cases!([list])
}

/// Calls a macro with what it is given for it, every group and its cases.
#[doc(hidden)]
#[macro_export]
macro_rules! __backend_cases {
    ([$($callback:tt)+] $($given:tt)*) => {
        $($callback)+! {
            $($given)*
            storage create {
                a_record_is_loaded_as_it_was_stored
                never_overwrites_a_living_record
                repeated_with_its_own_stamp_is_one_write
                a_record_that_is_dead_on_arrival_is_absent
                one_of_many_racing_creators_wins
                five_hundred_records_are_all_kept
            }
            storage load {
                an_unknown_id_is_nothing
                a_record_is_absent_from_its_deadline_on_swept_or_not
                a_revision_is_what_a_load_would_find
                reading_neither_deletes_nor_extends
                is_no_staler_than_promised
                of_many_at_once_each_finds_its_own
            }
            storage save {
                replaces_what_was_seen
                never_inserts
                never_revives_a_deleted_record
                never_revives_an_expired_record
                of_an_older_revision_is_a_conflict_that_shows_what_is_there
                repeated_with_its_own_stamp_is_one_write
                repeated_after_somebody_elses_write_is_a_conflict
                one_of_many_racing_writers_wins
                of_many_at_once_each_is_answered_for_itself
            }
            storage touch {
                moves_the_deadline_and_nothing_else
                never_moves_backwards
                never_undoes_a_shorter_life
                never_revives_what_has_ended
                makes_no_writer_conflict
            }
            storage rotate {
                ends_the_old_id_and_starts_the_new_one
                of_an_older_revision_is_a_conflict_and_changes_nothing
                of_what_has_ended_starts_nothing
                onto_a_taken_id_leaves_both_as_they_are
                repeated_with_its_own_stamp_is_one_rotation
                racing_a_save_one_of_them_wins
            }
            storage delete {
                ends_a_record_once
                of_an_expired_record_ends_nothing
                at_a_revision_leaves_a_changed_record_alone
                racing_saves_and_touches_stays_deleted
            }
            storage sweep {
                removes_what_has_expired_and_nothing_else
                takes_no_more_than_its_limit_and_says_when_none_is_left
                spares_what_was_just_extended
                racing_a_touch_never_takes_what_it_extended
            }
            storage index {
                lists_an_owners_living_sessions_and_nobody_elses
                pages_show_everything_once_in_order
                follows_owners_and_rotations
                never_misses_a_session_that_is_being_rotated
                hostile_owners_are_only_themselves
            }
            storage walk {
                meets_every_living_record_whatever_the_pages_size
                meets_nothing_that_has_ended
                shows_records_as_loads_do
            }
            storage steps {
                a_call_that_is_dropped_is_done_or_not_done
                a_rotation_that_is_dropped_leaves_one_of_both_alive
                closing_twice_is_harmless
            }
            storage ids {
                hostile_ids_name_only_themselves
                ids_that_differ_in_case_or_length_are_different
            }
            session entries {
                a_new_session_is_empty
                what_was_only_loaded_is_neither_read_nor_changed
                reading_is_no_change
                a_value_is_there_after_it_was_saved
                any_value_comes_back_as_it_was
                a_float_that_is_no_number_becomes_null
                a_value_that_was_got_is_a_copy
                a_value_that_is_taken_is_gone
                taking_or_removing_what_is_missing_is_no_change
                a_default_is_stored_where_there_is_no_value
                writing_fields_is_a_change_where_one_differs
                entries_are_shown_in_the_order_of_their_insertion
                clearing_removes_all_entries_and_nothing_else
                clearing_what_is_empty_is_no_change
                a_flushed_session_is_a_new_one_at_once
                a_test_cookie_works_for_a_browser_that_brings_it_back
                what_does_not_serialise_is_refused_and_changes_nothing
                what_a_value_says_as_it_refuses_is_in_no_error
            }
            session updates {
                different_names_of_two_requests_both_survive
                different_names_of_64_parallel_tasks_all_survive
                a_counter_is_exact_under_64_parallel_tasks
                a_counter_is_exact_across_processes
                a_removal_is_not_undone_by_another_requests_write
                emptying_never_kills_another_requests_write
                removing_every_name_is_stored
                what_is_inserted_during_a_commit_is_committed_by_the_next
                two_first_updates_of_one_request_make_one_session
                a_refused_change_changes_nothing
                an_equal_value_is_not_written
                a_renewal_that_meets_a_newer_write_is_content_with_it
                struct_fields_are_names_and_only_those_that_differ_are_written
                changes_can_be_given_up
                what_a_dropped_commit_has_not_stored_can_be_given_up
                an_update_back_to_what_is_stored_shows_what_is_stored
            }
            session losses {
                a_lost_reply_never_counts_an_update_twice
                a_lost_reply_before_somebody_elses_write_is_unknown_and_not_repeated
                a_lost_reply_to_a_create_makes_one_session
                a_lost_reply_to_a_rotation_leaves_the_visitor_a_living_key
                a_lost_reply_to_a_logout_still_ends_the_session
                a_lost_reply_before_somebody_elses_rotation_is_unknown
                a_create_whose_reply_was_lost_is_not_repeated_after_its_session_was_ended
                a_dropped_rotation_is_settled_by_the_next_commit
                a_dropped_save_is_not_put_over_somebody_elses_write
                a_lost_answer_under_something_unreadable_does_not_block_the_handle
                a_refused_write_is_unavailable_and_its_changes_wait
                a_refusal_says_nothing_of_the_attempt_whose_reply_was_lost
                a_store_that_loses_every_create_is_asked_twice_and_no_more
                a_store_that_never_answers_is_given_up_in_time
                waiting_for_another_commit_of_the_same_request_counts_as_well
            }
            session endings {
                a_save_after_another_requests_logout_is_interrupted_and_stores_nothing
                a_save_after_logout_deletes_and_stores_nothing
                sessions_that_were_flushed_have_nothing_in_common
                what_fails_after_a_logout_keeps_nothing_alive
                what_is_inserted_after_a_logout_starts_a_new_session
                a_session_that_another_request_ended_is_not_ours_to_have_ended
                a_logout_during_a_commit_ends_what_the_commit_stores
                a_logout_during_a_conflict_leaves_nothing_of_the_session
                a_logout_ends_a_rotation_that_is_still_on_its_way
                a_session_begun_while_a_flushed_ones_answer_was_lost_can_be_stored
                a_logout_inside_an_update_is_not_undone
                a_login_during_a_commit_takes_nothing_of_another_users_along
                an_expiry_that_has_passed_ends_the_session
                a_change_after_the_sessions_end_is_no_success
                logging_out_everywhere_ends_every_session_of_the_user_and_no_other
                a_rotation_does_not_save_a_session_from_being_revoked
                a_login_on_a_host_whose_clock_is_fast_is_revoked
                logging_out_everywhere_can_be_asked_again_after_an_outage
                logging_out_everywhere_after_a_cut_login_ends_all_of_that_user
                a_session_that_was_interrupted_can_be_left_for_a_new_one
            }
            session keys {
                an_unknown_key_is_never_adopted
                a_made_up_key_is_refused_by_its_form_or_opens_nothing
                nothing_is_stored_for_a_visitor_with_nothing_to_remember
                login_changes_the_key_and_keeps_an_anonymous_visitors_data
                login_drops_another_users_data
                the_key_before_a_login_is_dead
                whoever_waits_in_line_with_the_key_before_a_login_sees_nothing_of_it
                a_new_key_keeps_the_data_and_a_write_that_raced_it
                a_session_that_was_not_read_keeps_its_data_under_a_new_key
                no_key_is_ever_stored
                what_the_browser_was_told_opens_what_was_written_last
            }
            session logins {
                a_changed_password_ends_the_sessions_that_were_bound_to_the_old_one
                a_login_without_its_proof_is_not_verified
                the_session_in_which_the_password_was_changed_goes_on
                a_login_with_another_proof_drops_what_was_there
                what_a_login_is_bound_to_is_never_stored
                a_login_is_recent_until_its_time_is_over
                a_users_sessions_are_listed_with_when_and_from_where
                a_session_that_was_listed_is_ended_also_under_a_new_key
                one_of_a_users_sessions_is_ended_and_nobody_elses
                logging_out_the_others_leaves_this_session_and_other_users
                logging_out_the_others_leaves_this_session_also_under_a_new_key
                a_login_beyond_the_limit_ends_the_oldest
                a_login_beyond_the_limit_is_refused_and_changes_nothing
                logging_in_again_is_no_session_more
                a_login_that_is_the_oldest_by_the_time_it_is_stored_ends_itself
                a_login_that_is_found_later_is_counted_then
                a_login_that_was_left_by_a_logout_ends_nobody_elses_session
                a_login_that_another_one_has_overtaken_is_refused
                logins_that_race_leave_no_more_sessions_than_the_limit
                a_session_that_is_ended_while_its_key_is_renewed_is_ended
                where_a_visitor_comes_from_counts_also_if_it_is_said_after_the_login
                logging_in_again_by_a_key_that_was_just_renewed_is_no_session_more
                logging_in_again_after_the_limit_was_lowered_is_no_session_more
                logging_in_again_while_others_log_in_ends_nobodys_session
                a_login_of_another_user_that_fails_leaves_the_session_and_its_data
                a_login_that_is_refused_after_it_was_stored_leaves_the_visitors_cart
                a_login_that_is_refused_and_can_not_be_taken_back_is_taken_back_later
                a_login_that_is_cut_before_the_oldest_was_ended_is_looked_at_again
                a_login_that_is_cut_before_it_was_refused_is_refused_by_the_next_commit
                a_request_that_fails_says_that_it_ended_the_session_of_a_login_that_it_took_back
                a_login_that_was_cut_and_given_up_shows_the_next_user_nothing
                a_login_that_is_refused_after_it_was_stored_leaves_nothing_that_was_committed_with_it
                a_login_that_is_refused_after_it_was_stored_leaves_nothing_of_another_users_session
                a_refused_login_that_still_stands_is_taken_back_also_where_the_handler_fails
                a_refused_login_whose_taking_back_was_cut_is_taken_back_by_what_comes_next
                a_login_that_is_refused_after_the_headers_have_left_is_taken_back
                a_login_by_another_handle_survives_the_refusal_of_the_one_before
                a_login_that_is_refused_is_taken_back_also_if_the_next_one_fails
                a_login_that_was_cut_and_is_asked_for_again_is_refused_as_well
                a_login_that_is_taken_back_where_the_handler_fails_takes_nothing_along_that_waited
                a_login_whose_look_was_cut_is_looked_at_also_where_the_handler_fails
            }
            session renewals {
                a_key_is_renewed_when_it_is_due_and_its_session_stays_what_it_was
                requests_on_their_way_with_a_renewed_key_are_served_and_told_the_new_one
                a_renewed_key_is_dead_when_the_overlap_is_over
                of_many_requests_that_renew_a_key_one_does
                a_key_that_another_request_is_renewing_is_left_to_that
                what_waits_goes_on_waiting_while_a_key_is_renewed
                a_change_whose_fate_is_unknown_is_reported_also_where_a_key_is_due
                a_login_during_a_renewal_leaves_no_way_from_the_old_key
                a_logout_with_a_renewed_key_ends_the_session
                a_login_leaves_no_way_from_a_renewed_key
                a_late_answer_to_a_renewed_key_takes_no_newer_one_away
                a_renewal_that_is_cut_leaves_the_visitor_a_living_key
                a_key_that_can_not_be_renewed_stays
                a_lost_reply_to_a_renewal_is_one_renewal
                neither_key_of_a_renewal_is_ever_stored
                logging_out_everywhere_reaches_a_session_that_is_being_renewed
                a_handle_older_than_the_overlap_is_interrupted_although_its_session_lives
                a_logout_later_than_the_overlap_ends_a_users_session
                a_logout_later_than_the_overlap_does_not_find_an_anonymous_visitors_session
                a_change_that_was_cut_before_a_renewal_is_never_acknowledged_and_lost
                what_waits_is_stored_also_where_the_fate_of_a_renewal_is_unknown
                what_is_refused_without_a_renewal_is_refused_with_one
                a_request_whose_session_was_ended_renews_nothing
            }
            session tellings {
                a_request_that_goes_on_under_a_renewed_key_tells_that_one
                a_request_that_has_seen_a_renewal_tells_the_new_key
                a_request_that_sees_two_renewals_tells_the_last_key
                a_request_that_was_stored_before_a_renewal_leaves_the_browser_a_living_key
                a_renewal_whose_answer_is_late_takes_no_newer_key_from_the_browser
                a_slow_answer_takes_no_key_from_the_browser_that_a_login_gave_it
                a_visit_that_finds_its_session_gone_tells_no_dead_key
                a_renewal_whose_answer_is_lost_leaves_the_browser_a_living_key
                logging_out_everywhere_after_a_renewal_takes_the_cookie
                an_answer_of_500_tells_nothing_of_a_renewed_key
                a_login_that_was_cut_and_given_up_is_told_if_it_is_stored
            }
            session reloads {
                a_reload_shows_what_others_changed_under_ones_own_waiting_changes
                a_reload_of_what_is_not_stored_changes_nothing
                a_reload_of_an_ended_session_is_interrupted
                a_reload_after_the_sessions_end_is_interrupted
                a_reload_after_a_renewal_goes_on_under_the_new_key
            }
            session expiries {
                the_default_age_is_what_the_rules_say
                an_expiry_in_seconds_counts_from_the_last_change
                an_expiry_that_is_reset_is_the_default_again
                a_session_ends_with_the_browser_by_its_own_expiry_or_by_the_rules
                a_negative_expiry_has_passed
                an_absurd_expiry_is_a_long_one
            }
            session lifetimes {
                a_change_starts_the_age_anew_and_a_visit_does_not
                an_idle_session_ends_on_time_and_visits_keep_it
                a_visit_is_written_only_when_a_tenth_has_passed
                a_visit_never_undoes_a_shorter_expiry
                an_idle_session_that_is_visited_lives_to_its_absolute_end
                an_idle_timeout_reaches_sessions_that_were_stored_without_one
                the_absolute_limit_ends_a_busy_session
                a_lowered_limit_reaches_sessions_that_are_already_stored
                a_stored_end_counts_whatever_age_is_set_by_now
                a_fixed_moment_is_not_moved_by_changes
                setting_the_same_expiry_again_starts_it_anew
                a_write_that_meets_a_new_expiry_keeps_it
                a_session_until_the_browser_closes_still_ends_on_the_server
                a_session_that_is_marked_is_stored_again_and_starts_its_age_anew
                marking_a_session_that_is_not_stored_stores_nothing
            }
            session limits {
                a_session_over_the_limit_is_refused_and_the_old_one_stays
                what_does_not_decode_is_a_fresh_session_and_stays_as_it_is
                reserved_names_are_refused
                what_is_kept_of_a_login_is_bounded
                a_session_has_a_bounded_number_of_names
                no_way_of_changing_a_session_gets_past_the_number_of_names
                what_somebody_else_made_unreadable_interrupts_the_request
                a_value_of_another_type_is_a_mismatch_and_stays
                a_read_is_one_call_and_a_change_is_one_more
                a_new_key_after_the_headers_have_left_is_too_late
                a_rotation_that_was_cut_is_not_sent_after_the_headers_have_left
                what_is_acknowledged_after_the_headers_have_left_holds_for_the_browser
                what_is_on_its_way_as_the_headers_leave_is_told_or_too_late
                a_new_key_that_the_headers_overtake_is_too_late
                too_many_names_at_once_change_nothing
                a_value_that_is_nested_too_deep_to_be_parsed_is_kept_and_read_back_raw
            }
            search histories {
                calls_in_turn_are_answered_as_the_contract_says
                calls_at_once_are_answered_as_in_some_order
                requests_in_turn_read_what_was_committed
                requests_at_once_lose_and_revive_nothing
                refused_calls_lose_and_revive_nothing
                lost_calls_lose_and_revive_nothing
                silent_calls_lose_and_revive_nothing
                dropped_handlers_lose_and_revive_nothing
                all_faults_together_lose_and_revive_nothing
            }
        }
    };
}

/// Makes a test of each case for an engine: see the crate's page.
///
/// `ignore = "needs a server"; async |clock| …` makes tests that run only when they are asked for: what
/// needs a server and may find none is ignored by name, never passed.
#[macro_export]
macro_rules! backend_tests {
    (ignore = $reason:literal; $make:expr) => {
        $crate::__backend_tests!({ #[ignore = $reason] } $make);
    };
    ($make:expr) => {
        $crate::__backend_tests!({} $make);
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __backend_tests {
    ($attributes:tt $make:expr) => {
        async fn engine(clock: ::std::sync::Arc<dyn $crate::__Clock>) -> $crate::Setup {
            $crate::Setup::from(($make)(clock).await)
        }

        $crate::__backend_cases!([$crate::__backend_groups] $attributes);
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __backend_groups {
    ($attributes:tt $($module:ident $group:ident { $($case:ident)* })*) => {
        $(mod $group {
            $($crate::__backend_test!($attributes $module $group $case);)*
        })*
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __backend_test {
    ({ $($attributes:tt)* } $module:ident $group:ident $case:ident) => {
        $($attributes)*
        #[::tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $case() {
            $crate::run(super::engine, $crate::$module::$group::$case).await;
        }
    };
}
