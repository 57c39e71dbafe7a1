//! What may be leased, what is due, and who waits for work: every question
//! that one asks of `job_ready` and `job_lease`.
//!
//! The answers are hints. The journal alone decides who gets a job: a lease is
//! granted by an append with an expected version, and who comes too late takes
//! the next candidate.

mod waiting;

use std::sync::Arc;

use domain::{JobId, LeaseId, Timestamp, WorkerId};
use journal::postgres::fold::InlineFold;
use uuid::Uuid;

use crate::{
    ReadError, Reader, client_quota::InlineClientQuota, job_lease::InlineJobLease,
    job_ready::InlineJobReady, signed,
};

pub use waiting::{Claim, Waiting, WaitingWorkers};

/// The tables that move in the append's own statement.
pub fn inline_folds() -> Vec<Arc<dyn InlineFold>> {
    vec![Arc::new(InlineJobReady), Arc::new(InlineJobLease), Arc::new(InlineClientQuota)]
}

/// A lease that a worker holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeldLease {
    /// Which.
    pub lease: LeaseId,
    /// Who holds it.
    pub worker: WorkerId,
    /// When the attempt will have taken too long.
    pub run_deadline: Option<Timestamp>,
}

/// How much there is to do for a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceLoad {
    /// Which service.
    pub service: String,
    /// How many jobs a worker may take.
    pub queued: u64,
    /// How many jobs wait for a time.
    pub waiting: u64,
    /// How many jobs are held.
    pub running: u64,
    /// How many jobs a worker could take, were they not paused.
    pub paused: u64,
}

impl Reader {
    /// The jobs that a worker for `services` should take next: higher priority
    /// first, then the older.
    pub async fn candidates(
        &self,
        services: &[String],
        limit: u32,
    ) -> Result<Vec<JobId>, ReadError> {
        let jobs = sqlx::query_scalar!(
            r#"select next.job as "job!"
               from (select distinct unnest($1::text[])) as wanted (service)
               cross join lateral (
                   select job, priority, position from job_ready
                   where queued and not paused and service = wanted.service
                       and now() < expires_at
                   order by priority desc, position limit $2
               ) as next
               order by next.priority desc, next.position limit $2"#,
            services,
            i64::from(limit)
        )
        .fetch_all(&self.db)
        .await?;
        Ok(jobs.into_iter().map(JobId).collect())
    }

    /// Jobs whose time to be queued has come.
    pub async fn due(&self, limit: u32) -> Result<Vec<JobId>, ReadError> {
        let jobs = sqlx::query_scalar!(
            "select job from job_ready where ready_at <= now() order by ready_at limit $1",
            i64::from(limit)
        )
        .fetch_all(&self.db)
        .await?;
        Ok(jobs.into_iter().map(JobId).collect())
    }

    /// Jobs whose time has passed.
    pub async fn expired(&self, limit: u32) -> Result<Vec<JobId>, ReadError> {
        let jobs = sqlx::query_scalar!(
            "select job from job_ready where expires_at <= now() order by expires_at limit $1",
            i64::from(limit)
        )
        .fetch_all(&self.db)
        .await?;
        Ok(jobs.into_iter().map(JobId).collect())
    }

    /// Leases whose attempt has taken too long.
    pub async fn overdue(&self, limit: u32) -> Result<Vec<HeldLease>, ReadError> {
        let leases = sqlx::query_as!(
            LeaseRecord,
            "select job, fence, worker, run_deadline from job_lease
             where run_deadline <= now() order by run_deadline limit $1",
            i64::from(limit)
        )
        .fetch_all(&self.db)
        .await?;
        Ok(leases.into_iter().map(HeldLease::from).collect())
    }

    /// What a worker holds; of one of its requests, if that is given.
    pub async fn leases(
        &self,
        worker: WorkerId,
        request: Option<Uuid>,
    ) -> Result<Vec<HeldLease>, ReadError> {
        let leases = sqlx::query_as!(
            LeaseRecord,
            "select job, fence, worker, run_deadline from job_lease
             where worker = $1 and ($2::uuid is null or request = $2) order by job",
            worker.0,
            request
        )
        .fetch_all(&self.db)
        .await?;
        Ok(leases.into_iter().map(HeldLease::from).collect())
    }

    /// Whether `worker` holds `lease`.
    pub async fn holds(&self, worker: WorkerId, lease: LeaseId) -> Result<bool, ReadError> {
        let holds = sqlx::query_scalar!(
            r#"select exists (
                   select from job_lease where job = $1 and fence = $2 and worker = $3
               ) as "holds!""#,
            lease.job.0,
            signed(lease.fence),
            worker.0
        )
        .fetch_one(&self.db)
        .await?;
        Ok(holds)
    }

    /// How much there is to do, by service.
    pub async fn load_by_service(&self) -> Result<Vec<ServiceLoad>, ReadError> {
        let loads = sqlx::query!(
            r#"select service, count(*) filter (where queued and not paused) as "queued!",
                   count(*) filter (where ready_at is not null) as "waiting!",
                   count(*) filter (where not queued and ready_at is null) as "running!",
                   count(*) filter (where queued and paused) as "paused!"
               from job_ready group by service order by service"#
        )
        .fetch_all(&self.db)
        .await?;
        Ok(loads
            .into_iter()
            .map(|it| ServiceLoad {
                service: it.service,
                queued: it.queued.cast_unsigned(),
                waiting: it.waiting.cast_unsigned(),
                running: it.running.cast_unsigned(),
                paused: it.paused.cast_unsigned(),
            })
            .collect())
    }
}

struct LeaseRecord {
    job: Uuid,
    fence: i64,
    worker: Uuid,
    run_deadline: Option<Timestamp>,
}

impl From<LeaseRecord> for HeldLease {
    fn from(it: LeaseRecord) -> Self {
        Self {
            lease: LeaseId { job: JobId(it.job), fence: it.fence.cast_unsigned() },
            worker: WorkerId(it.worker),
            run_deadline: it.run_deadline,
        }
    }
}
