//! Why a command was turned down.

use std::borrow::Cow;

use crate::{client::Exceeded, job::JobState};

/// Why a command was turned down. Nothing was written. An ordinary answer, not
/// an error.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is none, or none that this actor may know of.
    #[error("there is no such {what}")]
    NotFound {
        /// What was looked for.
        what: &'static str,
    },
    /// The id is taken.
    #[error("the id is taken")]
    AlreadyExists,
    /// The job is over, and what is over stays as it is.
    #[error("the job has ended: {state}")]
    Ended {
        /// How it ended.
        state: JobState,
    },
    /// The job is not over yet.
    #[error("the job has not ended yet: {state}")]
    NotEnded {
        /// Where it stands.
        state: JobState,
    },
    /// Another worker came first.
    #[error("the job is held by another worker")]
    AlreadyLeased,
    /// The job waits for its time.
    #[error("the job may not start yet")]
    TooEarly,
    /// The job's time has passed.
    #[error("the job may not start any more")]
    TooLate,
    /// The job is left alone until somebody resumes it.
    #[error("the job is paused")]
    Paused,
    /// The report comes from a lease that is over.
    #[error("the lease with fence {reported} is over")]
    StaleFence {
        /// The fence that was reported with.
        reported: u64,
        /// The fence of the lease that holds the job now, if one does.
        current: Option<u64>,
        /// Where the job stands.
        state: JobState,
    },
    /// This lease has already been settled, with another outcome.
    #[error("the lease with fence {fence} has already been settled")]
    AlreadySettled {
        /// Its fence.
        fence: u64,
        /// Where the job stands.
        state: JobState,
    },
    /// Nobody asked the worker to stop.
    #[error("nobody asked for the job to be cancelled")]
    CancelNotRequested,
    /// The command is for another kind of job.
    #[error("this is no {expected}")]
    WrongKind {
        /// The kind that the command is for.
        expected: &'static str,
    },
    /// The role or the token does not allow it.
    #[error("not allowed: {rule}")]
    Forbidden {
        /// What would be.
        rule: &'static str,
    },
    /// There is no service of this name.
    #[error("there is no service `{name}`")]
    UnknownService {
        /// The name asked for.
        name: String,
    },
    /// The input breaks a rule.
    #[error("{field}: {rule}")]
    Invalid {
        /// Which part of the input, as a path such as `body/pages/0`.
        field: Cow<'static, str>,
        /// What it must be.
        rule: Cow<'static, str>,
    },
    /// The client has as many jobs as it may.
    #[error("{0}")]
    QuotaExceeded(Exceeded),
    /// The idempotency key came with another input before.
    #[error("the idempotency key was used with another input")]
    KeyReused,
}

impl Refusal {
    /// An input that breaks a rule.
    pub fn invalid(
        field: impl Into<Cow<'static, str>>,
        rule: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self::Invalid { field: field.into(), rule: rule.into() }
    }

    /// The code that programs go by. Never changes.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotFound { .. } => "NOT_FOUND",
            Self::AlreadyExists => "ALREADY_EXISTS",
            Self::Ended { .. } => "JOB_ENDED",
            Self::NotEnded { .. } => "JOB_NOT_ENDED",
            Self::AlreadyLeased => "ALREADY_LEASED",
            Self::TooEarly => "TOO_EARLY",
            Self::TooLate => "TOO_LATE",
            Self::Paused => "JOB_PAUSED",
            Self::StaleFence { .. } => "STALE_FENCE",
            Self::AlreadySettled { .. } => "ALREADY_SETTLED",
            Self::CancelNotRequested => "CANCEL_NOT_REQUESTED",
            Self::WrongKind { .. } => "WRONG_KIND",
            Self::Forbidden { .. } => "FORBIDDEN",
            Self::UnknownService { .. } => "UNKNOWN_SERVICE",
            Self::Invalid { .. } => "INVALID",
            Self::QuotaExceeded(_) => "QUOTA_EXCEEDED",
            Self::KeyReused => "KEY_REUSED",
        }
    }

    /// The part of the input that is at fault, where one is.
    pub fn field(&self) -> Option<&str> {
        match self {
            Self::Invalid { field, .. } => Some(field),
            Self::UnknownService { .. } => Some("service"),
            Self::KeyReused => Some("idempotencyKey"),
            Self::StaleFence { .. } | Self::AlreadySettled { .. } => Some("fence"),
            Self::NotFound { .. }
            | Self::AlreadyExists
            | Self::Ended { .. }
            | Self::NotEnded { .. }
            | Self::AlreadyLeased
            | Self::TooEarly
            | Self::TooLate
            | Self::Paused
            | Self::CancelNotRequested
            | Self::WrongKind { .. }
            | Self::Forbidden { .. }
            | Self::QuotaExceeded(_) => None,
        }
    }
}
