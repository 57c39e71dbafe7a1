//! `POST /heartbeats`: one call for all that a worker process holds. It is one
//! statement; progress is recorded behind it.

use std::collections::HashMap;

use axum::{Json, extract::State};
use commands::{lease::Holder, progress::Report};
use domain::{LeaseId, Refusal, Timestamp, WorkerId, job::Progress, worker::RefusedReport};
use projections::kept::beats::Beat;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tracing::Instrument;
use uuid::Uuid;

use super::{
    Shared, WorkerApi,
    caller::{self, Caller},
    input::{self, Input, LeaseName},
    logs, refused,
};
use crate::problem::Problem;

/// How many leases one heartbeat may name.
pub(super) const LEASES_MAX: usize = 256;

/// How far apart heartbeats are at most.
const EVERY_MAX_MS: u64 = 15_000;

/// How often to beat for leases of this length: two may be lost.
pub(super) fn every_ms(lease_ms: u64) -> u64 {
    (lease_ms / 4).clamp(100, EVERY_MAX_MS)
}

#[derive(Deserialize, JsonSchema)]
pub(super) struct Heartbeat {
    #[schemars(with = "Uuid")]
    worker_id: WorkerId,
    /// It takes no more jobs: whatever it asked for is answered with nothing.
    #[serde(default)]
    draining: bool,
    #[serde(default)]
    #[schemars(length(max = 256))]
    leases: Vec<Said>,
}

/// What is said of one lease.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "HeldLease")]
struct Said {
    /// `job.fence`.
    #[schemars(with = "String")]
    lease_id: LeaseName,
    fence: u64,
    /// What is wrong with it is said of this lease alone.
    #[schemars(with = "Option<Advance>")]
    progress: Option<Value>,
    /// For the next attempt to go on from.
    checkpoint: Option<Value>,
}

/// How far the attempt has come.
#[derive(Clone, Deserialize, JsonSchema)]
#[schemars(rename = "Progress")]
pub(super) struct Advance {
    /// The worker's own: of two reports, the higher one counts.
    seq: Option<u64>,
    done: u64,
    total: Option<u64>,
    message: Option<String>,
}

/// What a worker is told that has beaten.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Beaten")]
pub(super) struct Answer {
    /// When to beat again.
    next_ms: u64,
    server_time: Timestamp,
    leases: Vec<Told>,
}

/// What the worker is told of one lease.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "LeaseBeaten")]
struct Told {
    lease_id: String,
    status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    lease_expires_in_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    log_flush_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// What of the report is not recorded, and why.
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<Fault>,
}

/// What is wrong with a report that did not cost the lease.
#[derive(Serialize, JsonSchema)]
struct Fault {
    code: String,
    field: String,
    rule: String,
}

/// What the worker does. A word that it does not know means `ok`.
#[derive(Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "LeaseStatus")]
enum Status {
    /// Go on.
    Ok,
    /// Somebody wants the job stopped: stop, then settle as cancelled.
    Cancel,
    /// Somebody wants the job left alone for a while: stop, then give it back.
    Pause,
    /// The attempt has taken too long: stop.
    Timeout,
    /// The lease is over: stop, and report nothing.
    Lost,
}

pub(super) async fn answer(
    State(api): State<WorkerApi>,
    caller: Caller,
    Input { value: heartbeat, .. }: Input<Heartbeat>,
) -> Result<Json<Answer>, Problem> {
    let span = tracing::info_span!("worker beats", worker = %heartbeat.worker_id);
    api.0.beat(heartbeat, &caller).instrument(span).await.map(Json)
}

impl Shared {
    async fn beat(&self, heartbeat: Heartbeat, caller: &Caller) -> Result<Answer, Problem> {
        heartbeat.check()?;
        let worker = heartbeat.worker_id;
        caller::present(self.known(worker, caller).await?)?;
        metrics::counter!("greffe_heartbeats_total").increment(1);
        let named: Vec<LeaseId> = heartbeat.leases.iter().map(|it| it.lease_id.0).collect();
        let beats = if named.is_empty() {
            Vec::new()
        } else {
            let beats = self.around.reader.beat(worker, &named).await;
            beats.map_err(|error| refused::unavailable(&error))?
        };
        if heartbeat.draining {
            self.requests.give_up(worker).await;
        }
        let lease_ms = beats.iter().map(|it| it.lease_ms).min();
        let mut held: HashMap<LeaseId, Beat> = beats.into_iter().map(|it| (it.lease, it)).collect();
        let mut leases = Vec::with_capacity(named.len());
        for said in heartbeat.leases {
            leases.push(match held.remove(&said.lease_id.0) {
                Some(beat) => self.go_on(&said, beat, worker, caller),
                None => self.give_up(&said, worker, caller).await,
            });
        }
        Ok(Answer {
            next_ms: lease_ms.map_or(EVERY_MAX_MS, every_ms),
            server_time: self.around.commands.now(),
            leases,
        })
    }

