//! Standings and counts, in and out of their tables, set-wise.

use std::collections::{BTreeMap, HashMap};

use domain::{
    JobId, Timestamp, UserId,
    job::{JobKind, JobState},
};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    count::{Counts, Entries, Measure, Place},
    spread::Times,
    standing::{Standing, Whose},
};
use crate::signed;

pub(super) fn bad(what: &str) -> sqlx::Error {
    sqlx::Error::Decode(format!("job_statistics holds a bad {what}").into())
}

pub(super) async fn load(
    db: &mut PgConnection,
    keys: &[JobId],
) -> Result<HashMap<JobId, Standing>, sqlx::Error> {
    let jobs: Vec<Uuid> = keys.iter().map(|it| it.0).collect();
    let records =
        sqlx::query!("select * from job_standing where job = any($1)", &jobs).fetch_all(db).await?;
    let standings = records.into_iter().map(|it| {
        let job = JobId(it.job);
        let whose = Whose {
            owner: UserId(it.owner),
            kind: JobKind::parse(&it.kind).ok_or_else(|| bad("kind"))?.as_str(),
            service: it.service.parse().map_err(|_| bad("service"))?,
        };
        let state = JobState::parse(&it.state).ok_or_else(|| bad("state"))?;
        let (waited_ms, ran_ms) =
            (it.waited_ms.map(i64::cast_unsigned), it.ran_ms.map(i64::cast_unsigned));
        let (since, moves, transfers) = (it.since, Vec::new(), Vec::new());
        Ok((job, Standing { job, whose, state, since, waited_ms, ran_ms, moves, transfers }))
    });
    standings.collect()
}

pub(super) async fn store(db: &mut PgConnection, rows: &[Standing]) -> Result<(), sqlx::Error> {
    put_standings(db, rows).await?;
    let Counts { entries, durations, gauge } = Counts::of(rows);
    add_entries(db, &entries).await?;
    add_durations(db, &durations).await?;
    add_gauge(db, &gauge).await
}

async fn put_standings(db: &mut PgConnection, rows: &[Standing]) -> Result<(), sqlx::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    let jobs: Vec<Uuid> = rows.iter().map(|it| it.job.0).collect();
    let whose = Columns::of(rows.iter().map(|it| &it.whose));
    let states: Vec<&str> = rows.iter().map(|it| it.state.as_str()).collect();
    let since: Vec<Timestamp> = rows.iter().map(|it| it.since).collect();
    let waited: Vec<Option<i64>> = rows.iter().map(|it| it.waited_ms.map(signed)).collect();
    let ran: Vec<Option<i64>> = rows.iter().map(|it| it.ran_ms.map(signed)).collect();
    sqlx::query!(
        "insert into job_standing (job, owner, kind, service, state, since, waited_ms, ran_ms)
         select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[],
             $6::timestamptz[], $7::bigint[], $8::bigint[])
         on conflict (job) do update set owner = excluded.owner, state = excluded.state,
             since = excluded.since,
             waited_ms = excluded.waited_ms, ran_ms = excluded.ran_ms",
        &jobs,
        &whose.owners,
        &whose.kinds as &[&str],
        &whose.services as &[&str],
        &states as &[&str],
        &since,
        &waited as &[Option<i64>],
        &ran as &[Option<i64>],
    )
    .execute(db)
    .await?;
    Ok(())
}

async fn add_entries(
    db: &mut PgConnection,
    entries: &BTreeMap<Place, Entries>,
) -> Result<(), sqlx::Error> {
    if entries.is_empty() {
        return Ok(());
    }
    let hours: Vec<Timestamp> = entries.keys().map(|it| it.hour).collect();
    let whose = Columns::of(entries.keys().map(|it| &it.whose));
    let states: Vec<&str> = entries.keys().map(|it| it.state.as_str()).collect();
    let created: Vec<i64> = entries.values().map(|it| it.created).collect();
    let entered: Vec<i64> = entries.values().map(|it| it.entered).collect();
    let with_errors: Vec<i64> = entries.values().map(|it| it.with_errors).collect();
    sqlx::query!(
        "insert into job_statistics as s
             (hour, owner, kind, service, state, created, entered, with_errors)
         select * from unnest($1::timestamptz[], $2::uuid[], $3::text[], $4::text[], $5::text[],
             $6::bigint[], $7::bigint[], $8::bigint[])
         on conflict (hour, owner, kind, service, state) do update set
             created = s.created + excluded.created, entered = s.entered + excluded.entered,
             with_errors = s.with_errors + excluded.with_errors",
        &hours,
        &whose.owners,
        &whose.kinds as &[&str],
        &whose.services as &[&str],
        &states as &[&str],
        &created,
        &entered,
        &with_errors,
    )
    .execute(db)
    .await?;
    Ok(())
}

