//! The `job_timeline` table: everything that happened to a job, and what its
//! workers reported too late, which stands in their streams.

use std::collections::HashMap;

use domain::{
    JobId, Timestamp,
    decode::Event,
    job::{CrawlEvent, FailureCause, JobEvent, Next, Order, Progress, ReportEvent},
    worker::WorkerEvent,
};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{ReadError, Reader, fact::Fact, projection::Projection, schema::Tables, signed};

/// The projection.
#[derive(Clone, Copy, Debug)]
pub struct JobTimeline;

/// Something that happened to a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimelineRow {
    /// Which job.
    pub job: JobId,
    /// Where it stands in the journal.
    pub position: u64,
    /// The job's version then; none where it is another stream's event.
    pub version: Option<u64>,
    /// The name of its type.
    pub event_type: String,
    /// On whose behalf, as `user:…`, `worker:…` or `system:…`.
    pub actor: String,
    /// When.
    pub recorded_at: Timestamp,
    /// Which attempt, where that is known of the event itself.
    pub attempt: Option<u32>,
    /// Under which lease.
    pub fence: Option<u64>,
    /// For humans, one line.
    pub note: Option<String>,
}

impl Projection for JobTimeline {
    const TABLES: Tables =
        Tables { name: "job_timeline", version: 1, ddl: include_str!("job_timeline.sql") };

    type Key = (JobId, u64);
    type Row = TimelineRow;

    fn keys(fact: &Fact) -> impl Iterator<Item = (JobId, u64)> {
        let job = match (&fact.event, fact.of_job()) {
            (_, Some((job, _))) => Some(job),
            (Event::Worker(WorkerEvent::StaleReportRefused(it)), None) => Some(it.job),
            _ => None,
        };
        job.map(|it| (it, fact.position())).into_iter()
    }

    fn fold(
        (job, position): (JobId, u64),
        _: Option<TimelineRow>,
        fact: &Fact,
    ) -> Option<TimelineRow> {
        let told = match &fact.event {
            Event::Job(event) => told_of_job(event, fact.recorded.version),
            Event::Worker(event) => told_of_worker(event),
            Event::Account(_) | Event::Client(_) | Event::Land(_) => return None,
        };
        Some(TimelineRow {
            job,
            position,
            version: fact.of_job().map(|_| fact.recorded.version),
            event_type: fact.recorded.event_type.clone(),
            actor: fact.actor.clone(),
            recorded_at: fact.at(),
            attempt: told.attempt,
            fence: told.fence,
            note: told.note,
        })
    }

    /// Each fact has a row of its own: there is nothing to load.
    async fn load(
        _: &mut PgConnection,
        _: &[(JobId, u64)],
    ) -> Result<HashMap<(JobId, u64), TimelineRow>, sqlx::Error> {
        Ok(HashMap::new())
    }

    async fn store(db: &mut PgConnection, rows: &[TimelineRow]) -> Result<(), sqlx::Error> {
        let jobs: Vec<Uuid> = rows.iter().map(|it| it.job.0).collect();
        let positions: Vec<i64> = rows.iter().map(|it| signed(it.position)).collect();
        let versions: Vec<Option<i64>> = rows.iter().map(|it| it.version.map(signed)).collect();
        let types: Vec<&str> = rows.iter().map(|it| it.event_type.as_str()).collect();
        let actors: Vec<&str> = rows.iter().map(|it| it.actor.as_str()).collect();
        let times: Vec<Timestamp> = rows.iter().map(|it| it.recorded_at).collect();
        let attempts: Vec<Option<i32>> =
            rows.iter().map(|it| it.attempt.map(u32::cast_signed)).collect();
        let fences: Vec<Option<i64>> = rows.iter().map(|it| it.fence.map(signed)).collect();
        let notes: Vec<Option<&str>> = rows.iter().map(|it| it.note.as_deref()).collect();
        sqlx::query!(
            "insert into job_timeline (job, position, version, event_type, actor, recorded_at,
                 attempt, fence, note)
             select * from unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::text[], $5::text[],
                 $6::timestamptz[], $7::integer[], $8::bigint[], $9::text[])",
            &jobs,
            &positions,
            &versions as &[Option<i64>],
            &types as &[&str],
            &actors as &[&str],
            &times,
            &attempts as &[Option<i32>],
            &fences as &[Option<i64>],
            &notes as &[Option<&str>],
        )
        .execute(db)
        .await?;
        Ok(())
    }
}

/// What an event has to tell in a line.
#[derive(Default)]
struct Told {
    attempt: Option<u32>,
    fence: Option<u64>,
    note: Option<String>,
}

impl Told {
    fn under(fence: u64, note: Option<String>) -> Self {
        Self { attempt: None, fence: Some(fence), note }
    }
}

