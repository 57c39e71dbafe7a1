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
    pub(super) transfers: Vec<Transfer>,
}

/// What jobs are counted by, apart from when and where they are.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Whose {
    pub(super) owner: UserId,
    /// As tables have it, so that it can be sorted by.
    pub(super) kind: &'static str,
    pub(super) service: ServiceName,
}

impl Whose {
    /// The same, of somebody.
    pub(super) fn of(&self, owner: UserId) -> Self {
        Self { owner, ..self.clone() }
    }
}

/// A job that came to be in a state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Move {
    /// Whose it was.
    pub(super) owner: UserId,
    pub(super) hour: Timestamp,
    /// Where it was; nowhere, if it was created.
    pub(super) from: Option<JobState>,
    pub(super) to: JobState,
    pub(super) with_errors: bool,
    /// How long it waited and ran in all, if it ended.
    pub(super) times: Option<Times>,
}

/// A job that went to somebody else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Transfer {
    pub(super) from: UserId,
    pub(super) to: UserId,
    /// Where it stood.
    pub(super) state: JobState,
}

/// How long a job was queued and held, in milliseconds; none if it never was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Times {
    pub(super) waited_ms: Option<u64>,
    pub(super) ran_ms: Option<u64>,
}

/// Whether the event changes what is counted.
pub fn counts(event: &JobEvent) -> bool {
    event.leads_to().is_some() || matches!(event, JobEvent::JobTransferred(_))
}

/// The standing after the fact.
pub(super) fn fold(row: Option<Standing>, fact: &Fact) -> Option<Standing> {
    let Some((id, event)) = fact.of_job() else { return row };
    if let (Some(row), JobEvent::JobTransferred(it)) = (row.clone(), event) {
        return Some(row.given_to(it.to));
    }
    let Some(to) = event.leads_to() else { return row };
    let Some(mut row) = row else { return created(id, event, to, fact.at()) };
    row.leave(fact.at());
    let from = Some(row.state);
    row.state = to;
    row.since = fact.at();
    let times = to.is_final().then_some(Times { waited_ms: row.waited_ms, ran_ms: row.ran_ms });
    let with_errors = 0 < event.errors();
    let owner = row.whose.owner;
    row.moves.push(Move { owner, hour: hour(fact.at()), from, to, with_errors, times });
    Some(row)
}

/// The first standing of a job: nothing can have happened to it before.
fn created(job: JobId, event: &JobEvent, to: JobState, at: Timestamp) -> Option<Standing> {
    let (order, kind, service) = order(event)?;
    let whose = Whose { owner: order.owner, kind: kind.as_str(), service };
    let owner = order.owner;
    let first = Move { owner, hour: hour(at), from: None, to, with_errors: false, times: None };
    Some(Standing {
        job,
        whose,
        state: to,
        since: at,
        waited_ms: None,
        ran_ms: None,
        moves: vec![first],
        transfers: Vec::new(),
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
        | JobEvent::JobTransferred(_)
        | JobEvent::Crawl(CrawlEvent::PagesVisited(_) | CrawlEvent::CrawlCompleted(_))
        | JobEvent::Report(ReportEvent::ReportCompleted(_)) => None,
    }
}

impl Standing {
    fn given_to(mut self, to: UserId) -> Self {
        self.transfers.push(Transfer { from: self.whose.owner, to, state: self.state });
        self.whose.owner = to;
        self
    }

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
