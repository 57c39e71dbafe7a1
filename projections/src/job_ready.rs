//! The `job_ready` table: every job that has not ended, and when it may be
//! leased.
//!
//! It moves in the append's own statement: what [`dispatch`](crate::dispatch)
//! finds there is never stale. An event changes a standing without its row
//! having to be read: [`Change`]s of one job add up to one.

use std::collections::HashMap;

use domain::{
    JobId, Timestamp, UserId,
    decode::{Creation, DecodeError, Event, creation, decode},
    job::{CrawlEvent, JobEvent, Next, Order, ReportEvent},
    service::ServiceName,
};
use journal::{
    NewEvent,
    postgres::fold::{Column, Effect, InlineFold, Pending},
};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{fact::Fact, schema::Tables, signed};

/// The table.
pub const TABLES: Tables =
    Tables { name: "job_ready", version: 2, ddl: include_str!("job_ready.sql") };

/// What is known of a job that has not ended, apart from where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    service: ServiceName,
    owner: UserId,
    priority: i16,
    expires_at: Timestamp,
}

/// Whether a job may be leased, and from when on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Standing {
    queued: bool,
    ready_at: Option<Timestamp>,
}

/// What an event does to a row, or several events together.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Change {
    /// A row that was not there.
    Insert(Entry, Row),
    /// The row is there, and is different now.
    Update(Update),
    /// The row goes.
    Delete,
}

/// What changes of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Row {
    standing: Standing,
    /// Whether the job is left alone, wherever it stands.
    paused: bool,
}

/// What of a row is different; the rest is as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Update {
    standing: Option<Standing>,
    paused: Option<bool>,
}

impl Row {
    fn after(self, update: Update) -> Self {
        Self {
            standing: update.standing.unwrap_or(self.standing),
            paused: update.paused.unwrap_or(self.paused),
        }
    }
}

const QUEUED: Standing = Standing { queued: true, ready_at: None };
const HELD: Standing = Standing { queued: false, ready_at: None };

fn waiting(until: Timestamp) -> Standing {
    Standing { queued: false, ready_at: Some(until) }
}

/// What `event` does, if it does anything.
fn change(event: &JobEvent) -> Option<Change> {
    Some(match event {
        JobEvent::TaskCreated(it) => insert(&it.order, it.task.service.clone()),
        JobEvent::Crawl(CrawlEvent::CrawlRequested(it)) => insert(&it.order, ServiceName::crawl()),
        JobEvent::Report(ReportEvent::ReportRequested(it)) => {
            insert(&it.order, ServiceName::report())
        }
        JobEvent::JobQueued(_) => stands(QUEUED),
        JobEvent::LeaseGranted(_) => stands(HELD),
        JobEvent::JobPaused(_) => Change::Update(Update { standing: None, paused: Some(true) }),
        JobEvent::JobResumed(_) => Change::Update(Update { standing: None, paused: Some(false) }),
        JobEvent::LeaseReleased(it) => next(it.next),
        JobEvent::LeaseExpired(it) => next(it.next),
        JobEvent::AttemptFailed(it) => next(it.next),
        JobEvent::TaskCompleted(_)
        | JobEvent::Crawl(CrawlEvent::CrawlCompleted(_))
        | JobEvent::Report(ReportEvent::ReportCompleted(_))
        | JobEvent::JobFailed(_)
        | JobEvent::JobCancelled(_)
        | JobEvent::JobExpired(_) => Change::Delete,
        JobEvent::ProgressReported(_)
        | JobEvent::CancelRequested(_)
        | JobEvent::LogSealed(_)
        | JobEvent::JobTransferred(_)
        | JobEvent::Crawl(CrawlEvent::PagesVisited(_)) => return None,
    })
}

fn insert(order: &Order, service: ServiceName) -> Change {
    let entry = Entry {
        service,
        owner: order.owner,
        priority: order.priority,
        expires_at: order.expires_at,
    };
    let standing = order.not_before.map_or(QUEUED, waiting);
    Change::Insert(entry, Row { standing, paused: false })
}

fn stands(standing: Standing) -> Change {
    Change::Update(Update { standing: Some(standing), paused: None })
}

fn next(next: Next) -> Change {
    stands(match next {
        Next::Queue => QUEUED,
        Next::Wait { until } => waiting(until),
        Next::End => HELD,
    })
}

/// What two changes, one after the other, add up to; `None` if to nothing.
fn add(first: Option<Change>, second: Change) -> Option<Change> {
    match (first, second) {
        (Some(Change::Insert(entry, row)), Change::Update(update)) => {
            Some(Change::Insert(entry, row.after(update)))
        }
        (Some(Change::Update(first)), Change::Update(second)) => Some(Change::Update(Update {
            standing: second.standing.or(first.standing),
            paused: second.paused.or(first.paused),
        })),
        (Some(Change::Insert(..)), Change::Delete) => None,
        (_, second) => Some(second),
    }
}

