//! Why a command changed nothing.

use domain::{Refusal, client::Exceeded};
use journal::{AppendError, BoxError, JournalError};

/// Why a command changed nothing, by what the caller should do about it.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// The rules say no. Asking again will not help.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Others keep writing to the same stream. Ask again later.
    #[error("too many writers at once")]
    Contended,
    /// Something broke, and what was asked may or may not have been done. Ask
    /// again with the same idempotency key, and call a human.
    #[error("the command could not be carried out")]
    Broken(#[source] BoxError),
}

impl CommandError {
    /// Whether what the journal holds of the subject cannot be read: nothing
    /// can be asked of it until somebody has seen to that, and of others
    /// everything. An append that the database will not take says nothing of
    /// what was read before it.
    pub fn is_damage(&self) -> bool {
        let Self::Broken(cause) = self else { return false };
        matches!(cause.downcast_ref(), Some(JournalError::Damaged(_)))
    }
}

impl From<JournalError> for CommandError {
    fn from(error: JournalError) -> Self {
        Self::Broken(error.into())
    }
}

impl CommandError {
    /// Whether it passes by itself: others were faster, or the journal is out of
    /// reach.
    pub fn passes(&self) -> bool {
        match self {
            Self::Contended => true,
            Self::Refused(_) => false,
            Self::Broken(cause) => {
                let lost = |it: &JournalError| matches!(it, JournalError::Unavailable(_));
                match cause.downcast_ref() {
                    Some(AppendError::Unknown(_)) => true,
                    Some(AppendError::Journal(error)) => lost(error),
                    Some(_) => false,
                    None => cause.downcast_ref().is_some_and(lost),
                }
            }
        }
    }
}

/// A conflict is not here: it is decided again.
pub(crate) fn refused_or_broken(error: AppendError) -> CommandError {
    match error {
        AppendError::Conflict { .. } => CommandError::Contended,
        AppendError::KeyReused { .. } => Refusal::KeyReused.into(),
        AppendError::Guarded { guard, reason } => guarded(guard, &reason),
        AppendError::Malformed { rule } => Refusal::invalid("input", rule).into(),
        AppendError::Unknown(_) | AppendError::Journal(_) => CommandError::Broken(error.into()),
    }
}

/// The guards are quotas: the reason is which of them, and until when.
fn guarded(guard: &'static str, reason: &str) -> CommandError {
    match serde_json::from_str::<Exceeded>(reason) {
        Ok(exceeded) => Refusal::QuotaExceeded(exceeded).into(),
        Err(error) => {
            CommandError::Broken(format!("guard `{guard}` says {reason}: {error}").into())
        }
    }
}
