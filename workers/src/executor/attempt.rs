//! One attempt at a job, as whoever does it sees it.

use std::sync::Arc;

use commands::{
    Accepted, Asked, CommandError, Commands,
    lease::{Granted, Holder},
    progress::Report,
};
use domain::{
    JobId, Refusal, Timestamp, UserId,
    job::{JobCommand, Progress, Spec},
    worker::RefusedReport,
};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::{
    holding::{Stop, Stopping},
    log::{Level, Log},
    session::Session,
};

/// One attempt at a job.
#[derive(Clone)]
pub struct Attempt {
    /// The job.
    pub job: JobId,
    /// Whose job it is.
    pub owner: UserId,
    /// The version of the grant: whatever is reported carries it.
    pub fence: u64,
    /// Which attempt, from 1.
    pub attempt: u32,
    /// What is to be done.
    pub spec: Arc<Spec>,
    /// What an earlier attempt left to go on from.
    pub checkpoint: Option<Value>,
    /// The way back.
    pub handle: Handle,
}

/// The way back to the job from whoever does it.
#[derive(Clone)]
pub struct Handle(pub(super) Arc<Held>);

/// What an attempt holds.
pub(super) struct Held {
    pub(super) session: Arc<Session>,
    pub(super) holder: Holder,
    pub(super) stopping: Arc<Stopping>,
    pub(super) log: Log,
}

impl Attempt {
    pub(super) fn new(session: &Arc<Session>, granted: Granted, stopping: Arc<Stopping>) -> Self {
        let Granted { lease, owner, attempt, spec, checkpoint, .. } = granted;
        let handle = Handle(Arc::new(Held {
            session: Arc::clone(session),
            holder: Holder { lease, worker: session.worker },
            stopping,
            log: Log::new(lease),
        }));
        Self { job: lease.job, owner, fence: lease.fence, attempt, spec, checkpoint, handle }
    }
}

impl Handle {
    /// Cancelled when the attempt is to stop: see [`why`](Self::why).
    pub fn stopping(&self) -> CancellationToken {
        self.0.stopping.token()
    }

    /// Why it is to stop; `None` while it is not.
    pub fn why(&self) -> Option<Stop> {
        self.0.stopping.why()
    }

    /// Tells how far it has come, as often as one likes: what comes too often is
    /// thinned out, and the last is never lost.
    pub fn progress(&self, progress: Progress) {
        self.offer(Report { progress: Some(progress), checkpoint: None });
    }

    /// Leaves what another attempt could go on from: the last one counts.
    pub fn checkpoint(&self, checkpoint: Value) {
        self.offer(Report { progress: None, checkpoint: Some(checkpoint) });
    }

    /// Adds a line to the log of the attempt.
    pub fn log(&self, level: Level, message: &str) {
        self.0.log.push(level, message, self.now());
    }

    /// Gives a command about the job, under its lease. A lease that is over
    /// refuses it, and the attempt is to stop. Under the same key within one
    /// lease, it counts once however often it is given.
    pub async fn command(&self, key: &str, command: JobCommand) -> Result<Accepted, CommandError> {
        let (holder, said) = (self.0.holder, RefusedReport::Progress);
        let asked = self.asked().clone().once(format!("{key}/{}", holder.lease), [0; 32]);
        let done = self.commands().report(holder, said, command, &asked).await;
        if let Err(CommandError::Refused(
            Refusal::StaleFence { .. } | Refusal::AlreadySettled { .. },
        )) = &done
        {
            self.0.stopping.stop(Stop::Lost);
        }
        done.map(|it| it.accepted)
    }

    /// The time, as the write side sees it.
    pub fn now(&self) -> Timestamp {
        self.commands().now()
    }

    fn offer(&self, report: Report) {
        let lease = self.0.holder.lease;
        match report.check() {
            Ok(()) => self.0.session.progress.offer(lease, self.asked(), (None, report)),
            Err(refusal) => tracing::warn!(%lease, %refusal, "progress is not recorded"),
        }
    }

    pub(super) fn commands(&self) -> &Commands {
        &self.0.session.executor.commands
    }

    pub(super) fn asked(&self) -> &Asked {
        &self.0.session.asked
    }
}
