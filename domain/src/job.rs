//! The life of a job.
//!
//! ```text
//!   create, later ─────▶ SCHEDULED ──queue──┐        ┌── complete ──▶ SUCCEEDED
//!                            ▲              ▼        │
//!   create ────────────────┼──────────▶ QUEUED ──grant──▶ RUNNING ── fail, no more ──▶ FAILED
//!                            │              ▲        │
//!             release, later │        queue │        ├── fail, again ──▶ RETRYING ──queue──▶ QUEUED
//!                            └──────────────┴────────┤
//!                                release, lease lost ┘
//!   anything not ended: cancel ──▶ CANCELLED · time passed ──▶ EXPIRED
//! ```
//!
//! A running job is cancelled in two steps: the request is recorded, the
//! worker is told, and the job ends when its lease does. Whatever has not ended
//! can be paused: a flag beside the phase, which keeps the job from being handed
//! out. `decide` lives in [`decide`], [`settle`] and [`pausing`], a table of
//! phases and commands; here is what a job is, and how events change it.

mod command;
mod consequence;
mod crawl;
mod decide;
mod event;
pub(crate) mod limit;
mod order;
mod page;
mod pausing;
mod policy;
mod progress;
mod report;
mod settle;
mod spec;
mod state;
mod weight;

pub use command::JobCommand;
pub use crawl::{CrawlCompleted, CrawlEvent, CrawlRequested, PAGES_BYTES_MAX, PagesVisited};
pub use event::{
    AttemptFailed, CancelRequested, FailureCause, JobCancelled, JobEvent, JobExpired, JobFailed,
    JobPaused, JobQueued, JobResumed, JobTransferred, LeaseExpired, LeaseGranted, LeaseReleased,
    LogSealed, Next, ProgressReported, TaskCompleted, TaskCreated,
};
pub use order::Order;
pub use page::{
    DuplicateBy, Exclusion, FoundPage, KeptPage, PageOutcome, TextSlice, URL_BYTES_MAX, VisitedPage,
};
pub use policy::Policy;
pub use progress::{Closing, JobError, LogSeal, Progress};
pub use report::{ReportCompleted, ReportEvent, ReportRequested, Writer, Written};
pub use spec::{
    CrawlSpec, Follow, JSON_BYTES_MAX, JobKind, ReportSpec, Spec, TaskSpec, WriterChoice,
};
pub use state::JobState;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Timestamp, WorkerId};

/// A job, as the events so far have left it. Cheap to clone, whatever its body.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum Job {
    /// Nobody has asked for it yet.
    #[default]
    Absent,
    /// Somebody has.
    Present(Box<Present>),
}

/// A job that somebody has asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Present {
    /// What every kind is created with.
    pub order: Arc<Order>,
    /// What is to be done.
    pub spec: Arc<Spec>,
    /// Where it stands.
    pub phase: Phase,
    /// Whether somebody wants it left alone, and why; never once it has ended.
    pub paused: Option<JobPaused>,
    /// How many attempts have failed.
    pub failures: u32,
    /// How many leases were lost.
    pub losses: u32,
    /// What another attempt could go on from.
    pub checkpoint: Option<Value>,
    /// What went wrong last.
    pub last_error: Option<JobError>,
    /// The fence of the last lease that its holder ended itself.
    settled_fence: Option<u64>,
    /// How many pages a crawl has found.
    pub found: u32,
}

/// Where a job stands, with what matters only there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    /// Not before a time.
    Scheduled {
        /// That time.
        until: Timestamp,
    },
    /// A worker may take it.
    Queued,
    /// A worker holds it.
    Running(Lease),
    /// Waits for its next attempt.
    Retrying {
        /// Which starts no earlier.
        until: Timestamp,
    },
    /// Done.
    Succeeded,
    /// No attempt succeeded, and there will be no other.
    Failed,
    /// Somebody had it stopped.
    Cancelled,
    /// Its time passed.
    Expired,
}

/// In whose hands a running job is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// Who holds it.
    pub worker: WorkerId,
    /// The version of the event that granted it: tells this holder from all
    /// earlier ones.
    pub fence: u64,
    /// Which attempt, from 1.
    pub attempt: u32,
    /// When the attempt will have taken too long.
    pub run_deadline: Option<Timestamp>,
    /// How far it has come.
    pub progress: Option<Progress>,
    /// Whether somebody wants it stopped, and why.
    pub cancel: Option<CancelRequested>,
}

impl Phase {
    /// The phase in one word.
    pub fn state(&self) -> JobState {
        match self {
            Self::Scheduled { .. } => JobState::Scheduled,
            Self::Queued => JobState::Queued,
            Self::Running(_) => JobState::Running,
            Self::Retrying { .. } => JobState::Retrying,
            Self::Succeeded => JobState::Succeeded,
            Self::Failed => JobState::Failed,
            Self::Cancelled => JobState::Cancelled,
            Self::Expired => JobState::Expired,
        }
    }
}

