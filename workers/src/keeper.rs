//! Keeps the files that events name, and has removed what nothing names.
//!
//! Whoever appends such an event has referred to its files before, so that
//! there is no moment in which the sweep could take them. The keeper makes it
//! true once more from the journal, and so also after a restore of the journal
//! alone: what it finds in the store and not in the index it takes in. For that
//! reason it is the keeper who sweeps, and only when it has read everything.

mod files;

use std::{sync::Arc, time::Duration};

use artifacts::{ArtifactError, Artifacts, Reference, Subject};
use commands::Commands;
use domain::{
    JobId, UserId,
    artifact::Sha256,
    job::{JobEvent, Present, Spec},
};
use projections::{checkpoint::Checkpoints, fact::Fact, feed::Feed};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    reactor::{Following, Held, Interrupted, Reactor},
    report::checkpoint,
};
use files::{File, files, given, supersedes};

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

/// A keeper at work.
struct Keeping {
    keeper: Keeper,
    swept_at: Option<Instant>,
}

impl Reactor for Keeping {
    const NAME: &'static str = "keeper";

    async fn answer(&mut self, fact: &Fact, _: &Held) -> Result<(), Interrupted> {
        self.keeper.keep(fact).await
    }

    async fn idle(&mut self) -> Result<(), Interrupted> {
        if self.swept_at.is_none_or(|it| self.keeper.sweep_every <= it.elapsed()) {
            self.keeper.sweep().await?;
            self.swept_at = Some(Instant::now());
        }
        Ok(())
    }
}

impl Keeper {
    /// Follows the journal until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        let (feed, checkpoints) = (Arc::clone(&self.feed), self.checkpoints.clone());
        let following = Following { feed, checkpoints, owner: self.owner };
        following.run(Keeping { keeper: self, swept_at: None }, stop).await;
    }

    async fn sweep(&self) -> Result<(), Interrupted> {
        let swept = self.artifacts.sweep(self.commands.now()).await?;
        if swept.files + swept.unfinished != 0 {
            let (files, unfinished) = (swept.files, swept.unfinished);
            tracing::info!(files, unfinished, "files that nothing refers to are removed");
        }
        Ok(())
    }

    /// Refers to the files that an event names, on behalf of its job and of
    /// whoever owns it now.
    async fn keep(&self, fact: &Fact) -> Result<(), Interrupted> {
        let Some((job, event)) = fact.of_job() else { return Ok(()) };
        let files = files(event);
        let transferred = matches!(event, JobEvent::JobTransferred(_));
        if files.is_empty() && !transferred && !supersedes(event) {
            return Ok(());
        }
        let state = self.commands.job_state(job).await?;
        let Some(state) = state.present() else { return Ok(()) };
        let owner = state.order.owner;
        if supersedes(event) {
            self.let_go(job, state).await?;
        }
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
        // Who referred to them before may have thought it another's.
        Ok(self.artifacts.give(Subject::Job(job.0), owner.0).await?)
    }

    /// Lets go of what a report has left to go on from, but for the last of it;
    /// of all of it, once nobody will go on. It is what stands in its fields,
    /// and nobody is shown it.
    async fn let_go(&self, job: JobId, state: &Present) -> Result<(), Interrupted> {
        let Spec::Report(spec) = &*state.spec else { return Ok(()) };
        let last = state.checkpoint.as_ref().filter(|_| !state.state().is_final());
        let last = last.and_then(checkpoint::file).map(Sha256::bytes);
        if last.is_none() && !state.state().is_final() {
            return Ok(());
        }
        // What the requester gave it may be called the same.
        let given: Vec<[u8; 32]> = given(spec).iter().map(|it| it.sha256.bytes()).collect();
        let subject = Subject::Job(job.0);
        let name = checkpoint::NAME;
        Ok(self.artifacts.release_named(subject, name, last.as_ref(), &given).await?)
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