fn told_of_job(event: &JobEvent, version: u64) -> Told {
    match event {
        JobEvent::TaskCreated(it) => ordered(&it.order),
        JobEvent::JobQueued(_) | JobEvent::JobResumed(_) | JobEvent::JobExpired(_) => {
            Told::default()
        }
        JobEvent::LeaseGranted(it) => Told {
            attempt: Some(it.attempt),
            fence: Some(version),
            note: (1 < it.delivery).then(|| format!("delivery {}", it.delivery)),
        },
        JobEvent::ProgressReported(it) => Told::under(it.fence, it.progress.as_ref().map(progress)),
        JobEvent::CancelRequested(it) => Told { note: it.reason.clone(), ..Told::default() },
        JobEvent::JobPaused(it) => Told { note: it.reason.clone(), ..Told::default() },
        JobEvent::LeaseReleased(it) => {
            Told::under(it.fence, it.reason.clone().or_else(|| next(it.next)))
        }
        JobEvent::LeaseExpired(it) => Told::under(it.fence, next(it.next)),
        JobEvent::AttemptFailed(it) => Told {
            attempt: Some(it.attempt),
            fence: Some(it.fence),
            note: Some(format!("{}: {}", it.error.error_type, it.error.message)),
        },
        JobEvent::LogSealed(it) => {
            let note = format!("{} lines, {} bytes, {}", it.log.lines, it.log.bytes, it.log.sha256);
            Told::under(it.fence, Some(note))
        }
        JobEvent::TaskCompleted(it) => Told::under(it.fence, errors(it.errors)),
        JobEvent::JobFailed(it) => Told {
            note: Some(format!("{}: {}", cause(it.cause), it.error.message)),
            ..Told::default()
        },
        JobEvent::JobCancelled(it) => {
            Told { fence: it.fence, note: it.reason.clone(), ..Told::default() }
        }
        JobEvent::JobTransferred(it) => {
            Told { note: Some(format!("to {}", it.to)), ..Told::default() }
        }
        JobEvent::Crawl(event) => told_of_crawl(event),
        JobEvent::Report(event) => told_of_report(event),
    }
}

fn ordered(order: &Order) -> Told {
    Told { note: order.retry_of.map(|of| format!("repeats {of}")), ..Told::default() }
}

fn told_of_crawl(event: &CrawlEvent) -> Told {
    match event {
        CrawlEvent::CrawlRequested(it) => ordered(&it.order),
        CrawlEvent::PagesVisited(it) => {
            let (visited, found) = (it.visited.len(), it.found.len());
            Told::under(it.fence, Some(format!("{visited} pages visited, {found} found")))
        }
        CrawlEvent::CrawlCompleted(it) => {
            Told::under(it.fence, Some(format!("{} pages, {} errors", it.pages, it.errors)))
        }
    }
}

fn told_of_report(event: &ReportEvent) -> Told {
    match event {
        ReportEvent::ReportRequested(it) => ordered(&it.order),
        ReportEvent::ReportCompleted(it) => Told::under(it.fence, errors(it.errors)),
    }
}

fn told_of_worker(event: &WorkerEvent) -> Told {
    match event {
        WorkerEvent::StaleReportRefused(it) => Told::under(it.fence, None),
        WorkerEvent::WorkerRegistered(_) | WorkerEvent::WorkerLeft(_) => Told::default(),
    }
}

fn progress(progress: &Progress) -> String {
    let total = progress.total.map(|it| format!("/{it}")).unwrap_or_default();
    let message = progress.message.as_ref().map(|it| format!(" {it}")).unwrap_or_default();
    format!("{}{total}{message}", progress.done)
}

fn next(next: Next) -> Option<String> {
    match next {
        Next::Queue | Next::End => None,
        Next::Wait { until } => Some(format!("again from {}", until.to_rfc3339())),
    }
}

fn errors(errors: u64) -> Option<String> {
    (0 < errors).then(|| format!("with {errors} errors"))
}

fn cause(cause: FailureCause) -> &'static str {
    match cause {
        FailureCause::AttemptsExhausted => "no attempts left",
        FailureCause::NotRetryable => "not retryable",
        FailureCause::DeliveriesExhausted => "no deliveries left",
    }
}

impl Reader {
    /// What happened to a job after a position, oldest first. Whoever asks has
    /// found the job through a question that takes a viewer.
    pub async fn timeline(
        &self,
        job: JobId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<TimelineRow>, ReadError> {
        let records = sqlx::query!(
            "select * from job_timeline where job = $1 and position > $2
             order by position limit $3",
            job.0,
            signed(after),
            i64::from(limit)
        )
        .fetch_all(&self.db)
        .await?;
        Ok(records
            .into_iter()
            .map(|it| TimelineRow {
                job: JobId(it.job),
                position: it.position.cast_unsigned(),
                version: it.version.map(i64::cast_unsigned),
                event_type: it.event_type,
                actor: it.actor,
                recorded_at: it.recorded_at,
                attempt: it.attempt.map(i32::cast_unsigned),
                fence: it.fence.map(i64::cast_unsigned),
                note: it.note,
            })
            .collect())
    }
}
