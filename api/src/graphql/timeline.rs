//! What happened to a job, for people to read.

use async_graphql::SimpleObject;
use projections::job_timeline::TimelineRow;

use super::scalar::{DateTime, Long, Position};

/// Something that happened to a job, or that its worker reported too late.
#[derive(SimpleObject)]
pub(super) struct TimelineEntry {
    /// Where it stands in the journal; to be sent back as `after`.
    position: Position,
    /// The job's version then; null where it stands in another stream.
    version: Option<Long>,
    /// What kind of thing happened, such as `LeaseGranted`.
    #[graphql(name = "type")]
    event_type: String,
    /// On whose behalf: `user:…`, `client:…`, `worker:…` or `system:…`.
    actor: String,
    /// When.
    recorded_at: DateTime,
    /// Which attempt, where the event itself tells.
    attempt: Option<i32>,
    /// Under which lease.
    fence: Option<Long>,
    /// One line.
    note: Option<String>,
}

impl From<TimelineRow> for TimelineEntry {
    fn from(it: TimelineRow) -> Self {
        Self {
            position: Position(it.position),
            version: it.version.map(Long),
            event_type: it.event_type,
            actor: it.actor,
            recorded_at: DateTime(it.recorded_at),
            attempt: it.attempt.map(u32::cast_signed),
            fence: it.fence.map(Long),
            note: it.note,
        }
    }
}
