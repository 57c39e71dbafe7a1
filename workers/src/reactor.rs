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
use tokio::{
    sync::watch,
    time::{Instant, sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// How many events are dealt with between two moves of the checkpoint.
const BATCH: usize = 500;

/// How soon to try again what could not be done, and to look whether who has
/// the turn is still alive.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// How long one step may take, between two signs of life. A connection to a
/// database that is gone without a word is not waited for longer.
const STEP_TAKES_MAX: Duration = Duration::from_mins(2);

/// The same for what is done when everything is dealt with: every file that is
/// stored is looked at.
const IDLE_TAKES_MAX: Duration = Duration::from_hours(1);

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
    #[error("the database does not answer")]
    Silent,
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
        turn: &Held,
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

/// A turn that this process holds, as long as it gives signs of life.
pub(crate) struct Held {
    token: Turn,
    steps: Steps,
}

impl Held {
    /// Gives a sign of life.
    pub(crate) async fn still_ours(&self) -> Result<(), Interrupted> {
        let renewed = self.token.renew().await?;
        self.steps.begin(STEP_TAKES_MAX);
        if renewed { Ok(()) } else { Err(Interrupted::TakenOver) }
    }
}

/// Says when a step begins, and how long it may take.
#[derive(Clone)]
struct Steps(watch::Sender<Duration>);

impl Steps {
    fn begin(&self, takes_max: Duration) {
        self.0.send_replace(takes_max);
    }
}

/// What `work` gives, unless one of its steps takes longer than it may.
async fn in_time<W: Future<Output = Result<(), Interrupted>>>(
    work: impl FnOnce(Steps) -> W,
) -> Result<(), Interrupted> {
    let (steps, mut begun) = watch::channel(STEP_TAKES_MAX);
    // Kept until the end: what the work has let go of is not waited for.
    let kept = Steps(steps);
    let overdue = async {
        loop {
            let takes_max = *begun.borrow_and_update();
            if timeout(takes_max, begun.changed()).await.is_err() {
                break;
            }
        }
    };
    tokio::select! {
        done = work(kept.clone()) => done,
        () = overdue => Err(Interrupted::Silent),
    }
}

impl Following {
    /// Has `reactor` answer what happens, until `stop`.
    pub(crate) async fn run<R: Reactor>(self, mut reactor: R, stop: CancellationToken) {
        loop {
            let followed = tokio::select! {
                () = stop.cancelled() => return,
                followed = in_time(|steps| self.follow(&mut reactor, steps, &stop)) => followed,
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
        steps: Steps,
        stop: &CancellationToken,
    ) -> Result<(), Interrupted> {
        let turn = self.checkpoints.turn(R::NAME, self.owner).await?;
        let Some(token) = turn else { return Ok(()) };
        let mut turn = Held { token, steps };
        let mut head = self.feed.head();
        while !stop.is_cancelled() {
            head.borrow_and_update();
            let facts = self.feed.read(turn.token.checkpoint(), BATCH).await?;
            let Some(last) = facts.last().map(|it| it.position()) else {
                turn.steps.begin(IDLE_TAKES_MAX);
                reactor.idle().await?;
                turn.steps.begin(STEP_TAKES_MAX);
                tokio::select! {
                    () = stop.cancelled() => {}
                    _ = timeout(RENEW_WITHIN, head.changed()) => {}
                }
                turn.still_ours().await?;
                continue;
            };
            let mut said = Instant::now();
            for fact in &facts {
                if RENEW_WITHIN <= said.elapsed() {
                    turn.still_ours().await?;
                    said = Instant::now();
                }
                reactor.answer(fact, &turn).await?;
            }
            if !turn.token.move_to(last).await? {
                return Err(Interrupted::TakenOver);
            }
        }
        Ok(turn.token.release().await?)
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    /// Must never: a connection that is dead holds everything up until somebody starts Greffe
    /// again.
    #[tokio::test(start_paused = true)]
    async fn what_takes_long_is_let_be_and_what_is_silent_is_not() {
        let begun = Instant::now();
        let done = in_time(|steps| async move {
            for _ in 0..100 {
                steps.begin(STEP_TAKES_MAX);
                advance(STEP_TAKES_MAX / 2).await;
            }
            steps.begin(IDLE_TAKES_MAX);
            advance(IDLE_TAKES_MAX / 2).await;
            steps.begin(STEP_TAKES_MAX);
            std::future::pending().await
        });
        assert!(matches!(done.await, Err(Interrupted::Silent)));
        assert_eq!(begun.elapsed(), STEP_TAKES_MAX * 51 + IDLE_TAKES_MAX / 2);
        let done = in_time(|steps| async move {
            drop(steps);
            advance(STEP_TAKES_MAX / 2).await;
            Ok(())
        });
        assert!(done.await.is_ok());
    }
}
