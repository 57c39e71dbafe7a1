//! `DELETE /workers/{worker}`: a worker goes, and gives back what it holds.

use axum::{
    Json,
    extract::{Path, State, rejection::PathRejection},
};
use commands::{Command, CommandError, lease::Holder, progress};
use domain::{
    Refusal, WorkerId,
    job::{self, JobCommand},
    worker::{RefusedReport, WorkerCommand},
};
use schemars::JsonSchema;
use serde::Serialize;
use tracing::Instrument;

use super::{
    Shared, WorkerApi,
    caller::{self, Caller},
    refused,
};
use crate::problem::Problem;

#[derive(Serialize, JsonSchema)]
pub(super) struct Left {
    /// The leases that it held.
    released: Vec<String>,
}

pub(super) async fn answer(
    State(api): State<WorkerApi>,
    caller: Caller,
    worker: Result<Path<WorkerId>, PathRejection>,
) -> Result<Json<Left>, Problem> {
    let Ok(Path(worker)) = worker else { return Err(caller::unknown()) };
    let span = tracing::info_span!("worker leaves", %worker);
    api.0.leave(worker, &caller).instrument(span).await.map(Json)
}

impl Shared {
    /// The row first: from then on it gets nothing more. Asked again, it goes
    /// on where it stopped.
    async fn leave(&self, worker: WorkerId, caller: &Caller) -> Result<Left, Problem> {
        self.seen(worker, caller).await?.ok_or_else(caller::unknown)?;
        let reader = &self.around.reader;
        reader.left_worker(worker).await.map_err(|it| refused::unavailable(&it))?;
        self.workers.invalidate(&worker);
        self.requests.give_up(worker).await;
        let leases = reader.leases(worker, None).await.map_err(|it| refused::unavailable(&it))?;
        let mut released = Vec::with_capacity(leases.len());
        for held in leases {
            let holder = Holder { lease: held.lease, worker };
            if self.release(holder, caller).await? {
                released.push(held.lease.to_string());
            }
        }
        let command = Command::Worker(worker, WorkerCommand::LeaveWorker);
        let recorded = self.around.commands.execute(command, caller.asked(worker)).await;
        recorded.map_err(|error| refused::command(&error))?;
        Ok(Left { released })
    }

    /// Whether it was still to be released.
    async fn release(&self, holder: Holder, caller: &Caller) -> Result<bool, Problem> {
        let lease = holder.lease;
        let closing = self.progress.close(lease).await;
        let log = self.seal(holder).await?;
        let progress::Report { progress, checkpoint } = closing.pending.clone();
        let command = JobCommand::ReleaseLease {
            fence: lease.fence,
            reason: Some("the worker left".to_owned()),
            until: None,
            checkpoint,
            closing: job::Closing { progress, log },
        };
        let asked = caller.asked(holder.worker);
        let said = RefusedReport::Released;
        match self.around.commands.report(holder, said, command, &asked).await {
            Ok(_) => {
                closing.settled();
                metrics::counter!("greffe_settles_total", "outcome" => "released").increment(1);
                Ok(true)
            }
            Err(CommandError::Refused(
                Refusal::StaleFence { .. } | Refusal::AlreadySettled { .. },
            )) => Ok(false),
            Err(error) => Err(refused::command(&error)),
        }
    }
}
