//! Aggregates as they were last seen, so that they need not be read again.

use std::{
    io::{self, Write},
    sync::Arc,
};

use journal::StreamId;
use moka::sync::Cache;
use serde::Serialize;

use crate::bridge::Sourced;

/// How much memory the aggregates of one kind may take. Most streams are busy
/// for a moment and then never again.
const BYTES_MAX: u64 = 64 * 1024 * 1024;

/// What an aggregate takes besides what it holds.
const BYTES_MIN: u64 = 1_024;

/// How much larger a value is in memory than as JSON, about.
const TIMES_LARGER: u64 = 4;

/// An aggregate as it was last seen. Written after a commit only.
#[derive(Clone, Debug)]
pub(super) struct Known<D> {
    pub(super) aggregate: Sourced<D>,
    pub(super) position: u64,
    bytes: u32,
}

/// The aggregates of one kind that were seen last.
pub(super) struct Memory<D>(Cache<StreamId, Arc<Known<D>>>);

impl<D: Serialize + Send + Sync + 'static> Memory<D> {
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
        // Weighed now and then: little by little it grows little.
        let before = self.0.get(&stream).filter(|_| !aggregate.version.is_power_of_two());
        let bytes = before.map_or_else(|| weigh(&aggregate.state), |it| it.bytes);
        self.0.insert(stream, Arc::new(Known { aggregate, position, bytes }));
    }

    pub(super) fn forget(&self, stream: &StreamId) {
        self.0.invalidate(stream);
    }
}

/// What is too large to be told is kept for no longer than it must.
fn weigh(state: &impl Serialize) -> u32 {
    let mut length = Length(0);
    let bytes = match serde_json::to_writer(&mut length, state) {
        Ok(()) => BYTES_MIN + TIMES_LARGER * length.0,
        Err(_) => u64::MAX,
    };
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

/// Counts what is written.
struct Length(u64);

impl Write for Length {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use journal::StreamId;

    use super::{BYTES_MAX, Memory};
    use crate::bridge::Sourced;

    fn seen(state: String, version: u64) -> Sourced<String> {
        Sourced { state, version }
    }

    /// Must never: whoever creates large jobs fills the memory of all.
    #[test]
    fn what_is_kept_is_bounded_by_what_it_takes() {
        let memory = Memory::<String>::new();
        let body = "x".repeat(256 * 1024);
        for n in 0..200 {
            memory.put(StreamId::new("job", n), seen(body.clone(), 1), n);
        }
        memory.0.run_pending_tasks();
        let taken = memory.0.entry_count() * body.len() as u64;
        assert!((1..=BYTES_MAX).contains(&taken), "{taken} bytes");
    }

    #[test]
    fn small_ones_are_kept_by_the_thousand() {
        let memory = Memory::<String>::new();
        for n in 0..20_000 {
            memory.put(StreamId::new("job", n), seen("small".to_owned(), 1), n);
        }
        memory.0.run_pending_tasks();
        assert_eq!(memory.0.entry_count(), 20_000);
    }

    #[test]
    fn what_grows_is_weighed_again() {
        let memory = Memory::<String>::new();
        let stream = StreamId::new("job", 1);
        memory.put(stream.clone(), seen(String::new(), 1), 1);
        let light = memory.get(&stream).unwrap().bytes;
        for version in 2..=4 {
            memory.put(stream.clone(), seen("x".repeat(10_000), version), version);
        }
        assert!(light + 10_000 < memory.get(&stream).unwrap().bytes);
    }
}
