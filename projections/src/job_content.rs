//! The `job_content` table: what went into a job and what came out, which is
//! too large to be written again with every step of it.

use std::{collections::HashMap, sync::Arc};

use domain::{
    JobId,
    artifact::Artifact,
    job::{CrawlEvent, JobEvent, ReportEvent},
};
use serde_json::{Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{ReadError, Reader, fact::Fact, projection::Projection, schema::Tables};

/// The projection.
#[derive(Clone, Copy, Debug)]
pub struct JobContent;

/// What went into a job and what came out.
#[derive(Clone, Debug, PartialEq)]
pub struct ContentRow {
    /// Which job.
    pub id: JobId,
    /// The body of a task, the specification of a crawl or a report.
    pub input: Value,
    /// The result, once there is one.
    pub result: Option<Value>,
    /// The files that it made.
    pub artifacts: Vec<Artifact>,
}

impl Projection for JobContent {
    const TABLES: Tables =
        Tables { name: "job_content", version: 1, ddl: include_str!("job_content.sql") };

    type Key = JobId;
    type Row = ContentRow;

    fn keys(fact: &Fact) -> impl Iterator<Item = JobId> {
        fact.of_job().filter(|(_, event)| matters(event)).map(|(id, _)| id).into_iter()
    }

    fn fold(id: JobId, row: Option<ContentRow>, fact: &Fact) -> Option<ContentRow> {
        let Some((_, event)) = fact.of_job() else { return row };
        let new = |input| Some(ContentRow { id, input, result: None, artifacts: Vec::new() });
        let done = |result, artifacts: &[Artifact]| {
            row.clone().map(|it| ContentRow {
                result: Some(result),
                artifacts: artifacts.to_vec(),
                ..it
            })
        };
        match event {
            JobEvent::TaskCreated(it) => new(it.task.body.clone()),
            JobEvent::Crawl(CrawlEvent::CrawlRequested(it)) => new(json!(it.crawl)),
            JobEvent::Report(ReportEvent::ReportRequested(it)) => new(json!(it.report)),
            JobEvent::TaskCompleted(it) => done(it.result.clone(), &it.artifacts),
            JobEvent::Crawl(CrawlEvent::CrawlCompleted(it)) => {
                done(json!({ "pages": it.pages, "errors": it.errors }), &it.artifacts)
            }
            JobEvent::Report(ReportEvent::ReportCompleted(it)) => {
                let mut result = json!({ "document": it.document, "errors": it.errors });
                if let Some(written) = &it.written {
                    result["written"] = json!(written);
                }
                let artifacts: Vec<Artifact> = it.artifacts().cloned().collect();
                done(result, &artifacts)
            }
            JobEvent::JobQueued(_)
            | JobEvent::LeaseGranted(_)
            | JobEvent::ProgressReported(_)
            | JobEvent::CancelRequested(_)
            | JobEvent::JobPaused(_)
            | JobEvent::JobResumed(_)
            | JobEvent::LeaseReleased(_)
            | JobEvent::LeaseExpired(_)
            | JobEvent::AttemptFailed(_)
            | JobEvent::LogSealed(_)
            | JobEvent::JobFailed(_)
            | JobEvent::JobCancelled(_)
            | JobEvent::JobExpired(_)
            | JobEvent::JobTransferred(_)
            | JobEvent::Crawl(CrawlEvent::PagesVisited(_)) => row,
        }
    }

    async fn load(
        db: &mut PgConnection,
        keys: &[JobId],
    ) -> Result<HashMap<JobId, ContentRow>, sqlx::Error> {
        let jobs = uuids(keys);
        let records = sqlx::query!(
            "select job, input, result, artifacts from job_content where job = any($1)",
            &jobs
        )
        .fetch_all(db)
        .await?;
        let decode = |it: serde_json::Error| sqlx::Error::Decode(it.into());
        let rows = records.into_iter().map(|it| {
            let id = JobId(it.job);
            let result = it.result.as_deref().map(serde_json::from_str).transpose();
            let row = ContentRow {
                id,
                input: serde_json::from_str(&it.input).map_err(decode)?,
                result: result.map_err(decode)?,
                artifacts: serde_json::from_str(&it.artifacts).map_err(decode)?,
            };
            Ok((id, row))
        });
        rows.collect()
    }

    async fn store(db: &mut PgConnection, rows: &[ContentRow]) -> Result<(), sqlx::Error> {
        let jobs: Vec<Uuid> = rows.iter().map(|it| it.id.0).collect();
        let inputs: Vec<String> = rows.iter().map(|it| it.input.to_string()).collect();
        let results: Vec<Option<String>> =
            rows.iter().map(|it| it.result.as_ref().map(Value::to_string)).collect();
        let artifacts: Vec<String> =
            rows.iter().map(|it| json!(it.artifacts).to_string()).collect();
        sqlx::query!(
            "insert into job_content (job, input, result, artifacts)
             select * from unnest($1::uuid[], $2::text[], $3::text[], $4::text[])
             on conflict (job) do update
                 set result = excluded.result, artifacts = excluded.artifacts",
            &jobs,
            &inputs,
            &results as &[Option<String>],
            &artifacts,
        )
        .execute(db)
        .await?;
        Ok(())
    }
}

fn matters(event: &JobEvent) -> bool {
    matches!(
        event,
        JobEvent::TaskCreated(_)
            | JobEvent::TaskCompleted(_)
            | JobEvent::Crawl(CrawlEvent::CrawlRequested(_) | CrawlEvent::CrawlCompleted(_))
            | JobEvent::Report(_)
    )
}

/// How long it is, in bytes of JSON.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ContentBytes {
    /// What went in.
    pub input: u64,
    /// What came out, files included.
    pub outcome: u64,
}

