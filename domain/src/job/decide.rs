//! What may happen to a job: the table of its phases and commands. What the
//! holder of a lease reports is decided in [`settle`](super::settle), and who is
//! left alone in [`pausing`](super::pausing).

use uuid::Uuid;

use super::{
    CancelRequested, CrawlCompleted, CrawlEvent, CrawlRequested, Job, JobCancelled, JobCommand,
    JobEvent, JobExpired, JobQueued, JobTransferred, LeaseGranted, LeaseReleased, Next, Order,
    PagesVisited, Phase, Present, ProgressReported, ReportCompleted, ReportEvent, ReportRequested,
    Spec, TaskCompleted, TaskCreated, limit, settle::Failure,
};
use crate::{
    Actor, Context, Decider, JobId, Refusal, Timestamp, UserId, WorkerId, decode::Event,
    service::ServiceName,
};

impl Decider for Job {
    const CATEGORY: &'static str = "job";
    type Command = JobCommand;
    type Event = JobEvent;

    fn decide(&self, command: JobCommand, context: &Context) -> Result<Vec<JobEvent>, Refusal> {
        match (self, command) {
            (Job::Absent, JobCommand::CreateTask { order, task }) => {
                task.check()?;
                in_scope(&task.service, &context.actor)?;
                let order = accepted(order, context)?;
                Ok(vec![TaskCreated { order, task }.into()])
            }
            (Job::Absent, JobCommand::StartCrawl { order, crawl }) => {
                crawl.check()?;
                let order = accepted(order, context)?;
                Ok(vec![JobEvent::Crawl(CrawlEvent::from(CrawlRequested { order, crawl }))])
            }
            (Job::Absent, JobCommand::RequestReport { order, report }) => {
                report.check()?;
                let order = accepted(order, context)?;
                Ok(vec![JobEvent::Report(ReportEvent::from(ReportRequested { order, report }))])
            }
            (Job::Absent, _) => Err(NO_SUCH_JOB),
            (Job::Present(present), command) => present.decide(command, context),
        }
    }

    fn own(event: Event) -> Option<JobEvent> {
        if let Event::Job(event) = event { Some(event) } else { None }
    }

    fn evolve(&mut self, event: &JobEvent, version: u64) {
        self.apply(event, version);
    }

    fn weight(&self) -> usize {
        self.present().map_or(0, Present::weight)
    }
}

const NO_SUCH_JOB: Refusal = Refusal::NotFound { what: "job" };

/// The back end of another application has tasks done by its services only.
fn in_scope(service: &ServiceName, actor: &Actor) -> Result<(), Refusal> {
    if let Actor::Client { scope, .. } = actor
        && !scope.allows(service)
    {
        return Err(Refusal::Forbidden { rule: "the service must be one of the client's" });
    }
    Ok(())
}

/// The order as it is kept: a time that has come already is none.
fn accepted(mut order: Order, context: &Context) -> Result<Order, Refusal> {
    order.check(context.now)?;
    let for_another = match &context.actor {
        Actor::User { id, role } => *id != order.owner && !role.sees_all(),
        Actor::Client { id, .. } => *id != order.owner,
        Actor::Worker { .. } | Actor::System(_) => false,
    };
    if for_another {
        return Err(Refusal::Forbidden { rule: "jobs are created for oneself" });
    }
    order.not_before = order.not_before.filter(|at| context.now < *at);
    Ok(order)
}

impl Job {
    /// The command that creates a new job like this one, which has ended. It
    /// belongs to whom this one belongs to.
    pub fn repeat(
        &self,
        id: JobId,
        expires_at: Timestamp,
        context: &Context,
    ) -> Result<JobCommand, Refusal> {
        let present = self.present().ok_or(NO_SUCH_JOB)?;
        present.touched_by(&context.actor)?;
        if !present.state().is_final() {
            return Err(Refusal::NotEnded { state: present.state() });
        }
        let order = Order {
            not_before: None,
            expires_at,
            retry_of: Some(id),
            ..Order::clone(&present.order)
        };
        Ok(match Spec::clone(&present.spec) {
            Spec::Task(task) => JobCommand::CreateTask { order, task },
            Spec::Crawl(crawl) => JobCommand::StartCrawl { order, crawl },
            Spec::Report(report) => JobCommand::RequestReport { order, report },
        })
    }
}

