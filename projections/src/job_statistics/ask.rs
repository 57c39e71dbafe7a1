//! How the counts are read.

use std::collections::BTreeMap;

use domain::{
    Timestamp,
    job::{JobKind, JobState},
};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    By, Counted, JobStatistics, Statistics, StatisticsFilter, Window,
    answer::{Group, Told},
    count::Measure,
    rows::bad,
    spread::Times,
};
use crate::{ReadError, Reader, Viewer, checkpoint, projection::Projection};

impl Reader {
    /// What happened to the jobs that `viewer` may see, and where they are:
    /// all as of one position. Of more than `rows_max` rows, some are left out
    /// and the rest has neither times nor jobs that are somewhere: it is known
    /// only that [there are more](Statistics::size).
    pub async fn statistics(
        &self,
        window: Window,
        by: By,
        filter: &StatisticsFilter,
        (viewer, rows_max): (Viewer, u32),
    ) -> Result<Statistics, ReadError> {
        let question = Question::new(window, by, filter, viewer, rows_max);
        let one_moment = "begin isolation level repeatable read read only";
        let mut tx = postgres::begin_with(&self.db, one_moment).await?;
        let position = checkpoint::of(&mut tx, JobStatistics::TABLES).await?;
        let mut told = BTreeMap::new();
        question.entries(&mut tx, &mut told).await?;
        let states = JobState::ALL.into_iter();
        let asked = |it: &JobState| filter.states.as_ref().is_none_or(|all| all.contains(it));
        let states = states.filter(asked).collect();
        let current = BTreeMap::new();
        let mut answer = Statistics { window, by, states, told, current, position };
        if answer.size() <= rows_max as usize {
            question.durations(&mut tx, &mut answer.told).await?;
            answer.current = question.gauge(&mut tx).await?;
        }
        tx.commit().await?;
        Ok(answer)
    }
}

/// A question, as it is bound.
struct Question {
    window: Window,
    by: By,
    owners: [Option<Uuid>; 2],
    kinds: Option<Vec<String>>,
    services: Option<Vec<String>>,
    states: Option<Vec<String>>,
    limit: i64,
}

impl Question {
    fn new(
        window: Window,
        by: By,
        filter: &StatisticsFilter,
        viewer: Viewer,
        rows_max: u32,
    ) -> Self {
        let text = |it: &dyn ToString| it.to_string();
        Self {
            window,
            by,
            owners: [viewer.owner(), filter.owner.map(|it| it.0)],
            kinds: filter.kinds.as_ref().map(|all| all.iter().map(|it| text(it)).collect()),
            services: filter.services.as_ref().map(|all| all.iter().map(|it| text(it)).collect()),
            states: filter.states.as_ref().map(|all| all.iter().map(|it| text(it)).collect()),
            limit: i64::from(rows_max) + 1,
        }
    }

    async fn entries(
        &self,
        db: &mut PgConnection,
        told: &mut BTreeMap<Group, Told>,
    ) -> Result<(), sqlx::Error> {
        let records = sqlx::query!(
            r#"select case when $1::boolean then hour end as "hour?",
                 case when $2::boolean then kind end as "kind?",
                 case when $3::boolean then service end as "service?",
                 case when $4::boolean then state end as "state?",
                 sum(created)::bigint as "created!", sum(entered)::bigint as "entered!",
                 (coalesce(sum(entered) filter (
                     where state in ('SUCCEEDED', 'FAILED', 'CANCELLED', 'EXPIRED')
                 ), 0))::bigint as "ended!",
                 sum(with_errors)::bigint as "with_errors!"
             from job_statistics
             where hour >= $5 and hour < $6 and ($7::uuid is null or owner = $7)
                 and ($8::uuid is null or owner = $8) and ($9::text[] is null or kind = any($9))
                 and ($10::text[] is null or service = any($10))
                 and ($11::text[] is null or state = any($11))
             group by 1, 2, 3, 4 limit $12"#,
            self.by.hour,
            self.by.kind,
            self.by.service,
            self.by.state,
            self.window.from(),
            self.window.to(),
            self.owners[0],
            self.owners[1],
            self.kinds.as_deref(),
            self.services.as_deref(),
            self.states.as_deref(),
            self.limit,
        )
        .fetch_all(db)
        .await?;
        for it in records {
            let group = group(it.hour, it.kind, it.service, it.state)?;
            told.entry(group).or_default().counted = Counted {
                created: it.created.cast_unsigned(),
                entered: it.entered.cast_unsigned(),
                ended: it.ended.cast_unsigned(),
                with_errors: it.with_errors.cast_unsigned(),
            };
        }
        Ok(())
    }

