//! Where a job stands, in one word.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Where a job stands, in one word. The last four are final.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum JobState {
    /// Not before a time.
    Scheduled,
    /// A worker may take it.
    Queued,
    /// A worker holds it.
    Running,
    /// Waits for its next attempt.
    Retrying,
    /// Done. May carry errors.
    Succeeded,
    /// No attempt succeeded, and there will be no other.
    Failed,
    /// Somebody had it stopped.
    Cancelled,
    /// Its time passed.
    Expired,
}

impl JobState {
    /// All of them, in the order of a life.
    pub const ALL: [Self; 8] = [
        Self::Scheduled,
        Self::Queued,
        Self::Running,
        Self::Retrying,
        Self::Succeeded,
        Self::Failed,
        Self::Cancelled,
        Self::Expired,
    ];

    /// Whether nothing more will happen to the job.
    pub fn is_final(self) -> bool {
        match self {
            Self::Scheduled | Self::Queued | Self::Running | Self::Retrying => false,
            Self::Succeeded | Self::Failed | Self::Cancelled | Self::Expired => true,
        }
    }

    /// As tables and the API write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Scheduled => "SCHEDULED",
            Self::Queued => "QUEUED",
            Self::Running => "RUNNING",
            Self::Retrying => "RETRYING",
            Self::Succeeded => "SUCCEEDED",
            Self::Failed => "FAILED",
            Self::Cancelled => "CANCELLED",
            Self::Expired => "EXPIRED",
        }
    }

    /// Reads what [`Self::as_str`] wrote.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == text)
    }
}

impl fmt::Display for JobState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
