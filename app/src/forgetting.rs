//! Forgets what nobody will ask for again: idempotency keys that are older
//! than their retention.

use std::{sync::Arc, time::Duration};

use chrono::TimeDelta;
use journal::postgres::PostgresJournal;
use projections::checkpoint::Checkpoints;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::system::now;

/// How often one looks for old keys.
pub(crate) const LOOK_EVERY: Duration = Duration::from_mins(10);

/// How many keys are forgotten at a time: a short transaction each.
const BATCH: u32 = 1_000;

/// How long that may take. A connection that is dead without a word is not
/// waited for longer.
const TAKES_MAX: Duration = Duration::from_mins(1);

/// Forgets old keys.
pub(crate) struct Forgetting {
    pub(crate) journal: Arc<PostgresJournal>,
    pub(crate) checkpoints: Checkpoints,
    /// How old a key must be.
    pub(crate) retention: TimeDelta,
    /// How often one looks.
    pub(crate) every: Duration,
}

impl Forgetting {
    /// Forgets, until `stop`. What cannot be forgotten now is the next time.
    pub(crate) async fn run(self, stop: CancellationToken) {
        loop {
            let forgotten = timeout(TAKES_MAX, self.forget_some()).await;
            let more = match forgotten.unwrap_or_else(|silence| Err(silence.into())) {
                Ok(count) => {
                    metrics::counter!("greffe_keys_forgotten_total").increment(count);
                    count == u64::from(BATCH)
                }
                Err(error) => {
                    let error: &(dyn std::error::Error + 'static) = error.as_ref();
                    tracing::warn!(error, "old idempotency keys are not forgotten yet");
                    false
                }
            };
            let pause = if more { Duration::ZERO } else { self.every };
            if timeout(pause, stop.cancelled()).await.is_ok() {
                return;
            }
        }
    }

    /// Whoever answers events repeats what stands after its checkpoint when it
    /// is started again: those keys are kept, however old.
    async fn forget_some(&self) -> anyhow::Result<u64> {
        let taken_in = self.checkpoints.lowest().await?;
        Ok(self.journal.forget_keys(now() - self.retention, taken_in, BATCH).await?)
    }
}

#[cfg(test)]
mod tests;
