//! The life of a worker, as far as it is worth remembering: that it came, what
//! it reported too late, and that it went.
//!
//! Whether it is alive is not an event: heartbeats have a table of their own.

mod event;

pub use event::{RefusedReport, StaleReportRefused, WorkerEvent, WorkerLeft, WorkerRegistered};

use serde::{Deserialize, Serialize};

use crate::{Context, Decider, LeaseId, Refusal, decode::Event, service::ServiceName};

/// How many services one worker may name.
const SERVICES_MAX: usize = 1_000;

/// A worker, as the events so far have left it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Worker {
    /// It has not registered yet.
    #[default]
    Absent,
    /// It has.
    Registered,
    /// It has said good-bye.
    Left,
}

/// What one may ask of a worker's record.
#[derive(Clone, Debug, PartialEq)]
pub enum WorkerCommand {
    /// Record that it came. It may come back under its old id.
    RegisterWorker {
        /// What it calls itself.
        name: String,
        /// The services that it works for.
        services: Vec<ServiceName>,
    },
    /// Record that it reported from a lease that was over.
    RefuseReport {
        /// Which lease.
        lease: LeaseId,
        /// What it had to say.
        report: RefusedReport,
        /// The fence of the lease that held the job then, if one did.
        current: Option<u64>,
    },
    /// Record that it went.
    LeaveWorker,
}

impl WorkerCommand {
    /// The name that it is authorised, counted and logged under.
    pub fn name(&self) -> &'static str {
        match self {
            Self::RegisterWorker { .. } => "RegisterWorker",
            Self::RefuseReport { .. } => "RefuseReport",
            Self::LeaveWorker => "LeaveWorker",
        }
    }
}

impl Decider for Worker {
    const CATEGORY: &'static str = "worker";
    type Command = WorkerCommand;
    type Event = WorkerEvent;

    fn decide(&self, command: WorkerCommand, _: &Context) -> Result<Vec<WorkerEvent>, Refusal> {
        match (self, command) {
            (Self::Registered, WorkerCommand::RegisterWorker { .. })
            | (Self::Left, WorkerCommand::LeaveWorker) => Ok(Vec::new()),
            (Self::Absent | Self::Left, WorkerCommand::RegisterWorker { name, services }) => {
                if name.is_empty() || 128 < name.len() || name.contains('\0') {
                    return Err(Refusal::invalid("name", "between 1 and 128 bytes, none NUL"));
                }
                if SERVICES_MAX < services.len() {
                    return Err(Refusal::invalid("services", "at most 1000 of them"));
                }
                Ok(vec![WorkerRegistered { name, services }.into()])
            }
            (Self::Absent, _) => Err(Refusal::NotFound { what: "worker" }),
            // Also from one that has left: a zombie is what this is about.
            (
                Self::Registered | Self::Left,
                WorkerCommand::RefuseReport { lease, report, current },
            ) => {
                let LeaseId { job, fence } = lease;
                Ok(vec![StaleReportRefused { job, fence, report, current }.into()])
            }
            (Self::Registered, WorkerCommand::LeaveWorker) => Ok(vec![WorkerLeft {}.into()]),
        }
    }

    fn own(event: Event) -> Option<WorkerEvent> {
        if let Event::Worker(event) = event { Some(event) } else { None }
    }

    fn evolve(&mut self, event: &WorkerEvent, _: u64) {
        match event {
            WorkerEvent::WorkerRegistered(_) => *self = Self::Registered,
            WorkerEvent::StaleReportRefused(_) => {}
            WorkerEvent::WorkerLeft(_) => *self = Self::Left,
        }
    }

    fn weight(&self) -> usize {
        0 // all of it is in its own size
    }
}

#[cfg(test)]
mod tests;