impl Job {
    /// The job, if somebody has asked for it.
    pub fn present(&self) -> Option<&Present> {
        match self {
            Self::Absent => None,
            Self::Present(present) => Some(present),
        }
    }

    fn create(order: &Order, spec: Spec) -> Self {
        let phase = order.not_before.map_or(Phase::Queued, |until| Phase::Scheduled { until });
        Self::Present(Box::new(Present {
            order: Arc::new(order.clone()),
            spec: Arc::new(spec),
            phase,
            paused: None,
            failures: 0,
            losses: 0,
            checkpoint: None,
            last_error: None,
            settled_fence: None,
            found: 0,
        }))
    }

    pub(crate) fn apply(&mut self, event: &JobEvent, version: u64) {
        match (&mut *self, event) {
            (Self::Absent, JobEvent::TaskCreated(it)) => {
                *self = Self::create(&it.order, Spec::Task(it.task.clone()));
            }
            (Self::Absent, JobEvent::Crawl(CrawlEvent::CrawlRequested(it))) => {
                *self = Self::create(&it.order, Spec::Crawl(it.crawl.clone()));
            }
            (Self::Absent, JobEvent::Report(ReportEvent::ReportRequested(it))) => {
                *self = Self::create(&it.order, Spec::Report(it.report.clone()));
            }
            (Self::Absent, _) => {}
            (Self::Present(present), event) => present.apply(event, version),
        }
    }
}

impl Present {
    /// The state in one word.
    pub fn state(&self) -> JobState {
        self.phase.state()
    }

    fn apply(&mut self, event: &JobEvent, version: u64) {
        match event {
            JobEvent::JobQueued(_) => self.phase = Phase::Queued,
            JobEvent::LeaseGranted(it) => {
                self.phase = Phase::Running(Lease {
                    worker: it.worker,
                    fence: version,
                    attempt: it.attempt,
                    run_deadline: it.run_deadline,
                    progress: None,
                    cancel: None,
                });
            }
            JobEvent::ProgressReported(it) => self.progressed(it),
            JobEvent::CancelRequested(it) => {
                if let Phase::Running(lease) = &mut self.phase {
                    lease.cancel = Some(it.clone());
                }
            }
            JobEvent::JobPaused(it) => self.paused = Some(it.clone()),
            JobEvent::JobResumed(_) => self.paused = None,
            JobEvent::LeaseReleased(it) => {
                self.settled_fence = Some(it.fence);
                self.checkpoint = it.checkpoint.clone().or_else(|| self.checkpoint.take());
                self.follow(it.next, |until| Phase::Scheduled { until });
            }
            JobEvent::LeaseExpired(it) => {
                self.losses += 1;
                self.follow(it.next, |until| Phase::Retrying { until });
            }
            JobEvent::AttemptFailed(it) => {
                self.failures += 1;
                self.last_error = Some(it.error.clone());
                self.settled_fence = Some(it.fence);
                self.follow(it.next, |until| Phase::Retrying { until });
            }
            JobEvent::TaskCompleted(it) => self.succeeded(it.fence),
            JobEvent::JobFailed(it) => {
                self.last_error = Some(it.error.clone());
                self.phase = Phase::Failed;
            }
            JobEvent::JobCancelled(it) => {
                self.settled_fence = it.fence.or(self.settled_fence);
                self.phase = Phase::Cancelled;
            }
            JobEvent::JobExpired(_) => self.phase = Phase::Expired,
            JobEvent::JobTransferred(it) => Arc::make_mut(&mut self.order).owner = it.to,
            JobEvent::Crawl(CrawlEvent::PagesVisited(it)) => {
                self.found = it.found.last().map_or(self.found, |it| it.number.saturating_add(1));
            }
            JobEvent::Crawl(CrawlEvent::CrawlCompleted(it)) => self.succeeded(it.fence),
            JobEvent::Report(ReportEvent::ReportCompleted(it)) => self.succeeded(it.fence),
            JobEvent::TaskCreated(_)
            | JobEvent::Crawl(CrawlEvent::CrawlRequested(_))
            | JobEvent::Report(ReportEvent::ReportRequested(_))
            | JobEvent::LogSealed(_) => {}
        }
        if self.state().is_final() {
            self.paused = None;
        }
    }

    fn progressed(&mut self, event: &ProgressReported) {
        if let Some(checkpoint) = &event.checkpoint {
            self.checkpoint = Some(checkpoint.clone());
        }
        if let (Phase::Running(lease), Some(progress)) = (&mut self.phase, &event.progress) {
            lease.progress = Some(progress.clone());
        }
    }

    /// An end is left to the event that follows.
    fn follow(&mut self, next: Next, wait: impl FnOnce(Timestamp) -> Phase) {
        match next {
            Next::Queue => self.phase = Phase::Queued,
            Next::Wait { until } => self.phase = wait(until),
            Next::End => {}
        }
    }

    fn succeeded(&mut self, fence: u64) {
        self.settled_fence = Some(fence);
        self.phase = Phase::Succeeded;
    }
}

#[cfg(test)]
mod tests;
