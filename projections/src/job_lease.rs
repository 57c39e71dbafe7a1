//! The `job_lease` table: who holds which job. Moves in the append's own
//! statement, like [`job_ready`](crate::job_ready).

mod whole;

use std::collections::HashMap;

use domain::{
    Timestamp,
    decode::{Event, decode},
    job::{CancelRequested, CrawlEvent, JobEvent, JobPaused, LeaseGranted, ReportEvent},
};
use journal::postgres::fold::{Column, Effect, InlineFold, Pending};
use uuid::Uuid;

use crate::{kept::beats::first_beats, schema::Tables, signed};

pub(crate) use whole::Leases;

/// The table.
pub const TABLES: Tables =
    Tables { name: "job_lease", version: 2, ddl: include_str!("job_lease.sql") };

/// What an event does to the row of its job.
enum Change {
    /// The job is held, by nobody else any more.
    Granted(LeaseGranted),
    /// Its holder is to be told something, if somebody holds it.
    Told(Told),
    /// Nobody holds it.
    Ended,
}

/// A row, as events leave it.
#[derive(Debug)]
struct Held {
    fence: u64,
    lease: LeaseGranted,
    cancel: Option<CancelRequested>,
    pause: Option<JobPaused>,
}

/// What the holder of a job is to be told.
#[derive(Clone, Default)]
struct Told {
    /// To stop, if that is new.
    cancel: Option<CancelRequested>,
    /// Whether to let go of the job for a while, if that is new.
    pause: Option<Pause>,
}

/// Whether a job is left alone.
#[derive(Clone)]
enum Pause {
    Paused(JobPaused),
    Resumed,
}

impl Pause {
    fn event(self) -> Option<JobPaused> {
        match self {
            Self::Paused(event) => Some(event),
            Self::Resumed => None,
        }
    }
}

impl Told {
    fn then(self, later: Self) -> Self {
        Self { cancel: later.cancel.or(self.cancel), pause: later.pause.or(self.pause) }
    }
}

impl Held {
    fn granted(fence: u64, lease: LeaseGranted) -> Self {
        Self { fence, lease, cancel: None, pause: None }
    }

    fn told(self, told: Told) -> Self {
        let pause = told.pause.map_or(self.pause, Pause::event);
        Self { cancel: told.cancel.or(self.cancel), pause, ..self }
    }
}

/// What a batch does to the row of one job.
enum Net {
    Held(Held),
    Told(Told),
    Ended,
}

impl Net {
    fn after(before: Option<Self>, version: u64, change: Change) -> Self {
        match (before, change) {
            (_, Change::Granted(lease)) => Self::Held(Held::granted(version, lease)),
            (_, Change::Ended) | (Some(Self::Ended), Change::Told(_)) => Self::Ended,
            (Some(Self::Held(held)), Change::Told(it)) => Self::Held(held.told(it)),
            (Some(Self::Told(first)), Change::Told(it)) => Self::Told(first.then(it)),
            (None, Change::Told(it)) => Self::Told(it),
        }
    }
}

