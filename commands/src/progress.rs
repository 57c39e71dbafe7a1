//! Progress, a few times a second at most: what comes sooner waits, and only
//! the newest is kept. The last one is never lost: it goes along with the
//! report that ends the lease.
//!
//! ```text
//!   holder ──offer──▶ pending ──due──▶ ReportProgress
//!                           └──── close ──▶ the settling report
//! ```

mod lanes;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::{
    LeaseId,
    job::{JobCommand, Progress, ProgressReported},
};
use serde_json::Value;
use tokio::{
    sync::{Notify, OwnedMutexGuard},
    task::JoinSet,
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;

use crate::{Asked, Command, CommandError, Commands};
use lanes::{Due, Lanes};

/// How often the progress of a young attempt is recorded, at most.
pub const PER_SECOND: u64 = 3;

/// How many reports are written at the same time.
const WRITES_MAX: usize = 256;

/// How far an attempt has come, as far as somebody said.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// How far it is.
    pub progress: Option<Progress>,
    /// What another attempt could go on from.
    pub checkpoint: Option<Value>,
}

/// Records progress, a few times a second at most.
pub struct Coalescer {
    commands: Commands,
    lanes: Arc<Mutex<Lanes>>,
    /// Something may be due sooner than was thought.
    sooner: Arc<Notify>,
}

/// A lease that is being settled: nothing of it is recorded meanwhile, and what
/// is offered waits. If it is not settled after all, everything goes on.
pub struct Closing {
    lanes: Arc<Mutex<Lanes>>,
    sooner: Arc<Notify>,
    lease: LeaseId,
    /// What was not recorded yet.
    pub pending: Report,
    settled: bool,
    _turn: Option<OwnedMutexGuard<()>>,
}

impl Coalescer {
    /// Will give `commands` what is due. See [`run`](Self::run).
    pub fn new(commands: Commands) -> Self {
        Self { commands, lanes: Arc::default(), sooner: Arc::default() }
    }

    /// Takes in what the holder of `lease` says, unless one with a higher number was
    /// faster.
    pub fn offer(&self, lease: LeaseId, asked: &Asked, numbered: (Option<u64>, Report)) {
        lock(&self.lanes).offer(lease, asked, numbered, Instant::now());
        self.sooner.notify_one();
    }

    /// Stops recording the progress of `lease`, and gives what is left.
    pub async fn close(&self, lease: LeaseId) -> Closing {
        let turn = lock(&self.lanes).turn(lease);
        let turn = match turn {
            Some(turn) => Some(turn.lock_owned().await),
            None => None,
        };
        let pending = lock(&self.lanes).close(lease);
        let (lanes, sooner) = (Arc::clone(&self.lanes), Arc::clone(&self.sooner));
        Closing { lanes, sooner, lease, pending, settled: false, _turn: turn }
    }

    /// Records what is due, until `stop`; then what is left.
    pub async fn run(&self, stop: CancellationToken) {
        let mut writes = JoinSet::new();
        loop {
            let free = WRITES_MAX - writes.len();
            let (due, next) = lock(&self.lanes).due(Instant::now(), free);
            for it in due {
                self.write(&mut writes, it);
            }
            tokio::select! {
                () = stop.cancelled() => break,
                () = self.sooner.notified() => {}
                () = sleep_until(next.unwrap_or_else(Instant::now)), if next.is_some() => {}
                Some(done) = writes.join_next() => ended(done),
            }
        }
        for it in lock(&self.lanes).rest() {
            self.write(&mut writes, it);
        }
        while let Some(done) = writes.join_next().await {
            ended(done);
        }
    }

    fn write(&self, writes: &mut JoinSet<()>, due: Due) {
        let (commands, lanes) = (self.commands.clone(), Arc::clone(&self.lanes));
        writes.spawn(async move {
            let Due { lease, turn } = due;
            let _turn = turn.lock_owned().await;
            let Some((asked, report)) = lock(&lanes).take(lease) else { return };
            let Report { progress, checkpoint } = report.clone();
            let fence = lease.fence;
            let command = JobCommand::ReportProgress { fence, progress, checkpoint };
            let written = commands.execute(Command::Job(lease.job, command), asked).await;
            let mut lanes = lock(&lanes);
            match written {
                Ok(_) => lanes.written(lease, Instant::now()),
                // It came in time; what it was about is over since.
                Err(CommandError::Refused(refusal)) => {
                    tracing::debug!(%lease, %refusal, "progress is not recorded");
                    lanes.remove(lease);
                }
                Err(error @ (CommandError::Contended | CommandError::Broken(_))) => {
                    let error: &(dyn std::error::Error + 'static) = &error;
                    tracing::warn!(%lease, error, "progress is recorded later");
                    lanes.put_back(lease, report, Instant::now());
                }
            }
        });
    }
}

impl Report {
    /// Refuses what could not be recorded.
    pub fn check(&self) -> Result<(), domain::Refusal> {
        let Self { progress, checkpoint } = self.clone();
        ProgressReported { fence: 0, progress, checkpoint }.check()
    }

    /// Whether it says nothing.
    pub fn is_empty(&self) -> bool {
        self.progress.is_none() && self.checkpoint.is_none()
    }

    /// This, and of `older` what this does not say.
    fn over(self, older: Self) -> Self {
        Self {
            progress: self.progress.or(older.progress),
            checkpoint: self.checkpoint.or(older.checkpoint),
        }
    }
}

impl Closing {
    /// The lease is over.
    pub fn settled(mut self) {
        self.settled = true;
    }
}

impl Drop for Closing {
    fn drop(&mut self) {
        let mut lanes = lock(&self.lanes);
        if self.settled {
            lanes.remove(self.lease);
        } else {
            lanes.reopen(self.lease, std::mem::take(&mut self.pending), Instant::now());
            self.sooner.notify_one();
        }
    }
}

fn lock(lanes: &Mutex<Lanes>) -> MutexGuard<'_, Lanes> {
    // Nothing here is left half-done by a panic.
    lanes.lock().unwrap_or_else(PoisonError::into_inner)
}

fn ended(done: Result<(), tokio::task::JoinError>) {
    if let Err(panic) = done {
        tracing::error!(error = %panic, "progress was not recorded");
    }
}
