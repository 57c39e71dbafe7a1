//! What is measured of the journal.

use std::time::Duration;

use metrics::{
    Counter, Gauge, Histogram, counter, describe_counter, describe_gauge, describe_histogram,
    gauge, histogram,
};

use crate::{AppendError, Appended, postgres::plan::Verdict};

/// Handles to the metrics, looked up once: with the recorder that is in place
/// when the journal is opened.
#[derive(Clone)]
pub(super) struct Instruments {
    events: Counter,
    conflicts: Counter,
    batch: Histogram,
    seconds: Histogram,
    lag: Gauge,
}

impl Instruments {
    pub(super) fn new() -> Self {
        describe_counter!("journal_events_total", "Events written by this process.");
        describe_counter!("journal_conflicts_total", "Appends whose stream had moved.");
        describe_histogram!("journal_batch_appends", "Appends taken in by one batch.");
        describe_histogram!("journal_append_seconds", "From asking for an append to its answer.");
        describe_gauge!("journal_tail_lag", "Positions known of and not read yet.");
        Self {
            events: counter!("journal_events_total"),
            conflicts: counter!("journal_conflicts_total"),
            batch: histogram!("journal_batch_appends"),
            seconds: histogram!("journal_append_seconds"),
            lag: gauge!("journal_tail_lag"),
        }
    }
}

impl Instruments {
    pub(super) fn answered(&self, after: Duration, outcome: &Result<Appended, AppendError>) {
        self.seconds.record(after);
        if matches!(outcome, Err(AppendError::Conflict { .. })) {
            self.conflicts.increment(1);
        }
    }

    pub(super) fn batch_settled(&self, verdicts: &[Verdict], events: u64) {
        self.batch.record(u32::try_from(verdicts.len()).unwrap_or(u32::MAX));
        self.events.increment(events);
    }

    pub(super) fn tail_lag(&self, positions: u64) {
        self.lag.set(u32::try_from(positions).unwrap_or(u32::MAX));
    }
}
