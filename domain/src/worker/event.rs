//! What is written down about a worker, for good.

use serde::{Deserialize, Serialize};

use crate::{JobId, event_type::event_types, service::ServiceName};

event_types! {
    /// Something that happened to a worker.
    WorkerEvent {
        WorkerRegistered,
        StaleReportRefused,
        WorkerLeft,
    }
}

/// It came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerRegistered {
    /// What it calls itself.
    pub name: String,
    /// The services that it works for.
    pub services: Vec<ServiceName>,
}

/// It reported from a lease that was over. The job is as it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StaleReportRefused {
    /// About which job.
    pub job: JobId,
    /// From which lease.
    pub fence: u64,
    /// What it had to say.
    pub report: RefusedReport,
    /// The fence of the lease that held the job then, if one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current: Option<u64>,
}

/// What a refused report had to say, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusedReport {
    /// Still at it.
    Progress,
    /// Lines for the log.
    Log,
    /// It is done.
    Succeeded,
    /// It came to nothing.
    Failed,
    /// It has stopped, as asked.
    Cancelled,
    /// It gives the job back.
    Released,
    /// A file.
    Artifact,
}

/// It went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerLeft {}
