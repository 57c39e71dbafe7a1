//! The write side: authorise, load, decide, append; and again if somebody was
//! faster.
//!
//! No rules live here, they are in [`domain`]. No reads either: the answer to
//! a command is where it was written, or why not. [`Commands::execute`] is the
//! door.

mod asked;
mod authorise;
mod bridge;
mod error;
mod executor;
pub mod lease;
pub mod services;
mod stream_locks;

use std::sync::Arc;

use domain::{
    JobId, Refusal, Timestamp, WorkerId,
    job::{CrawlSpec, Job, JobCommand, Order, ReportSpec, TaskSpec},
    service::ServiceName,
    worker::{Worker, WorkerCommand},
};
use journal::{Appended, Journal, StreamId};
use serde_json::Value;
use uuid::Uuid;

pub use asked::{Asked, IdempotencyKey};
pub use error::CommandError;
pub use executor::Executed;
pub use services::Services;

use executor::{Call, Executor};

/// Tells the time. The only one who does.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Makes identities that were never used before.
pub type Ids = Arc<dyn Fn() -> Uuid + Send + Sync>;

/// The door to the write side.
#[derive(Clone)]
pub struct Commands {
    jobs: Arc<Executor<Job>>,
    workers: Arc<Executor<Worker>>,
    services: Arc<Services>,
    clock: Clock,
}

/// What one may ask for.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Have a task done by the workers of a service.
    CreateTask {
        /// The name that the job will have.
        id: JobId,
        /// Which service. Checked here, so that the refusal can name the rule.
        service: String,
        /// What the service is told.
        body: Value,
        /// When, and how urgently.
        wishes: Wishes,
    },
    /// Have pages fetched.
    StartCrawl {
        /// The name that the job will have.
        id: JobId,
        /// What is to be fetched.
        crawl: CrawlSpec,
        /// When, and how urgently.
        wishes: Wishes,
    },
    /// Have a document written.
    RequestReport {
        /// The name that the job will have.
        id: JobId,
        /// What is to be written, from what.
        report: ReportSpec,
        /// When, and how urgently.
        wishes: Wishes,
    },
    /// Have a job that has ended done again, as a new one.
    RetryJob {
        /// The job that has ended.
        of: JobId,
        /// The name that the new one will have.
        id: JobId,
    },
    /// Anything else about one job.
    Job(JobId, JobCommand),
    /// Anything about one worker.
    Worker(WorkerId, WorkerCommand),
}

/// What whoever creates a job may wish for.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Wishes {
    /// Whose job it is to be; the actor's, if not said.
    pub owner: Option<domain::UserId>,
    /// Higher is sooner.
    pub priority: i16,
    /// Not before.
    pub not_before: Option<Timestamp>,
    /// Over by then; the service says otherwise.
    pub expires_at: Option<Timestamp>,
}

/// A command that was carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// What it was about. Under an idempotency key seen before, what the first
    /// command was about.
    pub stream: StreamId,
    /// The version that it is at.
    pub version: u64,
    /// Where in the journal one finds what happened. Reads that wait for this
    /// position see it.
    pub position: u64,
    /// Whether it had been carried out before.
    pub repeated: bool,
}

impl Accepted {
    /// The job that it was about.
    pub fn job(&self) -> Option<JobId> {
        (self.stream.category() == "job").then(|| self.stream.id().parse().ok())?
    }
}

impl From<Appended> for Accepted {
    fn from(it: Appended) -> Self {
        let Appended { stream, version, position, repeated } = it;
        Self { stream, version, position, repeated }
    }
}

impl Commands {
    /// Opens the write side of `journal`.
    pub fn new(journal: Arc<dyn Journal>, services: Services, clock: Clock, ids: Ids) -> Self {
        Self {
            jobs: Arc::new(Executor::new(Arc::clone(&journal), Arc::clone(&ids))),
            workers: Arc::new(Executor::new(journal, ids)),
            services: Arc::new(services),
            clock,
        }
    }

