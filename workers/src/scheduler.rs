//! Queues jobs whose time has come: those that were asked for later, and those
//! that wait for their next attempt.

use std::time::Duration;

use commands::Commands;
use domain::{actor::Component, job::JobCommand};
use projections::Reader;
use tokio_util::sync::CancellationToken;

use crate::patrol::{Giver, Interrupted, Patrol, ROUND_MAX, patrol};

/// Queues jobs whose time has come.
#[derive(Clone)]
pub struct Scheduler {
    /// The way to the jobs.
    pub commands: Commands,
    /// The way to the tables.
    pub reader: Reader,
    /// How often to look: jobs start up to so much late.
    pub every: Duration,
}

impl Scheduler {
    /// Makes its rounds until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        let Self { commands, reader, every } = self;
        let giver = Giver::new(commands, Component::Scheduler);
        patrol(Rounds { reader, giver }, every, stop).await;
    }
}

/// The rounds of one run.
struct Rounds {
    reader: Reader,
    giver: Giver,
}

impl Patrol for Rounds {
    const NAME: &'static str = "scheduler";

    async fn round(&mut self) -> Result<(), Interrupted> {
        for job in self.reader.due(ROUND_MAX).await? {
            self.giver.give(job, JobCommand::QueueJob).await?;
        }
        Ok(())
    }
}
