//! One command at a time for each stream, within this process. Conflicts then
//! arise only between processes.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use journal::StreamId;
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

/// The locks of the streams that commands are under way for.
#[derive(Debug, Default)]
pub(crate) struct StreamLocks {
    held: Mutex<HashMap<StreamId, Arc<AsyncMutex<()>>>>,
}

/// Holds a stream until it is dropped, or is about to.
pub(crate) struct StreamLock<'a> {
    locks: &'a StreamLocks,
    stream: &'a StreamId,
    guard: Option<OwnedMutexGuard<()>>,
}

impl StreamLocks {
    /// Waits until nobody else holds `stream`.
    pub(crate) async fn lock<'a>(&'a self, stream: &'a StreamId) -> StreamLock<'a> {
        let lock = Arc::clone(self.table().entry(stream.clone()).or_default());
        // Made before it waits, so that it clears up if nobody waits any more.
        let mut held = StreamLock { locks: self, stream, guard: None };
        held.guard = Some(lock.lock_owned().await);
        held
    }

    fn table(&self) -> std::sync::MutexGuard<'_, HashMap<StreamId, Arc<AsyncMutex<()>>>> {
        // A table of locks holds no state that a panic could leave half-done.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for StreamLock<'_> {
    fn drop(&mut self) {
        let mut table = self.locks.table();
        drop(self.guard.take());
        // Nobody can come to wait while the table is held: one reference left
        // means that nobody does.
        if table.get(self.stream).is_some_and(|lock| Arc::strong_count(lock) == 1) {
            table.remove(self.stream);
        }
    }
}

#[cfg(test)]
mod tests;