impl Present {
    fn decide(&self, command: JobCommand, context: &Context) -> Result<Vec<JobEvent>, Refusal> {
        match command {
            JobCommand::CreateTask { .. }
            | JobCommand::StartCrawl { .. }
            | JobCommand::RequestReport { .. } => Err(Refusal::AlreadyExists),
            JobCommand::QueueJob => self.queue(context.now),
            JobCommand::GrantLease { worker, request } => self.grant(worker, request, context),
            JobCommand::ReportProgress { fence, progress, checkpoint } => {
                self.advance(ProgressReported { fence, progress, checkpoint }, context)
            }
            JobCommand::RecordPages { fence, found, visited, texts, progress } => {
                self.record_pages(PagesVisited { fence, found, visited, texts }, progress, context)
            }
            JobCommand::CompleteTask { fence, result, errors, artifacts, closing } => {
                let done = TaskCompleted { fence, result, errors, artifacts };
                self.complete_task(done, closing, context)
            }
            JobCommand::CompleteCrawl { fence, pages, errors, artifacts, closing } => {
                let done = CrawlCompleted { fence, pages, errors, artifacts };
                self.complete_crawl(done, closing, context)
            }
            JobCommand::CompleteReport { fence, document, errors, written, closing } => {
                let done = ReportCompleted { fence, document, errors, written };
                self.complete_report(done, closing, context)
            }
            JobCommand::FailAttempt { fence, error, retry_at, closing } => {
                self.fail(fence, Failure { error, retry_at, closing }, context)
            }
            JobCommand::ReleaseLease { fence, reason, until, checkpoint, closing } => {
                let next = until.filter(|at| context.now < *at);
                let next = next.map_or(Next::Queue, |until| Next::Wait { until });
                self.release(LeaseReleased { fence, reason, checkpoint, next }, closing, context)
            }
            JobCommand::ConfirmCancel { fence, closing } => {
                self.confirm_cancel(fence, closing, context)
            }
            JobCommand::ExpireLease { fence, log } => self.lose(fence, log, context),
            JobCommand::CancelJob { reason } => {
                self.touched_by(&context.actor)?;
                self.cancel(reason)
            }
            JobCommand::PauseJob { reason } => {
                self.touched_by(&context.actor)?;
                self.pause(reason)
            }
            JobCommand::ResumeJob => {
                self.touched_by(&context.actor)?;
                self.resume()
            }
            JobCommand::ExpireJob => self.expire(context.now),
            JobCommand::TransferJob { from, to } => self.transfer(from, to, &context.actor),
        }
    }

    /// To those who may not see a job, it does not exist.
    fn touched_by(&self, actor: &Actor) -> Result<(), Refusal> {
        if actor.may_touch(self.order.owner) { Ok(()) } else { Err(NO_SUCH_JOB) }
    }

    fn queue(&self, now: Timestamp) -> Result<Vec<JobEvent>, Refusal> {
        match &self.phase {
            Phase::Scheduled { until } | Phase::Retrying { until } if now < *until => {
                Err(Refusal::TooEarly)
            }
            Phase::Scheduled { .. } | Phase::Retrying { .. } => Ok(vec![JobQueued {}.into()]),
            Phase::Queued => Ok(Vec::new()),
            Phase::Running(_) => Err(Refusal::AlreadyLeased),
            Phase::Succeeded | Phase::Failed | Phase::Cancelled | Phase::Expired => {
                Err(Refusal::Ended { state: self.state() })
            }
        }
    }

    fn grant(
        &self,
        worker: WorkerId,
        request: Option<Uuid>,
        context: &Context,
    ) -> Result<Vec<JobEvent>, Refusal> {
        let now = context.now;
        if let Actor::Worker { id, scope } = &context.actor
            && (*id != worker || !scope.allows(&self.spec.service()))
        {
            return Err(Refusal::Forbidden { rule: "the token must be for the job's service" });
        }
        match &self.phase {
            Phase::Running(_) => return Err(Refusal::AlreadyLeased),
            Phase::Succeeded | Phase::Failed | Phase::Cancelled | Phase::Expired => {
                return Err(Refusal::Ended { state: self.state() });
            }
            Phase::Scheduled { until } | Phase::Retrying { until } if now < *until => {
                return Err(Refusal::TooEarly);
            }
            Phase::Scheduled { .. } | Phase::Retrying { .. } | Phase::Queued => {}
        }
        if self.paused.is_some() {
            return Err(Refusal::Paused);
        }
        if self.order.expires_at <= now {
            return Err(Refusal::TooLate);
        }
        let granted = LeaseGranted {
            worker,
            attempt: self.failures + 1,
            delivery: self.losses + 1,
            lease_ms: self.order.policy.lease_ms,
            run_deadline: self.order.policy.run_deadline(now),
            request,
        };
        Ok(vec![granted.into()])
    }

    fn cancel(&self, reason: Option<String>) -> Result<Vec<JobEvent>, Refusal> {
        limit::text("reason", reason.as_deref().unwrap_or_default(), 1_024)?;
        match &self.phase {
            Phase::Running(lease) if lease.cancel.is_some() => Ok(Vec::new()),
            Phase::Running(_) => Ok(vec![CancelRequested { reason }.into()]),
            Phase::Scheduled { .. } | Phase::Queued | Phase::Retrying { .. } => {
                Ok(vec![JobCancelled { fence: None, reason }.into()])
            }
            Phase::Cancelled => Ok(Vec::new()),
            Phase::Succeeded | Phase::Failed | Phase::Expired => {
                Err(Refusal::Ended { state: self.state() })
            }
        }
    }

    fn expire(&self, now: Timestamp) -> Result<Vec<JobEvent>, Refusal> {
        if self.state().is_final() {
            return Err(Refusal::Ended { state: self.state() });
        }
        if now < self.order.expires_at {
            return Err(Refusal::TooEarly);
        }
        Ok(vec![JobExpired {}.into()])
    }

    /// Who owns a job says who may see it, and nothing else: so it may change
    /// in every phase.
    fn transfer(
        &self,
        from: Option<UserId>,
        to: UserId,
        actor: &Actor,
    ) -> Result<Vec<JobEvent>, Refusal> {
        self.touched_by(actor)?;
        let owner = self.order.owner;
        if from.is_some_and(|it| it != owner) {
            return Ok(Vec::new());
        }
        actor.may_give(owner, to)?;
        Ok(vec![JobTransferred { to }.into()])
    }
}
