//! Who was given a lease, and whether they came with the caller's token.

use std::collections::HashSet;

use commands::lease::Holder;
use domain::{LeaseId, Refusal, WorkerId, job::JobEvent, worker::RefusedReport};

use super::{Shared, caller::Caller, refused};
use crate::problem::Problem;

impl Shared {
    /// Whoever was given `lease`, however long ago, if it was a worker of the
    /// caller's token. Nobody else learns whether there is such a lease.
    pub(super) async fn holder(&self, lease: LeaseId, caller: &Caller) -> Result<Holder, Problem> {
        let worker = self.granted_to(lease).await?.ok_or_else(refused::lease_unknown)?;
        match self.known(worker, caller).await? {
            Some(_) => Ok(Holder { lease, worker }),
            None => Err(refused::lease_unknown()),
        }
    }

    /// As the journal has it: the fence is the version of the grant.
    pub(super) async fn granted_to(&self, lease: LeaseId) -> Result<Option<WorkerId>, Problem> {
        if let Some(worker) = self.holders.get(&lease) {
            return Ok(Some(worker));
        }
        let Some(before) = lease.fence.checked_sub(1).filter(|it| i64::try_from(*it).is_ok())
        else {
            return Ok(None);
        };
        let events = self.around.feed.job_events(lease.job, before, 1).await;
        let events = events.map_err(|error| refused::unavailable(&error))?;
        let granted = events.first().filter(|it| it.recorded.version == lease.fence);
        let granted = granted.and_then(|it| it.of_job());
        let Some((_, JobEvent::LeaseGranted(granted))) = granted else { return Ok(None) };
        self.holders.insert(lease, granted.worker);
        Ok(Some(granted.worker))
    }

    /// What `worker` holds.
    pub(super) async fn held_by(&self, worker: WorkerId) -> Result<HashSet<LeaseId>, Problem> {
        let held = self.around.reader.leases(worker, None).await;
        let held = held.map_err(|error| refused::unavailable(&error))?;
        Ok(held.into_iter().map(|it| it.lease).collect())
    }

    /// Whether `worker` lost any of the leases that it held, rather than ended
    /// them itself.
    pub(super) async fn lost_any(
        &self,
        worker: WorkerId,
        held: &HashSet<LeaseId>,
    ) -> Result<bool, Problem> {
        if held.is_empty() {
            return Ok(false);
        }
        let holds = self.held_by(worker).await?;
        for lease in held.difference(&holds) {
            let job = self.around.commands.job_state(lease.job).await;
            let job = job.map_err(|error| refused::command(&error))?;
            let over = job.present().and_then(|it| it.over(lease.fence));
            if matches!(over, Some(Refusal::StaleFence { .. })) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The answer to a report from a lease that is over, once that is recorded
    /// in the worker's stream.
    pub(super) async fn too_late(
        &self,
        holder: Holder,
        said: RefusedReport,
        caller: &Caller,
    ) -> Result<Problem, Problem> {
        let job = self.around.commands.job_state(holder.lease.job).await;
        let job = job.map_err(|error| refused::command(&error))?;
        let Some(refusal) = job.present().and_then(|it| it.over(holder.lease.fence)) else {
            // It came back between the two questions.
            return Ok(refused::later("CONTENDED", "ask again"));
        };
        let current =
            if let Refusal::StaleFence { current, .. } = &refusal { *current } else { None };
        let asked = caller.asked(holder.worker);
        let recorded = self.around.commands.record_refusal(holder, said, current, &asked).await;
        recorded.map_err(|error| refused::command(&error))?;
        Ok(refused::refusal(&refusal))
    }
}
