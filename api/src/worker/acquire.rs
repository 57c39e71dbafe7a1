//! `POST /leases`: a worker takes jobs, and waits for some if there are none.

mod search;

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use commands::lease::Granted;
use domain::{
    JobId, LeaseId, Timestamp, WorkerId,
    job::{CrawlSpec, JobError, JobKind, ReportSpec, Spec},
    service::ServiceName,
};
use projections::kept::workers::WorkerRow;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::time::Instant;
use tracing::Instrument;
use uuid::Uuid;

use super::{
    Shared, WorkerApi,
    caller::{self, Caller},
    described,
    input::Input,
    refused, register,
};
use crate::problem::Problem;
use search::Wanted;

/// How many jobs one request may take.
pub(super) const LEASES_MAX: u32 = 32;

/// How long one request may wait.
pub(super) const WAIT_MAX_MS: u64 = 30_000;

/// How soon a request that finds nothing is answered at the earliest: a worker
/// that asks in a loop asks no faster.
const WAIT_MIN: Duration = Duration::from_millis(100);

#[derive(Deserialize, JsonSchema)]
pub(super) struct Acquire {
    #[schemars(with = "Uuid")]
    worker_id: WorkerId,
    /// The same one while nobody answers: while they hold, the same leases are given.
    request_id: Uuid,
    /// Some of its own; all of them, if absent.
    services: Option<Vec<String>>,
    /// How many jobs.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 32))]
    max: u32,
    /// How long to wait if there is nothing.
    #[serde(default)]
    #[schemars(range(max = 30_000))]
    wait_ms: u64,
}

fn one() -> u32 {
    1
}

pub(super) async fn answer(
    State(api): State<WorkerApi>,
    caller: Caller,
    Input { value: asked, .. }: Input<Acquire>,
) -> Result<Response, Problem> {
    let span = tracing::info_span!("worker acquires", worker = %asked.worker_id);
    api.acquire(asked, &caller).instrument(span).await
}

impl WorkerApi {
    async fn acquire(&self, asked: Acquire, caller: &Caller) -> Result<Response, Problem> {
        let begun = Instant::now();
        let shared = &self.0;
        asked.check()?;
        let worker = caller::present(shared.seen(asked.worker_id, caller).await?)?;
        let wanted = Wanted {
            worker: asked.worker_id,
            services: services(&asked, &worker, caller)?,
            max: asked.max as usize,
            request: asked.request_id,
            asked: caller.asked(asked.worker_id),
            until: begun + Duration::from_millis(asked.wait_ms).max(WAIT_MIN),
            entry: caller.entry(),
        };
        let turn = shared.requests.turn(wanted.worker, wanted.request).await;
        let mut granted = shared.granted_before(&wanted).await?;
        if granted.is_empty() {
            granted = self.find(Arc::new(wanted), turn).await?;
        }
        for it in &granted {
            shared.holders.insert(it.lease, asked.worker_id);
        }
        let outcome = if granted.is_empty() { "nothing" } else { "granted" };
        metrics::histogram!("greffe_acquire_wait_seconds", "outcome" => outcome)
            .record(begun.elapsed());
        if granted.is_empty() {
            return Ok(StatusCode::NO_CONTENT.into_response());
        }
        let leases = granted.iter().map(|it| Told::new(it, shared.around.commands.now()));
        Ok(Json(Leases { leases: leases.collect() }).into_response())
    }
}

impl Shared {
    /// What this very request was given before, if the leases still hold.
    async fn granted_before(&self, wanted: &Wanted) -> Result<Vec<Granted>, Problem> {
        let reader = &self.around.reader;
        let leases = reader.leases(wanted.worker, Some(wanted.request)).await;
        let leases = leases.map_err(|error| refused::unavailable(&error))?;
        if leases.is_empty() {
            return Ok(Vec::new());
        }
        let leases: Vec<LeaseId> = leases.into_iter().map(|it| it.lease).collect();
        let beats = reader.beat(wanted.worker, &leases).await;
        let mut granted = Vec::new();
        for beat in beats.map_err(|error| refused::unavailable(&error))? {
            let lease = self.around.commands.granted(beat.lease).await;
            granted.extend(lease.map_err(|error| refused::command(&error))?);
        }
        Ok(granted)
    }
}

