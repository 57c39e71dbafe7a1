//! What an append must look like, whatever the store.

use crate::{Append, AppendError, NewEvent};

/// The most events that one append may write.
pub const APPEND_EVENTS_MAX: usize = 1000;

/// The most that payload and metadata of one event may take together.
pub const EVENT_BYTES_MAX: usize = 1024 * 1024;

/// The most that all events of one append may take together.
pub const APPEND_BYTES_MAX: usize = 8 * 1024 * 1024;

/// The most that is read at a time, unless one event alone takes more.
pub(crate) const READ_BYTES_MAX: usize = 16 * 1024 * 1024;

/// The most that the name of a stream or of an event type, a key, or its scope
/// may take. Each is part of an index.
pub const NAME_BYTES_MAX: usize = 255;

impl Append {
    /// Refuses what no store would keep as given.
    pub(crate) fn check(&self) -> Result<(), AppendError> {
        match self.broken_rule() {
            Some(rule) => Err(AppendError::Malformed { rule }),
            None => Ok(()),
        }
    }

    /// What its events take.
    pub(crate) fn bytes(&self) -> usize {
        self.events.iter().map(NewEvent::bytes).sum()
    }

    fn broken_rule(&self) -> Option<&'static str> {
        if !(1..=APPEND_EVENTS_MAX).contains(&self.events.len()) {
            return Some("an append holds 1 to 1000 events");
        }
        if !is_name(self.stream.as_str()) {
            return Some("a stream's name has 1 to 255 bytes, none of them zero");
        }
        if let Some(idempotency) = &self.idempotency
            && !(is_name(&idempotency.scope) && is_name(&idempotency.key))
        {
            return Some("an idempotency key and its scope have 1 to 255 bytes, none of them zero");
        }
        if self.expected_version > VERSION_MAX {
            return Some("a version fits in 62 bits");
        }
        if self.bytes() > APPEND_BYTES_MAX {
            return Some("the events of an append take at most 8 MiB together");
        }
        self.events.iter().find_map(NewEvent::broken_rule)
    }
}

/// Leaves room to add to a version without a thought about overflow, in SQL
/// as in Rust.
const VERSION_MAX: u64 = 1 << 62;

impl NewEvent {
    fn bytes(&self) -> usize {
        self.payload.len() + self.metadata.len()
    }

    fn broken_rule(&self) -> Option<&'static str> {
        if !is_name(self.event_type) {
            return Some("an event type has 1 to 255 bytes, none of them zero");
        }
        if self.schema_version == 0 || i16::try_from(self.schema_version).is_err() {
            return Some("a schema version is between 1 and 32767");
        }
        if self.bytes() > EVENT_BYTES_MAX {
            return Some("payload and metadata of an event take at most 1 MiB together");
        }
        if self.payload.contains('\0') || self.metadata.contains('\0') {
            return Some("payload and metadata hold no zero byte");
        }
        None
    }
}

fn is_name(text: &str) -> bool {
    (1..=NAME_BYTES_MAX).contains(&text.len()) && !text.contains('\0')
}
