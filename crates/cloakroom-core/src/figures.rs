//! The names of all metrics, and what each of them is.

use metrics::{Unit, counter, describe_counter, describe_histogram};

pub(crate) const OPERATIONS: &str = "cloakroom_operations_total";
pub(crate) const DURATION: &str = "cloakroom_operation_duration_seconds";
pub(crate) const PAYLOAD: &str = "cloakroom_payload_bytes";
pub(crate) const SWEPT: &str = "cloakroom_swept_total";
pub(crate) const CONFLICTS: &str = "cloakroom_commit_conflicts_total";
pub(crate) const RETRIES: &str = "cloakroom_commit_retries_total";
pub(crate) const INTERRUPTIONS: &str = "cloakroom_interruptions_total";
pub(crate) const UNREADABLE: &str = "cloakroom_unreadable_total";
pub(crate) const CACHE_HITS: &str = "cloakroom_cache_hits_total";
pub(crate) const CACHE_MISSES: &str = "cloakroom_cache_misses_total";
pub(crate) const CACHE_FAILURES: &str = "cloakroom_cache_failures_total";

/// Tells the recorder of this process what it is going to hear.
pub(crate) fn describe() {
    describe_counter!(OPERATIONS, Unit::Count, "Calls to a session engine, by what came of them");
    describe_histogram!(DURATION, Unit::Seconds, "How long a session engine took for a call");
    describe_histogram!(PAYLOAD, Unit::Bytes, "How large a session was that was read or written");
    describe_counter!(SWEPT, Unit::Count, "Expired sessions that were removed");
    describe_counter!(
        CONFLICTS,
        Unit::Count,
        "Commits that met what another request had stored, and were made again"
    );
    describe_counter!(RETRIES, Unit::Count, "Writes that were sent again, since their answer was lost");
    describe_counter!(INTERRUPTIONS, Unit::Count, "Requests whose session another request has ended");
    describe_counter!(UNREADABLE, Unit::Count, "Stored sessions that did not decode");
    describe_counter!(CACHE_HITS, Unit::Count, "Reads that the cache in front of an engine has answered");
    describe_counter!(CACHE_MISSES, Unit::Count, "Reads that it has not answered");
    describe_counter!(CACHE_FAILURES, Unit::Count, "Calls to it that failed or took too long");
    // Shown from the start: of a counter that begins with one nobody sees the first.
    for counted in [CONFLICTS, RETRIES, INTERRUPTIONS, UNREADABLE, CACHE_HITS, CACHE_MISSES, CACHE_FAILURES] {
        counter!(counted).increment(0);
    }
}
