//! The `job_lease` table: who holds which job. Moves in the append's own
//! statement, like [`job_ready`](crate::job_ready).

use std::collections::HashMap;

use domain::{
    JobId, Timestamp,
    decode::{Event, decode},
    job::{CrawlEvent, JobEvent, LeaseGranted, ReportEvent},
};
use journal::postgres::fold::{Column, Effect, InlineFold, Pending};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{fact::Fact, schema::Tables, signed};

/// The table.
pub const TABLES: Tables =
    Tables { name: "job_lease", version: 1, ddl: include_str!("job_lease.sql") };

/// What an event does to the row of its job.
enum Change {
    /// The job is held, by nobody else any more.
    Granted(LeaseGranted),
    /// Nobody holds it.
    Ended,
}

fn change(event: &JobEvent) -> Option<Change> {
    match event {
        JobEvent::LeaseGranted(it) => Some(Change::Granted(it.clone())),
        JobEvent::LeaseReleased(_)
        | JobEvent::LeaseExpired(_)
        | JobEvent::AttemptFailed(_)
        | JobEvent::TaskCompleted(_)
        | JobEvent::Crawl(CrawlEvent::CrawlCompleted(_))
        | JobEvent::Report(ReportEvent::ReportCompleted(_))
        | JobEvent::JobFailed(_)
        | JobEvent::JobCancelled(_)
        | JobEvent::JobExpired(_) => Some(Change::Ended),
        JobEvent::TaskCreated(_)
        | JobEvent::Crawl(CrawlEvent::CrawlRequested(_))
        | JobEvent::Report(ReportEvent::ReportRequested(_))
        | JobEvent::JobQueued(_)
        | JobEvent::ProgressReported(_)
        | JobEvent::CancelRequested(_)
        | JobEvent::LogSealed(_) => None,
    }
}

/// Whether events of this type change the table: the others need not be read.
fn matters(event_type: &str) -> bool {
    !matches!(
        event_type,
        "TaskCreated"
            | "CrawlRequested"
            | "ReportRequested"
            | "JobQueued"
            | "ProgressReported"
            | "CancelRequested"
            | "LogSealed"
    )
}

/// Moves the table in the append's own statement.
#[derive(Clone, Copy, Debug)]
pub struct InlineJobLease;

impl InlineFold for InlineJobLease {
    fn name(&self) -> &'static str {
        "job_lease"
    }

    fn fold(&self, batch: &[Pending<'_>]) -> Option<Effect> {
        let mut net: HashMap<Uuid, (u64, Change)> = HashMap::new();
        for pending in batch {
            if let Some((job, change)) = read(pending) {
                net.insert(job, (pending.version, change));
            }
        }
        let mut columns = Columns::default();
        for (job, (version, change)) in net {
            match change {
                Change::Granted(lease) => columns.grant(job, version, &lease),
                Change::Ended => columns.ended.push(Some(job)),
            }
        }
        columns.effect()
    }
}

fn read(pending: &Pending<'_>) -> Option<(Uuid, Change)> {
    if pending.stream.category() != "job" || !matters(pending.event.event_type) {
        return None;
    }
    let job = pending.stream.id().parse().ok()?;
    let event = pending.event;
    match decode(event.event_type, event.schema_version, &event.payload) {
        Ok(Event::Job(event)) => Some((job, change(&event)?)),
        Ok(Event::Worker(_)) => None,
        Err(error) => {
            // This program wrote it a moment ago.
            tracing::error!(%error, stream = %pending.stream, "a lease is not kept");
            None
        }
    }
}

#[derive(Default)]
struct Columns {
    granted: Vec<Option<Uuid>>,
    fences: Vec<Option<i64>>,
    workers: Vec<Option<Uuid>>,
    lease_ms: Vec<Option<i64>>,
    deadlines: Vec<Option<Timestamp>>,
    requests: Vec<Option<Uuid>>,
    ended: Vec<Option<Uuid>>,
}

impl Columns {
    fn grant(&mut self, job: Uuid, fence: u64, lease: &LeaseGranted) {
        self.granted.push(Some(job));
        self.fences.push(Some(signed(fence)));
        self.workers.push(Some(lease.worker.0));
        self.lease_ms.push(Some(signed(lease.lease_ms)));
        self.deadlines.push(lease.run_deadline);
        self.requests.push(lease.request);
    }

