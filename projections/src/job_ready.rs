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
    Tables { name: "job_ready", version: 1, ddl: include_str!("job_ready.sql") };

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
    Insert(Entry, Standing),
    /// The row is there, and stands elsewhere now.
    Update(Standing),
    /// The row goes.
    Delete,
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
        JobEvent::JobQueued(_) => Change::Update(QUEUED),
        JobEvent::LeaseGranted(_) => Change::Update(HELD),
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
    Change::Insert(entry, order.not_before.map_or(QUEUED, waiting))
}

fn next(next: Next) -> Change {
    Change::Update(match next {
        Next::Queue => QUEUED,
        Next::Wait { until } => waiting(until),
        Next::End => HELD,
    })
}

/// What two changes, one after the other, add up to; `None` if to nothing.
fn add(first: Option<Change>, second: Change) -> Option<Change> {
    match (first, second) {
        (Some(Change::Insert(entry, _)), Change::Update(standing)) => {
            Some(Change::Insert(entry, standing))
        }
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
    updated: Vec<Option<Uuid>>,
    updated_queued: Vec<Option<bool>>,
    updated_ready_at: Vec<Option<Timestamp>>,
    deleted: Vec<Option<Uuid>>,
}

impl Columns {
    fn push(&mut self, job: Uuid, ordinal: i64, change: Change) {
        match change {
            Change::Insert(entry, standing) => {
                self.inserted.push(Some(job));
                self.ordinals.push(Some(ordinal));
                self.services.push(Some(entry.service.into()));
                self.owners.push(Some(entry.owner.0));
                self.priorities.push(Some(entry.priority));
                self.expiries.push(Some(entry.expires_at));
                self.inserted_queued.push(Some(standing.queued));
                self.inserted_ready_at.push(standing.ready_at);
            }
            Change::Update(standing) => {
                self.updated.push(Some(job));
                self.updated_queued.push(Some(standing.queued));
                self.updated_ready_at.push(standing.ready_at);
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
        ];
        let changed = vec![
            Column::Uuid(self.updated),
            Column::Bool(self.updated_queued),
            Column::Timestamp(self.updated_ready_at),
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

const INSERT: &str = "job_ready_in as (
    insert into job_ready
        (job, position, service, owner, priority, expires_at, queued, ready_at)
    select x.job, h.base + x.ordinal, x.service, x.owner, x.priority, x.expires_at, x.queued,
        x.ready_at
    from h, unnest({0}, {1}, {2}, {3}, {4}, {5}, {6}, {7})
        as x (job, ordinal, service, owner, priority, expires_at, queued, ready_at))";

const CHANGE: &str = "job_ready_up as (
    update job_ready r set queued = x.queued, ready_at = x.ready_at
    from h, unnest({0}, {1}, {2}) as x (job, queued, ready_at)
    where r.job = any({0}) and r.job = x.job),
job_ready_out as (
    delete from job_ready r using h where r.job = any({3}))";

const CHANGE_AND_INSERT: &str = "job_ready_up as (
    update job_ready r set queued = x.queued, ready_at = x.ready_at
    from h, unnest({0}, {1}, {2}) as x (job, queued, ready_at)
    where r.job = any({0}) and r.job = x.job),
job_ready_out as (
    delete from job_ready r using h where r.job = any({3})),
job_ready_in as (
    insert into job_ready
        (job, position, service, owner, priority, expires_at, queued, ready_at)
    select x.job, h.base + x.ordinal, x.service, x.owner, x.priority, x.expires_at, x.queued,
        x.ready_at
    from h, unnest({4}, {5}, {6}, {7}, {8}, {9}, {10}, {11})
        as x (job, ordinal, service, owner, priority, expires_at, queued, ready_at))";

/// The whole table, folded in memory.
#[derive(Debug, Default)]
pub(crate) struct Standings(HashMap<JobId, (u64, Entry, Standing)>);

impl Standings {
    pub(crate) fn take_in(&mut self, fact: &Fact) {
        let Some((job, event)) = fact.of_job() else { return };
        match change(event) {
            Some(Change::Insert(entry, standing)) => {
                self.0.insert(job, (fact.position(), entry, standing));
            }
            Some(Change::Update(standing)) => {
                if let Some(row) = self.0.get_mut(&job) {
                    row.2 = standing;
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
            let queued: Vec<bool> = rows.iter().map(|(_, it)| it.2.queued).collect();
            let ready_at: Vec<Option<Timestamp>> =
                rows.iter().map(|(_, it)| it.2.ready_at).collect();
            sqlx::query!(
                "insert into job_ready
                     (job, position, service, owner, priority, expires_at, queued, ready_at)
                 select * from unnest($1::uuid[], $2::bigint[], $3::text[], $4::uuid[],
                     $5::smallint[], $6::timestamptz[], $7::boolean[], $8::timestamptz[])",
                &jobs,
                &positions,
                &services,
                &owners,
                &priorities,
                &expiries,
                &queued,
                &ready_at as &[Option<Timestamp>],
            )
            .execute(&mut *db)
            .await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
