//! What the holder of a lease may report, and what becomes of the job then.

use super::{
    AttemptFailed, Closing, CrawlCompleted, CrawlEvent, FailureCause, JobCancelled, JobError,
    JobEvent, JobFailed, JobKind, Lease, LeaseExpired, LeaseReleased, LogSeal, LogSealed, Next,
    PagesVisited, Phase, Present, Progress, ProgressReported, ReportCompleted, ReportEvent,
    TaskCompleted, limit, spec::JSON_BYTES_MAX,
};
use crate::{Actor, Context, Refusal, Timestamp, artifact::Artifact};

/// How an attempt failed.
pub(super) struct Failure {
    pub(super) error: JobError,
    pub(super) retry_at: Option<Timestamp>,
    pub(super) closing: Closing,
}

impl Present {
    pub(super) fn complete_task(
        &self,
        done: TaskCompleted,
        closing: Closing,
        context: &Context,
    ) -> Result<Vec<JobEvent>, Refusal> {
        let lease = self.held_as(JobKind::Task, "task", done.fence, context)?;
        limit::json("result", &done.result, JSON_BYTES_MAX)?;
        limit::count("errors", done.errors)?;
        nameable(&done.artifacts)?;
        closed(lease, closing, [done.into()])
    }

    pub(super) fn complete_crawl(
        &self,
        done: CrawlCompleted,
        closing: Closing,
        context: &Context,
    ) -> Result<Vec<JobEvent>, Refusal> {
        let lease = self.held_as(JobKind::Crawl, "crawl", done.fence, context)?;
        limit::count("pages", done.pages)?;
        limit::count("errors", done.errors)?;
        nameable(&done.artifacts)?;
        closed(lease, closing, [JobEvent::Crawl(CrawlEvent::from(done))])
    }

    pub(super) fn complete_report(
        &self,
        done: ReportCompleted,
        closing: Closing,
        context: &Context,
    ) -> Result<Vec<JobEvent>, Refusal> {
        let lease = self.held_as(JobKind::Report, "report", done.fence, context)?;
        done.check()?;
        nameable(&done.artifacts().cloned().collect::<Vec<_>>())?;
        closed(lease, closing, [JobEvent::Report(ReportEvent::from(done))])
    }

    /// A job that is to be cancelled ends when its worker lets go of it.
    pub(super) fn release(
        &self,
        mut released: LeaseReleased,
        closing: Closing,
        context: &Context,
    ) -> Result<Vec<JobEvent>, Refusal> {
        let lease = self.held(released.fence, context)?;
        limit::text("reason", released.reason.as_deref().unwrap_or_default(), 1_024)?;
        limit::resumable(released.checkpoint.as_ref())?;
        // A null is none: the two are read back alike.
        released.checkpoint = released.checkpoint.filter(|it| !it.is_null());
        let Some(cancelled) = lease.cancelled() else {
            return closed(lease, closing, [released.into()]);
        };
        released.next = Next::End;
        closed(lease, closing, [released.into(), cancelled.into()])
    }

    pub(super) fn confirm_cancel(
        &self,
        fence: u64,
        closing: Closing,
        context: &Context,
    ) -> Result<Vec<JobEvent>, Refusal> {
        let lease = self.held(fence, context)?;
        let cancelled = lease.cancelled().ok_or(Refusal::CancelNotRequested)?;
        closed(lease, closing, [cancelled.into()])
    }

    /// What is known already is not recorded again.
    pub(super) fn advance(
        &self,
        mut report: ProgressReported,
        context: &Context,
    ) -> Result<Vec<JobEvent>, Refusal> {
        let lease = self.held(report.fence, context)?;
        report.check()?;
        report.checkpoint = report.checkpoint.filter(|it| !it.is_null());
        report.progress = report.progress.filter(|it| lease.progress.as_ref() != Some(it));
        report.checkpoint = report.checkpoint.filter(|it| self.checkpoint.as_ref() != Some(it));
        if report.progress.is_none() && report.checkpoint.is_none() {
            return Ok(Vec::new());
        }
        Ok(vec![report.into()])
    }

    /// A batch of nothing is not recorded.
    pub(super) fn record_pages(
        &self,
        pages: PagesVisited,
        progress: Option<Progress>,
        context: &Context,
    ) -> Result<Vec<JobEvent>, Refusal> {
        let fence = pages.fence;
        self.held_as(JobKind::Crawl, "crawl", fence, context)?;
        pages.check(self.found)?;
        nameable(pages.texts.as_slice())?;
        let mut events = Vec::with_capacity(2);
        if !(pages.found.is_empty() && pages.visited.is_empty()) {
            events.push(JobEvent::Crawl(CrawlEvent::from(pages)));
        }
        events
            .extend(self.advance(ProgressReported { fence, progress, checkpoint: None }, context)?);
        Ok(events)
    }

