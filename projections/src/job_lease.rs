//! The `job_lease` table: who holds which job. Moves in the append's own
//! statement, like [`job_ready`](crate::job_ready).

use std::collections::HashMap;

use domain::{
    JobId, Timestamp,
    decode::{Event, decode},
    job::{CancelRequested, CrawlEvent, JobEvent, LeaseGranted, ReportEvent},
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
    /// Its holder is to be told to stop.
    Cancelled(CancelRequested),
    /// Nobody holds it.
    Ended,
}

/// A row, as events leave it.
#[derive(Debug)]
struct Held {
    fence: u64,
    lease: LeaseGranted,
    cancel: Option<CancelRequested>,
}

/// What a batch does to the row of one job.
enum Net {
    Held(Held),
    Cancelled(CancelRequested),
    Ended,
}

impl Net {
    fn after(before: Option<Self>, version: u64, change: Change) -> Self {
        match (before, change) {
            (_, Change::Granted(lease)) => Self::Held(Held { fence: version, lease, cancel: None }),
            (_, Change::Ended) | (Some(Self::Ended), Change::Cancelled(_)) => Self::Ended,
            (Some(Self::Held(held)), Change::Cancelled(it)) => {
                Self::Held(Held { cancel: Some(it), ..held })
            }
            (None | Some(Self::Cancelled(_)), Change::Cancelled(it)) => Self::Cancelled(it),
        }
    }
}

fn change(event: &JobEvent) -> Option<Change> {
    match event {
        JobEvent::LeaseGranted(it) => Some(Change::Granted(it.clone())),
        JobEvent::CancelRequested(it) => Some(Change::Cancelled(it.clone())),
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
        | JobEvent::Crawl(CrawlEvent::CrawlRequested(_) | CrawlEvent::PagesVisited(_))
        | JobEvent::Report(ReportEvent::ReportRequested(_))
        | JobEvent::JobQueued(_)
        | JobEvent::ProgressReported(_)
        | JobEvent::LogSealed(_)
        | JobEvent::JobTransferred(_) => None,
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
            | "PagesVisited"
            | "LogSealed"
            | "JobTransferred"
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
        let mut net: HashMap<Uuid, Net> = HashMap::new();
        for pending in batch {
            if let Some((job, change)) = read(pending) {
                let after = Net::after(net.remove(&job), pending.version, change);
                net.insert(job, after);
            }
        }
        let mut columns = Columns::default();
        for (job, net) in net {
            match net {
                Net::Held(held) => columns.held.push(job, held),
                Net::Cancelled(cancel) => {
                    columns.cancelled.push(Some(job));
                    columns.reasons.push(cancel.reason);
                }
                Net::Ended => columns.ended.push(Some(job)),
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
        Ok(Event::Worker(_) | Event::Account(_) | Event::Client(_) | Event::Land(_)) => None,
        Err(error) => {
            // This program wrote it a moment ago.
            tracing::error!(%error, stream = %pending.stream, "a lease is not kept");
            None
        }
    }
}

#[derive(Default)]
struct Columns {
    held: Rows,
    cancelled: Vec<Option<Uuid>>,
    reasons: Vec<Option<String>>,
    ended: Vec<Option<Uuid>>,
}

/// What rows are made of, apart from when they were granted.
#[derive(Default)]
struct Rows {
    jobs: Vec<Option<Uuid>>,
    fences: Vec<Option<i64>>,
    workers: Vec<Option<Uuid>>,
    lease_ms: Vec<Option<i64>>,
    deadlines: Vec<Option<Timestamp>>,
    requests: Vec<Option<Uuid>>,
    cancel_requested: Vec<Option<bool>>,
    cancel_reasons: Vec<Option<String>>,
}

impl Rows {
    fn push(&mut self, job: Uuid, Held { fence, lease, cancel }: Held) {
        self.jobs.push(Some(job));
        self.fences.push(Some(signed(fence)));
        self.workers.push(Some(lease.worker.0));
        self.lease_ms.push(Some(signed(lease.lease_ms)));
        self.deadlines.push(lease.run_deadline);
        self.requests.push(lease.request);
        self.cancel_requested.push(Some(cancel.is_some()));
        self.cancel_reasons.push(cancel.and_then(|it| it.reason));
    }

    fn columns(self) -> Vec<Column> {
        vec![
            Column::Uuid(self.jobs),
            Column::BigInt(self.fences),
            Column::Uuid(self.workers),
            Column::BigInt(self.lease_ms),
            Column::Timestamp(self.deadlines),
            Column::Uuid(self.requests),
            Column::Bool(self.cancel_requested),
            Column::Text(self.cancel_reasons),
        ]
    }
}

impl Columns {
    /// Requests to cancel are rare: a statement for each mixture with them
    /// would be planned more often than it is run.
    fn effect(self) -> Option<Effect> {
        let (held, ended) = (!self.held.jobs.is_empty(), !self.ended.is_empty());
        let mut columns = self.held.columns();
        let sql = match (held, self.cancelled.is_empty(), ended) {
            (false, true, false) => return None,
            (true, true, false) => HOLD,
            (false, true, true) => {
                columns = vec![Column::Uuid(self.ended)];
                END
            }
            (true, true, true) => {
                columns.push(Column::Uuid(self.ended));
                HOLD_AND_END
            }
            (_, false, _) => {
                columns.push(Column::Uuid(self.ended));
                columns.push(Column::Uuid(self.cancelled));
                columns.push(Column::Text(self.reasons));
                HOLD_AND_END_AND_CANCEL
            }
        };
        Some(Effect { sql, columns, guard: None })
    }
}

/// A job that was released and granted again in one batch has a row still.
macro_rules! hold {
    () => {
        "job_lease_in as (
            insert into job_lease (job, fence, worker, lease_ms, run_deadline, request,
                cancel_requested, cancel_reason, granted_at)
            select x.*, h.at from h, unnest({0}, {1}, {2}, {3}, {4}, {5}, {6}, {7})
                as x (job, fence, worker, lease_ms, run_deadline, request, cancel_requested,
                    cancel_reason)
            on conflict (job) do update set fence = excluded.fence, worker = excluded.worker,
                lease_ms = excluded.lease_ms, run_deadline = excluded.run_deadline,
                request = excluded.request, cancel_requested = excluded.cancel_requested,
                cancel_reason = excluded.cancel_reason, granted_at = excluded.granted_at)"
    };
}

macro_rules! end {
    ($jobs:literal) => {
        concat!("job_lease_out as (delete from job_lease l using h where l.job = any(", $jobs, "))")
    };
}

const HOLD: &str = hold!();
const END: &str = end!("{0}");
const HOLD_AND_END: &str = concat!(hold!(), ", ", end!("{8}"));
const HOLD_AND_END_AND_CANCEL: &str = concat!(
    hold!(),
    ", ",
    end!("{8}"),
    ", job_lease_told as (
        update job_lease l set cancel_requested = true, cancel_reason = x.reason
        from h, unnest({9}, {10}) as x (job, reason) where l.job = x.job)"
);

