//! How far a job has come, and what an attempt leaves behind.

use serde::{Deserialize, Serialize};

use super::limit;
use crate::{Refusal, artifact::Sha256};

/// How far an attempt has come.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// How much is done, in whatever the service counts.
    pub done: u64,
    /// How much there is, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
    /// For humans, one line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

impl Progress {
    /// From 0 to 100, to a tenth; unknown while the total is.
    pub fn percent(&self) -> Option<f64> {
        let total = self.total?;
        if total == 0 {
            return Some(100.0);
        }
        #[expect(clippy::cast_precision_loss, reason = "a percentage needs no 53 bits")]
        let tenths = self.done as f64 / total as f64 * 1_000.0;
        Some((tenths.floor() / 10.0).min(100.0))
    }

    pub(super) fn check(&self) -> Result<(), Refusal> {
        if self.total.is_some_and(|total| total < self.done) {
            return Err(Refusal::invalid("progress.done", "at most progress.total"));
        }
        if i64::try_from(self.total.unwrap_or(self.done)).is_err() {
            return Err(Refusal::invalid("progress.total", "below 2^63"));
        }
        limit::text("progress.message", self.message.as_deref().unwrap_or_default(), 1_024)
    }
}

/// What went wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobError {
    /// The class of the error, such as `Timeout`.
    #[serde(rename = "type")]
    pub error_type: String,
    /// For humans.
    pub message: String,
    /// More for humans: a stack, the output of a program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Whether another attempt may end better.
    pub retryable: bool,
}

impl JobError {
    pub(super) fn check(&self) -> Result<(), Refusal> {
        limit::text("error.type", &self.error_type, 256)?;
        limit::text("error.message", &self.message, 8 * 1024)?;
        limit::text("error.detail", self.detail.as_deref().unwrap_or_default(), 32 * 1024)
    }
}

/// What an attempt has logged, sealed: the lines are kept in a table, and this
/// shows whether they still are what they were.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogSeal {
    /// How many lines.
    pub lines: u64,
    /// How many bytes, as exported.
    pub bytes: u64,
    /// Their hash, as exported.
    pub sha256: Sha256,
}

/// What a report that ends an attempt brings along, whatever the outcome.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Closing {
    /// The last progress, if it was not recorded yet.
    pub progress: Option<Progress>,
    /// The seal of the attempt's log, if it logged anything.
    pub log: Option<LogSeal>,
}
