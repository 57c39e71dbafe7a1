//! Rows of `job_list`, in and out of the table, set-wise.

use std::collections::HashMap;

use domain::{
    JobId, Timestamp, UserId, WorkerId,
    job::{JobKind, JobState, Progress},
};
use sqlx::{PgConnection, QueryBuilder};
use uuid::Uuid;

use super::JobRow;
use crate::signed;

/// The columns, in the order in which [`store`] binds them.
pub(super) const COLUMNS: &str = "job, kind, service, owner, state, priority, created_at, \
    created_position, changed_at, changed_position, version, ready_at, expires_at, started_at, \
    ended_at, attempt, attempts_max, delivery, worker, fence, cancel_requested, progress_done, \
    progress_total, progress_message, errors, error_type, error_message, retry_of";

/// A row as Postgres gives it.
#[derive(sqlx::FromRow)]
pub(super) struct Record {
    pub(super) job: Uuid,
    pub(super) kind: String,
    pub(super) service: String,
    pub(super) owner: Uuid,
    pub(super) state: String,
    pub(super) priority: i16,
    pub(super) created_at: Timestamp,
    pub(super) created_position: i64,
    pub(super) changed_at: Timestamp,
    pub(super) changed_position: i64,
    pub(super) version: i64,
    pub(super) ready_at: Option<Timestamp>,
    pub(super) expires_at: Timestamp,
    pub(super) started_at: Option<Timestamp>,
    pub(super) ended_at: Option<Timestamp>,
    pub(super) attempt: i32,
    pub(super) attempts_max: i32,
    pub(super) delivery: i32,
    pub(super) worker: Option<Uuid>,
    pub(super) fence: Option<i64>,
    pub(super) cancel_requested: bool,
    pub(super) progress_done: Option<i64>,
    pub(super) progress_total: Option<i64>,
    pub(super) progress_message: Option<String>,
    pub(super) errors: i64,
    pub(super) error_type: Option<String>,
    pub(super) error_message: Option<String>,
    pub(super) retry_of: Option<Uuid>,
}

impl TryFrom<Record> for JobRow {
    type Error = sqlx::Error;

    fn try_from(it: Record) -> Result<Self, sqlx::Error> {
        let decode =
            |what: &str| sqlx::Error::Decode(format!("job_list holds a bad {what}").into());
        let progress = it.progress_done.map(|done| Progress {
            done: done.cast_unsigned(),
            total: it.progress_total.map(i64::cast_unsigned),
            message: it.progress_message,
        });
        Ok(Self {
            id: JobId(it.job),
            kind: JobKind::parse(&it.kind).ok_or_else(|| decode("kind"))?,
            service: it.service.parse().map_err(|_| decode("service"))?,
            owner: UserId(it.owner),
            state: JobState::parse(&it.state).ok_or_else(|| decode("state"))?,
            priority: it.priority,
            created_at: it.created_at,
            created_position: it.created_position.cast_unsigned(),
            changed_at: it.changed_at,
            changed_position: it.changed_position.cast_unsigned(),
            version: it.version.cast_unsigned(),
            ready_at: it.ready_at,
            expires_at: it.expires_at,
            started_at: it.started_at,
            ended_at: it.ended_at,
            attempt: it.attempt.cast_unsigned(),
            attempts_max: it.attempts_max.cast_unsigned(),
            delivery: it.delivery.cast_unsigned(),
            worker: it.worker.map(WorkerId),
            fence: it.fence.map(i64::cast_unsigned),
            cancel_requested: it.cancel_requested,
            progress,
            errors: it.errors.cast_unsigned(),
            error_type: it.error_type,
            error_message: it.error_message,
            retry_of: it.retry_of.map(JobId),
        })
    }
}

pub(super) async fn load(
    db: &mut PgConnection,
    keys: &[JobId],
) -> Result<HashMap<JobId, JobRow>, sqlx::Error> {
    let jobs: Vec<Uuid> = keys.iter().map(|it| it.0).collect();
    let records = sqlx::query_as!(Record, "select * from job_list where job = any($1)", &jobs)
        .fetch_all(db)
        .await?;
    records.into_iter().map(|it| JobRow::try_from(it).map(|row| (row.id, row))).collect()
}

/// The most rows of one statement: each takes 28 of the 65,535 parameters.
const CHUNK: usize = 2_000;

pub(super) async fn store(db: &mut PgConnection, rows: &[JobRow]) -> Result<(), sqlx::Error> {
    for rows in rows.chunks(CHUNK) {
        upsert(rows).build().persistent(false).execute(&mut *db).await?;
    }
    Ok(())
}

fn upsert(rows: &[JobRow]) -> QueryBuilder<sqlx::Postgres> {
    let mut query = QueryBuilder::new(format!("insert into job_list ({COLUMNS}) "));
    query.push_values(rows, |mut row, it| {
        let progress = it.progress.as_ref();
        row.push_bind(it.id.0)
            .push_bind(it.kind.as_str())
            .push_bind(it.service.as_str())
            .push_bind(it.owner.0)
            .push_bind(it.state.as_str())
            .push_bind(it.priority)
            .push_bind(it.created_at)
            .push_bind(signed(it.created_position))
            .push_bind(it.changed_at)
            .push_bind(signed(it.changed_position))
            .push_bind(signed(it.version))
            .push_bind(it.ready_at)
            .push_bind(it.expires_at)
            .push_bind(it.started_at)
            .push_bind(it.ended_at)
            .push_bind(it.attempt.cast_signed())
            .push_bind(it.attempts_max.cast_signed())
            .push_bind(it.delivery.cast_signed())
            .push_bind(it.worker.map(|it| it.0))
            .push_bind(it.fence.map(signed))
            .push_bind(it.cancel_requested)
            .push_bind(progress.map(|it| signed(it.done)))
            .push_bind(progress.and_then(|it| it.total).map(signed))
            .push_bind(progress.and_then(|it| it.message.as_deref()))
            .push_bind(signed(it.errors))
            .push_bind(it.error_type.as_deref())
            .push_bind(it.error_message.as_deref())
            .push_bind(it.retry_of.map(|it| it.0));
    });
    query.push(" on conflict (job) do update set ");
    for (index, column) in CHANGING.iter().enumerate() {
        let comma = if index == 0 { "" } else { ", " };
        query.push(format!("{comma}{column} = excluded.{column}"));
    }
    query
}

/// What can change of a row that is there already.
const CHANGING: [&str; 19] = [
    "state",
    "changed_at",
    "changed_position",
    "version",
    "ready_at",
    "started_at",
    "ended_at",
    "attempt",
    "delivery",
    "worker",
    "fence",
    "cancel_requested",
    "progress_done",
    "progress_total",
    "progress_message",
    "errors",
    "error_type",
    "error_message",
    "priority",
];
