//! The `lease_beat` table: until when leases hold.

use domain::{JobId, LeaseId, WorkerId};
use uuid::Uuid;

use crate::{ReadError, Reader, signed};

impl Reader {
    /// Extends leases that `worker` holds by their full length, by the
    /// database's clock. What is not in the answer is lost.
    pub async fn beat(
        &self,
        worker: WorkerId,
        leases: &[LeaseId],
    ) -> Result<Vec<LeaseId>, ReadError> {
        let jobs: Vec<Uuid> = leases.iter().map(|it| it.job.0).collect();
        let fences: Vec<i64> = leases.iter().map(|it| signed(it.fence)).collect();
        let extended = sqlx::query!(
            "insert into lease_beat as b (job, fence, expires_at)
             select l.job, l.fence, now() + make_interval(secs => l.lease_ms / 1000.0::float8)
             from unnest($2::uuid[], $3::bigint[]) as x (job, fence)
             join job_lease l on l.job = x.job and l.fence = x.fence
             where l.worker = $1
             order by l.job
             on conflict (job, fence) do update set expires_at = excluded.expires_at
                 where b.lost_at is null
             returning job, fence",
            worker.0,
            &jobs,
            &fences
        )
        .fetch_all(&self.db)
        .await?;
        Ok(extended
            .into_iter()
            .map(|it| LeaseId { job: JobId(it.job), fence: it.fence.cast_unsigned() })
            .collect())
    }

    /// Marks leases that were not heard of in time, at most `limit`: from now
    /// on no beat extends them. Gives all that are marked and not ended yet.
    pub async fn mark_lost(&self, limit: u32) -> Result<Vec<LeaseId>, ReadError> {
        let lost = sqlx::query!(
            "insert into lease_beat as b (job, fence, expires_at, lost_at)
             select job, fence, expires_at, now() from (
                 select l.job, l.fence, coalesce(
                     b.expires_at,
                     l.granted_at + make_interval(secs => l.lease_ms / 1000.0::float8)
                 ) as expires_at
                 from job_lease l
                 left join lease_beat b on b.job = l.job and b.fence = l.fence
             ) as held
             where expires_at < now()
             order by job limit $1
             on conflict (job, fence) do update set lost_at = coalesce(b.lost_at, now())
                 where b.expires_at < now()
             returning job, fence",
            i64::from(limit)
        )
        .fetch_all(&self.db)
        .await?;
        Ok(lost
            .into_iter()
            .map(|it| LeaseId { job: JobId(it.job), fence: it.fence.cast_unsigned() })
            .collect())
    }

    /// Removes the beats of leases that are over.
    pub async fn forget_beats(&self) -> Result<u64, ReadError> {
        let forgotten = sqlx::query!(
            "delete from lease_beat b
             where not exists (
                 select from job_lease l where l.job = b.job and l.fence = b.fence
             ) and b.expires_at < now()"
        )
        .execute(&self.db)
        .await?;
        Ok(forgotten.rows_affected())
    }
}