    fn effect(self) -> Option<Effect> {
        let ended = Column::Uuid(self.ended.clone());
        let granted = vec![
            Column::Uuid(self.granted.clone()),
            Column::BigInt(self.fences),
            Column::Uuid(self.workers),
            Column::BigInt(self.lease_ms),
            Column::Timestamp(self.deadlines),
            Column::Uuid(self.requests),
        ];
        let (sql, columns) = match (self.granted.is_empty(), self.ended.is_empty()) {
            (true, true) => return None,
            (false, true) => (GRANT, granted),
            (true, false) => (END, vec![ended]),
            (false, false) => (GRANT_AND_END, granted.into_iter().chain([ended]).collect()),
        };
        Some(Effect { sql, columns, guard: None })
    }
}

/// A job that was released and granted again in one batch has a row still.
const GRANT: &str = "job_lease_in as (
    insert into job_lease (job, fence, worker, lease_ms, run_deadline, request, granted_at)
    select x.*, h.at from h, unnest({0}, {1}, {2}, {3}, {4}, {5})
        as x (job, fence, worker, lease_ms, run_deadline, request)
    on conflict (job) do update set fence = excluded.fence, worker = excluded.worker,
        lease_ms = excluded.lease_ms, run_deadline = excluded.run_deadline,
        request = excluded.request, granted_at = excluded.granted_at)";

const END: &str = "job_lease_out as (
    delete from job_lease l using h where l.job = any({0}))";

const GRANT_AND_END: &str = "job_lease_in as (
    insert into job_lease (job, fence, worker, lease_ms, run_deadline, request, granted_at)
    select x.*, h.at from h, unnest({0}, {1}, {2}, {3}, {4}, {5})
        as x (job, fence, worker, lease_ms, run_deadline, request)
    on conflict (job) do update set fence = excluded.fence, worker = excluded.worker,
        lease_ms = excluded.lease_ms, run_deadline = excluded.run_deadline,
        request = excluded.request, granted_at = excluded.granted_at),
job_lease_out as (
    delete from job_lease l using h where l.job = any({6}))";

/// The whole table, folded in memory.
#[derive(Debug, Default)]
pub(crate) struct Leases(HashMap<JobId, (u64, Timestamp, LeaseGranted)>);

impl Leases {
    pub(crate) fn take_in(&mut self, fact: &Fact) {
        let Some((job, event)) = fact.of_job() else { return };
        match change(event) {
            Some(Change::Granted(lease)) => {
                self.0.insert(job, (fact.recorded.version, fact.at(), lease));
            }
            Some(Change::Ended) => {
                self.0.remove(&job);
            }
            None => {}
        }
    }

    /// Writes all rows into the empty table.
    pub(crate) async fn store(self, db: &mut PgConnection) -> Result<(), sqlx::Error> {
        let rows: Vec<_> = self.0.into_iter().collect();
        for rows in rows.chunks(10_000) {
            let jobs: Vec<Uuid> = rows.iter().map(|(job, _)| job.0).collect();
            let fences: Vec<i64> = rows.iter().map(|(_, it)| signed(it.0)).collect();
            let granted: Vec<Timestamp> = rows.iter().map(|(_, it)| it.1).collect();
            let workers: Vec<Uuid> = rows.iter().map(|(_, it)| it.2.worker.0).collect();
            let lease_ms: Vec<i64> = rows.iter().map(|(_, it)| signed(it.2.lease_ms)).collect();
            let deadlines: Vec<Option<Timestamp>> =
                rows.iter().map(|(_, it)| it.2.run_deadline).collect();
            let requests: Vec<Option<Uuid>> = rows.iter().map(|(_, it)| it.2.request).collect();
            sqlx::query!(
                "insert into job_lease
                     (job, fence, granted_at, worker, lease_ms, run_deadline, request)
                 select * from unnest($1::uuid[], $2::bigint[], $3::timestamptz[], $4::uuid[],
                     $5::bigint[], $6::timestamptz[], $7::uuid[])",
                &jobs,
                &fences,
                &granted,
                &workers,
                &lease_ms,
                &deadlines as &[Option<Timestamp>],
                &requests as &[Option<Uuid>],
            )
            .execute(&mut *db)
            .await?;
        }
        Ok(())
    }
}
