//! What to do about an error of the database.

use std::sync::Arc;

use crate::{AppendError, BoxError, JournalError};

/// Why a batch was not written, or may not have been.
#[derive(Debug)]
pub(super) enum Failure {
    /// A stream, a key or a guard was not as believed. Nothing was written.
    Contested,
    /// There is no partition for its positions. Nothing was written.
    NoPartition,
    /// The connection broke; whether it was written is unknown.
    Lost(sqlx::Error),
    /// The database cannot write now. Nothing was written.
    Unavailable(sqlx::Error),
    /// The database will not write this. Nothing was written.
    Refused(sqlx::Error),
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        let Some(state) = sql_state(&error) else { return Self::Lost(error) };
        match (state.as_str(), state.get(..2).unwrap_or_default()) {
            ("22012", _) => Self::Contested,
            ("23514", _) if is_partition_missing(&error) => Self::NoPartition,
            // The server goes away; it may have committed before it said so.
            ("57P01" | "57P02" | "57P03" | "57P05" | "25P03", _) | (_, "08") => Self::Lost(error),
            // Locks, resources, operators, a standby.
            ("25006", _) | (_, "40" | "53" | "55" | "57" | "58") => Self::Unavailable(error),
            _ => Self::Refused(error),
        }
    }
}

impl Failure {
    /// Whether the connection cannot be used any more.
    pub(super) fn ends_connection(&self) -> bool {
        match self {
            Self::Lost(_) => true,
            // The primary has become a standby: look for the new one.
            Self::Unavailable(error) => sql_state(error).as_deref() == Some("25006"),
            Self::Contested | Self::NoPartition | Self::Refused(_) => false,
        }
    }
}

/// The answer to an append that failed for a reason of its own.
pub(super) fn of_append(error: &Arc<sqlx::Error>) -> AppendError {
    match sql_state(error).as_deref().and_then(|it| it.get(..2)) {
        Some("22" | "54") => AppendError::Malformed { rule: "the database can store it" },
        _ => JournalError::Damaged(Box::new(Arc::clone(error))).into(),
    }
}

/// The answer to all appends of a batch whose connection broke.
pub(super) fn lost(error: &Arc<sqlx::Error>) -> AppendError {
    AppendError::Unknown(Box::new(Arc::clone(error)))
}

/// The answer to all appends of a batch that cannot be written now.
pub(super) fn not_now(error: &Arc<sqlx::Error>) -> AppendError {
    JournalError::Unavailable(Box::new(Arc::clone(error))).into()
}

pub(super) fn unavailable(reason: &'static str) -> JournalError {
    JournalError::Unavailable(reason.into())
}

pub(super) fn damaged(reason: impl Into<BoxError>) -> JournalError {
    JournalError::Damaged(reason.into())
}

pub(super) fn of_reading(error: sqlx::Error) -> JournalError {
    let damaged = match sql_state(&error).as_deref() {
        // A table or a column is missing; a page or an index is broken.
        Some(state) => state.starts_with("42") || state.starts_with("XX"),
        None => matches!(
            error,
            sqlx::Error::ColumnDecode { .. }
                | sqlx::Error::ColumnNotFound(_)
                | sqlx::Error::Decode(_)
                | sqlx::Error::RowNotFound
        ),
    };
    if damaged {
        JournalError::Damaged(error.into())
    } else {
        JournalError::Unavailable(error.into())
    }
}

fn sql_state(error: &sqlx::Error) -> Option<String> {
    Some(error.as_database_error()?.code()?.into_owned())
}

/// Postgres gives it the code of a check, but no name of a constraint.
fn is_partition_missing(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(|it| it.constraint().is_none())
}
