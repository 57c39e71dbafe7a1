//! `POST /leases/{lease}/settle`: the one outcome of a lease.

mod outcome;

use axum::{Json, extract::State};
use commands::{
    Asked, CommandError, Executed,
    lease::Holder,
    progress::{self, Closing},
};
use domain::{
    JobId, Timestamp,
    job::{self, Job, JobCommand, JobState, LogSeal, Phase},
};
use schemars::JsonSchema;
use serde::Serialize;
use tracing::Instrument;

use super::{
    Shared, WorkerApi,
    caller::Caller,
    described, heartbeat,
    input::{Input, LeaseName},
    refused,
};
use crate::problem::Problem;
use outcome::Report;
pub(super) use outcome::Settle;

/// What a report led to.
#[derive(Serialize, JsonSchema)]
pub(super) struct Settled {
    #[schemars(schema_with = "described::job_state")]
    job_state: JobState,
    /// Where it stands in the journal.
    position: u64,
    /// Where it stands in the job's own stream.
    version: u64,
    /// When the job is tried again, if it waits for that.
    next_run_at: Option<Timestamp>,
}

pub(super) async fn answer(
    State(api): State<WorkerApi>,
    caller: Caller,
    LeaseName(lease): LeaseName,
    Input { value: settle, digest }: Input<Settle>,
) -> Result<Json<Settled>, Problem> {
    heartbeat::fence("fence", settle.fence, lease)?;
    let op_id = settle.op_id.to_string();
    let report = settle.report()?;
    let holder = api.0.holder(lease, &caller).await?;
    api.0.citable(holder, &report).await?;
    let span = tracing::info_span!("worker settles", worker = %holder.worker, job = %lease.job);
    let digest = api.0.around.identity.blinded(&digest);
    let asked = caller.asked(holder.worker).once(op_id, digest);
    api.0.settle(holder, report, asked).instrument(span).await.map(Json)
}

impl Shared {
    /// Whether the report may name the files that it names. One that comes too late is told that
    /// instead.
    async fn citable(&self, holder: Holder, report: &Report) -> Result<(), Problem> {
        let lease = holder.lease;
        let Err(problem) = self.cited(lease.job, report.artifacts()).await else { return Ok(()) };
        let job = self.around.commands.job_state(lease.job).await;
        let job = job.map_err(|error| refused::command(&error))?;
        let is_over = job.present().is_none_or(|it| it.over(lease.fence).is_some());
        if is_over { Ok(()) } else { Err(problem) }
    }

    async fn settle(
        &self,
        holder: Holder,
        report: Report,
        asked: Asked,
    ) -> Result<Settled, Problem> {
        let lease = holder.lease;
        let (word, commands) = (report.word, &self.around.commands);
        let mut closing = self.progress.close(lease).await;
        let log = self.seal(holder).await?;
        if report.needs_checkpoint_kept() {
            self.keep_checkpoint(holder, &mut closing, &asked).await?;
        }
        let progress::Report { progress, checkpoint } = closing.pending.clone();
        let brought = job::Closing { progress, log };
        let command = report.command(lease.fence, commands.now(), brought, checkpoint);
        match commands.report(holder, word.said(), command, &asked).await {
            Ok(executed) => {
                closing.settled();
                let outcome = word.as_str();
                metrics::counter!("greffe_settles_total", "outcome" => outcome).increment(1);
                self.settled(lease.job, executed).await
            }
            Err(error) => {
                if let CommandError::Refused(refusal) = &error {
                    let code = refusal.code();
                    metrics::counter!("greffe_reports_refused_total", "code" => code).increment(1);
                }
                Err(refused::command(&error))
            }
        }
    }

    /// Completes the log, if the lease still holds the job. Nobody else may.
    pub(super) async fn seal(
        &self,
        Holder { lease, worker }: Holder,
    ) -> Result<Option<LogSeal>, Problem> {
        let job = self.around.commands.job_state(lease.job).await;
        let job = job.map_err(|error| refused::command(&error))?;
        let holds = job.present().is_some_and(|it| match &it.phase {
            Phase::Running(held) => held.fence == lease.fence && held.worker == worker,
            Phase::Scheduled { .. }
            | Phase::Queued
            | Phase::Retrying { .. }
            | Phase::Succeeded
            | Phase::Failed
            | Phase::Cancelled
            | Phase::Expired => false,
        });
        if !holds {
            return Ok(None);
        }
        let seal = self.around.reader.seal_log(lease).await;
        seal.map_err(|error| refused::unavailable(&error))
    }

    /// A failure carries no checkpoint: one that was not recorded yet goes
    /// before it, for the next attempt.
    async fn keep_checkpoint(
        &self,
        holder: Holder,
        closing: &mut Closing,
        asked: &Asked,
    ) -> Result<(), Problem> {
        let checkpoint = closing.pending.checkpoint.clone();
        if checkpoint.is_none() {
            return Ok(());
        }
        let fence = holder.lease.fence;
        let command = JobCommand::ReportProgress { fence, progress: None, checkpoint };
        let asked = Asked { idempotency: None, ..asked.clone() };
        let command = commands::Command::Job(holder.lease.job, command);
        match self.around.commands.execute(command, asked).await {
            Ok(_) => closing.pending.checkpoint = None,
            // The report itself is about to be refused for the same reason.
            Err(CommandError::Refused(_)) => {}
            Err(error @ (CommandError::Contended | CommandError::Broken(_))) => {
                return Err(refused::command(&error));
            }
        }
        Ok(())
    }

    /// A repetition is told what the first report was told, whatever has become
    /// of the job since.
    async fn settled(&self, job: JobId, executed: Executed<Job>) -> Result<Settled, Problem> {
        let Executed { accepted, state } = executed;
        let (version, position) = (accepted.version, accepted.position);
        if accepted.repeated {
            let row = self.around.feed.row_at(job, version).await;
            let row = row.map_err(|error| refused::unavailable(&error))?;
            let row = row.ok_or_else(refused::lease_unknown)?;
            let (job_state, next_run_at) = (row.state, row.ready_at);
            return Ok(Settled { job_state, position, version, next_run_at });
        }
        let present = state.present().ok_or_else(refused::lease_unknown)?;
        let next_run_at = match &present.phase {
            Phase::Scheduled { until } | Phase::Retrying { until } => Some(*until),
            Phase::Queued
            | Phase::Running(_)
            | Phase::Succeeded
            | Phase::Failed
            | Phase::Cancelled
            | Phase::Expired => None,
        };
        Ok(Settled { job_state: present.state(), position, version, next_run_at })
    }
}
