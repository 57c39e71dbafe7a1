//! What is written down about a job, for good.
//!
//! Events outlive every version of this program. Add events, add optional
//! fields; never rename, never remove, never change a meaning. A test pins the
//! bytes.
//!
//! When something happened and on whose behalf is on the envelope. An event
//! carries the decision (`next`), not what it would have to be decided from
//! again.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::{
    CrawlEvent, JobError, LogSeal, Order, Progress, ReportEvent, TaskSpec, limit::resumable,
};
use crate::{Refusal, Timestamp, UserId, WorkerId, artifact::Artifact, event_type::event_types};

event_types! {
    /// Something that happened to a job.
    JobEvent {
        TaskCreated,
        JobQueued,
        LeaseGranted,
        ProgressReported,
        CancelRequested,
        JobPaused,
        JobResumed,
        LeaseReleased,
        LeaseExpired,
        AttemptFailed,
        LogSealed,
        TaskCompleted,
        JobFailed,
        JobCancelled,
        JobExpired,
        JobTransferred,
    }
    nested {
        Crawl(CrawlEvent),
        Report(ReportEvent),
    }
}

impl JobEvent {
    /// What was said in JSON, whatever it is, if anything was.
    pub fn json(&self) -> Option<&Value> {
        match self {
            Self::TaskCreated(it) => Some(&it.task.body),
            Self::TaskCompleted(it) => Some(&it.result),
            Self::ProgressReported(it) => it.checkpoint.as_ref(),
            Self::LeaseReleased(it) => it.checkpoint.as_ref(),
            Self::JobQueued(_)
            | Self::LeaseGranted(_)
            | Self::CancelRequested(_)
            | Self::JobPaused(_)
            | Self::JobResumed(_)
            | Self::LeaseExpired(_)
            | Self::AttemptFailed(_)
            | Self::LogSealed(_)
            | Self::JobFailed(_)
            | Self::JobCancelled(_)
            | Self::JobExpired(_)
            | Self::JobTransferred(_)
            | Self::Crawl(_)
            | Self::Report(_) => None,
        }
    }
}

/// Somebody asked for a task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskCreated {
    /// What every job is created with.
    pub order: Order,
    /// What is to be done.
    pub task: TaskSpec,
}

/// Its time has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobQueued {}

/// A worker took it in hand. The version of this event is the fence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaseGranted {
    /// Who.
    pub worker: WorkerId,
    /// Which attempt, from 1.
    pub attempt: u32,
    /// How often the job has been handed out because a lease was lost, this
    /// one included, from 1.
    pub delivery: u32,
    /// How long the lease holds without a heartbeat, in milliseconds.
    pub lease_ms: u64,
    /// When the attempt will have taken too long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_deadline: Option<Timestamp>,
    /// The worker's request that it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<Uuid>,
}

/// The attempt has come this far.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProgressReported {
    /// Under which lease.
    pub fence: u64,
    /// How far.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<Progress>,
    /// What another attempt could go on from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<Value>,
}

impl ProgressReported {
    /// Refuses what could not be recorded, whoever reports it.
    pub fn check(&self) -> Result<(), Refusal> {
        if let Some(progress) = &self.progress {
            progress.check()?;
        }
        resumable(self.checkpoint.as_ref())
    }
}

/// Somebody wants a running job stopped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CancelRequested {
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Somebody wants the job left alone for a while. Whoever holds it is told, and
/// lets go of it; nobody is given it until it is resumed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobPaused {
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The job is to go on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobResumed {}

/// What becomes of the job after an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Next {
    /// It is leased again as soon as a worker is free.
    Queue,
    /// It is leased again, but not before.
    Wait {
        /// Then.
        until: Timestamp,
    },
    /// It ends: the next event says how.
    End,
}

/// The worker gave the job back unfinished. Costs no attempt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LeaseReleased {
    /// Under which lease.
    pub fence: u64,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What another attempt could go on from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<Value>,
    /// What becomes of the job.
    pub next: Next,
}

/// The worker was not heard of for too long.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaseExpired {
    /// Which lease.
    pub fence: u64,
    /// What becomes of the job.
    pub next: Next,
}

/// An attempt came to nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptFailed {
    /// Under which lease.
    pub fence: u64,
    /// Which attempt, from 1.
    pub attempt: u32,
    /// What went wrong.
    pub error: JobError,
    /// What becomes of the job.
    pub next: Next,
}

/// What the attempt logged is complete.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogSealed {
    /// Under which lease.
    pub fence: u64,
    /// What was logged.
    pub log: LogSeal,
}

/// The task is done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskCompleted {
    /// Under which lease.
    pub fence: u64,
    /// What came out.
    pub result: Value,
    /// How many items of a batch failed. A success with errors is never shown
    /// as a plain one.
    pub errors: u64,
    /// The files that it made.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub artifacts: Vec<Artifact>,
}

/// No attempt succeeded, and there will be no other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobFailed {
    /// Why there will be no other.
    pub cause: FailureCause,
    /// What went wrong last.
    pub error: JobError,
}

/// Why a job is not tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureCause {
    /// As many attempts have failed as may.
    AttemptsExhausted,
    /// The worker said that another attempt would not help.
    NotRetryable,
    /// As many leases were lost as may be.
    DeliveriesExhausted,
}

/// Somebody had it stopped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobCancelled {
    /// Under which lease, if its holder let go of the job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fence: Option<u64>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Its time has passed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobExpired {}

/// It is somebody else's: the only thing that can still happen to a job that
/// has ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobTransferred {
    /// Whose.
    pub to: UserId,
}
