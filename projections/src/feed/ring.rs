//! The last events, in memory.

use std::{
    collections::VecDeque,
    sync::{PoisonError, RwLock},
};

use super::Item;

/// How many events are kept at most.
const ITEMS_MAX: usize = 32_768;

/// How much memory they may take.
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
    items: VecDeque<Kept>,
    bytes: usize,
}

#[derive(Debug)]
struct Kept {
    item: Item,
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
        let bytes = item.weight();
        let mut inner = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        inner.bytes += bytes;
        inner.items.push_back(Kept { item, bytes });
        while ITEMS_MAX < inner.items.len() || BYTES_MAX < inner.bytes {
            let Some(oldest) = inner.items.pop_front() else { break };
            inner.bytes -= oldest.bytes;
            inner.before += 1;
        }
    }

    /// The items after a position; `None` if some of them are gone already.
    pub(super) fn after(&self, position: u64, limit: usize) -> Option<Vec<Item>> {
        let inner = self.inner.read().unwrap_or_else(PoisonError::into_inner);
        let skip = usize::try_from(position.checked_sub(inner.before)?).ok()?;
        Some(inner.items.iter().skip(skip).take(limit).map(|it| it.item.clone()).collect())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use chrono::DateTime;
    use journal::{EventHash, Recorded, StreamId};
    use serde_json::{Value, json};
    use uuid::Uuid;

    use super::*;
    use crate::Fact;

    /// A worker left a checkpoint behind.
    fn reported(position: u64, checkpoint: &Value) -> Item {
        let recorded = Recorded {
            position,
            stream: StreamId::new("job", Uuid::from_u128(1)),
            version: position,
            event_id: Uuid::from_u128(position.into()),
            event_type: "ProgressReported".to_owned(),
            schema_version: 1,
            payload: json!({ "fence": 2, "checkpoint": checkpoint }).to_string(),
            metadata: json!({ "actor": "system:rescuer" }).to_string(),
            recorded_at: DateTime::from_timestamp(1_000, 0).unwrap(),
            hash: EventHash([0; 32]),
        };
        Item { fact: Arc::new(Fact::read(&Arc::new(recorded)).unwrap()), change: None }
    }

    /// How many are kept of so many.
    fn kept(count: u64, checkpoint: &Value) -> usize {
        let ring = Ring::starting_after(0);
        for position in 1..=count {
            ring.push(reported(position, checkpoint));
        }
        assert_eq!(ring.last(), count, "the newest, without a hole");
        ring.inner.read().unwrap().items.len()
    }

    /// Must never: whoever sends what is short as text and large in memory
    /// fills the memory of all.
    #[test]
    fn small_objects_count_as_what_they_take() {
        let taken = kept(200, &Value::Array(vec![json!({ "a": 0 }); 1_000])) * 1_000 * 600;
        assert!((1..=BYTES_MAX).contains(&taken), "{taken} bytes");
    }

    #[test]
    fn small_events_are_kept_by_the_thousand() {
        assert_eq!(kept(20_000, &json!({ "page": 3 })), 20_000);
    }
}
