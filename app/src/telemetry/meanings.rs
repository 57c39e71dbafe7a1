//! What each number means, in the words that a scrape of `/metrics` shows. What
//! the journal counts, it describes itself; gauges of the database are looked
//! up, and described, by `api`.

use metrics::{describe_counter, describe_gauge, describe_histogram};

const COUNTERS: &[(&str, &str)] = &[
    ("greffe_artifacts_missing_total", "Files that an event names and nobody has."),
    ("greffe_artifacts_stored_bytes_total", "Bytes of files that were stored."),
    ("greffe_artifacts_stored_total", "Files that were stored."),
    ("greffe_artifacts_swept_total", "Files removed since nothing referred to them."),
    ("greffe_command_conflicts_total", "Decisions made again since somebody else wrote first."),
    ("greffe_commands_total", "Commands, by name and by what came of them."),
    ("greffe_crawl_batches_total", "Batches of visited pages that were recorded."),
    ("greffe_database_restarts_total", "Times that Greffe's own Postgres was started again."),
    ("greffe_heartbeats_total", "Heartbeats of workers."),
    ("greffe_keys_forgotten_total", "Idempotency keys that were old enough to forget."),
    ("greffe_leases_granted_total", "Jobs handed out, by service."),
    ("greffe_grants_failed_total", "Jobs that could not be leased since something broke."),
    ("greffe_jobs_unreadable_total", "Jobs that this version of Greffe cannot read."),
    ("greffe_leases_lost_total", "Leases whose holder was not heard of in time."),
    ("greffe_projection_failures_total", "Times that a projection could not go on."),
    ("greffe_reports_refused_total", "Reports of workers that were refused, by code."),
    ("greffe_rounds_interrupted_total", "Rounds of a part that broke off and are made again."),
    ("greffe_settles_total", "Leases settled, by outcome."),
];

const GAUGES: &[(&str, &str)] =
    &[("greffe_projection_checkpoint", "The position up to which this process has moved it.")];

const HISTOGRAMS: &[(&str, &str)] =
    &[("greffe_acquire_wait_seconds", "How long workers waited for a job, or for none.")];

/// Tells the recorder, which must be there already.
pub(super) fn describe() {
    for (name, meaning) in COUNTERS {
        describe_counter!(*name, *meaning);
    }
    for (name, meaning) in GAUGES {
        describe_gauge!(*name, *meaning);
    }
    for (name, meaning) in HISTOGRAMS {
        describe_histogram!(*name, *meaning);
    }
}