async fn add_durations(
    db: &mut PgConnection,
    durations: &BTreeMap<(Place, Measure, i16), Times>,
) -> Result<(), sqlx::Error> {
    if durations.is_empty() {
        return Ok(());
    }
    let hours: Vec<Timestamp> = durations.keys().map(|(it, ..)| it.hour).collect();
    let whose = Columns::of(durations.keys().map(|(it, ..)| &it.whose));
    let states: Vec<&str> = durations.keys().map(|(it, ..)| it.state.as_str()).collect();
    let measures: Vec<&str> = durations.keys().map(|(_, it, _)| it.as_str()).collect();
    let buckets: Vec<i16> = durations.keys().map(|(.., it)| *it).collect();
    let jobs: Vec<i64> = durations.values().map(|it| signed(it.jobs)).collect();
    let sums: Vec<i64> = durations.values().map(|it| signed(it.sum_ms)).collect();
    let shortest: Vec<i64> = durations.values().map(|it| signed(it.min_ms)).collect();
    let longest: Vec<i64> = durations.values().map(|it| signed(it.max_ms)).collect();
    sqlx::query!(
        "insert into job_duration as d (hour, owner, kind, service, state, measure, bucket, jobs,
             sum_ms, min_ms, max_ms)
         select * from unnest($1::timestamptz[], $2::uuid[], $3::text[], $4::text[], $5::text[],
             $6::text[], $7::smallint[], $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[])
         on conflict (hour, owner, kind, service, state, measure, bucket) do update set
             jobs = d.jobs + excluded.jobs, sum_ms = d.sum_ms + excluded.sum_ms,
             min_ms = least(d.min_ms, excluded.min_ms),
             max_ms = greatest(d.max_ms, excluded.max_ms)",
        &hours,
        &whose.owners,
        &whose.kinds as &[&str],
        &whose.services as &[&str],
        &states as &[&str],
        &measures as &[&str],
        &buckets,
        &jobs,
        &sums,
        &shortest,
        &longest,
    )
    .execute(db)
    .await?;
    Ok(())
}

async fn add_gauge(
    db: &mut PgConnection,
    gauge: &BTreeMap<(Whose, JobState), i64>,
) -> Result<(), sqlx::Error> {
    if gauge.is_empty() {
        return Ok(());
    }
    let whose = Columns::of(gauge.keys().map(|(it, _)| it));
    let states: Vec<&str> = gauge.keys().map(|(_, it)| it.as_str()).collect();
    let jobs: Vec<i64> = gauge.values().copied().collect();
    sqlx::query!(
        "insert into job_gauge as g (owner, kind, service, state, jobs)
         select * from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::bigint[])
         on conflict (owner, kind, service, state) do update set jobs = g.jobs + excluded.jobs",
        &whose.owners,
        &whose.kinds as &[&str],
        &whose.services as &[&str],
        &states as &[&str],
        &jobs,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// What jobs are counted by, as columns to bind.
struct Columns<'a> {
    owners: Vec<Uuid>,
    kinds: Vec<&'a str>,
    services: Vec<&'a str>,
}

impl<'a> Columns<'a> {
    fn of(whose: impl Iterator<Item = &'a Whose> + Clone) -> Self {
        Self {
            owners: whose.clone().map(|it| it.owner.0).collect(),
            kinds: whose.clone().map(|it| it.kind).collect(),
            services: whose.map(|it| it.service.as_str()).collect(),
        }
    }
}
