//! Outputs as libtest writes them, shortened.

use super::{Case, Outcome, Reader, Report, Tally};

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

/// With `--show-output`.
const LIMITED: &str = "
running 3 tests
test cookie::delete ... ok
test cookie::load ... ok
test cookie::save ... FAILED

successes:

---- cookie::delete stdout ----
test cookie::nothing ... ok
documented limit: what has been sent stays valid

---- cookie::load stdout ----
undocumented


successes:
    cookie::delete
    cookie::load

failures:

---- cookie::save stdout ----
successes:
documented limit: none

failures:
    cookie::save

test result: FAILED. 2 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s
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

#[test]
fn case_that_passes_by_a_documented_limit_is_told_apart_from_one_that_just_prints() {
    let expected = [
        case("cookie::delete", Outcome::Limited),
        case("cookie::load", Outcome::Passed),
        case("cookie::save", Outcome::Failed),
    ];
    assert_eq!(Report::read(LIMITED, false).cases, expected);
}

#[test]
fn limit_counts_for_the_case_of_its_own_binary() {
    let free = LIMITED.replace("documented limit: what", "what");
    let outcomes: Vec<_> =
        Report::read(&format!("{free}{LIMITED}"), false).cases.iter().map(|case| case.outcome).collect();
    let [free, limited] = [Outcome::Passed, Outcome::Limited];
    assert_eq!(outcomes, [free, Outcome::Passed, Outcome::Failed, limited, Outcome::Passed, Outcome::Failed]);
}

#[test]
fn case_that_passes_by_a_limit_counts_as_passed_and_as_nothing_lost() {
    let report = Report::read(LIMITED, false);
    assert_eq!((report.tally, report.lost), (Tally { passed: 2, failed: 1, skipped: 0 }, 0));
}

#[test]
fn what_passed_tests_printed_is_not_shown_and_what_failed_ones_printed_is() {
    let mut reader = Reader::new();
    let shown: Vec<_> = LIMITED.lines().filter(|line| reader.shows(line)).collect();
    assert!(!shown.contains(&"undocumented"), "{shown:#?}");
    assert!(shown.contains(&"documented limit: none"), "{shown:#?}");
    assert!(shown.contains(&"test cookie::load ... ok"), "{shown:#?}");
}

#[test]
fn what_a_test_says_that_it_has_searched_is_kept_under_its_name() {
    let output = LIMITED.replace("undocumented", "searched: 20 histories, 90 operations, 7 faults");
    let report = Report::read(&output, false);
    let said: Vec<_> = report.said.iter().map(|said| (said.by.as_str(), said.line.as_str())).collect();
    assert_eq!(said, [("cookie::load", "searched: 20 histories, 90 operations, 7 faults")]);
}
