//! Ends what nobody would end: leases whose worker was not heard of, attempts
//! that take too long, jobs whose time has passed. With it, every accepted job
//! ends.

mod grace;

use std::time::Duration;

use commands::Commands;
use domain::{
    JobId, Timestamp,
    actor::Component,
    job::{Closing, JobCommand, JobError},
};
use projections::Reader;
use tokio_util::sync::CancellationToken;

use self::grace::Grace;
use crate::patrol::{Giver, Interrupted, Patrol, ROUND_MAX, patrol};

/// How many rounds are made between two looks at all leases, for those that
/// nobody has begun to count for.
const ROUNDS_PER_LOOK_AT_ALL: u32 = 60;

/// How many beats of ended leases are removed at a time.
const FORGOTTEN_AT_ONCE: u32 = 1_000;

/// Ends what nobody would end.
#[derive(Clone)]
pub struct Rescuer {
    /// The way to the jobs.
    pub commands: Commands,
    /// The way to the tables.
    pub reader: Reader,
    /// How often to look.
    pub every: Duration,
    /// How long it lets leases be after its start, and after the database did
    /// not answer: workers that could not beat while Greffe or its database was
    /// away get the chance to.
    pub grace: Duration,
}

impl Rescuer {
    /// Makes its rounds until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        let Self { commands, reader, every, grace } = self;
        let rounds = Rounds {
            giver: Giver::new(commands.clone(), Component::Rescuer),
            commands,
            reader,
            made: 0,
            grace: Grace::new(grace, every),
        };
        patrol(rounds, every, stop).await;
    }
}

/// The rounds of one run.
struct Rounds {
    commands: Commands,
    reader: Reader,
    giver: Giver,
    made: u32,
    grace: Grace,
}

impl Patrol for Rounds {
    const NAME: &'static str = "rescuer";

    async fn round(&mut self) -> Result<(), Interrupted> {
        let made = self.made;
        self.made = made.wrapping_add(1);
        if made.is_multiple_of(ROUNDS_PER_LOOK_AT_ALL) {
            self.reader.begin_missing_beats().await?;
        }
        self.forget_beats().await?;
        // Before it is decided: should the database go away now, no lease that
        // runs out meanwhile is lost when it comes back.
        let at = self.answered(self.reader.lease_time().await?);
        if !self.grace.holds() {
            self.end_lost_leases(at).await?;
            self.end_overdue_attempts().await?;
            self.end_expired_jobs().await?;
        }
        Ok(())
    }
}

impl Rounds {
    /// Takes what the database has just answered.
    fn answered<T>(&mut self, answer: T) -> T {
        self.grace.answered(self.commands.now());
        answer
    }

    /// Gives a command to one job, unless it is needless. Whether it was given.
    async fn give(&mut self, job: JobId, command: JobCommand) -> Result<bool, Interrupted> {
        let given = self.giver.give(job, command).await?;
        Ok(self.answered(given))
    }

    /// What is over is not looked at again.
    async fn forget_beats(&mut self) -> Result<(), Interrupted> {
        let all = u64::from(FORGOTTEN_AT_ONCE);
        while self.answered(self.reader.forget_beats(FORGOTTEN_AT_ONCE).await?) == all {}
        Ok(())
    }

    async fn end_lost_leases(&mut self, at: Timestamp) -> Result<(), Interrupted> {
        for lease in self.answered(self.reader.mark_lost(at, ROUND_MAX).await?) {
            let log = self.reader.seal_log(lease).await?;
            let command = JobCommand::ExpireLease { fence: lease.fence, log };
            if self.give(lease.job, command).await? {
                metrics::counter!("greffe_leases_lost_total").increment(1);
            }
        }
        Ok(())
    }

    async fn end_overdue_attempts(&mut self) -> Result<(), Interrupted> {
        for held in self.answered(self.reader.overdue(ROUND_MAX).await?) {
            let log = self.reader.seal_log(held.lease).await?;
            let error = JobError {
                error_type: "RunTimeout".to_owned(),
                message: "the attempt took longer than its service allows".to_owned(),
                detail: None,
                retryable: true,
            };
            let command = JobCommand::FailAttempt {
                fence: held.lease.fence,
                error,
                retry_at: None,
                closing: Closing { progress: None, log },
            };
            self.give(held.lease.job, command).await?;
        }
        Ok(())
    }

    async fn end_expired_jobs(&mut self) -> Result<(), Interrupted> {
        for job in self.answered(self.reader.expired(ROUND_MAX).await?) {
            self.give(job, JobCommand::ExpireJob).await?;
        }
        Ok(())
    }
}