/// What came out of a job, as JSON: nobody has taken it apart, which would take
/// many times as much memory.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The result, once there is one.
    pub result: Option<Arc<str>>,
    artifacts: Arc<str>,
}

impl Outcome {
    /// The files that it made.
    pub fn artifacts(&self) -> Result<Vec<Artifact>, serde_json::Error> {
        serde_json::from_str(&self.artifacts)
    }
}

/// Whoever asks has found the jobs through a question that takes a viewer.
impl Reader {
    /// How long it is what went in and came out of these jobs: known without
    /// reading it.
    pub async fn content_bytes(
        &self,
        ids: &[JobId],
    ) -> Result<HashMap<JobId, ContentBytes>, ReadError> {
        let records = sqlx::query!(
            r#"select job, octet_length(input) as "input!",
                 coalesce(octet_length(result), 0) + octet_length(artifacts) as "outcome!"
             from job_content where job = any($1)"#,
            &uuids(ids)
        )
        .fetch_all(&self.db)
        .await?;
        let bytes = |it: i32| u64::from(it.unsigned_abs());
        let rows = records.into_iter().map(|it| {
            (JobId(it.job), ContentBytes { input: bytes(it.input), outcome: bytes(it.outcome) })
        });
        Ok(rows.collect())
    }

    /// What went into these jobs, as JSON.
    pub async fn inputs(&self, ids: &[JobId]) -> Result<HashMap<JobId, Arc<str>>, ReadError> {
        let records =
            sqlx::query!("select job, input from job_content where job = any($1)", &uuids(ids))
                .fetch_all(&self.db)
                .await?;
        Ok(records.into_iter().map(|it| (JobId(it.job), it.input.into())).collect())
    }

    /// What came out of these jobs.
    pub async fn outcomes(&self, ids: &[JobId]) -> Result<HashMap<JobId, Outcome>, ReadError> {
        let records = sqlx::query!(
            "select job, result, artifacts from job_content where job = any($1)",
            &uuids(ids)
        )
        .fetch_all(&self.db)
        .await?;
        let rows = records.into_iter().map(|it| {
            let (result, artifacts) = (it.result.map(Into::into), it.artifacts.into());
            (JobId(it.job), Outcome { result, artifacts })
        });
        Ok(rows.collect())
    }
}

fn uuids(ids: &[JobId]) -> Vec<Uuid> {
    ids.iter().map(|it| it.0).collect()
}
