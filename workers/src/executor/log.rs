//! The log of an attempt: lines are taken in at once, and kept a little later.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use domain::{LeaseId, Timestamp};
use projections::{ReadError, Reader, kept::logs::Logged};
use serde_json::json;

/// The longest message, in bytes.
const MESSAGE_BYTES_MAX: usize = 4 * 1024;

/// How many lines wait to be kept: who logs faster than the database writes
/// loses the lines above, and is told how many.
const WAITING_MAX: usize = 10_000;

/// How many lines are written together.
const BATCH: usize = 1_000;

/// How much a line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// To those who look for a fault.
    Debug,
    /// To those who are curious.
    Info,
    /// Something is not as it should be.
    Warn,
    /// Something could not be done.
    Error,
}

/// The log of an attempt.
pub(super) struct Log {
    lease: LeaseId,
    lines: Mutex<Lines>,
}

#[derive(Default)]
struct Lines {
    /// How many are kept already.
    kept: u64,
    waiting: VecDeque<String>,
    lost: u64,
    /// Nothing more can be kept.
    sealed: bool,
}

impl Log {
    pub(super) fn new(lease: LeaseId) -> Self {
        Self { lease, lines: Mutex::default() }
    }

    pub(super) fn push(&self, level: Level, message: &str, at: Timestamp) {
        let mut lines = self.lock();
        if lines.sealed {
            return;
        }
        if WAITING_MAX <= lines.waiting.len() {
            lines.lost += 1;
            return;
        }
        if 0 < lines.lost {
            let lost = format!("{} lines came too fast and are not kept", lines.lost);
            lines.lost = 0;
            lines.waiting.push_back(entry(Level::Warn, &lost, at));
        }
        lines.waiting.push_back(entry(level, message, at));
    }

    /// Keeps what is there. To be called by one at a time.
    pub(super) async fn flush(&self, reader: &Reader) -> Result<(), ReadError> {
        loop {
            let (offset, batch) = {
                let lines = self.lock();
                (lines.kept, lines.waiting.iter().take(BATCH).cloned().collect::<Vec<_>>())
            };
            if batch.is_empty() {
                return Ok(());
            }
            let logged = reader.append_log(self.lease, offset, &batch).await?;
            let mut lines = self.lock();
            match logged {
                Logged::Next(next) => {
                    lines.waiting.drain(..batch.len());
                    lines.kept = next;
                }
                // Nobody else writes this log, and it begins with nothing.
                Logged::Expected(expected) => lines.kept = expected,
                Logged::Sealed => {
                    lines.waiting.clear();
                    lines.sealed = true;
                }
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Lines> {
        // Nothing here is left half-done by a panic.
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Level {
    /// As it is written.
    fn as_str(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

/// The line as it is exported. Postgres cannot hold a NUL as JSON.
fn entry(level: Level, message: &str, at: Timestamp) -> String {
    let message = &message[..message.floor_char_boundary(MESSAGE_BYTES_MAX)];
    let message = message.replace('\0', "\u{FFFD}");
    json!({ "ts": at, "level": level.as_str(), "message": message }).to_string()
}
