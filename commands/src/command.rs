//! What one may ask for.

use domain::{
    ClientId, JobId, LandId, Timestamp, UserId, WorkerId,
    account::AccountCommand,
    client::ClientCommand,
    job::{CrawlSpec, JobCommand, ReportSpec},
    land::LandCommand,
    worker::WorkerCommand,
};
use serde_json::Value;

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
        /// What is to be fetched. What its land holds is put before it.
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
    /// Anything about one account.
    Account(UserId, AccountCommand),
    /// Anything about one client.
    Client(ClientId, ClientCommand),
    /// Anything about one land.
    Land(LandId, LandCommand),
}

/// What whoever creates a job may wish for.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Wishes {
    /// Whose job it is to be; the actor's, if not said.
    pub owner: Option<UserId>,
    /// Higher is sooner.
    pub priority: i16,
    /// Not before.
    pub not_before: Option<Timestamp>,
    /// Over by then; the service says otherwise.
    pub expires_at: Option<Timestamp>,
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
            Self::Account(_, command) => command.name(),
            Self::Client(_, command) => command.name(),
            Self::Land(_, command) => command.name(),
        }
    }
}
