//! The last events, in memory.

use std::{
    collections::VecDeque,
    sync::{PoisonError, RwLock},
};

use super::Item;

/// How many events are kept at most.
const ITEMS_MAX: usize = 32_768;

/// How many bytes of payload are kept at most.
const BYTES_MAX: usize = 64 * 1024 * 1024;

/// The last events, without a hole between them.
#[derive(Debug)]
pub(crate) struct Ring {
    inner: RwLock<Inner>,
}

#[derive(Debug)]
struct Inner {
    /// The position before the first item.
    before: u64,
    items: VecDeque<Item>,
    bytes: usize,
}

impl Ring {
    pub(super) fn starting_after(position: u64) -> Self {
        let inner = Inner { before: position, items: VecDeque::new(), bytes: 0 };
        Self { inner: RwLock::new(inner) }
    }

    /// The position of the last item.
    pub(super) fn last(&self) -> u64 {
        let inner = self.inner.read().unwrap_or_else(PoisonError::into_inner);
        inner.before + inner.items.len() as u64
    }

    /// Adds the item that follows the last.
    pub(super) fn push(&self, item: Item) {
        let mut inner = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        inner.bytes += item.fact.recorded.payload.len();
        inner.items.push_back(item);
        while ITEMS_MAX < inner.items.len() || BYTES_MAX < inner.bytes {
            let Some(oldest) = inner.items.pop_front() else { break };
            inner.bytes -= oldest.fact.recorded.payload.len();
            inner.before += 1;
        }
    }

    /// The items after a position; `None` if some of them are gone already.
    pub(super) fn after(&self, position: u64, limit: usize) -> Option<Vec<Item>> {
        let inner = self.inner.read().unwrap_or_else(PoisonError::into_inner);
        let skip = usize::try_from(position.checked_sub(inner.before)?).ok()?;
        Some(inner.items.iter().skip(skip).take(limit).cloned().collect())
    }
}