/// Whether events of this type change the table: the others need not be read.
fn matters(event_type: &str) -> bool {
    !matches!(
        event_type,
        "ProgressReported" | "CancelRequested" | "LogSealed" | "JobTransferred" | "PagesVisited"
    )
}

/// Moves the table in the append's own statement.
#[derive(Clone, Copy, Debug)]
pub struct InlineJobReady;

impl InlineFold for InlineJobReady {
    fn name(&self) -> &'static str {
        "job_ready"
    }

    fn fold(&self, batch: &[Pending<'_>]) -> Option<Effect> {
        let mut net: HashMap<Uuid, (i64, Option<Change>)> = HashMap::new();
        for pending in batch {
            let Some((job, change)) = read(pending) else { continue };
            let (_, sum) = net.entry(job).or_insert((pending.ordinal, None));
            *sum = add(sum.take(), change);
        }
        let mut columns = Columns::default();
        for (job, (ordinal, change)) in net {
            if let Some(change) = change {
                columns.push(job, ordinal, change);
            }
        }
        columns.effect()
    }
}

/// The job that a pending event is about, and what it does to its row.
fn read(pending: &Pending<'_>) -> Option<(Uuid, Change)> {
    if pending.stream.category() != "job" || !matters(pending.event.event_type) {
        return None;
    }
    match understood(pending.event) {
        Ok(change) => Some((pending.stream.id().parse().ok()?, change?)),
        Err(error) => {
            // This program wrote it a moment ago.
            tracing::error!(%error, stream = %pending.stream, "a job cannot be dispatched");
            None
        }
    }
}

/// Of a creation, what is to be done is not read: everybody's appends wait
/// meanwhile.
fn understood(event: &NewEvent) -> Result<Option<Change>, DecodeError> {
    let NewEvent { event_type, schema_version, payload, .. } = event;
    if let Some(created) = creation(event_type, *schema_version, payload) {
        return created.map(|Creation { order, service }| Some(insert(&order, service)));
    }
    Ok(match decode(event_type, *schema_version, payload)? {
        Event::Job(event) => change(&event),
        Event::Worker(_) | Event::Account(_) | Event::Client(_) | Event::Land(_) => None,
    })
}

/// A batch of changes, as columns to bind.
#[derive(Default)]
struct Columns {
    inserted: Vec<Option<Uuid>>,
    ordinals: Vec<Option<i64>>,
    services: Vec<Option<String>>,
    owners: Vec<Option<Uuid>>,
    priorities: Vec<Option<i16>>,
    expiries: Vec<Option<Timestamp>>,
    inserted_queued: Vec<Option<bool>>,
    inserted_ready_at: Vec<Option<Timestamp>>,
    inserted_paused: Vec<Option<bool>>,
    updated: Vec<Option<Uuid>>,
    /// None where the job stands where it stood.
    updated_queued: Vec<Option<bool>>,
    updated_ready_at: Vec<Option<Timestamp>>,
    updated_paused: Vec<Option<bool>>,
    deleted: Vec<Option<Uuid>>,
}

impl Columns {
    fn push(&mut self, job: Uuid, ordinal: i64, change: Change) {
        match change {
            Change::Insert(entry, row) => {
                self.inserted.push(Some(job));
                self.ordinals.push(Some(ordinal));
                self.services.push(Some(entry.service.into()));
                self.owners.push(Some(entry.owner.0));
                self.priorities.push(Some(entry.priority));
                self.expiries.push(Some(entry.expires_at));
                self.inserted_queued.push(Some(row.standing.queued));
                self.inserted_ready_at.push(row.standing.ready_at);
                self.inserted_paused.push(Some(row.paused));
            }
            Change::Update(Update { standing, paused }) => {
                self.updated.push(Some(job));
                self.updated_queued.push(standing.map(|it| it.queued));
                self.updated_ready_at.push(standing.and_then(|it| it.ready_at));
                self.updated_paused.push(paused);
            }
            Change::Delete => self.deleted.push(Some(job)),
        }
    }

