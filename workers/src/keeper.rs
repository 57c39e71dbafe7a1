//! Keeps the files that events name, and has removed what nothing names.
//!
//! Whoever appends such an event has referred to its files before, so that
//! there is no moment in which the sweep could take them. The keeper makes it
//! true once more from the journal, and so also after a restore of the journal
//! alone: what it finds in the store and not in the index it takes in. For that
//! reason it is the keeper who sweeps, and only when it has read everything.

mod files;

use std::{error::Error, sync::Arc, time::Duration};

use artifacts::{ArtifactError, Artifacts, Reference, Subject};
use commands::{CommandError, Commands};
use domain::{JobId, UserId};
use projections::{
    ReadError,
    checkpoint::Checkpoints,
    fact::Fact,
    feed::{Feed, FeedError},
    reactor::RENEW_WITHIN,
};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use files::{File, files};

/// The name of its checkpoint.
const NAME: &str = "keeper";

/// How many events are dealt with between two moves of the checkpoint.
const BATCH: usize = 500;

/// How soon to try again what could not be done, and to look whether who has
/// the turn is still alive.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// What is said of a file of which nothing is known.
const UNKNOWN: &str = "application/octet-stream";

/// Keeps the files that events name.
#[derive(Clone)]
pub struct Keeper {
    /// Where the files are.
    pub artifacts: Artifacts,
    /// Tells whose a job is.
    pub commands: Commands,
    /// The journal, followed.
    pub feed: Arc<Feed>,
    /// Remembers how far it has come.
    pub checkpoints: Checkpoints,
    /// What this process calls itself.
    pub owner: Uuid,
    /// How often to have removed what nothing refers to.
    pub sweep_every: Duration,
}

/// Why it was cut short. It is tried again.
#[derive(Debug, thiserror::Error)]
enum Interrupted {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Feed(#[from] FeedError),
    #[error(transparent)]
    Command(#[from] CommandError),
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
}

impl Keeper {
    /// Follows the journal until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        loop {
            let kept = tokio::select! {
                () = stop.cancelled() => return,
                kept = self.follow(&stop) => kept,
            };
            if let Err(interrupted) = kept {
                let cause: &(dyn Error + Send + Sync) = &interrupted;
                metrics::counter!("greffe_rounds_interrupted_total", "part" => NAME).increment(1);
                tracing::warn!(part = NAME, error = cause, "the round was interrupted");
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = sleep(RETRY_AFTER) => {}
            }
        }
    }

    /// Keeps what events name for as long as it is this process's turn.
    async fn follow(&self, stop: &CancellationToken) -> Result<(), Interrupted> {
        let Some(mut turn) = self.checkpoints.turn(NAME, self.owner).await? else { return Ok(()) };
        let mut head = self.feed.head();
        let mut swept_at = None;
        while !stop.is_cancelled() {
            head.borrow_and_update();
            let facts = self.feed.read(turn.checkpoint(), BATCH).await?;
            let Some(last) = facts.last().map(|it| it.position()) else {
                if swept_at.is_none_or(|it: Instant| self.sweep_every <= it.elapsed()) {
                    self.sweep().await?;
                    swept_at = Some(Instant::now());
                }
                tokio::select! {
                    () = stop.cancelled() => {}
                    _ = timeout(RENEW_WITHIN, head.changed()) => {}
                }
                if !turn.renew().await? {
                    return Ok(());
                }
                continue;
            };
            for fact in &facts {
                self.keep(fact).await?;
            }
            if !turn.move_to(last).await? {
                return Ok(());
            }
        }
        Ok(turn.release().await?)
    }

    async fn sweep(&self) -> Result<(), Interrupted> {
        let swept = self.artifacts.sweep(self.commands.now()).await?;
        if swept.files + swept.unfinished != 0 {
            let (files, unfinished) = (swept.files, swept.unfinished);
            tracing::info!(files, unfinished, "files that nothing refers to are removed");
        }
        Ok(())
    }

    /// Refers to the files that an event names, on behalf of its job.
    async fn keep(&self, fact: &Fact) -> Result<(), Interrupted> {
        let Some((job, event)) = fact.of_job() else { return Ok(()) };
        let files = files(event);
        if files.is_empty() {
            return Ok(());
        }
        let state = self.commands.job_state(job).await?;
        let Some(owner) = state.present().map(|it| it.order.owner) else { return Ok(()) };
        for file in files {
            if !self.kept(job, owner, &file).await? {
                // No waiting brings it back, and what else is named is to be kept.
                metrics::counter!("greffe_artifacts_missing_total").increment(1);
                tracing::error!(
                    %job,
                    sha256 = %file.sha256,
                    position = fact.position(),
                    "a file that an event names is not stored"
                );
            }
        }
        Ok(())
    }

    /// Whether the file is there.
    async fn kept(&self, job: JobId, owner: UserId, file: &File) -> Result<bool, Interrupted> {
        let (sha256, subject) = (file.sha256.bytes(), Subject::Job(job.0));
        let known = self.artifacts.readable(&sha256, Some(owner.0)).await?;
        let (name, media_type) = match known {
            Some(known) => (Some(known.name), known.media_type),
            None => (None, UNKNOWN.to_owned()),
        };
        let name = file.name.clone().or(name).unwrap_or_else(|| file.role.to_owned());
        let reference = Reference { owner: owner.0, subject, name, media_type };
        let now = self.commands.now();
        match self.artifacts.refer(&sha256, reference.clone(), now).await {
            Ok(()) => return Ok(true),
            Err(ArtifactError::NotStored) => {}
            Err(error) => return Err(error.into()),
        }
        if !self.artifacts.adopt(&sha256, now).await? {
            return Ok(false);
        }
        self.artifacts.refer(&sha256, reference, now).await?;
        Ok(true)
    }
}
