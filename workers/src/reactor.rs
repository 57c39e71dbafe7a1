//! Whoever follows the journal and does something about what happens, one
//! process at a time, from where the last one has come to.
//!
//! What it does may be done twice: a process can die between the deed and the
//! checkpoint. Each deed is such that this makes no difference.

use std::{error::Error, sync::Arc, time::Duration};

use artifacts::ArtifactError;
use commands::CommandError;
use projections::{
    ReadError,
    checkpoint::{Checkpoints, NotReached},
    fact::Fact,
    feed::{Feed, FeedError},
    reactor::{RENEW_WITHIN, Turn},
};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// How many events are dealt with between two moves of the checkpoint.
const BATCH: usize = 500;

/// How soon to try again what could not be done, and to look whether who has
/// the turn is still alive.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Why it was cut short. It is tried again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Interrupted {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Feed(#[from] FeedError),
    #[error(transparent)]
    Command(#[from] CommandError),
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
    #[error(transparent)]
    NotReached(#[from] NotReached),
    #[error("another process has taken over")]
    TakenOver,
}

/// Whoever does something about what happens.
pub(crate) trait Reactor {
    /// The name of its checkpoint.
    const NAME: &'static str;

    /// Does what is to be done about an event. What takes long gives a sign of
    /// life now and then.
    fn answer(
        &mut self,
        fact: &Fact,
        turn: &Turn,
    ) -> impl Future<Output = Result<(), Interrupted>> + Send;

    /// Everything that has happened is dealt with.
    fn idle(&mut self) -> impl Future<Output = Result<(), Interrupted>> + Send;
}

/// How the journal is followed.
pub(crate) struct Following {
    pub(crate) feed: Arc<Feed>,
    pub(crate) checkpoints: Checkpoints,
    /// What this process calls itself.
    pub(crate) owner: Uuid,
}

/// Gives a sign of life.
pub(crate) async fn still_ours(turn: &Turn) -> Result<(), Interrupted> {
    if turn.renew().await? { Ok(()) } else { Err(Interrupted::TakenOver) }
}

impl Following {
    /// Has `reactor` answer what happens, until `stop`.
    pub(crate) async fn run<R: Reactor>(self, mut reactor: R, stop: CancellationToken) {
        loop {
            let followed = tokio::select! {
                () = stop.cancelled() => return,
                followed = self.follow(&mut reactor, &stop) => followed,
            };
            if let Err(interrupted) = followed {
                let cause: &(dyn Error + Send + Sync) = &interrupted;
                metrics::counter!("greffe_rounds_interrupted_total", "part" => R::NAME)
                    .increment(1);
                tracing::warn!(part = R::NAME, error = cause, "the round was interrupted");
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = sleep(RETRY_AFTER) => {}
            }
        }
    }

    /// For as long as it is this process's turn.
    async fn follow<R: Reactor>(
        &self,
        reactor: &mut R,
        stop: &CancellationToken,
    ) -> Result<(), Interrupted> {
        let turn = self.checkpoints.turn(R::NAME, self.owner).await?;
        let Some(mut turn) = turn else { return Ok(()) };
        let mut head = self.feed.head();
        while !stop.is_cancelled() {
            head.borrow_and_update();
            let facts = self.feed.read(turn.checkpoint(), BATCH).await?;
            let Some(last) = facts.last().map(|it| it.position()) else {
                reactor.idle().await?;
                tokio::select! {
                    () = stop.cancelled() => {}
                    _ = timeout(RENEW_WITHIN, head.changed()) => {}
                }
                still_ours(&turn).await?;
                continue;
            };
            let mut said = Instant::now();
            for fact in &facts {
                if RENEW_WITHIN <= said.elapsed() {
                    still_ours(&turn).await?;
                    said = Instant::now();
                }
                reactor.answer(fact, &turn).await?;
            }
            if !turn.move_to(last).await? {
                return Err(Interrupted::TakenOver);
            }
        }
        Ok(turn.release().await?)
    }
}
