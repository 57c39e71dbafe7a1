//! The log that everything else is computed from.
//!
//! Three verbs: append, read, follow. Every store of events that Greffe can
//! run on is one implementation of [`Journal`], and every implementation
//! passes the same [`conformance`] suite. It knows nothing of jobs: a payload
//! is bytes that somebody else understands.
//!
//! Positions are 1, 2, 3 … without holes, in the order of commits: who has
//! seen position *n* has seen everything up to *n*.

#[cfg(any(test, feature = "testing"))]
pub mod conformance;
mod event;
mod idempotency;
mod limits;
mod memory;
pub mod postgres;

use std::sync::Arc;

use async_trait::async_trait;
use futures::stream::BoxStream;
use tokio::sync::watch;

pub use event::{EventHash, NewEvent, Recorded, StreamId};
pub use idempotency::{Idempotency, Outcome};
pub use limits::{APPEND_BYTES_MAX, APPEND_EVENTS_MAX, EVENT_BYTES_MAX, NAME_BYTES_MAX};
pub use memory::Memory;

/// An append-only log of events, kept in streams.
#[async_trait]
pub trait Journal: Send + Sync + 'static {
    /// Adds events to the end of a stream, all or none, provided the stream
    /// still is at the expected version. Durable when it returns.
    async fn append(&self, append: Append) -> Result<Appended, AppendError>;

    /// The first outcome under an idempotency key, if the key was ever used.
    async fn outcome(&self, scope: &str, key: &str) -> Result<Option<Outcome>, JournalError>;

    /// A stream's events after `after_version`, oldest first, at most `limit`,
    /// and fewer where they are large; none only if there is none.
    async fn read_stream(
        &self,
        stream: &StreamId,
        after_version: u64,
        limit: usize,
    ) -> Result<Vec<Recorded>, JournalError>;

    /// All events after `after`, oldest first, at most `limit`, and fewer where
    /// they are large; none only if there is none up to
    /// [`head`](Journal::head), or that this process wrote itself. For tailing;
    /// the events of the recent past are shared, not copied.
    async fn read(&self, after: u64, limit: usize) -> Result<Vec<Arc<Recorded>>, JournalError>;

    /// All events after `after` up to the head of this moment, as one
    /// streaming read with bounded memory. For replay and export.
    fn replay(&self, after: u64) -> BoxStream<'static, Result<Recorded, JournalError>>;

    /// The last position known to this process: a wake-up for those who
    /// follow. It may lag behind the store, and never runs ahead of what is
    /// durable.
    fn head(&self) -> watch::Receiver<u64>;
}

/// What to add, and on what condition.
#[derive(Clone, Debug)]
pub struct Append {
    /// The stream to add to.
    pub stream: StreamId,
    /// How many events the stream must hold already; 0 for a new one.
    pub expected_version: u64,
    /// From one to [`APPEND_EVENTS_MAX`].
    pub events: Vec<NewEvent>,
    /// Makes a repetition harmless.
    pub idempotency: Option<Idempotency>,
}

/// What an append led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Appended {
    /// The stream written to. Under a key seen before, the one that the first
    /// append wrote to.
    pub stream: StreamId,
    /// The stream's version after it: that of the last event written.
    pub version: u64,
    /// The position of the last event written.
    pub position: u64,
    /// Whether this is the outcome of an earlier append with the same key, and
    /// nothing was written now.
    pub repeated: bool,
}

/// Why an append wrote nothing, or may not have, by what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// Somebody else wrote first: reload, decide again.
    #[error("stream `{stream}` is at version {actual}, not {expected}")]
    Conflict {
        /// The stream written to.
        stream: StreamId,
        /// What the writer believed.
        expected: u64,
        /// What is so.
        actual: u64,
    },
    /// The idempotency key was used with another input. Asking again will not
    /// help.
    #[error("idempotency key `{key}` was used with another input")]
    KeyReused {
        /// The key.
        key: String,
    },
    /// An inline fold's guard says no. Asking again will not help.
    #[error("refused by guard `{guard}`: {reason}")]
    Guarded {
        /// The name of the fold whose guard refused.
        guard: &'static str,
        /// Why, as the guard says it.
        reason: String,
    },
    /// The append itself is malformed (no events, too large, text that cannot
    /// be stored). Asking again will not help.
    #[error("the append is malformed: {rule}")]
    Malformed {
        /// The rule that it breaks.
        rule: &'static str,
    },
    /// The connection broke before the store answered: it may or may not have
    /// been written. Reload before deciding again.
    #[error("the outcome of the append is unknown")]
    Unknown(#[source] BoxError),
    /// The store cannot be read or written.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// What can go wrong with the store itself, by what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The store cannot be reached: wait, try again.
    #[error("the journal is out of reach")]
    Unavailable(#[source] BoxError),
    /// The store holds something that it must not: stop, call a human.
    #[error("the journal is damaged")]
    Damaged(#[source] BoxError),
}

/// The cause of an error, whatever it is.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;
