//! What the holders of leases do: take a job, and report on it. The worker
//! protocol and the built-in executors both come through here.

use domain::{
    JobId, LeaseId, Refusal, Timestamp, UserId, WorkerId,
    actor::ServiceScope,
    job::{Job, JobCommand, JobError, Phase, Spec},
    worker::{RefusedReport, WorkerCommand},
};
use serde_json::Value;
use std::sync::Arc;
use uuid::Uuid;

use crate::{
    Accepted, Asked, Command, CommandError, Commands, Executed, authorise, counted::counted,
    executor::Call,
};

/// A lease, and what its holder needs to know of the job.
#[derive(Clone, Debug)]
pub struct Granted {
    /// Names it.
    pub lease: LeaseId,
    /// Whose job it is.
    pub owner: UserId,
    /// Which attempt this is, from 1.
    pub attempt: u32,
    /// How many attempts there may be.
    pub attempts_max: u32,
    /// How often the job was handed out because a lease was lost, from 1.
    pub delivery: u32,
    /// What is to be done.
    pub spec: Arc<Spec>,
    /// Its priority.
    pub priority: i16,
    /// What an earlier attempt left to go on from.
    pub checkpoint: Option<Value>,
    /// What went wrong last.
    pub last_error: Option<JobError>,
    /// How long the lease holds without a heartbeat, in milliseconds.
    pub lease_ms: u64,
    /// When the attempt will have taken too long.
    pub run_deadline: Option<Timestamp>,
    /// Whether somebody wants the job stopped.
    pub cancel_requested: bool,
    /// Where the grant stands in the journal.
    pub position: u64,
}

/// Who reports, and from which lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holder {
    /// The lease.
    pub lease: LeaseId,
    /// Who claims to hold it.
    pub worker: WorkerId,
}

impl Commands {
    /// Hands `job` to `worker`. `None` if somebody else was faster, or the job
    /// has become something that cannot be handed out.
    pub async fn grant(
        &self,
        job: JobId,
        worker: WorkerId,
        request: Option<Uuid>,
        asked: &Asked,
    ) -> Result<Option<Granted>, CommandError> {
        let command = JobCommand::GrantLease { worker, request };
        match self.told(job, command, asked).await {
            Ok(Executed { accepted, state }) => Ok(granted(job, &state, accepted.position)),
            Err(CommandError::Refused(
                Refusal::AlreadyLeased
                | Refusal::Ended { .. }
                | Refusal::TooEarly
                | Refusal::TooLate
                | Refusal::Paused
                | Refusal::NotFound { .. },
            )) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// What the holder of `lease` was told when it was granted: the answer to
    /// a request whose first answer was lost. `None` if the lease is over.
    pub async fn granted(&self, lease: LeaseId) -> Result<Option<Granted>, CommandError> {
        let state = self.jobs.load(lease.job.0).await?;
        Ok(granted(lease.job, &state, 0).filter(|it| it.lease == lease))
    }

    /// Where a leased job stands, for the answer to a heartbeat.
    pub async fn job_state(&self, job: JobId) -> Result<Job, CommandError> {
        self.jobs.load(job.0).await
    }

    /// Takes in what the holder of a lease reports. A report from a lease that
    /// is over is refused, and the refusal recorded in the worker's stream, at
    /// most once a lease; the job stays as it is.
    pub async fn report(
        &self,
        holder: Holder,
        said: RefusedReport,
        command: JobCommand,
        asked: &Asked,
    ) -> Result<Executed<Job>, CommandError> {
        let executed = self.told(holder.lease.job, command, asked).await;
        match &executed {
            Err(CommandError::Refused(Refusal::StaleFence { current, .. })) => {
                self.record_refusal(holder, said, *current, asked).await?;
            }
            Err(CommandError::Refused(Refusal::AlreadySettled { .. })) => {
                self.record_refusal(holder, said, None, asked).await?;
            }
            Ok(_) | Err(_) => {}
        }
        executed
    }

    /// Carries out a command about a job, and gives back the job.
    async fn told(
        &self,
        job: JobId,
        command: JobCommand,
        asked: &Asked,
    ) -> Result<Executed<Job>, CommandError> {
        let name = command.name();
        let work = async {
            authorise::check(name, &asked.actor)?;
            let call = Call { name, now: self.now(), asked };
            let executed = self.jobs.execute(job.0, command, call).await?;
            // The key came before, with the same words about another job: nothing was done to
            // this one.
            if executed.accepted.job() != Some(job) {
                return Err(Refusal::KeyReused.into());
            }
            Ok(executed)
        };
        counted(name, work).await
    }

    /// Records that a worker reported from a lease that was over.
    pub async fn record_refusal(
        &self,
        Holder { lease, worker }: Holder,
        said: RefusedReport,
        current: Option<u64>,
        asked: &Asked,
    ) -> Result<(), CommandError> {
        let command = WorkerCommand::RefuseReport { lease, report: said, current };
        // The first refusal of a lease is the one that is kept, whatever the
        // later ones say: they have the same key and the same digest.
        let once =
            Asked { idempotency: None, ..asked.clone() }.once(format!("refused/{lease}"), [0; 32]);
        let recorded: Result<Accepted, _> =
            self.execute(Command::Worker(worker, command), once).await;
        match recorded {
            Ok(_) => Ok(()),
            Err(CommandError::Refused(refusal)) => {
                tracing::warn!(%lease, %worker, %refusal, "a stale report was not recorded");
                Ok(())
            }
            Err(error) => Err(error),
        }
    }
}

fn granted(id: JobId, job: &Job, position: u64) -> Option<Granted> {
    let present = job.present()?;
    let Phase::Running(lease) = &present.phase else { return None };
    Some(Granted {
        lease: LeaseId { job: id, fence: lease.fence },
        owner: present.order.owner,
        attempt: lease.attempt,
        attempts_max: present.order.policy.attempts_max,
        delivery: present.losses + 1,
        spec: Arc::clone(&present.spec),
        priority: present.order.priority,
        checkpoint: present.checkpoint.clone(),
        last_error: present.last_error.clone(),
        lease_ms: present.order.policy.lease_ms,
        run_deadline: lease.run_deadline,
        cancel_requested: lease.cancel.is_some(),
        position,
    })
}

/// The names of a scope, or `None` for all.
pub fn named(scope: &ServiceScope) -> Option<Vec<String>> {
    match scope {
        ServiceScope::All => None,
        ServiceScope::Named(names) => Some(names.iter().map(ToString::to_string).collect()),
    }
}
