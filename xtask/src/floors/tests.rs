//! The check, held against workspaces that fit in one line.

use serde_json::{Value, json};

use super::{FLOORS, faults, inherits_lints};
use crate::metadata;

fn depends(on: &str, kind: Option<&str>) -> Value {
    json!({"name": on, "kind": kind, "features": []})
}

fn faults_of(name: &str, dependencies: &[Value], features: &Value) -> Vec<String> {
    let answer = json!({"packages": [{
        "name": name, "manifest_path": "/Cargo.toml", "targets": [],
        "dependencies": dependencies, "features": features,
    }]});
    faults(&metadata::parse(&answer.to_string()).unwrap())
}

fn faults_of_dependency(name: &str, on: &str, kind: Option<&str>) -> Vec<String> {
    faults_of(name, &[depends(on, kind)], &json!({}))
}

#[test]
fn dependency_on_a_lower_floor_is_allowed() {
    assert_eq!(faults_of_dependency("cloakroom-db", "cloakroom-core", None), [""; 0]);
}

#[test]
fn dependency_on_a_higher_floor_is_refused_and_both_ends_are_named() {
    let faults = faults_of_dependency("cloakroom-core", "cloakroom-tower", None);
    assert!(
        matches!(&faults[..], [fault] if fault.starts_with("cloakroom-core depends on cloakroom-tower,"))
    );
}

#[test]
fn an_adapter_or_the_suite_that_knows_an_engine_is_refused_and_the_facade_is_not() {
    for name in ["cloakroom-actix", "cloakroom-tower", "cloakroom-conformance", "cloakroom-http"] {
        assert_eq!(faults_of_dependency(name, "cloakroom-db", None).len(), 1, "{name}");
    }
    assert_eq!(faults_of_dependency("cloakroom", "cloakroom-db", None), [""; 0]);
    assert_eq!(faults_of_dependency("cloakroom-tower", "cloakroom-db", Some("dev")), [""; 0]);
}

#[test]
fn dependency_on_the_same_floor_is_refused() {
    assert_eq!(faults_of_dependency("cloakroom-db", "cloakroom-http", None).len(), 1);
}

#[test]
fn build_dependency_on_a_higher_floor_is_refused() {
    assert_eq!(faults_of_dependency("cloakroom-db", "cloakroom", Some("build")).len(), 1);
}

#[test]
fn dev_dependency_on_a_higher_floor_is_allowed() {
    assert_eq!(faults_of_dependency("cloakroom-db", "cloakroom-conformance", Some("dev")), [""; 0]);
}

#[test]
fn dependency_from_outside_the_workspace_is_on_no_floor_and_allowed() {
    assert_eq!(faults_of_dependency("cloakroom-db", "sqlx", None), [""; 0]);
}

#[test]
fn conformance_suite_stands_above_the_cookie_policy() {
    assert_eq!(faults_of_dependency("cloakroom-conformance", "cloakroom-http", None), [""; 0]);
}

#[test]
fn crate_on_no_floor_is_refused_and_told_where_to_get_one() {
    assert_eq!(
        faults_of("cloakroom-attic", &[], &json!({})),
        ["cloakroom-attic is on no floor: give it one in xtask/src/floors.rs"]
    );
}

#[test]
fn every_fault_is_reported() {
    let upward = [depends("cloakroom", None), depends("cloakroom-http", None)];
    assert_eq!(faults_of("cloakroom-db", &upward, &json!({})).len(), 2);
}

#[test]
fn core_may_use_the_clock_and_the_locks_of_tokio() {
    let tokio = json!({"name": "tokio", "kind": null, "features": ["sync", "time"]});
    assert_eq!(faults_of("cloakroom-core", &[tokio], &json!({})), [""; 0]);
}

#[test]
fn core_may_not_use_the_network_of_tokio() {
    let tokio = json!({"name": "tokio", "kind": null, "features": ["sync", "net"]});
    assert_eq!(
        faults_of("cloakroom-core", &[tokio], &json!({})),
        ["cloakroom-core turns on `net` of tokio: it may use sync and time alone"]
    );
}

#[test]
fn core_may_not_use_the_network_of_tokio_behind_a_feature_either() {
    assert_eq!(faults_of("cloakroom-core", &[], &json!({"remote": ["tokio/net"]})).len(), 1);
}

#[test]
fn tests_of_the_core_may_use_a_runtime() {
    let tokio = json!({"name": "tokio", "kind": "dev", "features": ["rt"]});
    assert_eq!(faults_of("cloakroom-core", &[tokio], &json!({})), [""; 0]);
}

#[test]
fn no_crate_is_on_two_floors() {
    let mut names = FLOORS.concat();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), FLOORS.concat().len());
}

#[test]
fn manifest_that_inherits_the_lints_is_recognised() {
    assert!(inherits_lints("[package]\nname = \"a\"\n\n[lints] # all\nworkspace = true\n"));
}

#[test]
fn workspace_key_of_another_section_is_not_taken_for_the_lints() {
    assert!(!inherits_lints("[lints]\n\n[dependencies.tokio]\nworkspace = true\n"));
}
