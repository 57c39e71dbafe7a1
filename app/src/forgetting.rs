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
const LOOK_EVERY: Duration = Duration::from_mins(10);

/// How many keys are forgotten at a time: a short transaction each.
const BATCH: u32 = 1_000;

/// Forgets old keys until `stop`.
pub(crate) async fn forget_keys(
    journal: Arc<PostgresJournal>,
    checkpoints: Checkpoints,
    retention: TimeDelta,
    stop: CancellationToken,
) {
    loop {
        let forgotten = forget_some(&journal, &checkpoints, retention).await;
        let more = match forgotten {
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
        let pause = if more { Duration::ZERO } else { LOOK_EVERY };
        if timeout(pause, stop.cancelled()).await.is_ok() {
            return;
        }
    }
}

/// Whoever answers events repeats what stands after its checkpoint when it is
/// started again: those keys are kept, however old.
async fn forget_some(
    journal: &PostgresJournal,
    checkpoints: &Checkpoints,
    retention: TimeDelta,
) -> anyhow::Result<u64> {
    let taken_in = checkpoints.lowest().await?;
    Ok(journal.forget_keys(now() - retention, taken_in, BATCH).await?)
}
