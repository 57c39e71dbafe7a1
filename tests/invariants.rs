//! What must hold of any journal, whatever happened to those who wrote it.

pub(crate) mod tables;

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use anyhow::{Context, ensure};
use artifacts::Artifacts;
use domain::{
    Decider, JobId,
    artifact::Sha256,
    decode::Event,
    job::{Job, JobEvent},
    worker::WorkerEvent,
};
use futures::TryStreamExt;
use journal::Journal;
use projections::{Fact, Subject};
use serde_json::Value;

/// A job, and who holds it.
#[derive(Default)]
struct Followed {
    job: Job,
    /// The fence of the lease that holds it.
    holder: Option<u64>,
    /// The fence of the last lease.
    last: Option<u64>,
}

/// Reads all of it. J1: positions are 1, 2, 3 …; J2: so are the versions of
/// each stream; J5: each event is what it was; W2: what has ended stays so, a
/// job is granted to nobody while somebody holds it, every report is of the
/// lease that holds the job, and of each lease one that came too late is on record.
pub(crate) async fn check(journal: &dyn Journal) -> anyhow::Result<()> {
    let mut position = 0;
    let mut versions: HashMap<String, u64> = HashMap::new();
    let mut jobs: HashMap<JobId, Followed> = HashMap::new();
    let mut late = HashSet::new();
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
            job.happens(event, *version).with_context(|| format!("{id} at {position}"))?;
        }
        if let Event::Worker(WorkerEvent::StaleReportRefused(it)) = &fact.event {
            let lease = format!("{:?} {} {}", fact.subject, it.job, it.fence);
            ensure!(late.insert(lease), "at {position}, once more: {it:?}");
        }
    }
    Ok(())
}

/// No event names a file that the store has not, whole and as it was.
pub(crate) async fn check_files(
    journal: &dyn Journal,
    artifacts: &Artifacts,
) -> anyhow::Result<usize> {
    let mut found = 0;
    let mut events = journal.replay(0);
    while let Some(recorded) = events.try_next().await? {
        let payload: Value = serde_json::from_str(&recorded.payload)?;
        for (hash, bytes) in named(&payload) {
            let hash: Sha256 = hash.parse()?;
            let content = artifacts.read(&hash.bytes(), bytes).await;
            let content = content.with_context(|| format!("named at {}", recorded.position))?;
            ensure!(content.len() as u64 == bytes, "{hash} has {} bytes", content.len());
            found += 1;
        }
    }
    Ok(found)
}

/// Hash and length of all that looks like a file: seals of logs have no name.
fn named(value: &Value) -> Vec<(&str, u64)> {
    match value {
        Value::Object(fields) => {
            let file = || {
                fields.get("name")?;
                Some((fields.get("sha256")?.as_str()?, fields.get("bytes")?.as_u64()?))
            };
            file().into_iter().chain(fields.values().flat_map(named)).collect()
        }
        Value::Array(values) => values.iter().flat_map(named).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    }
}

impl Followed {
    fn happens(&mut self, event: &JobEvent, version: u64) -> anyhow::Result<()> {
        if let Some(present) = self.job.present() {
            let state = present.state();
            // What has ended may still be given to somebody else.
            let moves = !matches!(event, JobEvent::JobTransferred(_));
            ensure!(!(state.is_final() && moves), "{event:?} after {state}");
        }
        if let JobEvent::LeaseGranted(_) = event {
            ensure!(self.holder.is_none(), "granted while {:?} holds it", self.holder);
            (self.holder, self.last) = (Some(version), Some(version));
        }
        if let Some(fence) = event.fence() {
            // A lease that ends for good does so just before the job.
            let over = matches!(event, JobEvent::JobCancelled(_));
            let holder = if over { self.last } else { self.holder };
            ensure!(Some(fence) == holder, "{event:?} while {holder:?} holds it");
        }
        if matches!(
            event,
            JobEvent::LeaseReleased(_) | JobEvent::LeaseExpired(_) | JobEvent::AttemptFailed(_)
        ) {
            self.holder = None;
        }
        self.job.evolve(event, version);
        Ok(())
    }
}
