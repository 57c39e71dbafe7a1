//! `POST /leases`: a worker takes jobs, and waits for some if there are none.

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use commands::{Asked, CommandError, lease::Granted};
use domain::{
    JobId, LeaseId, Timestamp, WorkerId,
    job::{CrawlSpec, JobError, JobKind, ReportSpec, Spec},
    service::ServiceName,
};
use futures::future::join_all;
use projections::{
    dispatch::{Claim, Waiting},
    kept::workers::WorkerRow,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::time::{Instant, sleep_until};
use tracing::Instrument;
use uuid::Uuid;

use super::{
    Shared, WorkerApi,
    caller::{self, Caller},
    input::Input,
    refused, register,
    requests::Turn,
};
use crate::problem::Problem;

/// How many jobs one request may take.
pub(super) const LEASES_MAX: u32 = 32;

/// How long one request may wait.
pub(super) const WAIT_MAX_MS: u64 = 30_000;

/// How soon a request that finds nothing is answered at the earliest: a worker
/// that asks in a loop asks no faster.
const WAIT_MIN: Duration = Duration::from_millis(100);

/// How long a waiting request trusts that it would be woken.
const LOOK_AGAIN_AFTER: Duration = Duration::from_secs(4);

/// How far apart those who look again at the same time are spread.
const LOOK_AGAIN_SPREAD_MS: u128 = 2_000;

/// How often a request whose candidates all went to other processes looks
/// again before it waits.
const LOST_ROUNDS_MAX: u32 = 5;

#[derive(Deserialize)]
pub(super) struct Acquire {
    worker_id: WorkerId,
    request_id: Uuid,
    services: Option<Vec<String>>,
    #[serde(default = "one")]
    max: u32,
    #[serde(default)]
    wait_ms: u64,
}

fn one() -> u32 {
    1
}

/// Work that is looked for.
struct Wanted {
    worker: WorkerId,
    services: Arc<[String]>,
    max: usize,
    request: Uuid,
    asked: Asked,
    until: Instant,
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
        };
        let turn = shared.requests.turn(wanted.worker, wanted.request).await;
        let mut granted = shared.granted_before(&wanted).await?;
        if granted.is_empty() {
            granted = self.find(&Arc::new(wanted), turn).await?;
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

    /// Looks for work, and waits for it.
    async fn find(&self, wanted: &Arc<Wanted>, turn: Turn) -> Result<Vec<Granted>, Problem> {
        let (waiting, drain) = (&self.0.around.waiting, &self.0.around.drain);
        let turn = Arc::new(turn);
        let spread =
            Duration::from_millis((wanted.worker.0.as_u128() % LOOK_AGAIN_SPREAD_MS) as u64);
        let mut woken: Option<Waiting> = None;
        loop {
            let mut next = waiting.wait(Arc::clone(&wanted.services));
            let granted = self.take(wanted, &turn).await?;
            if let Some(woken) = woken.take() {
                woken.answered();
            }
            let over = turn.given_up.is_cancelled() || wanted.until <= Instant::now();
            if !granted.is_empty() || over {
                return Ok(granted);
            }
            tokio::select! {
                () = next.woken() => woken = Some(next),
                () = sleep_until(wanted.until.min(Instant::now() + LOOK_AGAIN_AFTER + spread)) => {
                    if wanted.until <= Instant::now() {
                        return Ok(granted);
                    }
                }
                () = turn.given_up.cancelled() => return Ok(granted),
                () = drain.cancelled() => return Ok(granted),
            }
        }
    }

    /// Takes what there is. What it has begun to grant is granted, even if
    /// whoever asked has gone: who asks again finds it.
    async fn take(&self, wanted: &Arc<Wanted>, turn: &Arc<Turn>) -> Result<Vec<Granted>, Problem> {
        let (reader, waiting) = (&self.0.around.reader, &self.0.around.waiting);
        for _ in 0..LOST_ROUNDS_MAX {
            let limit = u32::try_from(wanted.max + waiting.claimed()).unwrap_or(u32::MAX);
            let candidates = reader.candidates(&wanted.services, limit).await;
            let candidates = candidates.map_err(|error| refused::unavailable(&error))?;
            let claims = candidates.into_iter().filter_map(|it| waiting.claim(it));
            let claims: Vec<Claim> = claims.take(wanted.max).collect();
            if claims.is_empty() {
                break;
            }
            let (api, wanted, turn) = (self.clone(), Arc::clone(wanted), Arc::clone(turn));
            let span = tracing::Span::current();
            let grant = async move {
                let granted = api.0.grant_all(claims, &wanted).await;
                drop(turn);
                granted
            };
            let granted = self.0.grants.spawn(grant.instrument(span)).await;
            let granted = granted.map_err(|panic| refused::unavailable(&panic))??;
            if !granted.is_empty() {
                return Ok(granted);
            }
        }
        Ok(Vec::new())
    }
}

impl Shared {
    /// Grants all at once, so that they are written together. What was granted
    /// is worth more than what went wrong.
    async fn grant_all(
        &self,
        claims: Vec<Claim>,
        wanted: &Wanted,
    ) -> Result<Vec<Granted>, Problem> {
        let commands = &self.around.commands;
        let grant = async |claim: &Claim| {
            commands.grant(claim.job(), wanted.worker, Some(wanted.request), &wanted.asked).await
        };
        let outcomes = join_all(claims.iter().map(grant)).await;
        let (mut granted, mut problem) = (Vec::new(), None);
        for outcome in outcomes {
            match outcome {
                Ok(lease) => granted.extend(lease),
                Err(CommandError::Contended) => {}
                Err(error @ (CommandError::Refused(_) | CommandError::Broken(_))) => {
                    problem = Some(refused::command(&error));
                }
            }
        }
        for it in &granted {
            let service = it.spec.service().to_string();
            metrics::counter!("greffe_leases_granted_total", "service" => service).increment(1);
        }
        match problem {
            Some(problem) if granted.is_empty() => Err(problem),
            Some(_) | None => Ok(granted),
        }
    }

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

#[derive(Serialize)]
struct Leases<'a> {
    leases: Vec<Told<'a>>,
}

/// A lease, as its holder is told of it.
#[derive(Serialize)]
struct Told<'a> {
    lease_id: String,
    job_id: JobId,
    fence: u64,
    attempt: u32,
    attempts_max: u32,
    delivery: u32,
    kind: JobKind,
    service: ServiceName,
    priority: i16,
    body: Body<'a>,
    checkpoint: Option<&'a Value>,
    previous_error: Option<&'a JobError>,
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
