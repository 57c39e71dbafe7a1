//! Why a field has no answer, by what its reader should do about it. Here is where an error of the
//! system meets the public: its cause goes to the log, the public gets a code.
//!
//! Refusals of commands are not here: they are data, see [`super::user_error`].

use std::error::Error as StdError;

use async_graphql::{Error, ErrorExtensions};
use commands::CommandError;
use identity::IdentityError;
use projections::{ReadError, checkpoint::NotReached, feed::FeedError};

/// What a resolver answers.
pub(super) type Result<T> = std::result::Result<T, Fault>;

/// Why a field has no answer. It does not implement `Display`, so that it becomes an [`Error`] only
/// with its code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// Sign in first.
    Unauthenticated,
    /// Ask somebody with another role.
    Forbidden(&'static str),
    /// There is none, or none that one may know of.
    NotFound,
    /// An argument breaks a rule.
    BadUserInput { argument: &'static str, rule: String },
    /// Ask again: the read side has not got there in time.
    NotReached(NotReached),
    /// Ask again: this process has not heard of the position that one wants to go on from.
    Ahead { required: u64, current: u64 },
    /// No such position will be there for a long time, if ever.
    OutOfRange { required: u64, current: u64 },
    /// Ask for less.
    TooExpensive { limit: u64 },
    /// Ask again: others keep writing to the same job.
    Contended,
    /// Tell the operator, who finds the cause in the log.
    Internal,
}

impl Fault {
    pub(super) fn bad_input(argument: &'static str, rule: impl Into<String>) -> Self {
        Self::BadUserInput { argument, rule: rule.into() }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Unauthenticated => "UNAUTHENTICATED",
            Self::Forbidden(_) => "FORBIDDEN",
            Self::NotFound => "NOT_FOUND",
            Self::BadUserInput { .. } => "BAD_USER_INPUT",
            Self::NotReached(_) => "POSITION_NOT_REACHED",
            Self::Ahead { .. } => "POSITION_AHEAD",
            Self::OutOfRange { .. } => "POSITION_OUT_OF_RANGE",
            Self::TooExpensive { .. } => "QUERY_TOO_EXPENSIVE",
            Self::Contended => "CONTENDED",
            Self::Internal => "INTERNAL_SERVER_ERROR",
        }
    }

    fn message(&self) -> String {
        match self {
            Self::Unauthenticated => "this is for those who have signed in".to_owned(),
            Self::Forbidden(rule) => format!("not allowed: {rule}"),
            Self::NotFound => "there is none, or none that you may see".to_owned(),
            Self::BadUserInput { argument, rule } => format!("{argument}: {rule}"),
            Self::NotReached(it) => it.to_string(),
            Self::Ahead { required, current } => {
                format!("position {required} is not known here yet, only {current}")
            }
            Self::OutOfRange { required, current } => {
                format!("position {required} is far beyond the journal's head, {current}")
            }
            Self::TooExpensive { limit } => {
                format!("lists and texts of one answer may cost {limit} in all: ask for fewer")
            }
            Self::Contended => "too many writers at once, ask again".to_owned(),
            Self::Internal => "internal error".to_owned(),
        }
    }

    fn positions(&self) -> Option<(u64, u64)> {
        match self {
            Self::NotReached(NotReached { required, current })
            | Self::Ahead { required, current }
            | Self::OutOfRange { required, current } => Some((*required, *current)),
            Self::Unauthenticated
            | Self::Forbidden(_)
            | Self::NotFound
            | Self::BadUserInput { .. }
            | Self::TooExpensive { .. }
            | Self::Contended
            | Self::Internal => None,
        }
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        Self::new(fault.message()).extend_with(|_, extensions| {
            extensions.set("code", fault.code());
            if let Some((required, current)) = fault.positions() {
                extensions.set("required", required.to_string());
                extensions.set("current", current.to_string());
            }
            if let Fault::BadUserInput { argument, .. } = &fault {
                extensions.set("argument", *argument);
            }
            if let Fault::TooExpensive { limit } = &fault {
                extensions.set("limit", *limit);
            }
        })
    }
}

/// Something went wrong that no caller can help.
pub(super) fn internal(error: &(dyn StdError + 'static)) -> Fault {
    tracing::error!(error, "a field has no answer");
    Fault::Internal
}

impl From<ReadError> for Fault {
    fn from(error: ReadError) -> Self {
        internal(&error)
    }
}

impl From<FeedError> for Fault {
    fn from(error: FeedError) -> Self {
        internal(&error)
    }
}

impl From<IdentityError> for Fault {
    fn from(error: IdentityError) -> Self {
        match error {
            IdentityError::Contended => Self::Contended,
            IdentityError::Refused(_)
            | IdentityError::Unavailable(_)
            | IdentityError::Broken(_) => internal(&error),
        }
    }
}

impl From<CommandError> for Fault {
    fn from(error: CommandError) -> Self {
        match error {
            CommandError::Contended => Self::Contended,
            CommandError::Refused(_) | CommandError::Broken(_) => internal(&error),
        }
    }
}
