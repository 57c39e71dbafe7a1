//! What can go wrong, by what one does about it.

use std::error::Error;

type Cause = Box<dyn Error + Send + Sync>;

/// What can go wrong with a file, by what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum ArtifactError {
    /// Tell whoever sent it.
    #[error("the file has more than {bytes_max} bytes")]
    TooLarge {
        /// As many as it may have.
        bytes_max: u64,
    },
    /// Whoever sent it broke off: nothing was kept.
    #[error("the file was not sent to its end")]
    Interrupted(#[source] Cause),
    /// There is no such file, or not any more.
    #[error("no file with this hash is stored")]
    NotStored,
    /// The store or the index is out of reach: wait, try again.
    #[error("the file store is out of reach")]
    Unavailable(#[source] Cause),
    /// Something is as it must never be: call a human.
    #[error("the file store is damaged")]
    Damaged(#[source] Cause),
}

/// Why there is no store.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The setting is neither a folder nor a URL that means something.
    #[error(
        "`{place}` is no place for files; give a folder, or a URL that begins with s3://, gs:// or az://"
    )]
    NoPlace {
        /// What was given.
        place: String,
    },
    /// This program was built without the client for it.
    #[error(
        "files cannot be kept at `{place}`: this greffe was built without the feature `{feature}`"
    )]
    NotBuiltIn {
        /// What was given.
        place: String,
        /// What to build it with.
        feature: &'static str,
    },
    /// It is there, but not for us.
    #[error("files cannot be written to `{place}`")]
    NotWritable {
        /// What was given.
        place: String,
        /// Why.
        #[source]
        source: Cause,
    },
}

impl ArtifactError {
    pub(crate) fn damaged(source: impl Into<Cause>) -> Self {
        Self::Damaged(source.into())
    }
}

impl From<sqlx::Error> for ArtifactError {
    fn from(error: sqlx::Error) -> Self {
        use sqlx::Error::{Io, PoolClosed, PoolTimedOut, Protocol, Tls, WorkerCrashed};
        // Connection lost, a standby that may not write, deadlock, out of
        // resources, not let in, shutting down, trouble with the machine.
        const PASSING: [&str; 7] = ["08", "25006", "40", "53", "55", "57", "58"];
        let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
        let passes = match code {
            Some(code) => PASSING.iter().any(|class| code.starts_with(class)),
            None => matches!(
                error,
                Io(_) | Tls(_) | Protocol(_) | PoolTimedOut | PoolClosed | WorkerCrashed
            ),
        };
        if passes { Self::Unavailable(error.into()) } else { Self::damaged(error) }
    }
}

/// A store that does not do what it is asked is out of reach, whatever it says: disks fill up and
/// credentials expire, and both pass.
impl From<object_store::Error> for ArtifactError {
    fn from(error: object_store::Error) -> Self {
        if matches!(error, object_store::Error::NotFound { .. }) {
            return Self::NotStored;
        }
        Self::Unavailable(error.into())
    }
}
