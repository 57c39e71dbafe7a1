//! How facts change the row of a job.

use domain::{
    JobId,
    job::{CrawlEvent, JobError, JobEvent, JobKind, JobState, Next, Order, ReportEvent},
    service::ServiceName,
};

use super::JobRow;
use crate::fact::Fact;

/// The row after the fact.
pub(super) fn fold(row: Option<JobRow>, fact: &Fact) -> Option<JobRow> {
    let Some((id, event)) = fact.of_job() else { return row };
    let mut row = match row {
        Some(row) => row,
        None => created(id, event, fact)?,
    };
    row.changed_at = fact.at();
    row.changed_position = fact.position();
    row.version = fact.recorded.version;
    happened(&mut row, event, fact);
    Some(row)
}

/// The first row of a job: nothing can have happened to it before.
fn created(id: JobId, event: &JobEvent, fact: &Fact) -> Option<JobRow> {
    match event {
        JobEvent::TaskCreated(it) => {
            Some(new(id, JobKind::Task, it.task.service.clone(), &it.order, fact))
        }
        JobEvent::Crawl(CrawlEvent::CrawlRequested(it)) => {
            let row = new(id, JobKind::Crawl, ServiceName::crawl(), &it.order, fact);
            Some(JobRow { land: it.crawl.land, ..row })
        }
        JobEvent::Report(ReportEvent::ReportRequested(it)) => {
            Some(new(id, JobKind::Report, ServiceName::report(), &it.order, fact))
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

fn new(id: JobId, kind: JobKind, service: ServiceName, order: &Order, fact: &Fact) -> JobRow {
    let state = order.not_before.map_or(JobState::Queued, |_| JobState::Scheduled);
    JobRow {
        id,
        kind,
        service,
        owner: order.owner,
        state,
        priority: order.priority,
        created_at: fact.at(),
        created_position: fact.position(),
        changed_at: fact.at(),
        changed_position: fact.position(),
        version: fact.recorded.version,
        ready_at: order.not_before,
        expires_at: order.expires_at,
        started_at: None,
        ended_at: None,
        attempt: 0,
        attempts_max: order.policy.attempts_max,
        delivery: 0,
        worker: None,
        fence: None,
        cancel_requested: false,
        paused_at: None,
        pause_reason: None,
        progress: None,
        errors: 0,
        error_type: None,
        error_message: None,
        retry_of: order.retry_of,
        land: None,
    }
}

fn happened(row: &mut JobRow, event: &JobEvent, fact: &Fact) {
    match event {
        JobEvent::TaskCreated(_)
        | JobEvent::Crawl(CrawlEvent::CrawlRequested(_) | CrawlEvent::PagesVisited(_))
        | JobEvent::Report(ReportEvent::ReportRequested(_))
        | JobEvent::LogSealed(_) => {}
        JobEvent::JobQueued(_) => queued(row),
        JobEvent::LeaseGranted(it) => {
            row.state = JobState::Running;
            row.ready_at = None;
            row.started_at = row.started_at.or(Some(fact.at()));
            row.attempt = it.attempt;
            row.delivery = it.delivery;
            row.worker = Some(it.worker);
            row.fence = Some(fact.recorded.version);
            row.progress = None;
        }
        JobEvent::ProgressReported(it) => {
            row.progress = it.progress.clone().or_else(|| row.progress.take());
        }
        JobEvent::CancelRequested(_) => row.cancel_requested = true,
        JobEvent::JobPaused(it) => {
            row.paused_at = Some(fact.at());
            row.pause_reason.clone_from(&it.reason);
        }
        JobEvent::JobResumed(_) => resumed(row),
        JobEvent::LeaseReleased(it) => let_go(row, it.next, JobState::Scheduled),
        JobEvent::LeaseExpired(it) => let_go(row, it.next, JobState::Retrying),
        JobEvent::AttemptFailed(it) => {
            went_wrong(row, &it.error);
            let_go(row, it.next, JobState::Retrying);
        }
        JobEvent::TaskCompleted(it) => {
            row.errors = it.errors;
            ended(row, JobState::Succeeded, fact);
        }
        JobEvent::Crawl(CrawlEvent::CrawlCompleted(it)) => {
            row.errors = it.errors;
            ended(row, JobState::Succeeded, fact);
        }
        JobEvent::Report(ReportEvent::ReportCompleted(it)) => {
            row.errors = it.errors;
            ended(row, JobState::Succeeded, fact);
        }
        JobEvent::JobFailed(it) => {
            went_wrong(row, &it.error);
            ended(row, JobState::Failed, fact);
        }
        JobEvent::JobCancelled(_) => ended(row, JobState::Cancelled, fact),
        JobEvent::JobExpired(_) => ended(row, JobState::Expired, fact),
        JobEvent::JobTransferred(it) => row.owner = it.to,
    }
}

fn queued(row: &mut JobRow) {
    row.state = JobState::Queued;
    row.ready_at = None;
}

fn resumed(row: &mut JobRow) {
    row.paused_at = None;
    row.pause_reason = None;
}

/// An end is left to the event that follows.
fn let_go(row: &mut JobRow, next: Next, waiting: JobState) {
    match next {
        Next::Queue => {
            row.fence = None;
            queued(row);
        }
        Next::Wait { until } => {
            row.fence = None;
            row.state = waiting;
            row.ready_at = Some(until);
        }
        Next::End => {}
    }
}

fn went_wrong(row: &mut JobRow, error: &JobError) {
    row.error_type = Some(error.error_type.clone());
    row.error_message = Some(error.message.clone());
}

fn ended(row: &mut JobRow, state: JobState, fact: &Fact) {
    row.state = state;
    row.fence = None;
    row.ready_at = None;
    row.ended_at = Some(fact.at());
    resumed(row);
    if state == JobState::Succeeded {
        // What went wrong before it went right is in the timeline.
        row.error_type = None;
        row.error_message = None;
    }
}