    async fn durations(
        &self,
        db: &mut PgConnection,
        told: &mut BTreeMap<Group, Told>,
    ) -> Result<(), sqlx::Error> {
        let records = sqlx::query!(
            r#"select case when $1::boolean then hour end as "hour?",
                 case when $2::boolean then kind end as "kind?",
                 case when $3::boolean then service end as "service?",
                 case when $4::boolean then state end as "state?",
                 measure, bucket, sum(jobs)::bigint as "jobs!", sum(sum_ms)::bigint as "sum_ms!",
                 min(min_ms) as "min_ms!", max(max_ms) as "max_ms!"
             from job_duration
             where hour >= $5 and hour < $6 and ($7::uuid is null or owner = $7)
                 and ($8::uuid is null or owner = $8) and ($9::text[] is null or kind = any($9))
                 and ($10::text[] is null or service = any($10))
                 and ($11::text[] is null or state = any($11))
             group by 1, 2, 3, 4, 5, 6"#,
            self.by.hour,
            self.by.kind,
            self.by.service,
            self.by.state,
            self.window.from(),
            self.window.to(),
            self.owners[0],
            self.owners[1],
            self.kinds.as_deref(),
            self.services.as_deref(),
            self.states.as_deref(),
        )
        .fetch_all(db)
        .await?;
        for it in records {
            let group = group(it.hour, it.kind, it.service, it.state)?;
            // A group that was left out stays out.
            let Some(told) = told.get_mut(&group) else { continue };
            let waited = it.measure == Measure::Waiting.as_str();
            let spread = if waited { &mut told.waiting } else { &mut told.running };
            let times = Times {
                jobs: it.jobs.cast_unsigned(),
                sum_ms: it.sum_ms.cast_unsigned(),
                min_ms: it.min_ms.cast_unsigned(),
                max_ms: it.max_ms.cast_unsigned(),
            };
            spread.add(it.bucket, times);
        }
        Ok(())
    }

    async fn gauge(&self, db: &mut PgConnection) -> Result<BTreeMap<Group, u64>, sqlx::Error> {
        let records = sqlx::query!(
            r#"select case when $1::boolean then kind end as "kind?",
                 case when $2::boolean then service end as "service?", state,
                 sum(jobs)::bigint as "jobs!"
             from job_gauge
             where ($3::uuid is null or owner = $3) and ($4::uuid is null or owner = $4)
                 and ($5::text[] is null or kind = any($5))
                 and ($6::text[] is null or service = any($6))
                 and ($7::text[] is null or state = any($7))
             group by 1, 2, 3"#,
            self.by.kind,
            self.by.service,
            self.owners[0],
            self.owners[1],
            self.kinds.as_deref(),
            self.services.as_deref(),
            self.states.as_deref(),
        )
        .fetch_all(db)
        .await?;
        let counts = records.into_iter().map(|it| {
            let group = group(None, it.kind, it.service, Some(it.state))?;
            Ok((group, it.jobs.cast_unsigned()))
        });
        counts.collect()
    }
}

fn group(
    hour: Option<Timestamp>,
    kind: Option<String>,
    service: Option<String>,
    state: Option<String>,
) -> Result<Group, sqlx::Error> {
    let kind = kind.map(|it| JobKind::parse(&it).ok_or_else(|| bad("kind"))).transpose()?;
    let service = service.map(|it| it.parse().map_err(|_| bad("service"))).transpose()?;
    let state = state.map(|it| JobState::parse(&it).ok_or_else(|| bad("state"))).transpose()?;
    Ok(Group { hour, kind: kind.map(JobKind::as_str), service, state })
}
