//! The answer to a command that was carried out.

use domain::{JobId, LandId};
use journal::{Appended, StreamId};

/// A command that was carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// What it was about. Under an idempotency key seen before, what the first
    /// command was about.
    pub stream: StreamId,
    /// The version that it is at.
    pub version: u64,
    /// Where in the journal one finds what happened. Reads that wait for this
    /// position see it.
    pub position: u64,
    /// Whether it had been carried out before.
    pub repeated: bool,
}

impl Accepted {
    /// The job that it was about.
    pub fn job(&self) -> Option<JobId> {
        (self.stream.category() == "job").then(|| self.stream.id().parse().ok())?
    }

    /// The land that it was about.
    pub fn land(&self) -> Option<LandId> {
        (self.stream.category() == "land").then(|| self.stream.id().parse().ok())?
    }
}

impl From<Appended> for Accepted {
    fn from(it: Appended) -> Self {
        let Appended { stream, version, position, repeated } = it;
        Self { stream, version, position, repeated }
    }
}
