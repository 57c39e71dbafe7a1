//! What came of an attempt, and the command that it means.

use domain::{
    Refusal,
    artifact::Artifact,
    job::{Closing, JobCommand, JobError, Written},
    worker::RefusedReport,
};
use serde_json::Value;

/// What came of an attempt.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// The job is done.
    Completed(Finish),
    /// It came to nothing.
    Failed(JobError),
    /// It has stopped because somebody wants the job stopped.
    Cancelled,
    /// It is unfinished: another attempt goes on from the last checkpoint.
    Released,
}

/// What a job that is done has made.
#[derive(Clone, Debug)]
pub enum Finish {
    /// Pages.
    Crawl {
        /// How many pages are in the corpus.
        pages: u64,
        /// How many could not be fetched.
        errors: u64,
        /// The files that it made.
        artifacts: Vec<Artifact>,
    },
    /// A document.
    Report {
        /// The document.
        document: Artifact,
        /// How many sources could not be read.
        errors: u64,
        /// How it was written.
        written: Written,
    },
}

impl Outcome {
    /// As it is counted.
    pub(super) fn as_str(&self) -> &'static str {
        match self {
            Self::Completed(_) => "succeeded",
            Self::Failed(_) => "failed",
            Self::Cancelled => "cancelled",
            Self::Released => "released",
        }
    }

    /// As it is recorded when it comes too late.
    pub(super) fn said(&self) -> RefusedReport {
        match self {
            Self::Completed(_) => RefusedReport::Succeeded,
            Self::Failed(_) => RefusedReport::Failed,
            Self::Cancelled => RefusedReport::Cancelled,
            Self::Released => RefusedReport::Released,
        }
    }

    /// The command that it means, with what was not recorded before.
    pub(super) fn command(
        &self,
        fence: u64,
        closing: Closing,
        checkpoint: Option<Value>,
    ) -> JobCommand {
        match self.clone() {
            Self::Completed(Finish::Crawl { pages, errors, artifacts }) => {
                JobCommand::CompleteCrawl { fence, pages, errors, artifacts, closing }
            }
            Self::Completed(Finish::Report { document, errors, written }) => {
                let written = Some(written);
                JobCommand::CompleteReport { fence, document, errors, written, closing }
            }
            Self::Failed(error) => {
                let error = shortened(error);
                JobCommand::FailAttempt { fence, error, retry_at: None, closing }
            }
            Self::Cancelled => JobCommand::ConfirmCancel { fence, closing },
            Self::Released => {
                let (reason, until) = (None, None);
                JobCommand::ReleaseLease { fence, reason, until, checkpoint, closing }
            }
        }
    }

    /// Whoever did it has panicked. What with is on standard error.
    pub(super) fn panicked() -> Self {
        Self::Failed(JobError {
            error_type: "Panic".to_owned(),
            message: "the executor has a fault and stopped in the middle".to_owned(),
            detail: None,
            retryable: true,
        })
    }

    /// What it made cannot be recorded.
    pub(super) fn unrecordable(refusal: &Refusal) -> Self {
        Self::Failed(JobError {
            error_type: "UnrecordableOutcome".to_owned(),
            message: format!("what it made cannot be recorded: {refusal}"),
            detail: None,
            retryable: false,
        })
    }
}

/// An error is never refused for its length.
fn shortened(error: JobError) -> JobError {
    JobError {
        error_type: cut(&error.error_type, 256),
        message: cut(&error.message, 8 * 1024),
        detail: error.detail.map(|it| cut(&it, 32 * 1024)),
        retryable: error.retryable,
    }
}

fn cut(text: &str, bytes_max: usize) -> String {
    let mut text = text.replace('\0', "\u{FFFD}");
    text.truncate(text.floor_char_boundary(bytes_max));
    text
}
