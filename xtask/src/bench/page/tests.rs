use super::*;
use crate::bench::standing::sampled;

fn report(samples: &[crate::bench::sample::Sample]) -> Report {
    Report {
        machine: vec!["2 cores".to_owned()],
        left_out: Vec::new(),
        standings: Standings::of(samples),
        estimates: Vec::new(),
    }
}

#[test]
fn a_page_of_a_quick_run_says_so_at_its_top() {
    let samples = vec![sampled("load", OURS, 1.0); ROUNDS];
    assert!(report(&samples[1..]).markdown().starts_with("**From a quick run**"));
    assert!(!report(&samples).markdown().contains("quick"));
}

#[test]
fn who_is_twice_as_fast_as_the_driver_is_shown_with_two() {
    let markdown = report(&[sampled("load", OURS, 2.0), sampled("load", RAW, 1.0)]).markdown();
    assert!(markdown.contains("| sqlite | 2.00 / – |"), "{markdown}");
}

#[test]
fn samples_of_another_program_have_a_table_of_their_own() {
    let line = sampled("http read", OURS, 7.0).line().replace("\"size\":300", "\"size\":null");
    let sample = crate::bench::sample::Sample::read(&line).unwrap();
    let markdown = report(&[sample]).markdown();
    assert!(
        markdown.contains("### http read") && markdown.contains("| sqlite | cloakroom | 1 | 7.00 |"),
        "{markdown}"
    );
}

#[test]
fn what_criterion_has_found_has_a_table_for_each_group() {
    let found = |group: &str, name: &str, nanoseconds| {
        let (group, name) = (group.to_owned(), name.to_owned());
        Estimate { group, name, nanoseconds }
    };
    let estimates =
        vec![found("codec", "decode", 1_500.0), found("codec", "map", 9_000.0), found("axum", "bare", 1.0)];
    let markdown = Report { estimates, ..report(&[]) }.markdown();
    assert!(
        markdown.contains("### By criterion: codec") && markdown.contains("| decode | 1.50 |"),
        "{markdown}"
    );
    assert!(markdown.contains("### By criterion: axum"), "{markdown}");
}

#[test]
fn a_column_that_nobody_has_measured_is_left_out() {
    let rows = absolute(&Standings::of(&[sampled("load", OURS, 1.0)]), |_| true);
    assert!(!rows[0].contains(&"kept".to_owned()) && rows[0].contains(&"p50 µs".to_owned()), "{rows:?}");
}

#[test]
fn the_page_has_the_place_for_what_is_measured() {
    assert!(PLACE.is_on_its_page());
}
