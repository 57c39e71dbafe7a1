//! What is read from the tables of the journal.

use chrono::{DateTime, Utc};
use futures::{
    StreamExt, TryStreamExt,
    channel::mpsc,
    sink::SinkExt,
    stream::{self, BoxStream},
};
use sqlx::PgPool;
use uuid::Uuid;

use crate::{
    EventHash, JournalError, Outcome, Recorded, StreamId,
    postgres::failure::{damaged, of_reading},
};

/// Where the journal ends.
pub(super) async fn head(pool: &PgPool) -> Result<u64, JournalError> {
    let head = sqlx::query_scalar!("select head from journal_head where one")
        .fetch_one(pool)
        .await
        .map_err(of_reading)?;
    unsigned(head)
}

pub(super) async fn outcome(
    pool: &PgPool,
    scope: &str,
    key: &str,
) -> Result<Option<Outcome>, JournalError> {
    let row = sqlx::query!(
        "select digest, stream, version, position from idempotency_key
         where scope = $1 and key = $2",
        scope,
        key
    )
    .fetch_optional(pool)
    .await
    .map_err(of_reading)?;
    row.map(|row| {
        Ok(Outcome {
            digest: row.digest.try_into().map_err(|_| damaged("a digest has 32 bytes"))?,
            stream: row.stream.into(),
            version: unsigned(row.version)?,
            position: unsigned(row.position)?,
        })
    })
    .transpose()
}

/// As many as `bytes_max` has room for, and one at least.
pub(super) async fn of_stream(
    pool: &PgPool,
    stream: &StreamId,
    after_version: u64,
    limit: usize,
    bytes_max: usize,
) -> Result<Vec<Recorded>, JournalError> {
    sqlx::query_as!(
        Row,
        // As in `after`.
        r#"select position as "position!", stream as "stream!", version as "version!",
             event_id as "event_id!", event_type as "event_type!",
             schema_version as "schema_version!", payload as "payload!",
             metadata as "metadata!", recorded_at as "recorded_at!", hash as "hash!"
         from (
             select *, sum(octet_length(payload) + octet_length(metadata))
                 over (order by version rows unbounded preceding)
                 - octet_length(payload) - octet_length(metadata) as before
             from event where stream = $1 and version > $2 order by version limit $3
         ) next
         where before < $4
         order by version"#,
        stream.as_str(),
        signed(after_version),
        signed(limit as u64),
        signed(bytes_max as u64)
    )
    .fetch_all(pool)
    .await
    .map_err(of_reading)?
    .into_iter()
    .map(Recorded::try_from)
    .collect()
}

/// Complete by construction: positions have no holes. As many as `bytes_max`
/// has room for, and one at least.
pub(super) async fn after(
    pool: &PgPool,
    after: u64,
    limit: usize,
    bytes_max: usize,
) -> Result<Vec<Recorded>, JournalError> {
    sqlx::query_as!(
        Row,
        // The lengths of long texts are known without the texts, which are read
        // for those events only that are given.
        r#"select position as "position!", stream as "stream!", version as "version!",
             event_id as "event_id!", event_type as "event_type!",
             schema_version as "schema_version!", payload as "payload!",
             metadata as "metadata!", recorded_at as "recorded_at!", hash as "hash!"
         from (
             select *, sum(octet_length(payload) + octet_length(metadata))
                 over (order by position rows unbounded preceding)
                 - octet_length(payload) - octet_length(metadata) as before
             from event where position > $1 order by position limit $2
         ) next
         where before < $3
         order by position"#,
        signed(after),
        signed(limit as u64),
        signed(bytes_max as u64)
    )
    .fetch_all(pool)
    .await
    .map_err(of_reading)?
    .into_iter()
    .map(Recorded::try_from)
    .collect()
}

/// Reads on while the events before are being used, window after window.
pub(super) fn replay(
    pool: PgPool,
    after: u64,
    window: u64,
) -> BoxStream<'static, Result<Recorded, JournalError>> {
    let (sender, receiver) = mpsc::channel(READ_AHEAD);
    // Its reader polls it: it stops when the stream is dropped.
    let reading = stream::once(read_windows(pool, after, window, sender))
        .filter_map(|end| async move { end.err().map(Err) });
    stream::select(receiver.map(Ok), reading).boxed()
}

/// Events in memory between the database and whoever replays.
const READ_AHEAD: usize = 1024;

async fn read_windows(
    pool: PgPool,
    mut after: u64,
    window: u64,
    mut sender: mpsc::Sender<Recorded>,
) -> Result<(), JournalError> {
    let end = head(&pool).await?;
    while after < end {
        let until = end.min(after + window);
        let mut rows = sqlx::query_as!(
            Row,
            "select position, stream, version, event_id, event_type, schema_version, payload,
                 metadata, recorded_at, hash
             from event where position > $1 and position <= $2 order by position",
            signed(after),
            signed(until)
        )
        .fetch(&pool);
        while let Some(row) = rows.try_next().await.map_err(of_reading)? {
            // Nobody is left who reads.
            if sender.send(row.try_into()?).await.is_err() {
                return Ok(());
            }
        }
        after = until;
    }
    Ok(())
}

struct Row {
    position: i64,
    stream: String,
    version: i64,
    event_id: Uuid,
    event_type: String,
    schema_version: i16,
    payload: String,
    metadata: String,
    recorded_at: DateTime<Utc>,
    hash: Vec<u8>,
}

impl TryFrom<Row> for Recorded {
    type Error = JournalError;

    fn try_from(row: Row) -> Result<Self, JournalError> {
        Ok(Self {
            position: unsigned(row.position)?,
            stream: row.stream.into(),
            version: unsigned(row.version)?,
            event_id: row.event_id,
            event_type: row.event_type,
            schema_version: row.schema_version.try_into().map_err(damaged)?,
            payload: row.payload,
            metadata: row.metadata,
            recorded_at: row.recorded_at,
            hash: EventHash(row.hash.try_into().map_err(|_| damaged("a hash has 32 bytes"))?),
        })
    }
}

fn unsigned(number: i64) -> Result<u64, JournalError> {
    number.try_into().map_err(damaged)
}

/// No position or version is that large: whoever asks beyond finds nothing.
fn signed(number: u64) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}
