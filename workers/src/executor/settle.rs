//! The one outcome of a lease, told until it is understood.

use commands::{
    Asked, Command, CommandError,
    lease::Holder,
    progress::{Closing, Report},
};
use domain::{
    Refusal,
    job::{self, JobCommand},
};
use tokio::time::sleep;

use super::{Outcome, RETRY_AFTER, Stop, attempt::Handle, session::Session};
use crate::patrol::Interrupted;

impl Session {
    /// Reports what came of an attempt. A lease that is lost has nothing to give
    /// back; what was made under it is reported all the same, to be refused and
    /// go on record. One that is only doubted is given back, until somebody says
    /// that it is lost: beats go on meanwhile.
    pub(super) async fn settle(&self, handle: &Handle, outcome: Outcome) {
        let mut outcome = match (outcome, handle.why()) {
            (Outcome::Cancelled | Outcome::Released, Some(Stop::Lost)) => return,
            // What nobody asked for is not confirmed.
            (Outcome::Cancelled, Some(Stop::Pause | Stop::Doubted | Stop::Shutdown) | None) => {
                Outcome::Released
            }
            (outcome, _) => outcome,
        };
        loop {
            self.keep_log(handle).await;
            match self.report(handle, &outcome).await {
                Ok(()) => {
                    let outcome = outcome.as_str();
                    metrics::counter!("greffe_settles_total", "outcome" => outcome).increment(1);
                    return;
                }
                Err(Interrupted::Command(CommandError::Refused(refusal))) => {
                    let code = refusal.code();
                    metrics::counter!("greffe_reports_refused_total", "code" => code).increment(1);
                    if is_too_late(&refusal) || matches!(outcome, Outcome::Failed(_)) {
                        tracing::warn!(%refusal, "what came of an attempt is refused");
                        return;
                    }
                    tracing::error!(%refusal, "what came of an attempt cannot be recorded");
                    outcome = Outcome::unrecordable(&refusal);
                }
                Err(interrupted) => {
                    tracing::warn!(error = %interrupted, "an attempt is settled later");
                    if handle.why() == Some(Stop::Lost) {
                        return;
                    }
                    sleep(RETRY_AFTER).await;
                }
            }
        }
    }

    /// Under one key, so that it counts once however often it is said.
    async fn report(&self, handle: &Handle, outcome: &Outcome) -> Result<(), Interrupted> {
        let holder = handle.0.holder;
        let mut closing = self.progress.close(holder.lease).await;
        if let Outcome::Failed(_) = outcome {
            self.keep_checkpoint(holder, &mut closing).await?;
        }
        let log = self.executor.reader.seal_log(holder.lease).await?;
        let Report { progress, checkpoint } = closing.pending.clone();
        let brought = job::Closing { progress, log };
        let command = outcome.command(holder.lease.fence, brought, checkpoint);
        let asked = self.asked.clone().once(format!("settle/{}", holder.lease), [0; 32]);
        self.executor.commands.report(holder, outcome.said(), command, &asked).await?;
        closing.settled();
        Ok(())
    }

    /// A failure carries no checkpoint: one that was not recorded yet goes
    /// before it, for the next attempt.
    async fn keep_checkpoint(
        &self,
        Holder { lease, .. }: Holder,
        closing: &mut Closing,
    ) -> Result<(), Interrupted> {
        let checkpoint = closing.pending.checkpoint.clone();
        if checkpoint.is_none() {
            return Ok(());
        }
        let fence = lease.fence;
        let command = JobCommand::ReportProgress { fence, progress: None, checkpoint };
        let asked = Asked { idempotency: None, ..self.asked.clone() };
        match self.executor.commands.execute(Command::Job(lease.job, command), asked).await {
            Ok(_) => closing.pending.checkpoint = None,
            // The report itself is about to be refused for the same reason.
            Err(CommandError::Refused(_)) => {}
            Err(error @ (CommandError::Contended | CommandError::Broken(_))) => {
                return Err(error.into());
            }
        }
        Ok(())
    }
}

fn is_too_late(refusal: &Refusal) -> bool {
    matches!(refusal, Refusal::StaleFence { .. } | Refusal::AlreadySettled { .. })
}
