//! What one may ask for.

use serde_json::Value;
use uuid::Uuid;

use super::{
    Closing, CrawlSpec, FoundPage, JobError, LogSeal, Order, Progress, ReportSpec, TaskSpec,
    VisitedPage, Written,
};
use crate::{Timestamp, UserId, WorkerId, artifact::Artifact};

/// What one may ask of a job.
#[derive(Clone, Debug, PartialEq)]
pub enum JobCommand {
    /// Have a task done.
    CreateTask {
        /// What every job is created with.
        order: Order,
        /// What is to be done.
        task: TaskSpec,
    },
    /// Have pages fetched.
    StartCrawl {
        /// What every job is created with.
        order: Order,
        /// What is to be fetched.
        crawl: CrawlSpec,
    },
    /// Have a document written.
    RequestReport {
        /// What every job is created with.
        order: Order,
        /// What is to be written, from what.
        report: ReportSpec,
    },
    /// Let the job wait for a worker, its time having come.
    QueueJob,
    /// Hand the job to a worker.
    GrantLease {
        /// To whom.
        worker: WorkerId,
        /// The worker's request that is answered.
        request: Option<Uuid>,
    },
    /// Record how far the attempt has come.
    ReportProgress {
        /// Under which lease.
        fence: u64,
        /// How far.
        progress: Option<Progress>,
        /// What another attempt could go on from.
        checkpoint: Option<Value>,
    },
    /// Record pages that a crawl has found and visited.
    RecordPages {
        /// Under which lease.
        fence: u64,
        /// The pages that were heard of for the first time.
        found: Vec<FoundPage>,
        /// The pages that the crawl is done with.
        visited: Vec<VisitedPage>,
        /// The file with the texts of those that are kept.
        texts: Option<Artifact>,
        /// How far the attempt has come with them.
        progress: Option<Progress>,
    },
    /// The task is done.
    CompleteTask {
        /// Under which lease.
        fence: u64,
        /// What came out.
        result: Value,
        /// How many items of a batch failed.
        errors: u64,
        /// The files that it made.
        artifacts: Vec<Artifact>,
        /// What comes along.
        closing: Closing,
    },
    /// The crawl is done.
    CompleteCrawl {
        /// Under which lease.
        fence: u64,
        /// How many pages are in the corpus.
        pages: u64,
        /// How many could not be fetched.
        errors: u64,
        /// The files that it made.
        artifacts: Vec<Artifact>,
        /// What comes along.
        closing: Closing,
    },
    /// The report is written.
    CompleteReport {
        /// Under which lease.
        fence: u64,
        /// The document.
        document: Artifact,
        /// How many sources could not be read.
        errors: u64,
        /// How it was written.
        written: Option<Written>,
        /// What comes along.
        closing: Closing,
    },
    /// The attempt came to nothing.
    FailAttempt {
        /// Under which lease.
        fence: u64,
        /// What went wrong.
        error: JobError,
        /// Not again before, if the worker knows better than the policy.
        retry_at: Option<Timestamp>,
        /// What comes along.
        closing: Closing,
    },
    /// The worker gives the job back unfinished.
    ReleaseLease {
        /// Under which lease.
        fence: u64,
        /// Why.
        reason: Option<String>,
        /// Not again before.
        until: Option<Timestamp>,
        /// What another attempt could go on from.
        checkpoint: Option<Value>,
        /// What comes along.
        closing: Closing,
    },
    /// The worker has stopped, as it was asked to.
    ConfirmCancel {
        /// Under which lease.
        fence: u64,
        /// What comes along.
        closing: Closing,
    },
    /// The worker was not heard of for too long.
    ExpireLease {
        /// Which lease.
        fence: u64,
        /// The seal of the attempt's log, if it logged anything.
        log: Option<LogSeal>,
    },
    /// Have the job stopped.
    CancelJob {
        /// Why.
        reason: Option<String>,
    },
    /// Have the job left alone until it is resumed.
    PauseJob {
        /// Why.
        reason: Option<String>,
    },
    /// Have the job go on.
    ResumeJob,
    /// End the job, its time having passed.
    ExpireJob,
    /// Give the job to somebody else, whatever has become of it.
    TransferJob {
        /// Only if it is theirs still; whosever it is, if nobody is named.
        from: Option<UserId>,
        /// To whom.
        to: UserId,
    },
}

impl JobCommand {
    /// The name that it is authorised, counted and logged under.
    pub fn name(&self) -> &'static str {
        match self {
            Self::CreateTask { .. } => "CreateTask",
            Self::StartCrawl { .. } => "StartCrawl",
            Self::RequestReport { .. } => "RequestReport",
            Self::QueueJob => "QueueJob",
            Self::GrantLease { .. } => "GrantLease",
            Self::ReportProgress { .. } => "ReportProgress",
            Self::RecordPages { .. } => "RecordPages",
            Self::CompleteTask { .. } => "CompleteTask",
            Self::CompleteCrawl { .. } => "CompleteCrawl",
            Self::CompleteReport { .. } => "CompleteReport",
            Self::FailAttempt { .. } => "FailAttempt",
            Self::ReleaseLease { .. } => "ReleaseLease",
            Self::ConfirmCancel { .. } => "ConfirmCancel",
            Self::ExpireLease { .. } => "ExpireLease",
            Self::CancelJob { .. } => "CancelJob",
            Self::PauseJob { .. } => "PauseJob",
            Self::ResumeJob => "ResumeJob",
            Self::ExpireJob => "ExpireJob",
            Self::TransferJob { .. } => "TransferJob",
        }
    }
}
