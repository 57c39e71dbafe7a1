//! Where a job stands, and what facts make of that.

use chrono::{DurationRound, TimeDelta};
use domain::{
    JobId, Timestamp, UserId,
    job::{CrawlEvent, JobEvent, JobKind, JobState, Order, ReportEvent},
    service::ServiceName,
};

use crate::fact::Fact;

/// Where a job stands, and what its facts have added to the counts since it was
/// read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    pub(super) job: JobId,
    pub(super) whose: Whose,
    pub(super) state: JobState,
    /// When it came to be in that state.
    pub(super) since: Timestamp,
    /// How long it was queued before; none if it never was.
    pub(super) waited_ms: Option<u64>,
    /// How long it was held before; none if it never was.
    pub(super) ran_ms: Option<u64>,
    pub(super) moves: Vec<Move>,
}

/// What jobs are counted by, apart from when and where they are.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Whose {
    pub(super) owner: UserId,
    /// As tables have it, so that it can be sorted by.
    pub(super) kind: &'static str,
    pub(super) service: ServiceName,
}

/// A job that came to be in a state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Move {
    pub(super) hour: Timestamp,
    /// Where it was; nowhere, if it was created.
    pub(super) from: Option<JobState>,
    pub(super) to: JobState,
    pub(super) with_errors: bool,
    /// How long it waited and ran in all, if it ended.
    pub(super) times: Option<Times>,
}

/// How long a job was queued and held, in milliseconds; none if it never was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Times {
    pub(super) waited_ms: Option<u64>,
    pub(super) ran_ms: Option<u64>,
}

/// The standing after the fact.
pub(super) fn fold(row: Option<Standing>, fact: &Fact) -> Option<Standing> {
    let Some((id, event)) = fact.of_job() else { return row };
    let Some(to) = event.leads_to() else { return row };
    let Some(mut row) = row else { return created(id, event, to, fact.at()) };
    row.leave(fact.at());
    let from = Some(row.state);
    row.state = to;
    row.since = fact.at();
    let times = to.is_final().then_some(Times { waited_ms: row.waited_ms, ran_ms: row.ran_ms });
    let with_errors = 0 < event.errors();
    row.moves.push(Move { hour: hour(fact.at()), from, to, with_errors, times });
    Some(row)
}

/// The first standing of a job: nothing can have happened to it before.
fn created(job: JobId, event: &JobEvent, to: JobState, at: Timestamp) -> Option<Standing> {
    let (order, kind, service) = order(event)?;
    let whose = Whose { owner: order.owner, kind: kind.as_str(), service };
    let first = Move { hour: hour(at), from: None, to, with_errors: false, times: None };
    Some(Standing {
        job,
        whose,
        state: to,
        since: at,
        waited_ms: None,
        ran_ms: None,
        moves: vec![first],
    })
}

fn order(event: &JobEvent) -> Option<(&Order, JobKind, ServiceName)> {
    match event {
        JobEvent::TaskCreated(it) => Some((&it.order, JobKind::Task, it.task.service.clone())),
        JobEvent::Crawl(CrawlEvent::CrawlRequested(it)) => {
            Some((&it.order, JobKind::Crawl, ServiceName::crawl()))
        }
        JobEvent::Report(ReportEvent::ReportRequested(it)) => {
            Some((&it.order, JobKind::Report, ServiceName::report()))
        }
        JobEvent::JobQueued(_)
        | JobEvent::LeaseGranted(_)
        | JobEvent::ProgressReported(_)
        | JobEvent::CancelRequested(_)
        | JobEvent::JobPaused(_)
        | JobEvent::JobResumed(_)
        | JobEvent::LeaseReleased(_)
        | JobEvent::LeaseExpired(_)
        | JobEvent::AttemptFailed(_)
        | JobEvent::LogSealed(_)
        | JobEvent::TaskCompleted(_)
        | JobEvent::JobFailed(_)
        | JobEvent::JobCancelled(_)
        | JobEvent::JobExpired(_)
        | JobEvent::Crawl(CrawlEvent::PagesVisited(_) | CrawlEvent::CrawlCompleted(_))
        | JobEvent::Report(ReportEvent::ReportCompleted(_)) => None,
    }
}

impl Standing {
    /// Adds the time in the state that it leaves.
    fn leave(&mut self, at: Timestamp) {
        let spent = u64::try_from((at - self.since).num_milliseconds()).unwrap_or_default();
        let total = match self.state {
            JobState::Queued => &mut self.waited_ms,
            JobState::Running => &mut self.ran_ms,
            JobState::Scheduled
            | JobState::Retrying
            | JobState::Succeeded
            | JobState::Failed
            | JobState::Cancelled
            | JobState::Expired => return,
        };
        *total = Some(total.unwrap_or_default() + spent);
    }
}

/// The hour that an instant is in.
pub(super) fn hour(at: Timestamp) -> Timestamp {
    // Only instants centuries away from any clock's have none.
    at.duration_trunc(TimeDelta::hours(1)).unwrap_or(at)
}
