//! What every kind of job is created with.

use serde::{Deserialize, Serialize};

use super::Policy;
use crate::{JobId, Refusal, Timestamp, UserId};

/// What every kind of job is created with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Whose job it is.
    pub owner: UserId,
    /// Jobs with a higher one are leased first. From −100 to 100.
    pub priority: i16,
    /// The job may not start before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<Timestamp>,
    /// The job ends then, whatever has become of it.
    pub expires_at: Timestamp,
    /// How often, how long, how soon again.
    pub policy: Policy,
    /// The job that this one repeats.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_of: Option<JobId>,
}

impl Order {
    /// Refuses an order that could never be carried out.
    pub fn check(&self, now: Timestamp) -> Result<(), Refusal> {
        if !(-100..=100).contains(&self.priority) {
            return Err(Refusal::invalid("priority", "between -100 and 100"));
        }
        if self.expires_at <= now {
            return Err(Refusal::invalid("expiresAt", "in the future"));
        }
        if self.not_before.is_some_and(|at| self.expires_at <= at) {
            return Err(Refusal::invalid("notBefore", "before the job expires"));
        }
        self.policy.check()
    }
}
