//! How often, how long, and how soon again.

use chrono::Duration;
use serde::{Deserialize, Serialize};

use crate::{Refusal, Timestamp};

/// What a job needs to know of its service. Copied into the event that creates
/// the job, so that a later change of the service does not change its past.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// How many attempts may fail before the job does.
    pub attempts_max: u32,
    /// How many leases may be lost before the job fails: a job that kills its
    /// worker does not loop.
    pub deliveries_max: u32,
    /// The wait after the first failed attempt, in milliseconds. It doubles
    /// from one to the next.
    pub backoff_first_ms: u64,
    /// The longest wait between attempts, in milliseconds.
    pub backoff_max_ms: u64,
    /// How long a lease holds without a heartbeat, in milliseconds.
    pub lease_ms: u64,
    /// How long an attempt may take, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_timeout_ms: Option<u64>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            attempts_max: 3,
            deliveries_max: 5,
            backoff_first_ms: 2_000,
            backoff_max_ms: 300_000,
            lease_ms: 60_000,
            run_timeout_ms: None,
        }
    }
}

/// The longest that any duration of a policy may be: a year.
const DURATION_MAX_MS: u64 = 366 * 24 * 3_600 * 1_000;

impl Policy {
    /// Refuses numbers with which no job could run.
    pub fn check(&self) -> Result<(), Refusal> {
        at_least_one("attempts_max", self.attempts_max)?;
        at_least_one("deliveries_max", self.deliveries_max)?;
        if !(1_000..=86_400_000).contains(&self.lease_ms) {
            return Err(Refusal::invalid("lease_ms", "between 1000 and 86400000"));
        }
        let durations = [
            ("backoff_first_ms", self.backoff_first_ms),
            ("backoff_max_ms", self.backoff_max_ms),
            ("run_timeout_ms", self.run_timeout_ms.unwrap_or(1)),
        ];
        for (field, ms) in durations {
            if DURATION_MAX_MS < ms {
                return Err(Refusal::invalid(field, "at most a year"));
            }
        }
        if self.run_timeout_ms == Some(0) {
            return Err(Refusal::invalid("run_timeout_ms", "at least 1"));
        }
        Ok(())
    }

    /// How long to wait after `failures` failures in a row, the first being 1:
    /// exponential, with up to a quarter taken off, so that jobs that failed
    /// together do not come back together. `now` is the only randomness.
    pub fn backoff(&self, failures: u32, now: Timestamp) -> Duration {
        let doublings = failures.saturating_sub(1).min(32);
        let full = self
            .backoff_first_ms
            .saturating_mul(1 << doublings)
            .min(self.backoff_max_ms)
            .min(DURATION_MAX_MS);
        let scattered = now.timestamp_micros().cast_unsigned().wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let off = (full / 4).saturating_mul(scattered >> 56) / 256;
        milliseconds(full - off)
    }

    /// How long a lease holds without a heartbeat.
    pub fn lease(&self) -> Duration {
        milliseconds(self.lease_ms)
    }

    /// When an attempt that starts `now` has taken too long.
    pub fn run_deadline(&self, now: Timestamp) -> Option<Timestamp> {
        self.run_timeout_ms.map(|ms| now + milliseconds(ms))
    }
}

fn at_least_one(field: &'static str, count: u32) -> Result<(), Refusal> {
    if count == 0 { Err(Refusal::invalid(field, "at least 1")) } else { Ok(()) }
}

/// A duration that cannot overflow what a timestamp can bear.
pub(crate) fn milliseconds(ms: u64) -> Duration {
    Duration::milliseconds(i64::try_from(ms.min(DURATION_MAX_MS)).unwrap_or(i64::MAX))
}