impl Acquire {
    fn check(&self) -> Result<(), Problem> {
        if !(1..=LEASES_MAX).contains(&self.max) {
            return Err(refused::invalid("max", format!("between 1 and {LEASES_MAX}")));
        }
        if WAIT_MAX_MS < self.wait_ms {
            return Err(refused::invalid("wait_ms", format!("at most {WAIT_MAX_MS}")));
        }
        Ok(())
    }
}

/// Those asked for, or else all that the worker registered for.
fn services(
    asked: &Acquire,
    worker: &WorkerRow,
    caller: &Caller,
) -> Result<Arc<[String]>, Problem> {
    let names = asked.services.as_ref().unwrap_or(&worker.services);
    for (index, name) in names.iter().enumerate() {
        if !worker.services.contains(name) || !caller.grant.services.allows(name) {
            return Err(register::forbidden(index, name));
        }
    }
    if names.is_empty() {
        return Err(refused::invalid("services", "at least one, or absent"));
    }
    Ok(names.as_slice().into())
}

#[derive(Serialize, JsonSchema)]
pub(super) struct Leases<'a> {
    leases: Vec<Told<'a>>,
}

/// A lease, as its holder is told of it.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Lease")]
struct Told<'a> {
    /// `job.fence`.
    lease_id: String,
    #[schemars(with = "Uuid")]
    job_id: JobId,
    /// To be said with every report.
    fence: u64,
    /// Counts failures, from 1.
    attempt: u32,
    attempts_max: u32,
    /// Counts lost leases, from 1.
    delivery: u32,
    #[schemars(schema_with = "described::job_kind")]
    kind: JobKind,
    #[schemars(with = "String")]
    service: ServiceName,
    priority: i16,
    /// What is to be done.
    #[schemars(with = "Value")]
    body: Body<'a>,
    /// What an earlier attempt left.
    checkpoint: Option<&'a Value>,
    #[schemars(schema_with = "described::previous_error")]
    previous_error: Option<&'a JobError>,
    /// How long it holds without a beat.
    lease_expires_in_ms: u64,
    run_deadline: Option<Timestamp>,
    run_ends_in_ms: Option<u64>,
    cancel_requested: bool,
}

/// What is to be done.
#[derive(Serialize)]
#[serde(untagged)]
enum Body<'a> {
    Task(&'a Value),
    Crawl(&'a CrawlSpec),
    Report(&'a ReportSpec),
}

impl<'a> Told<'a> {
    fn new(it: &'a Granted, now: Timestamp) -> Self {
        let left_ms = |at: Timestamp| u64::try_from((at - now).num_milliseconds()).unwrap_or(0);
        Self {
            lease_id: it.lease.to_string(),
            job_id: it.lease.job,
            fence: it.lease.fence,
            attempt: it.attempt,
            attempts_max: it.attempts_max,
            delivery: it.delivery,
            kind: it.spec.kind(),
            service: it.spec.service(),
            priority: it.priority,
            body: match &*it.spec {
                Spec::Task(task) => Body::Task(&task.body),
                Spec::Crawl(crawl) => Body::Crawl(crawl),
                Spec::Report(report) => Body::Report(report),
            },
            checkpoint: it.checkpoint.as_ref(),
            previous_error: it.last_error.as_ref(),
            lease_expires_in_ms: it.lease_ms,
            run_deadline: it.run_deadline,
            run_ends_in_ms: it.run_deadline.map(left_ms),
            cancel_requested: it.cancel_requested,
        }
    }
}