fn change(event: &JobEvent) -> Option<Change> {
    match event {
        JobEvent::LeaseGranted(it) => Some(Change::Granted(it.clone())),
        JobEvent::CancelRequested(it) => {
            Some(Change::Told(Told { cancel: Some(it.clone()), pause: None }))
        }
        JobEvent::JobPaused(it) => {
            Some(Change::Told(Told { cancel: None, pause: Some(Pause::Paused(it.clone())) }))
        }
        JobEvent::JobResumed(_) => {
            Some(Change::Told(Told { cancel: None, pause: Some(Pause::Resumed) }))
        }
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
                Net::Told(told) => columns.told.push(job, told),
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
    told: News,
    ended: Vec<Option<Uuid>>,
}

/// What holders are to be told. What is none is as it was.
#[derive(Default)]
struct News {
    jobs: Vec<Option<Uuid>>,
    cancelled: Vec<Option<bool>>,
    cancel_reasons: Vec<Option<String>>,
    paused: Vec<Option<bool>>,
    pause_reasons: Vec<Option<String>>,
}

impl News {
    fn push(&mut self, job: Uuid, Told { cancel, pause }: Told) {
        self.jobs.push(Some(job));
        self.cancelled.push(cancel.as_ref().map(|_| true));
        self.cancel_reasons.push(cancel.and_then(|it| it.reason));
        self.paused.push(pause.as_ref().map(|it| matches!(it, Pause::Paused(_))));
        self.pause_reasons.push(pause.and_then(Pause::event).and_then(|it| it.reason));
    }

    fn columns(self) -> [Column; 5] {
        [
            Column::Uuid(self.jobs),
            Column::Bool(self.cancelled),
            Column::Text(self.cancel_reasons),
            Column::Bool(self.paused),
            Column::Text(self.pause_reasons),
        ]
    }
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
    paused: Vec<Option<bool>>,
    pause_reasons: Vec<Option<String>>,
}

impl Rows {
    fn push(&mut self, job: Uuid, Held { fence, lease, cancel, pause }: Held) {
        self.jobs.push(Some(job));
        self.fences.push(Some(signed(fence)));
        self.workers.push(Some(lease.worker.0));
        self.lease_ms.push(Some(signed(lease.lease_ms)));
        self.deadlines.push(lease.run_deadline);
        self.requests.push(lease.request);
        self.cancel_requested.push(Some(cancel.is_some()));
        self.cancel_reasons.push(cancel.and_then(|it| it.reason));
        self.paused.push(Some(pause.is_some()));
        self.pause_reasons.push(pause.and_then(|it| it.reason));
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
            Column::Bool(self.paused),
            Column::Text(self.pause_reasons),
        ]
    }
}

impl Columns {
    /// Requests to cancel or to pause are rare: a statement for each mixture with them
    /// would be planned more often than it is run.
    fn effect(self) -> Option<Effect> {
        let (held, ended) = (!self.held.jobs.is_empty(), !self.ended.is_empty());
        let mut columns = self.held.columns();
        let sql = match (held, self.told.jobs.is_empty(), ended) {
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
                columns.extend(self.told.columns());
                HOLD_AND_END_AND_TELL
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
                cancel_requested, cancel_reason, paused, pause_reason, granted_at)
            select x.*, h.at from h, unnest({0}, {1}, {2}, {3}, {4}, {5}, {6}, {7}, {8}, {9})
                as x (job, fence, worker, lease_ms, run_deadline, request, cancel_requested,
                    cancel_reason, paused, pause_reason)
            on conflict (job) do update set fence = excluded.fence, worker = excluded.worker,
                lease_ms = excluded.lease_ms, run_deadline = excluded.run_deadline,
                request = excluded.request, cancel_requested = excluded.cancel_requested,
                cancel_reason = excluded.cancel_reason, paused = excluded.paused,
                pause_reason = excluded.pause_reason, granted_at = excluded.granted_at)"
    };
}

macro_rules! end {
    ($jobs:literal) => {
        concat!("job_lease_out as (delete from job_lease l using h where l.job = any(", $jobs, "))")
    };
}

const HOLD: &str = concat!(hold!(), first_beats!());
const END: &str = end!("{0}");
const HOLD_AND_END: &str = concat!(hold!(), first_beats!(), ", ", end!("{10}"));
const HOLD_AND_END_AND_TELL: &str = concat!(
    hold!(),
    first_beats!(),
    ", ",
    end!("{10}"),
    ", job_lease_told as (
        update job_lease l set
            cancel_requested = coalesce(x.cancelled, l.cancel_requested),
            cancel_reason = case when x.cancelled is null then l.cancel_reason
                else x.cancel_reason end,
            paused = coalesce(x.paused, l.paused),
            pause_reason = case when x.paused is null then l.pause_reason else x.pause_reason end
        from h, unnest({11}, {12}, {13}, {14}, {15})
            as x (job, cancelled, cancel_reason, paused, pause_reason)
        where l.job = x.job)"
);