    fn go_on(&self, said: &Said, beat: Beat, worker: WorkerId, caller: &Caller) -> Told {
        let lease = beat.lease;
        let (seq, report, refused) = said.report();
        if !report.is_empty() {
            self.progress.offer(lease, &caller.asked(worker), (seq, report));
        }
        let (status, reason) = if beat.cancel_requested {
            (Status::Cancel, beat.cancel_reason)
        } else if beat.overdue {
            (Status::Timeout, None)
        } else if beat.paused {
            (Status::Pause, beat.pause_reason)
        } else {
            (Status::Ok, None)
        };
        Told {
            lease_id: lease.to_string(),
            status,
            lease_expires_in_ms: Some(beat.lease_ms),
            log_flush_ms: Some(logs::FLUSH_MS),
            reason,
            refused,
        }
    }

    /// The answer is the same whether the refusal can be recorded or not.
    async fn give_up(&self, said: &Said, worker: WorkerId, caller: &Caller) -> Told {
        let lease = said.lease_id.0;
        if (said.progress.is_some() || said.checkpoint.is_some())
            && let Err(problem) = self.late(Holder { lease, worker }, caller).await
        {
            tracing::warn!(%lease, code = problem.code(), "a late report is not recorded");
        }
        Told {
            lease_id: lease.to_string(),
            status: Status::Lost,
            lease_expires_in_ms: None,
            log_flush_ms: None,
            reason: None,
            refused: None,
        }
    }

    /// A zombie's progress goes on record. That of a worker which has settled
    /// meanwhile has merely crossed its own report, and one whose loss is not
    /// written yet is none.
    async fn late(&self, holder: Holder, caller: &Caller) -> Result<(), Problem> {
        let Holder { lease, worker } = holder;
        if self.granted_to(lease).await? != Some(worker) {
            return Ok(());
        }
        let commands = &self.around.commands;
        let job = commands.job_state(lease.job).await.map_err(|it| refused::command(&it))?;
        let over = job.present().and_then(|it| it.over(lease.fence));
        let Some(Refusal::StaleFence { current, .. }) = over else { return Ok(()) };
        let (said, asked) = (RefusedReport::Progress, caller.asked(worker));
        let recorded = commands.record_refusal(holder, said, current, &asked).await;
        recorded.map_err(|error| refused::command(&error))
    }
}

impl Heartbeat {
    fn check(&self) -> Result<(), Problem> {
        if LEASES_MAX < self.leases.len() {
            return Err(refused::invalid("leases", format!("at most {LEASES_MAX}")));
        }
        for (index, said) in self.leases.iter().enumerate() {
            fence(&format!("leases/{index}/fence"), said.fence, said.lease_id.0)?;
        }
        Ok(())
    }
}

impl Said {
    /// What can be recorded of it, under its number, and what is wrong with the rest.
    fn report(&self) -> (Option<u64>, Report, Option<Fault>) {
        let mut report = Report { progress: None, checkpoint: self.checkpoint.clone() };
        let mut refused = report.check().err().map(|refusal| {
            report.checkpoint = None;
            Fault::new(&refusal)
        });
        let mut seq = None;
        match self.progress.as_ref().map(advance).transpose() {
            Ok(Some(advance)) => {
                seq = advance.seq;
                report.progress = Some(advance.into());
            }
            Ok(None) => {}
            Err(fault) => refused = Some(fault),
        }
        (seq, report, refused)
    }
}

/// Refuses what could not be recorded.
fn advance(said: &Value) -> Result<Advance, Fault> {
    let advance: Advance = serde_path_to_error::deserialize(said).map_err(|error| {
        let part = "progress".to_owned();
        let (field, rule) = input::fault_in(part, error.path(), &error.inner().to_string());
        Fault { code: "invalid".to_owned(), field, rule }
    })?;
    let report = Report { progress: Some(advance.clone().into()), checkpoint: None };
    report.check().map_err(|refusal| Fault::new(&refusal))?;
    Ok(advance)
}

impl From<Advance> for Progress {
    fn from(Advance { done, total, message, .. }: Advance) -> Self {
        Self { done, total, message }
    }
}

impl Fault {
    fn new(refusal: &Refusal) -> Self {
        Self {
            code: refusal.code().to_ascii_lowercase(),
            field: refusal.field().unwrap_or_default().replace('.', "/"),
            rule: refusal.to_string(),
        }
    }
}

/// A fence is named twice, so that nobody reports on a lease by mistake.
pub(super) fn fence(field: &str, fence: u64, lease: LeaseId) -> Result<(), Problem> {
    if fence == lease.fence {
        return Ok(());
    }
    Err(refused::invalid(field, format!("that of the lease, {}", lease.fence)))
}
