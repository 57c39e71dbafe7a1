//! Rows of `job_list`, in and out of the table, set-wise.

use std::collections::HashMap;

use domain::{
    JobId, LandId, Timestamp, UserId, WorkerId,
    job::{JobKind, JobState, Progress},
};
use sqlx::{PgConnection, QueryBuilder};
use uuid::Uuid;

use super::JobRow;
use crate::signed;

/// The columns, in the order in which [`store`] binds them.
pub(super) const COLUMNS: &str = "job, kind, service, owner, state, priority, created_at, \
    created_position, changed_at, changed_position, version, ready_at, expires_at, started_at, \
    ended_at, attempt, attempts_max, delivery, worker, fence, cancel_requested, paused_at, \
    pause_reason, progress_done, progress_total, progress_message, errors, error_type, \
    error_message, retry_of, land";

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
    pub(super) paused_at: Option<Timestamp>,
    pub(super) pause_reason: Option<String>,
    pub(super) progress_done: Option<i64>,
    pub(super) progress_total: Option<i64>,
    pub(super) progress_message: Option<String>,
    pub(super) errors: i64,
    pub(super) error_type: Option<String>,
    pub(super) error_message: Option<String>,
    pub(super) retry_of: Option<Uuid>,
    pub(super) land: Option<Uuid>,
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
            paused_at: it.paused_at,
            pause_reason: it.pause_reason,
            progress,
            errors: it.errors.cast_unsigned(),
            error_type: it.error_type,
            error_message: it.error_message,
            retry_of: it.retry_of.map(JobId),
            land: it.land.map(LandId),
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

pub(super) async fn store(db: &mut PgConnection, rows: &[JobRow]) -> Result<(), sqlx::Error> {
    if !rows.is_empty() {
        upsert(rows).build().execute(db).await?;
    }
    Ok(())
}

/// An array for each column: the statement is the same for any number of rows.
fn upsert(rows: &[JobRow]) -> QueryBuilder<sqlx::Postgres> {
    let progress = |it: &JobRow| it.progress.clone();
    let mut query =
        QueryBuilder::new(format!("insert into job_list ({COLUMNS}) select * from unnest("));
    query
        .separated(", ")
        .push_bind(column(rows, |it| it.id.0))
        .push_bind(column(rows, |it| it.kind.as_str()))
        .push_bind(column(rows, |it| it.service.to_string()))
        .push_bind(column(rows, |it| it.owner.0))
        .push_bind(column(rows, |it| it.state.as_str()))
        .push_bind(column(rows, |it| it.priority))
        .push_bind(column(rows, |it| it.created_at))
        .push_bind(column(rows, |it| signed(it.created_position)))
        .push_bind(column(rows, |it| it.changed_at))
        .push_bind(column(rows, |it| signed(it.changed_position)))
        .push_bind(column(rows, |it| signed(it.version)))
        .push_bind(column(rows, |it| it.ready_at))
        .push_bind(column(rows, |it| it.expires_at))
        .push_bind(column(rows, |it| it.started_at))
        .push_bind(column(rows, |it| it.ended_at))
        .push_bind(column(rows, |it| it.attempt.cast_signed()))
        .push_bind(column(rows, |it| it.attempts_max.cast_signed()))
        .push_bind(column(rows, |it| it.delivery.cast_signed()))
        .push_bind(column(rows, |it| it.worker.map(|it| it.0)))
        .push_bind(column(rows, |it| it.fence.map(signed)))
        .push_bind(column(rows, |it| it.cancel_requested))
        .push_bind(column(rows, |it| it.paused_at))
        .push_bind(column(rows, |it| it.pause_reason.clone()))
        .push_bind(column(rows, |it| progress(it).map(|it| signed(it.done))))
        .push_bind(column(rows, |it| progress(it).and_then(|it| it.total).map(signed)))
        .push_bind(column(rows, |it| progress(it).and_then(|it| it.message)))
        .push_bind(column(rows, |it| signed(it.errors)))
        .push_bind(column(rows, |it| it.error_type.clone()))
        .push_bind(column(rows, |it| it.error_message.clone()))
        .push_bind(column(rows, |it| it.retry_of.map(|it| it.0)))
        .push_bind(column(rows, |it| it.land.map(|it| it.0)));
    query.push(")");
    query.push(" on conflict (job) do update set ");
    for (index, column) in CHANGING.iter().enumerate() {
        let comma = if index == 0 { "" } else { ", " };
        query.push(format!("{comma}{column} = excluded.{column}"));
    }
    query
}

fn column<T>(rows: &[JobRow], of: impl Fn(&JobRow) -> T) -> Vec<T> {
    rows.iter().map(of).collect()
}

/// What can change of a row that is there already.
const CHANGING: [&str; 22] = [
    "owner",
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
    "paused_at",
    "pause_reason",
    "progress_done",
    "progress_total",
    "progress_message",
    "errors",
    "error_type",
    "error_message",
    "priority",
];
