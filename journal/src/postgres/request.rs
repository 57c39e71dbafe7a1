//! An append on its way to the appender.

use std::time::Instant;

use tokio::sync::oneshot;

use crate::{Append, AppendError, Appended, EventHash};

/// An append, with all that can be computed before its turn comes, and the
/// way back to its caller.
pub(super) struct Request {
    pub(super) append: Append,
    /// One for each event. The version is part of it: an append is written at
    /// the version it expects or not at all.
    pub(super) hashes: Vec<EventHash>,
    /// What it takes of a batch, roughly.
    pub(super) bytes: usize,
    pub(super) since: Instant,
    answer: oneshot::Sender<Result<Appended, AppendError>>,
}

/// What an event takes beside payload and metadata.
const EVENT_OVERHEAD: usize = 128;

impl Request {
    pub(super) fn new(
        append: Append,
        answer: oneshot::Sender<Result<Appended, AppendError>>,
    ) -> Self {
        let hashes = (append.expected_version + 1..)
            .zip(&append.events)
            .map(|(version, event)| event.hash(&append.stream, version))
            .collect();
        Self {
            bytes: append.bytes() + append.events.len() * EVENT_OVERHEAD,
            hashes,
            append,
            since: Instant::now(),
            answer,
        }
    }

    /// The version of its last event, once written.
    pub(super) fn last_version(&self) -> u64 {
        self.append.expected_version + self.append.events.len() as u64
    }

    /// A caller who has gone away does not want to know.
    pub(super) fn answer(self, outcome: Result<Appended, AppendError>) {
        drop(self.answer.send(outcome));
    }
}
