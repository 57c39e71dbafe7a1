//! What must hold of any journal, whatever happened to those who wrote it.

use std::{collections::HashMap, sync::Arc};

use anyhow::{Context, ensure};
use domain::{
    Decider, JobId,
    decode::Event,
    job::{Job, JobEvent, Phase},
};
use futures::TryStreamExt;
use journal::Journal;
use projections::{Fact, Subject};

/// Reads all of it. J1: positions are 1, 2, 3 …; J2: so are the versions of
/// each stream; J5: each event is what it was; W2: what has ended stays so; and
/// every report is of the lease that held the job.
pub(crate) async fn check(journal: &dyn Journal) -> anyhow::Result<()> {
    let mut position = 0;
    let mut versions: HashMap<String, u64> = HashMap::new();
    let mut jobs: HashMap<JobId, Job> = HashMap::new();
    let mut events = journal.replay(0);
    while let Some(recorded) = events.try_next().await? {
        position += 1;
        ensure!(recorded.position == position, "{} follows {position} − 1", recorded.position);
        let version = versions.entry(recorded.stream.to_string()).or_default();
        *version += 1;
        ensure!(recorded.version == *version, "{} has a hole", recorded.stream);
        ensure!(recorded.is_intact(), "the event at {position} is not what it was");

        let fact = Fact::read(&Arc::new(recorded))?;
        if let (Subject::Job(id), Event::Job(event)) = (fact.subject, &fact.event) {
            let job = jobs.entry(id).or_default();
            happens(job, event, *version).with_context(|| format!("{id} at {position}"))?;
        }
    }
    Ok(())
}

fn happens(job: &mut Job, event: &JobEvent, version: u64) -> anyhow::Result<()> {
    if let Some(present) = job.present() {
        ensure!(!present.state().is_final(), "{event:?} after {}", present.state());
        if let (Some(reported), Phase::Running(lease)) = (event.fence(), &present.phase) {
            ensure!(reported == lease.fence, "{event:?} while {} holds the job", lease.fence);
        }
    }
    job.evolve(event, version);
    Ok(())
}
