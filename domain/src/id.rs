//! Identities. A [`JobId`] cannot be handed to something that wants a
//! [`WorkerId`].

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    )*};
}

ids! {
    /// Names a job, from its creation until long after it has ended.
    JobId;
    /// Names a worker process, for as long as it lives.
    WorkerId;
    /// Names a person. Who that is stands in `identity`, never in an event.
    UserId;
    /// Names a program that comes with a secret of its own.
    ClientId;
    /// Names a research project whose web pages are crawled.
    LandId;
}

/// Names a lease: the job, and the fence it was granted under. Written
/// `job.fence`, so that nothing has to be remembered to tell which is which.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LeaseId {
    /// The job that is held.
    pub job: JobId,
    /// The stream version of its `LeaseGranted` event.
    pub fence: u64,
}

impl fmt::Display for LeaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.job, self.fence)
    }
}

impl FromStr for LeaseId {
    type Err = NotALease;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (job, fence) = text.split_once('.').ok_or(NotALease)?;
        let job = job.parse().map_err(|_| NotALease)?;
        let fence = fence.parse().map_err(|_| NotALease)?;
        Ok(Self { job, fence })
    }
}

/// The text names no lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a lease is written as job id, full stop, fence")]
pub struct NotALease;

#[cfg(test)]
mod tests;