    /// The statement's parts, none of them for nothing.
    fn effect(self) -> Option<Effect> {
        let any_inserted = !self.inserted.is_empty();
        let any_changed = !self.updated.is_empty() || !self.deleted.is_empty();
        let inserted = vec![
            Column::Uuid(self.inserted),
            Column::BigInt(self.ordinals),
            Column::Text(self.services),
            Column::Uuid(self.owners),
            Column::SmallInt(self.priorities),
            Column::Timestamp(self.expiries),
            Column::Bool(self.inserted_queued),
            Column::Timestamp(self.inserted_ready_at),
            Column::Bool(self.inserted_paused),
        ];
        let changed = vec![
            Column::Uuid(self.updated),
            Column::Bool(self.updated_queued),
            Column::Timestamp(self.updated_ready_at),
            Column::Bool(self.updated_paused),
            Column::Uuid(self.deleted),
        ];
        let (sql, columns) = match (any_inserted, any_changed) {
            (false, false) => return None,
            (true, false) => (INSERT, inserted),
            (false, true) => (CHANGE, changed),
            (true, true) => (CHANGE_AND_INSERT, changed.into_iter().chain(inserted).collect()),
        };
        Some(Effect { sql, columns, guard: None })
    }
}

/// Values for rows that were not there, of columns from this one on.
macro_rules! insert {
    ($($column:literal),*) => {
        concat!(
            "job_ready_in as (
                insert into job_ready
                    (job, position, service, owner, priority, expires_at, queued, ready_at, paused)
                select x.job, h.base + x.ordinal, x.service, x.owner, x.priority, x.expires_at,
                    x.queued, x.ready_at, x.paused
                from h, unnest(",
            insert!(@ $($column),*),
            ") as x (job, ordinal, service, owner, priority, expires_at, queued, ready_at, paused))"
        )
    };
    (@ $first:literal $(, $rest:literal)*) => { concat!($first $(, ", ", $rest)*) };
}

/// What is none is left as it was.
macro_rules! change {
    () => {
        "job_ready_up as (
            update job_ready r set
                queued = coalesce(x.queued, r.queued),
                ready_at = case when x.queued is null then r.ready_at else x.ready_at end,
                paused = coalesce(x.paused, r.paused)
            from h, unnest({0}, {1}, {2}, {3}) as x (job, queued, ready_at, paused)
            where r.job = any({0}) and r.job = x.job),
        job_ready_out as (
            delete from job_ready r using h where r.job = any({4}))"
    };
}

const INSERT: &str = insert!("{0}", "{1}", "{2}", "{3}", "{4}", "{5}", "{6}", "{7}", "{8}");
const CHANGE: &str = change!();
const CHANGE_AND_INSERT: &str = concat!(
    change!(),
    ", ",
    insert!("{5}", "{6}", "{7}", "{8}", "{9}", "{10}", "{11}", "{12}", "{13}")
);

/// The whole table, folded in memory.
#[derive(Debug, Default)]
pub(crate) struct Standings(HashMap<JobId, (u64, Entry, Row)>);

impl Standings {
    pub(crate) fn take_in(&mut self, fact: &Fact) {
        let Some((job, event)) = fact.of_job() else { return };
        match change(event) {
            Some(Change::Insert(entry, row)) => {
                self.0.insert(job, (fact.position(), entry, row));
            }
            Some(Change::Update(update)) => {
                if let Some((_, _, row)) = self.0.get_mut(&job) {
                    *row = row.after(update);
                }
            }
            Some(Change::Delete) => {
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
            let positions: Vec<i64> = rows.iter().map(|(_, it)| signed(it.0)).collect();
            let services: Vec<String> =
                rows.iter().map(|(_, it)| it.1.service.to_string()).collect();
            let owners: Vec<Uuid> = rows.iter().map(|(_, it)| it.1.owner.0).collect();
            let priorities: Vec<i16> = rows.iter().map(|(_, it)| it.1.priority).collect();
            let expiries: Vec<Timestamp> = rows.iter().map(|(_, it)| it.1.expires_at).collect();
            let queued: Vec<bool> = rows.iter().map(|(_, it)| it.2.standing.queued).collect();
            let ready_at: Vec<Option<Timestamp>> =
                rows.iter().map(|(_, it)| it.2.standing.ready_at).collect();
            let paused: Vec<bool> = rows.iter().map(|(_, it)| it.2.paused).collect();
            sqlx::query!(
                "insert into job_ready
                     (job, position, service, owner, priority, expires_at, queued, ready_at, paused)
                 select * from unnest($1::uuid[], $2::bigint[], $3::text[], $4::uuid[],
                     $5::smallint[], $6::timestamptz[], $7::boolean[], $8::timestamptz[],
                     $9::boolean[])",
                &jobs,
                &positions,
                &services,
                &owners,
                &priorities,
                &expiries,
                &queued,
                &ready_at as &[Option<Timestamp>],
                &paused,
            )
            .execute(&mut *db)
            .await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
