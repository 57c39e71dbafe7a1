//! Keeps the tables of one projection in step with the journal.
//!
//! Any number of processes may run the same projection; one of them moves it,
//! and another takes over when that one dies. A batch of facts is folded in
//! memory and written set-wise, in one transaction with the checkpoint: each
//! fact counts exactly once.

use std::{
    collections::{BTreeMap, BTreeSet},
    marker::PhantomData,
    sync::Arc,
    time::Duration,
};

use sqlx::PgPool;
use tokio::time::{error::Elapsed, sleep, timeout};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    checkpoint::{self, Checkpoints, Ownership, RENEW_EVERY},
    fact::Fact,
    feed::{Feed, FeedError},
    projection::Projection,
};

/// How many facts are folded together at most.
const BATCH: usize = 5_000;

/// How long it may take to write what they lead to: the database has gone
/// without a word.
const TAKES_MAX: Duration = Duration::from_mins(5);

/// How soon one looks whether the owner is still alive, and how soon one tries
/// again after a failure.
const RETRY_EVERY: Duration = Duration::from_secs(1);

/// Runs one projection.
#[derive(Debug)]
pub struct Projector<P> {
    db: PgPool,
    feed: Arc<Feed>,
    checkpoints: Checkpoints,
    /// What this process calls itself.
    owner: Uuid,
    projection: PhantomData<P>,
}

/// Why a projection came to a halt.
#[derive(Debug, thiserror::Error)]
pub enum ProjectionError {
    /// The journal cannot be read, or not understood.
    #[error(transparent)]
    Feed(#[from] FeedError),
    /// The tables cannot be written.
    #[error("the tables of the projection cannot be written")]
    Database(#[from] sqlx::Error),
}

/// How a turn at moving a projection ended.
enum Turn {
    /// Somebody else has taken over.
    Lost,
    /// The process is to stop.
    Stopped,
}

impl<P: Projection> Projector<P> {
    /// Will write to `db`.
    pub fn new(db: PgPool, feed: Arc<Feed>, checkpoints: Checkpoints, owner: Uuid) -> Self {
        Self { db, feed, checkpoints, owner, projection: PhantomData }
    }

    /// Catches up, then keeps up, until `stop`. What fails is tried again; a
    /// fact that is not understood is never skipped.
    pub async fn run(&self, stop: CancellationToken) {
        let name = P::TABLES.name;
        while !stop.is_cancelled() {
            let pause = match self.turn(&stop).await {
                Ok(Some(Turn::Stopped)) => return,
                Ok(Some(Turn::Lost)) => {
                    self.checkpoints.resumed(P::TABLES);
                    tracing::info!(projection = name, "another process has taken over");
                    RETRY_EVERY
                }
                Ok(None) => RETRY_EVERY,
                Err(error) => {
                    metrics::counter!("greffe_projection_failures_total", "projection" => name)
                        .increment(1);
                    self.checkpoints.halted(P::TABLES, error.to_string());
                    let error: &(dyn std::error::Error + Send + Sync) = &error;
                    tracing::error!(projection = name, error, "the projection is halted");
                    RETRY_EVERY
                }
            };
            tokio::select! {
                () = stop.cancelled() => {}
                () = sleep(pause) => {}
            }
        }
    }

    /// Moves the projection for as long as it is ours to move; `None` if it is
    /// somebody else's.
    async fn turn(&self, stop: &CancellationToken) -> Result<Option<Turn>, ProjectionError> {
        let Some(mut ours) = checkpoint::acquire(&self.db, P::TABLES, self.owner).await? else {
            return Ok(None);
        };
        self.told(&ours);
        let mut head = self.feed.head();
        loop {
            let facts = self.feed.read(ours.checkpoint, BATCH).await?;
            if let Some(last) = facts.last() {
                let position = last.position();
                let taken = timeout(TAKES_MAX, self.take_in(&ours, &facts, position)).await;
                let silence = |it: Elapsed| Err(sqlx::Error::Io(it.into()));
                if !taken.unwrap_or_else(silence)? {
                    return Ok(Some(Turn::Lost));
                }
                ours.checkpoint = position;
                self.told(&ours);
            }
            self.checkpoints.resumed(P::TABLES);
            if stop.is_cancelled() {
                ours.release(&self.db).await?;
                return Ok(Some(Turn::Stopped));
            }
            if !facts.is_empty() {
                continue;
            }
            tokio::select! {
                () = stop.cancelled() => {}
                changed = timeout(RENEW_EVERY, head.changed()) => {
                    if changed.is_err() && !ours.renew(&self.db).await? {
                        return Ok(Some(Turn::Lost));
                    }
                }
            }
        }
    }

    /// Folds a batch and writes it with the checkpoint. `false`: somebody else
    /// has taken over, and nothing was written.
    async fn take_in(
        &self,
        ours: &Ownership,
        facts: &[Arc<Fact>],
        position: u64,
    ) -> Result<bool, sqlx::Error> {
        let mut tx = postgres::begin(&self.db).await?;
        if !ours.move_to(&mut tx, position).await? {
            return Ok(false);
        }
        let keys: BTreeSet<P::Key> = facts.iter().flat_map(|it| P::keys(it)).collect();
        let keys: Vec<P::Key> = keys.into_iter().collect();
        if !keys.is_empty() {
            let loaded = P::load(&mut tx, &keys).await?;
            let rows = fold::<P>(loaded.into_iter().collect(), facts);
            P::store(&mut tx, &rows).await?;
        }
        tx.commit().await?;
        Ok(true)
    }

    #[expect(clippy::cast_precision_loss, reason = "a gauge needs no 53 bits")]
    fn told(&self, ours: &Ownership) {
        self.checkpoints.moved(P::TABLES, ours.checkpoint);
        metrics::gauge!("greffe_projection_checkpoint", "projection" => P::TABLES.name)
            .set(ours.checkpoint as f64);
    }
}

/// The rows that are different after the facts.
fn fold<P: Projection>(mut rows: BTreeMap<P::Key, P::Row>, facts: &[Arc<Fact>]) -> Vec<P::Row> {
    for fact in facts {
        for key in P::keys(fact) {
            if let Some(row) = P::fold(key, rows.remove(&key), fact) {
                rows.insert(key, row);
            }
        }
    }
    rows.into_values().collect()
}
