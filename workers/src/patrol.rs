//! Rounds that are made until the process stops.

use std::{collections::HashSet, error::Error, time::Duration};

use commands::{Asked, Command, CommandError, Commands};
use domain::{Actor, JobId, actor::Component, job::JobCommand};
use projections::ReadError;
use tokio::time::{MissedTickBehavior, error::Elapsed, interval, timeout};
use tokio_util::sync::CancellationToken;

/// How many rows are looked at in one round: the next one takes the rest.
pub(crate) const ROUND_MAX: u32 = 500;

/// Why something was cut short. It is tried again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Interrupted {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Command(#[from] CommandError),
    #[error("the database does not answer")]
    Silent(#[from] Elapsed),
}

/// How long a round may take. What it could not do in that time is done in the
/// next one.
const ROUND_TAKES_MAX: Duration = Duration::from_mins(1);

/// Somebody who makes rounds.
pub(crate) trait Patrol {
    /// The name under which interruptions are counted.
    const NAME: &'static str;

    /// Looks once, and does what there is to do.
    fn round(&mut self) -> impl Future<Output = Result<(), Interrupted>> + Send;
}

/// Makes a round every so often, until `stop`.
pub(crate) async fn patrol<P: Patrol>(mut who: P, every: Duration, stop: CancellationToken) {
    let mut rounds = interval(every);
    rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = rounds.tick() => {}
        }
        let made = timeout(ROUND_TAKES_MAX, who.round()).await;
        if let Err(interrupted) = made.unwrap_or_else(|silence| Err(silence.into())) {
            let cause: &(dyn Error + Send + Sync) = match &interrupted {
                Interrupted::Read(error) => error,
                Interrupted::Command(error) => error,
                Interrupted::Silent(error) => error,
            };
            metrics::counter!("greffe_rounds_interrupted_total", "part" => P::NAME).increment(1);
            tracing::warn!(part = P::NAME, error = cause, "the round was interrupted");
        }
    }
}

/// Gives commands to jobs unasked.
pub(crate) struct Giver {
    commands: Commands,
    by: Component,
    /// Jobs that cannot be read: each is told of once.
    unreadable: HashSet<JobId>,
}

impl Giver {
    pub(crate) fn new(commands: Commands, by: Component) -> Self {
        Self { commands, by, unreadable: HashSet::new() }
    }

    /// Gives a command to one job. Whoever was faster has made it needless:
    /// what is refused is not worth a word. A job that cannot be read stands in
    /// the way of no other.
    pub(crate) async fn give(
        &mut self,
        job: JobId,
        command: JobCommand,
    ) -> Result<bool, Interrupted> {
        let name = command.name();
        let asked = Asked::by(Actor::System(self.by));
        match self.commands.execute(Command::Job(job, command), asked).await {
            Ok(accepted) => {
                tracing::info!(%job, command = name, position = accepted.position, "done unasked");
                Ok(true)
            }
            Err(CommandError::Refused(refusal)) => {
                tracing::debug!(%job, command = name, %refusal, "needless");
                Ok(false)
            }
            // Somebody is busy with this job: the next round looks again.
            Err(CommandError::Contended) => Ok(false),
            Err(error) if error.is_damage() => {
                if self.unreadable.insert(job) {
                    let cause: &(dyn Error + Send + Sync) = &error;
                    metrics::counter!("greffe_jobs_unreadable_total").increment(1);
                    tracing::error!(%job, command = name, error = cause, "it cannot be read");
                }
                Ok(false)
            }
            Err(error @ CommandError::Broken(_)) => Err(Interrupted::Command(error)),
        }
    }
}
