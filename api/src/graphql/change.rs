//! What happens to jobs, as those are told who look at them through a filter.

use std::sync::Arc;

use async_graphql::{Enum, ID, SimpleObject, Union};
use domain::JobId;
use projections::{
    feed::{Change, Membership},
    job_list::JobRow,
};

use super::{
    job::Job,
    scalar::{DateTime, Position},
};

/// A part of what happens, in order. Loses nothing between one frame and the next.
#[derive(SimpleObject)]
pub(super) struct JobFrame {
    /// Up to where one has been told everything. To go on from here, subscribe `after` it.
    pub(super) cursor: Position,
    /// How far the journal has come, as far as this server knows.
    pub(super) head: Position,
    /// Whether nothing was left to be told when the frame was made.
    pub(super) caught_up: bool,
    /// What happened, oldest first; of one job, in the order of its versions. Empty in a frame that
    /// only moves the cursor.
    pub(super) events: Vec<JobChange>,
    /// The job as it was at the cursor, where one follows a single job; null otherwise, before its
    /// creation, or when it is yours to see no more.
    pub(super) job: Option<Job>,
}

/// Something that happened to a job, and what it means to those who look through the filter.
#[derive(Union)]
pub(super) enum JobChange {
    Added(JobAdded),
    Changed(JobChanged),
    Removed(JobRemoved),
}

/// A job that was not among those looked at, and now is.
#[derive(SimpleObject)]
pub(super) struct JobAdded {
    /// Where it stands in the journal.
    position: Position,
    /// When it happened.
    recorded_at: DateTime,
    /// What kind of thing happened, such as `TaskCreated`.
    #[graphql(name = "type")]
    event_type: String,
    /// The job after it.
    job: Job,
}

/// A job that was among those looked at, and still is.
#[derive(SimpleObject)]
pub(super) struct JobChanged {
    /// Where it stands in the journal.
    position: Position,
    /// When it happened.
    recorded_at: DateTime,
    /// What kind of thing happened, such as `ProgressReported`.
    #[graphql(name = "type")]
    event_type: String,
    /// The job after it.
    job: Job,
    /// Which of its fields are different; besides version, position and `changedAt`, which always
    /// are.
    changed: Vec<JobField>,
}

/// A job that was among those looked at, and now is not.
#[derive(SimpleObject)]
pub(super) struct JobRemoved {
    /// Where it stands in the journal.
    position: Position,
    /// When it happened.
    recorded_at: DateTime,
    /// What kind of thing happened, such as `TaskCompleted`.
    #[graphql(name = "type")]
    event_type: String,
    /// Which job.
    id: ID,
    /// Why.
    reason: RemovedReason,
}

/// Why a job is no longer among those looked at.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
pub(super) enum RemovedReason {
    /// The filter does not match it any more, or it is somebody else's.
    Filtered,
}

/// A field of a job that can change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(super) enum JobField {
    /// See `Job.owner`.
    Owner,
    /// See `Job.state`.
    State,
    /// See `Job.succeededWithErrors`.
    SucceededWithErrors,
    /// See `Job.priority`.
    Priority,
    /// See `Job.startedAt`.
    StartedAt,
    /// See `Job.endedAt`.
    EndedAt,
    /// See `Job.readyAt`.
    ReadyAt,
    /// See `Job.attempt`.
    Attempt,
    /// See `Job.delivery`.
    Delivery,
    /// See `Job.worker`.
    Worker,
    /// See `Job.fence`.
    Fence,
    /// See `Job.cancelRequested`.
    CancelRequested,
    /// See `Job.pausedAt`.
    PausedAt,
    /// See `Job.pauseReason`.
    PauseReason,
    /// See `Job.progress`.
    Progress,
    /// See `Job.errors`.
    Errors,
    /// See `Job.error`.
    Error,
    /// See `Task.result` and `Task.artifacts`.
    Result,
}

impl JobChange {
    /// What a change is to somebody for whom it means `membership`.
    pub(super) fn new(change: &Change, membership: Membership) -> Self {
        let position = Position(change.position());
        let recorded_at = DateTime(change.fact.at());
        let event_type = change.fact.recorded.event_type.clone();
        let JobId(id) = change.after.id;
        let job = || Job::from(Arc::clone(&change.after));
        match membership {
            Membership::Entered => {
                Self::Added(JobAdded { position, recorded_at, event_type, job: job() })
            }
            Membership::Stayed => {
                let before = change.before.as_deref();
                let changed = before.map(|it| different(it, &change.after)).unwrap_or_default();
                let job = job();
                Self::Changed(JobChanged { position, recorded_at, event_type, job, changed })
            }
            Membership::Left => {
                let reason = RemovedReason::Filtered;
                Self::Removed(JobRemoved {
                    position,
                    recorded_at,
                    event_type,
                    id: id.into(),
                    reason,
                })
            }
        }
    }
}

/// The fields that are different.
fn different(before: &JobRow, after: &JobRow) -> Vec<JobField> {
    let ended = before.state != after.state && after.state.is_final();
    let succeeded = ended && after.state == domain::job::JobState::Succeeded;
    let error = |it: &JobRow| (it.error_type.clone(), it.error_message.clone());
    let fields = [
        (JobField::Owner, before.owner != after.owner),
        (JobField::State, before.state != after.state),
        (JobField::SucceededWithErrors, succeeded && 0 < after.errors),
        (JobField::Priority, before.priority != after.priority),
        (JobField::StartedAt, before.started_at != after.started_at),
        (JobField::EndedAt, before.ended_at != after.ended_at),
        (JobField::ReadyAt, before.ready_at != after.ready_at),
        (JobField::Attempt, before.attempt != after.attempt),
        (JobField::Delivery, before.delivery != after.delivery),
        (JobField::Worker, before.worker != after.worker),
        (JobField::Fence, before.fence != after.fence),
        (JobField::CancelRequested, before.cancel_requested != after.cancel_requested),
        (JobField::PausedAt, before.paused_at != after.paused_at),
        (JobField::PauseReason, before.pause_reason != after.pause_reason),
        (JobField::Progress, before.progress != after.progress),
        (JobField::Errors, before.errors != after.errors),
        (JobField::Error, error(before) != error(after)),
        (JobField::Result, succeeded),
    ];
    fields.into_iter().filter_map(|(field, is)| is.then_some(field)).collect()
}
