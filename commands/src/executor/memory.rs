//! Aggregates as they were last seen, so that they need not be read again.

use std::sync::Arc;

use domain::Decider;
use journal::StreamId;
use moka::sync::Cache;

use crate::bridge::Sourced;

/// How much memory the aggregates of one kind may take. Most streams are busy
/// for a moment and then never again.
const BYTES_MAX: u64 = 64 * 1024 * 1024;

/// What an aggregate takes besides what it holds.
const BYTES_MIN: usize = 1_024;

/// An aggregate as it was last seen. Written after a commit only.
#[derive(Clone, Debug)]
pub(super) struct Known<D> {
    pub(super) aggregate: Sourced<D>,
    pub(super) position: u64,
    bytes: u32,
}

/// The aggregates of one kind that were seen last.
pub(super) struct Memory<D>(Cache<StreamId, Arc<Known<D>>>);

impl<D: Decider + Send + Sync + 'static> Memory<D> {
    pub(super) fn new() -> Self {
        let cache = Cache::builder().max_capacity(BYTES_MAX);
        Self(cache.weigher(|_, known: &Arc<Known<D>>| known.bytes).build())
    }

    pub(super) fn holds(&self, stream: &StreamId) -> bool {
        self.0.contains_key(stream)
    }

    pub(super) fn get(&self, stream: &StreamId) -> Option<Arc<Known<D>>> {
        self.0.get(stream)
    }

    pub(super) fn put(&self, stream: StreamId, aggregate: Sourced<D>, position: u64) {
        // What is too large to be told is kept for no longer than it must.
        let bytes = u32::try_from(BYTES_MIN + aggregate.state.weight()).unwrap_or(u32::MAX);
        self.0.insert(stream, Arc::new(Known { aggregate, position, bytes }));
    }

    pub(super) fn forget(&self, stream: &StreamId) {
        self.0.invalidate(stream);
    }
}

#[cfg(test)]
mod tests {
    use domain::{
        Decider, UserId,
        job::{Job, JobEvent, Order, Policy, ProgressReported, TaskCreated, TaskSpec},
    };
    use journal::StreamId;
    use serde_json::{Value, json};
    use uuid::Uuid;

    use super::{BYTES_MAX, Memory};
    use crate::bridge::Sourced;

    /// A task with this body, after so many events.
    fn seen(body: &Value, version: u64) -> Sourced<Job> {
        let order = Order {
            owner: UserId(Uuid::from_u128(1)),
            priority: 0,
            not_before: None,
            expires_at: chrono::DateTime::from_timestamp(9_000, 0).unwrap(),
            policy: Policy::default(),
            retry_of: None,
        };
        let task = TaskSpec { service: "checksum".parse().unwrap(), body: body.clone() };
        let mut state = Job::default();
        state.evolve(&JobEvent::from(TaskCreated { order, task }), 1);
        Sourced { state, version }
    }

    /// The same, after its worker has left a checkpoint behind.
    fn left(checkpoint: &Value, version: u64) -> Sourced<Job> {
        let mut seen = seen(&json!({}), version);
        let checkpoint = Some(checkpoint.clone());
        let reported = ProgressReported { fence: 2, progress: None, checkpoint };
        seen.state.evolve(&reported.into(), version);
        seen
    }

    /// How many of so many are kept.
    fn kept(count: u64, body: &Value) -> u64 {
        let memory = Memory::<Job>::new();
        for n in 0..count {
            memory.put(StreamId::new("job", n), seen(body, 1), n);
        }
        memory.0.run_pending_tasks();
        memory.0.entry_count()
    }

    /// Must never: whoever creates large jobs fills the memory of all.
    #[test]
    fn what_is_kept_is_bounded_by_what_it_takes() {
        let body = json!("x".repeat(256 * 1024));
        let taken = kept(200, &body) * 256 * 1024;
        assert!((1..=BYTES_MAX).contains(&taken), "{taken} bytes");
    }

    /// Must never: the same, with what is short as text and large in memory.
    #[test]
    fn small_objects_count_as_what_they_take() {
        let body = Value::Array(vec![json!({ "a": 0 }); 1_000]);
        let taken = kept(200, &body) * 1_000 * 600;
        assert!((1..=BYTES_MAX).contains(&taken), "{taken} bytes");
    }

    #[test]
    fn small_ones_are_kept_by_the_thousand() {
        assert_eq!(kept(20_000, &json!({ "folder": "in" })), 20_000);
    }

    #[test]
    fn what_grows_is_weighed_again_whenever_it_does() {
        let memory = Memory::<Job>::new();
        let stream = StreamId::new("job", 1);
        memory.put(stream.clone(), seen(&json!({}), 4), 4);
        let light = memory.get(&stream).unwrap().bytes;
        memory.put(stream.clone(), left(&Value::Array(vec![json!({ "a": 0 }); 100]), 5), 5);
        assert!(light + 100 * 600 < memory.get(&stream).unwrap().bytes);
        memory.put(stream.clone(), left(&json!(null), 6), 6);
        assert_eq!(memory.get(&stream).unwrap().bytes, light);
    }
}
