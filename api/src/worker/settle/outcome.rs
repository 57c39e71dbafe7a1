//! What a worker says came of an attempt, and the command that it means.

use chrono::Duration;
use commands::progress;
use domain::{
    Refusal, Timestamp,
    artifact::Artifact,
    job::{Closing, JobCommand, JobError, Progress},
    worker::RefusedReport,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use super::super::{described, heartbeat::Advance, refused};
use crate::problem::Problem;

/// The longest that a job may be put off: a year.
const DELAY_MAX_MS: u64 = 366 * 24 * 3_600 * 1_000;

/// A report that ends a lease, as it comes in.
#[derive(Deserialize, JsonSchema)]
pub(in super::super) struct Settle {
    pub(super) fence: u64,
    /// One for each report, and the same for its repetitions.
    pub(super) op_id: Uuid,
    outcome: Word,
    /// What came of it, if it succeeded.
    result: Option<Value>,
    /// How many items of a batch failed.
    #[serde(default)]
    errors: u64,
    /// Files that were sent before.
    #[serde(default)]
    #[schemars(schema_with = "described::cited")]
    artifacts: Vec<Artifact>,
    /// Required if it failed.
    error: Option<Failure>,
    /// Instead of the service's own pause before the next attempt.
    retry_after_ms: Option<u64>,
    /// Why it is given back.
    reason: Option<String>,
    /// Until when it is given back. Required if it is put off.
    delay_ms: Option<u64>,
    /// For the next attempt to go on from, if it is given back.
    checkpoint: Option<Value>,
    final_progress: Option<Advance>,
}

/// The outcome in one word.
#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "Outcome")]
pub(super) enum Word {
    /// Done.
    Succeeded,
    /// This attempt came to nothing.
    Failed,
    /// Stopped, as it was asked to.
    Cancelled,
    /// Given back: another worker may go on.
    Released,
    /// Given back until later: something is not there yet.
    Snoozed,
}

/// Why an attempt came to nothing.
#[derive(Deserialize, JsonSchema)]
struct Failure {
    #[serde(rename = "type")]
    error_type: String,
    message: String,
    detail: Option<String>,
    #[serde(default = "yes")]
    retryable: bool,
}

fn yes() -> bool {
    true
}

/// A report that ends a lease, with all that belongs to it.
pub(super) struct Report {
    pub(super) word: Word,
    outcome: Outcome,
    last: Option<Progress>,
}

enum Outcome {
    Succeeded { result: Value, errors: u64, artifacts: Vec<Artifact> },
    Failed { error: JobError, retry_after: Option<Duration> },
    Cancelled,
    Released { reason: Option<String>, delay: Option<Duration>, checkpoint: Option<Value> },
}

impl Word {
    /// As it is counted.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Released => "released",
            Self::Snoozed => "snoozed",
        }
    }

    /// As it is recorded when it comes too late.
    pub(super) fn said(self) -> RefusedReport {
        match self {
            Self::Succeeded => RefusedReport::Succeeded,
            Self::Failed => RefusedReport::Failed,
            Self::Cancelled => RefusedReport::Cancelled,
            Self::Released | Self::Snoozed => RefusedReport::Released,
        }
    }
}

impl Settle {
    /// Refuses what lacks something that belongs to its outcome.
    pub(super) fn report(self) -> Result<Report, Problem> {
        let word = self.outcome;
        let required = |field: &'static str| {
            refused::invalid(field, format!("required when the outcome is `{}`", word.as_str()))
        };
        let outcome = match word {
            Word::Succeeded => Outcome::Succeeded {
                result: self.result.unwrap_or_default(),
                errors: self.errors,
                artifacts: self.artifacts,
            },
            Word::Failed => Outcome::Failed {
                error: self.error.ok_or_else(|| required("error"))?.into(),
                retry_after: delay("retry_after_ms", self.retry_after_ms)?,
            },
            Word::Cancelled => Outcome::Cancelled,
            Word::Snoozed if self.delay_ms.is_none() => return Err(required("delay_ms")),
            Word::Released | Word::Snoozed => Outcome::Released {
                reason: self.reason,
                delay: delay("delay_ms", self.delay_ms)?,
                checkpoint: self.checkpoint,
            },
        };
        let last = self.final_progress.map(Progress::from);
        let report = progress::Report { progress: last, checkpoint: None };
        report.check().map_err(|refusal| final_progress(&refusal))?;
        Ok(Report { word, outcome, last: report.progress })
    }
}

impl Report {
    /// The files that it names.
    pub(super) fn artifacts(&self) -> &[Artifact] {
        match &self.outcome {
            Outcome::Succeeded { artifacts, .. } => artifacts,
            Outcome::Failed { .. } | Outcome::Cancelled | Outcome::Released { .. } => &[],
        }
    }

    /// Whether another attempt may need a checkpoint that the report itself
    /// cannot carry.
    pub(super) fn needs_checkpoint_kept(&self) -> bool {
        matches!(self.outcome, Outcome::Failed { .. })
    }

    /// The command that it means, together with what heartbeats have said and
    /// nobody has recorded yet.
    pub(super) fn command(
        self,
        fence: u64,
        now: Timestamp,
        mut closing: Closing,
        checkpoint: Option<Value>,
    ) -> JobCommand {
        closing.progress = self.last.or(closing.progress);
        match self.outcome {
            Outcome::Succeeded { result, errors, artifacts } => {
                JobCommand::CompleteTask { fence, result, errors, artifacts, closing }
            }
            Outcome::Failed { error, retry_after } => {
                let retry_at = retry_after.map(|it| now + it);
                JobCommand::FailAttempt { fence, error, retry_at, closing }
            }
            Outcome::Cancelled => JobCommand::ConfirmCancel { fence, closing },
            Outcome::Released { reason, delay, checkpoint: own } => JobCommand::ReleaseLease {
                fence,
                reason,
                until: delay.map(|it| now + it),
                checkpoint: own.or(checkpoint),
                closing,
            },
        }
    }
}

impl From<Failure> for JobError {
    fn from(Failure { error_type, message, detail, retryable }: Failure) -> Self {
        Self { error_type, message, detail, retryable }
    }
}

fn delay(field: &str, ms: Option<u64>) -> Result<Option<Duration>, Problem> {
    let Some(ms) = ms else { return Ok(None) };
    let known = i64::try_from(ms).ok().filter(|_| ms <= DELAY_MAX_MS);
    let known =
        known.ok_or_else(|| refused::invalid(field, format!("at most {DELAY_MAX_MS}, a year")))?;
    Ok(Some(Duration::milliseconds(known)))
}

/// The domain knows the last progress as progress.
fn final_progress(refusal: &Refusal) -> Problem {
    let Refusal::Invalid { field, rule } = refusal else { return refused::refusal(refusal) };
    refused::invalid(format!("final_{}", field.replace('.', "/")), rule.clone())
}
