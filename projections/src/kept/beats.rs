//! The `lease_beat` table: until when leases hold.
//!
//! A lease has a row from its grant on, written in the append's own statement:
//! what has run out is found by its time, among however many that hold.

use domain::{JobId, LeaseId, Timestamp, WorkerId};
use uuid::Uuid;

use crate::{ReadError, Reader, signed};

/// One more part of an append's statement, which begins to count: for leases of
/// the columns `{0}` (job), `{1}` (fence) and `{3}` (length, in milliseconds).
/// It waits for nobody: before it is written, nobody beats.
macro_rules! first_beats {
    () => {
        ", job_lease_beat as (
            insert into lease_beat (job, fence, expires_at)
            select x.job, x.fence, h.at + make_interval(secs => x.lease_ms / 1000.0::float8)
            from h, unnest({0}, {1}, {3}) as x (job, fence, lease_ms)
            on conflict do nothing)"
    };
}
pub(crate) use first_beats;

/// A lease that holds on, and what its holder is to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beat {
    /// Which.
    pub lease: LeaseId,
    /// For how long it holds from now on, without another beat.
    pub lease_ms: u64,
    /// Whether the attempt has taken too long.
    pub overdue: bool,
    /// Whether somebody wants the job stopped.
    pub cancel_requested: bool,
    /// Why, if they said so.
    pub cancel_reason: Option<String>,
    /// Whether somebody wants the job left alone for a while.
    pub paused: bool,
    /// Why, if they said so.
    pub pause_reason: Option<String>,
}

impl Reader {
    /// Extends leases that `worker` holds by their full length, by the
    /// database's clock. What is not in the answer is lost.
    pub async fn beat(&self, worker: WorkerId, leases: &[LeaseId]) -> Result<Vec<Beat>, ReadError> {
        let jobs: Vec<Uuid> = leases.iter().map(|it| it.job.0).collect();
        let fences: Vec<i64> = leases.iter().map(|it| signed(it.fence)).collect();
        let extended = sqlx::query!(
            r#"with held as (
                 select l.* from job_lease l
                 join (select distinct * from unnest($2::uuid[], $3::bigint[])) as x (job, fence)
                 on l.job = x.job and l.fence = x.fence
                 where l.worker = $1
             ), extended as (
                 insert into lease_beat as b (job, fence, expires_at)
                 select job, fence, now() + make_interval(secs => lease_ms / 1000.0::float8)
                 from held order by job
                 on conflict (job, fence) do update set expires_at = excluded.expires_at
                     where b.lost_at is null
                 returning job, fence
             )
             select h.job, h.fence, h.lease_ms, h.cancel_requested, h.cancel_reason,
                 h.paused, h.pause_reason,
                 coalesce(h.run_deadline <= now(), false) as "overdue!"
             from extended e join held h on h.job = e.job and h.fence = e.fence"#,
            worker.0,
            &jobs,
            &fences
        )
        .fetch_all(&self.db)
        .await?;
        Ok(extended
            .into_iter()
            .map(|it| Beat {
                lease: LeaseId { job: JobId(it.job), fence: it.fence.cast_unsigned() },
                lease_ms: it.lease_ms.cast_unsigned(),
                overdue: it.overdue,
                cancel_requested: it.cancel_requested,
                cancel_reason: it.cancel_reason,
                paused: it.paused,
                pause_reason: it.pause_reason,
            })
            .collect())
    }

    /// The time, by the clock that leases are held by.
    pub async fn lease_time(&self) -> Result<Timestamp, ReadError> {
        Ok(sqlx::query_scalar!(r#"select now() as "now!""#).fetch_one(&self.db).await?)
    }

    /// Marks leases that were not heard of in time by `at`, at most `limit`:
    /// from now on no beat extends them. Gives all that are marked and not ended
    /// yet. However late the database gets to it, what has run out only after
    /// `at` holds.
    pub async fn mark_lost(&self, at: Timestamp, limit: u32) -> Result<Vec<LeaseId>, ReadError> {
        let lost = sqlx::query!(
            // Materialized, and with an offset: however many hold, only those
            // that have run out are looked at, each by its key.
            "with due as materialized (
                 select job, fence, expires_at from lease_beat
                 where expires_at < $2 order by expires_at limit $1
             ), over as materialized (
                 select * from due where exists (
                     select from job_lease l where l.job = due.job and l.fence = due.fence offset 0
                 )
             )
             insert into lease_beat as b (job, fence, expires_at, lost_at)
             select job, fence, expires_at, now() from over order by job
             on conflict (job, fence) do update set lost_at = coalesce(b.lost_at, now())
                 where b.expires_at < $2
             returning job, fence",
            i64::from(limit),
            at
        )
        .fetch_all(&self.db)
        .await?;
        Ok(lost
            .into_iter()
            .map(|it| LeaseId { job: JobId(it.job), fence: it.fence.cast_unsigned() })
            .collect())
    }

    /// Removes beats of leases that are over, at most `limit`. Gives how many.
    pub async fn forget_beats(&self, limit: u32) -> Result<u64, ReadError> {
        let forgotten = sqlx::query!(
            // What another process is removing at the same moment is left to it.
            "delete from lease_beat where ctid = any (array(
                 select b.ctid from lease_beat b
                 where b.expires_at < now() and not exists (
                     select from job_lease l where l.job = b.job and l.fence = b.fence offset 0
                 )
                 order by b.expires_at limit $1 for update skip locked
             ))",
            i64::from(limit)
        )
        .execute(&self.db)
        .await?;
        Ok(forgotten.rows_affected())
    }

    /// Begins to count for leases that have no row: this table is kept, and not
    /// all that holds leases is from a statement that writes it. They hold for
    /// their first period.
    pub async fn begin_missing_beats(&self) -> Result<u64, ReadError> {
        let begun = sqlx::query!(
            "insert into lease_beat (job, fence, expires_at)
             select l.job, l.fence,
                 l.granted_at + make_interval(secs => l.lease_ms / 1000.0::float8)
             from job_lease l
             where not exists (
                 select from lease_beat b where b.job = l.job and b.fence = l.fence
             )
             order by l.job
             on conflict do nothing"
        )
        .execute(&self.db)
        .await?;
        Ok(begun.rows_affected())
    }
}