    /// Carries out `command`, or says why not.
    pub async fn execute(&self, command: Command, asked: Asked) -> Result<Accepted, CommandError> {
        let name = command.name();
        authorise::check(name, &asked.actor)?;
        match command {
            Command::CreateTask { id, service, body, wishes } => {
                let create = |now| {
                    let declared = self.services.find(&service)?;
                    declared.check(&body)?;
                    let service = declared.service.name.clone();
                    let order = self.order(&service, wishes, now, &asked)?;
                    Ok(JobCommand::CreateTask { order, task: TaskSpec { service, body } })
                };
                self.create(name, id, create, &asked).await
            }
            Command::StartCrawl { id, crawl, wishes } => {
                let create = |now| {
                    let order = self.order(&ServiceName::crawl(), wishes, now, &asked)?;
                    Ok(JobCommand::StartCrawl { order, crawl })
                };
                self.create(name, id, create, &asked).await
            }
            Command::RequestReport { id, report, wishes } => {
                let create = |now| {
                    let order = self.order(&ServiceName::report(), wishes, now, &asked)?;
                    Ok(JobCommand::RequestReport { order, report })
                };
                self.create(name, id, create, &asked).await
            }
            Command::RetryJob { of, id } => self.retry(of, id, &asked).await,
            Command::Job(id, command) => {
                let call = Call { name, now: self.now(), asked: &asked };
                Ok(self.jobs.execute(id.0, command, call).await?.accepted)
            }
            Command::Worker(id, command) => {
                let call = Call { name, now: self.now(), asked: &asked };
                Ok(self.workers.execute(id.0, command, call).await?.accepted)
            }
        }
    }

    /// The services that tasks may be created for.
    pub fn services(&self) -> &Services {
        &self.services
    }

    /// The time, as this write side sees it.
    pub fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// A key seen before answers, whatever the rest of the command is worth
    /// today.
    async fn create(
        &self,
        name: &'static str,
        id: JobId,
        create: impl FnOnce(Timestamp) -> Result<JobCommand, Refusal>,
        asked: &Asked,
    ) -> Result<Accepted, CommandError> {
        if let Some(accepted) = self.jobs.repeated(name, asked).await? {
            return Ok(accepted);
        }
        let now = (self.clock)();
        let command = create(now)?;
        Ok(self.jobs.execute(id.0, command, Call { name, now, asked }).await?.accepted)
    }

    async fn retry(&self, of: JobId, id: JobId, asked: &Asked) -> Result<Accepted, CommandError> {
        if let Some(accepted) = self.jobs.repeated("RetryJob", asked).await? {
            return Ok(accepted);
        }
        let job = self.jobs.load(of.0).await?;
        let context = asked.context((self.clock)());
        let expiry = job.present().map(|it| self.services.expiry(&it.spec.service()));
        let expires_at = context.now + expiry.unwrap_or_default();
        let command = job.repeat(of, expires_at, &context)?;
        let call = Call { name: "RetryJob", now: context.now, asked };
        Ok(self.jobs.execute(id.0, command, call).await?.accepted)
    }

    fn order(
        &self,
        service: &ServiceName,
        wishes: Wishes,
        now: Timestamp,
        asked: &Asked,
    ) -> Result<Order, Refusal> {
        let owner = wishes
            .owner
            .or(asked.user())
            .ok_or(Refusal::Forbidden { rule: "a job is owned by a person" })?;
        let latest = now + self.services.expiry(service);
        if wishes.expires_at.is_some_and(|at| latest < at) {
            return Err(Refusal::invalid("expiresAt", "no later than the service allows"));
        }
        Ok(Order {
            owner,
            priority: wishes.priority,
            not_before: wishes.not_before,
            expires_at: wishes.expires_at.unwrap_or(latest),
            policy: self.services.policy(service),
            retry_of: None,
        })
    }
}

impl Command {
    /// The name that it is authorised, counted and logged under.
    pub fn name(&self) -> &'static str {
        match self {
            Self::CreateTask { .. } => "CreateTask",
            Self::StartCrawl { .. } => "StartCrawl",
            Self::RequestReport { .. } => "RequestReport",
            Self::RetryJob { .. } => "RetryJob",
            Self::Job(_, command) => command.name(),
            Self::Worker(_, command) => command.name(),
        }
    }
}

#[cfg(test)]
mod tests;