    /// A failure ends the attempt; whether it ends the job is for the policy,
    /// the error, and whoever asked to cancel to say.
    pub(super) fn fail(
        &self,
        fence: u64,
        Failure { error, retry_at, closing }: Failure,
        context: &Context,
    ) -> Result<Vec<JobEvent>, Refusal> {
        let lease = self.held(fence, context)?;
        error.check()?;
        let policy = &self.order.policy;
        let (failures, attempt, now) = (self.failures + 1, lease.attempt, context.now);
        let failed = |next, error| JobEvent::from(AttemptFailed { fence, attempt, error, next });
        if let Some(cancelled) = lease.cancelled() {
            return closed(lease, closing, [failed(Next::End, error), cancelled.into()]);
        }
        let cause = if !error.retryable {
            FailureCause::NotRetryable
        } else if policy.attempts_max <= failures {
            FailureCause::AttemptsExhausted
        } else {
            let until = retry_at.unwrap_or_else(|| now + policy.backoff(failures, now));
            return closed(lease, closing, [failed(Next::Wait { until }, error)]);
        };
        let last = failed(Next::End, error.clone());
        closed(lease, closing, [last, JobFailed { cause, error }.into()])
    }

    /// The first loss is nobody's fault and costs no time; after that, the job
    /// itself is under suspicion.
    pub(super) fn lose(
        &self,
        fence: u64,
        log: Option<LogSeal>,
        context: &Context,
    ) -> Result<Vec<JobEvent>, Refusal> {
        let lease = self.held(fence, context)?;
        let closing = Closing { progress: None, log };
        let expired = |next| JobEvent::from(LeaseExpired { fence, next });
        if let Some(cancelled) = lease.cancelled() {
            // Nobody let go of it: should its holder come back, it is too late.
            let cancelled = JobCancelled { fence: None, ..cancelled };
            return closed(lease, closing, [expired(Next::End), cancelled.into()]);
        }
        let losses = self.losses + 1;
        let policy = &self.order.policy;
        if policy.deliveries_max <= losses {
            let cause = FailureCause::DeliveriesExhausted;
            let failed = JobFailed { cause, error: lost(losses) };
            return closed(lease, closing, [expired(Next::End), failed.into()]);
        }
        let next = match losses {
            1 => Next::Queue,
            _ => Next::Wait { until: context.now + policy.backoff(losses - 1, context.now) },
        };
        closed(lease, closing, [expired(next)])
    }

    /// The lease under `fence`, if it holds the job and is the actor's. People
    /// hold none, and learn nothing of the job by asking.
    fn held(&self, fence: u64, context: &Context) -> Result<&Lease, Refusal> {
        if matches!(context.actor, Actor::User { .. } | Actor::Client { .. }) {
            return Err(Refusal::NotFound { what: "lease" });
        }
        if let Some(refusal) = self.over(fence) {
            return Err(refusal);
        }
        match (&self.phase, &context.actor) {
            (Phase::Running(lease), Actor::Worker { id, .. }) if *id == lease.worker => Ok(lease),
            (Phase::Running(lease), Actor::System(_)) => Ok(lease),
            _ => Err(Refusal::NotFound { what: "lease" }),
        }
    }

    /// Why a report from the lease under `fence` comes too late; `None` while
    /// that lease holds the job.
    pub fn over(&self, fence: u64) -> Option<Refusal> {
        let state = self.state();
        let current = match &self.phase {
            Phase::Running(lease) if lease.fence == fence => return None,
            Phase::Running(lease) => Some(lease.fence),
            Phase::Scheduled { .. }
            | Phase::Queued
            | Phase::Retrying { .. }
            | Phase::Succeeded
            | Phase::Failed
            | Phase::Cancelled
            | Phase::Expired => None,
        };
        if self.settled_fence == Some(fence) {
            return Some(Refusal::AlreadySettled { fence, state });
        }
        Some(Refusal::StaleFence { reported: fence, current, state })
    }

    fn held_as(
        &self,
        kind: JobKind,
        expected: &'static str,
        fence: u64,
        context: &Context,
    ) -> Result<&Lease, Refusal> {
        let lease = self.held(fence, context)?;
        if self.spec.kind() == kind { Ok(lease) } else { Err(Refusal::WrongKind { expected }) }
    }
}

impl Lease {
    /// The end of the job, if somebody wants it stopped.
    fn cancelled(&self) -> Option<JobCancelled> {
        let reason = self.cancel.as_ref()?.reason.clone();
        Some(JobCancelled { fence: Some(self.fence), reason })
    }
}

fn lost(losses: u32) -> JobError {
    JobError {
        error_type: "LeaseLost".to_owned(),
        message: format!("{losses} workers were not heard of again"),
        detail: None,
        retryable: false,
    }
}

/// Puts what an attempt leaves behind before the events that end it.
fn closed(
    lease: &Lease,
    closing: Closing,
    end: impl IntoIterator<Item = JobEvent>,
) -> Result<Vec<JobEvent>, Refusal> {
    let fence = lease.fence;
    let mut events: Vec<JobEvent> = Vec::with_capacity(4);
    if let Some(progress) = closing.progress.filter(|it| lease.progress.as_ref() != Some(it)) {
        Progress::check(&progress)?;
        let last = ProgressReported { fence, progress: Some(progress), checkpoint: None };
        events.push(last.into());
    }
    if let Some(log) = closing.log {
        events.push(LogSealed { fence, log }.into());
    }
    events.extend(end);
    Ok(events)
}

/// Refuses artifacts that no table could list.
fn nameable(artifacts: &[Artifact]) -> Result<(), Refusal> {
    for artifact in artifacts {
        limit::text("artifacts.name", &artifact.name, 1_024)?;
        limit::count("artifacts.bytes", artifact.bytes)?;
    }
    limit::size("artifacts", artifacts, JSON_BYTES_MAX)
}
