//! Outputs as libtest writes them, shortened.

use super::{Case, Outcome, Report, Tally};

const GREEN: &str = "
running 3 tests
test memory::create::never_overwrites ... ok
test memory::rotate::keeps_the_place ... ignored, needs a server
test memory::refuses - should panic ... ok

test result: ok. 2 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s
";

const RED: &str = "
running 2 tests
test a ... ok
test b ... FAILED

failures:

---- b stdout ----
running 9 tests
test c ... ok

failures:
    b

test result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s
";

const CRASHED: &str = "
running 3 tests
test a ... ok
";

fn case(name: &str, outcome: Outcome) -> Case {
    Case { name: name.to_owned(), outcome }
}

#[test]
fn cases_are_read_with_their_outcomes() {
    assert_eq!(
        Report::read(GREEN, true).cases,
        [
            case("memory::create::never_overwrites", Outcome::Passed),
            case("memory::rotate::keeps_the_place", Outcome::Ignored),
            case("memory::refuses", Outcome::Passed),
        ]
    );
}

#[test]
fn results_of_all_binaries_are_summed() {
    let both = format!("{GREEN}{RED}");
    assert_eq!(Report::read(&both, false).tally, Tally { passed: 3, failed: 1, skipped: 1 });
}

#[test]
fn what_a_failed_test_printed_is_not_taken_for_cases() {
    let expected = [case("a", Outcome::Passed), case("b", Outcome::Failed)];
    assert_eq!(Report::read(RED, false).cases, expected);
}

#[test]
fn what_a_failed_test_printed_is_not_taken_for_lost_tests() {
    assert_eq!(Report::read(RED, false).lost, 0);
}

#[test]
fn binary_that_crashes_last_counts_as_a_failure() {
    let report = Report::read(&format!("{GREEN}{CRASHED}"), false);
    assert_eq!(report.tally, Tally { passed: 2, failed: 1, skipped: 1 });
}

#[test]
fn binary_that_crashes_before_another_counts_as_a_failure_beside_the_others() {
    let report = Report::read(&format!("{CRASHED}{RED}"), false);
    assert_eq!(report.tally.failed, 2);
}

#[test]
fn tests_that_a_crash_swallowed_are_counted_as_lost() {
    assert_eq!(Report::read(&format!("{CRASHED}{GREEN}"), false).lost, 2);
}

#[test]
fn run_that_fails_without_a_failing_test_counts_as_a_failure() {
    assert_eq!(Report::read(GREEN, false).tally.failed, 1);
}

#[test]
fn run_that_does_not_even_build_counts_as_a_failure() {
    assert_eq!(Report::read("", false).tally.failed, 1);
}

#[test]
fn notice_about_a_slow_test_is_not_an_outcome() {
    let notice = "running 1 test\ntest a has been running for over 60 seconds\n";
    assert_eq!(Report::read(notice, true).cases, []);
}

#[test]
fn tally_without_skipped_tests_does_not_mention_them() {
    assert_eq!(Tally { passed: 12, failed: 0, skipped: 0 }.to_string(), "12 passed, 0 failed");
}

#[test]
fn tally_with_skipped_tests_tells_how_many() {
    assert_eq!(Tally { passed: 12, failed: 1, skipped: 3 }.to_string(), "12 passed, 1 failed, 3 skipped");
}
