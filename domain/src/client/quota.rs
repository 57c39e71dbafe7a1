//! How much a client may ask for.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Refusal, Timestamp};

/// How much a client may ask for; what is not said is not limited. Hours and
/// days are those of the clock, in UTC, by the time at which a job is recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quotas {
    /// How many of its jobs may not have ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active_jobs_max: Option<u32>,
    /// How many jobs it may create in an hour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jobs_per_hour: Option<u32>,
    /// How many jobs it may create in a day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jobs_per_day: Option<u32>,
}

/// The largest quota: a front end's integers end there.
const QUOTA_MAX: u32 = i32::MAX.cast_unsigned();

impl Quotas {
    /// Whether nothing is limited.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// A quota of nothing is a client that is disabled.
    pub(super) fn check(&self) -> Result<(), Refusal> {
        let quotas = [
            ("quotas/activeJobsMax", self.active_jobs_max),
            ("quotas/jobsPerHour", self.jobs_per_hour),
            ("quotas/jobsPerDay", self.jobs_per_day),
        ];
        for (field, quota) in quotas {
            if quota.is_some_and(|it| !(1..=QUOTA_MAX).contains(&it)) {
                let rule = format!("from 1 to {QUOTA_MAX}; a client is stopped by disabling it");
                return Err(Refusal::invalid(field, rule));
            }
        }
        Ok(())
    }
}

/// What of a client is limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quota {
    /// Jobs that have not ended.
    ActiveJobs,
    /// Jobs created in an hour.
    JobsPerHour,
    /// Jobs created in a day.
    JobsPerDay,
}

impl fmt::Display for Quota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ActiveJobs => "jobs that have not ended",
            Self::JobsPerHour => "jobs an hour",
            Self::JobsPerDay => "jobs a day",
        })
    }
}

/// The quota that a job would exceed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exceeded {
    /// Which.
    pub quota: Quota,
    /// What it is.
    pub limit: u32,
    /// From when on there is room again; not known of jobs that have to end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

impl fmt::Display for Exceeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the client may have {} {}; try again ", self.limit, self.quota)?;
        match self.until {
            Some(until) => write!(f, "after {}", until.format("%Y-%m-%dT%H:%M:%SZ")),
            None => f.write_str("when one of them has ended"),
        }
    }
}
