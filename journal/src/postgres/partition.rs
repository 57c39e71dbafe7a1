//! Partitions of the events, made before they are needed.
//!
//! A partition is made as a table of its own and then attached, which locks
//! out nobody: appends and reads go on.

use std::{ops::Range, sync::Arc};

use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool};
use tokio::{sync::watch, time};

use crate::{
    JournalError,
    postgres::{Settings, failure, rows},
};

/// So that one process makes a partition at a time. Any number will do, if
/// nobody else uses it.
const LOCK: i64 = 0x6772_6566_6665_0001;

/// Makes each partition when the head is half-way through the last, for ever.
pub(super) async fn make_in_time(
    mut head: watch::Receiver<u64>,
    pool: PgPool,
    settings: Arc<Settings>,
) {
    loop {
        match extend(&pool, &settings, 0).await {
            Ok(end) => {
                let half = end.saturating_sub(settings.partition_size / 2);
                if head.wait_for(|it| half <= *it).await.is_err() {
                    return;
                }
            }
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "cannot make the journal's next partition yet"
                );
                time::sleep(settings.poll_every).await;
            }
        }
    }
}

/// Makes partitions until there is room for half a partition more than what
/// is about to be written. Answers the position at which the last one ends.
pub(super) async fn extend(
    pool: &PgPool,
    settings: &Settings,
    events: u64,
) -> Result<u64, JournalError> {
    let needed = rows::head(pool).await? + events + settings.partition_size / 2;
    let mut connection = pool.acquire().await.map_err(failure::of_reading)?;
    loop {
        let end = end(&mut connection).await.map_err(failure::of_reading)?;
        if needed < end {
            return Ok(end);
        }
        let next = end..end + settings.partition_size.max(1);
        make(&mut connection, next).await.map_err(failure::of_reading)?;
    }
}

/// Where the last partition ends: the first position without one.
async fn end(connection: &mut PgConnection) -> Result<u64, sqlx::Error> {
    let end = sqlx::query_scalar!(
        r#"select coalesce(max(substring(pg_get_expr(part.relpartbound, part.oid)
                from 'TO \(''?(\d+)''?\)')::bigint), 1) as "end!"
           from pg_inherits join pg_class part on part.oid = inhrelid
           where inhparent = 'event'::regclass"#
    )
    .fetch_one(connection)
    .await?;
    Ok(end.unsigned_abs())
}

/// Makes the partition, unless another process just did.
async fn make(connection: &mut PgConnection, range: Range<u64>) -> Result<(), sqlx::Error> {
    let mut transaction = connection.begin().await?;
    // Appends may be waiting for this.
    sqlx::raw_sql("set local lock_timeout = '5s'").execute(&mut *transaction).await?;
    sqlx::query!("select pg_advisory_xact_lock($1)", LOCK).fetch_all(&mut *transaction).await?;
    if end(&mut transaction).await? != range.start {
        return transaction.rollback().await;
    }
    let Range { start, end } = range;
    // The check spares `attach` a look at the table; it is the partition's
    // bound afterwards.
    let text = format!(
        "create table event_{start} (like event including defaults including constraints,
             constraint bound check (position >= {start} and position < {end}));
         create unique index on event_{start} (stream, version);
         create trigger refuse_change before update or delete or truncate on event_{start}
             for each statement execute function refuse_change_of_events();
         alter table event attach partition event_{start} for values from ({start}) to ({end});
         alter table event_{start} drop constraint bound;"
    );
    sqlx::raw_sql(AssertSqlSafe(text)).execute(&mut *transaction).await?;
    transaction.commit().await?;
    tracing::info!(start, end, "made a partition of the journal");
    Ok(())
}