/// The whole table, folded in memory.
#[derive(Debug, Default)]
pub(crate) struct Leases(HashMap<JobId, (Timestamp, Held)>);

impl Leases {
    pub(crate) fn take_in(&mut self, fact: &Fact) {
        let Some((job, event)) = fact.of_job() else { return };
        match change(event) {
            Some(Change::Granted(lease)) => {
                let held = Held { fence: fact.recorded.version, lease, cancel: None };
                self.0.insert(job, (fact.at(), held));
            }
            Some(Change::Cancelled(cancel)) => {
                if let Some((_, held)) = self.0.get_mut(&job) {
                    held.cancel = Some(cancel);
                }
            }
            Some(Change::Ended) => {
                self.0.remove(&job);
            }
            None => {}
        }
    }

    /// Writes all rows into the empty table.
    pub(crate) async fn store(self, db: &mut PgConnection) -> Result<(), sqlx::Error> {
        let mut left = self.0.into_iter().peekable();
        while left.peek().is_some() {
            let mut rows = Rows::default();
            let mut granted: Vec<Timestamp> = Vec::new();
            for (job, (at, held)) in left.by_ref().take(10_000) {
                granted.push(at);
                rows.push(job.0, held);
            }
            sqlx::query!(
                "insert into job_lease (job, fence, worker, lease_ms, run_deadline, request,
                     cancel_requested, cancel_reason, granted_at)
                 select * from unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::bigint[],
                     $5::timestamptz[], $6::uuid[], $7::boolean[], $8::text[], $9::timestamptz[])",
                &rows.jobs as &[Option<Uuid>],
                &rows.fences as &[Option<i64>],
                &rows.workers as &[Option<Uuid>],
                &rows.lease_ms as &[Option<i64>],
                &rows.deadlines as &[Option<Timestamp>],
                &rows.requests as &[Option<Uuid>],
                &rows.cancel_requested as &[Option<bool>],
                &rows.cancel_reasons as &[Option<String>],
                &granted
            )
            .execute(&mut *db)
            .await?;
        }
        Ok(())
    }
}
