//! Tables as they stand at the end of a run.

use super::{draw, markdown};
use crate::report::{Case, Outcome};

fn cases(cases: &[(&str, Outcome)]) -> Vec<Case> {
    cases.iter().map(|(name, outcome)| Case { name: (*name).to_owned(), outcome: *outcome }).collect()
}

fn drawn(given: &[(&str, Outcome)]) -> String {
    draw(&cases(given))
}

#[test]
fn engines_stand_side_by_side_over_their_totals() {
    let table = drawn(&[
        ("sqlite::create::never_overwrites", Outcome::Failed),
        ("memory::create::never_overwrites", Outcome::Passed),
        ("memory::load::answers", Outcome::Passed),
        ("sqlite::touch::moves", Outcome::Ignored),
    ]);
    assert_eq!(
        table,
        "\
case                      memory  sqlite
create::never_overwrites  ok      FAILED
load::answers             ok      -
touch::moves              -       ignored
total ok                  2       0
total FAILED              0       1
total ignored             0       1
"
    );
}

#[test]
fn engines_without_a_case_in_common_get_tables_of_their_own() {
    let tables = drawn(&[("memory::load", Outcome::Passed), ("tower::visit", Outcome::Passed)]);
    assert_eq!(
        tables,
        "\
case      memory
load      ok
total ok  1

case      tower
visit     ok
total ok  1
"
    );
}

#[test]
fn engines_that_share_cases_with_a_third_one_share_its_table() {
    let table = drawn(&[
        ("a::one", Outcome::Passed),
        ("b::two", Outcome::Passed),
        ("c::one", Outcome::Passed),
        ("c::two", Outcome::Passed),
    ]);
    assert!(table.starts_with("case      a   b   c\n"), "{table}");
}

#[test]
fn saboteurs_are_listed_apart_from_the_engines() {
    let list = drawn(&[("saboteurs::overwrites", Outcome::Passed), ("saboteurs::forgets", Outcome::Failed)]);
    assert_eq!(list, "saboteur forgets     NOT CAUGHT\nsaboteur overwrites  caught\n");
}

#[test]
fn case_that_failed_in_one_of_two_binaries_is_shown_as_failed() {
    let table = drawn(&[("memory::load", Outcome::Failed), ("memory::load", Outcome::Passed)]);
    assert!(table.contains("load          FAILED\n"), "{table}");
}

#[test]
fn test_outside_any_engine_is_shown_under_the_suite() {
    assert!(drawn(&[("builds", Outcome::Passed)]).starts_with("case      suite\nbuilds    ok\n"));
}

#[test]
fn no_cases_draw_nothing() {
    assert_eq!(drawn(&[]), "");
}

#[test]
fn documented_limit_is_a_word_and_a_total_of_its_own() {
    let table = drawn(&[("cookie::delete", Outcome::Limited), ("cookie::load", Outcome::Passed)]);
    assert_eq!(
        table,
        "\
case         cookie
delete       limit
load         ok
total ok     1
total limit  1
"
    );
}

#[test]
fn markdown_has_sentences_and_marks_and_no_saboteurs() {
    let given = cases(&[
        ("cookie::delete::ends_a_record", Outcome::Limited),
        ("memory::delete::ends_a_record", Outcome::Passed),
        ("memory::load::answers", Outcome::Passed),
        ("tower::visit", Outcome::Passed),
        ("saboteurs::forgets", Outcome::Passed),
    ]);
    assert_eq!(
        markdown(&given),
        "\
| case | cookie | memory |
|---|:-:|:-:|
| delete: ends a record | limit | ✓ |
| load: answers | – | ✓ |

| case | tower |
|---|:-:|
| visit | ✓ |
"
    );
}
