//! Idempotency keys are forgotten after a while: nobody repeats a request for
//! weeks, and each of them takes a row.

use chrono::{DateTime, Utc};
use sqlx::PgPool;

use crate::{JournalError, postgres::failure::of_reading};

/// Forgets keys that are older than `before`, of appends that stand no later
/// than `up_to`, at most `limit`. Gives how many they were.
pub(super) async fn forget(
    pool: &PgPool,
    before: DateTime<Utc>,
    up_to: u64,
    limit: u32,
) -> Result<u64, JournalError> {
    let forgotten = sqlx::query!(
        // What another process is forgetting at the same moment is left to it.
        "delete from idempotency_key where ctid = any (array(
             select ctid from idempotency_key where recorded_at < $1 and position <= $2
             limit $3 for update skip locked
         ))",
        before,
        i64::try_from(up_to).unwrap_or(i64::MAX),
        i64::from(limit)
    )
    .execute(pool)
    .await
    .map_err(of_reading)?;
    Ok(forgotten.rows_affected())
}
