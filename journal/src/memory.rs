//! A journal that forgets everything when it is dropped: for tests and
//! demonstrations of whoever needs some [`Journal`].

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use chrono::{DateTime, SubsecRound, Utc};
use futures::{
    StreamExt,
    stream::{self, BoxStream},
};
use tokio::sync::watch;

use crate::{
    Append, AppendError, Appended, Idempotency, Journal, JournalError, Outcome, Recorded, StreamId,
    limits::READ_BYTES_MAX,
};

/// A [`Journal`] in memory.
pub struct Memory {
    clock: Box<dyn Fn() -> DateTime<Utc> + Send + Sync>,
    state: Mutex<State>,
    head: watch::Sender<u64>,
}

#[derive(Default)]
struct State {
    events: Vec<Arc<Recorded>>,
    /// Indexes into `events`.
    streams: HashMap<StreamId, Vec<usize>>,
    outcomes: HashMap<(String, String), Outcome>,
}

impl Memory {
    /// An empty journal whose events are recorded at the clock's time.
    pub fn new(clock: impl Fn() -> DateTime<Utc> + Send + Sync + 'static) -> Self {
        Self { clock: Box::new(clock), state: Mutex::default(), head: watch::Sender::new(0) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Memory {
    #[expect(clippy::disallowed_methods, reason = "stands for the clock of a store")]
    fn default() -> Self {
        Self::new(Utc::now)
    }
}

#[async_trait]
impl Journal for Memory {
    async fn append(&self, append: Append) -> Result<Appended, AppendError> {
        append.check()?;
        let mut state = self.state();
        let appended = state.append(append, (self.clock)().trunc_subsecs(6))?;
        // Under the lock, so that the head never goes back.
        self.head.send_if_modified(|it| std::mem::replace(it, state.head()) < state.head());
        Ok(appended)
    }

    async fn outcome(&self, scope: &str, key: &str) -> Result<Option<Outcome>, JournalError> {
        Ok(self.state().outcomes.get(&(scope.to_owned(), key.to_owned())).cloned())
    }

    async fn read_stream(
        &self,
        stream: &StreamId,
        after_version: u64,
        limit: usize,
    ) -> Result<Vec<Recorded>, JournalError> {
        let state = self.state();
        let Some(indexes) = state.streams.get(stream) else { return Ok(vec![]) };
        let skipped = usize::try_from(after_version).unwrap_or(usize::MAX);
        let events = indexes.iter().skip(skipped).take(limit).map(|it| &state.events[*it]);
        let room = events.scan(0, |taken, event| {
            let before = *taken;
            *taken += event.payload.len() + event.metadata.len();
            (before < READ_BYTES_MAX).then(|| Recorded::clone(event))
        });
        Ok(room.collect())
    }

    async fn read(&self, after: u64, limit: usize) -> Result<Vec<Arc<Recorded>>, JournalError> {
        let skipped = usize::try_from(after).unwrap_or(usize::MAX);
        Ok(self.state().events.iter().skip(skipped).take(limit).cloned().collect())
    }

    fn replay(&self, after: u64) -> BoxStream<'static, Result<Recorded, JournalError>> {
        let skipped = usize::try_from(after).unwrap_or(usize::MAX);
        let events: Vec<_> = self.state().events.iter().skip(skipped).cloned().collect();
        stream::iter(events).map(|it| Ok(Recorded::clone(&it))).boxed()
    }

    fn head(&self) -> watch::Receiver<u64> {
        self.head.subscribe()
    }
}

impl State {
    fn append(&mut self, append: Append, now: DateTime<Utc>) -> Result<Appended, AppendError> {
        if let Some(Idempotency { scope, key, digest }) = &append.idempotency
            && let Some(outcome) = self.outcomes.get(&(scope.clone(), key.clone()))
        {
            return if outcome.digest == *digest {
                Ok(repeated(outcome.clone()))
            } else {
                Err(AppendError::KeyReused { key: key.clone() })
            };
        }
        let actual = self.streams.get(&append.stream).map_or(0, |it| it.len() as u64);
        if actual != append.expected_version {
            return Err(AppendError::Conflict {
                stream: append.stream,
                expected: append.expected_version,
                actual,
            });
        }
        let recorded_at = self.events.last().map_or(now, |last| now.max(last.recorded_at));
        for (event, version) in append.events.into_iter().zip(actual + 1..) {
            self.streams.entry(append.stream.clone()).or_default().push(self.events.len());
            self.events.push(Arc::new(Recorded {
                position: self.head() + 1,
                hash: event.hash(&append.stream, version),
                stream: append.stream.clone(),
                version,
                event_id: event.event_id,
                event_type: event.event_type.to_owned(),
                schema_version: event.schema_version,
                payload: event.payload,
                metadata: event.metadata,
                recorded_at,
            }));
        }
        let version = self.streams[&append.stream].len() as u64;
        let position = self.head();
        if let Some(Idempotency { scope, key, digest }) = append.idempotency {
            let outcome = Outcome { digest, stream: append.stream.clone(), version, position };
            self.outcomes.insert((scope, key), outcome);
        }
        Ok(Appended { stream: append.stream, version, position, repeated: false })
    }

    fn head(&self) -> u64 {
        self.events.len() as u64
    }
}

fn repeated(outcome: Outcome) -> Appended {
    Appended {
        stream: outcome.stream,
        version: outcome.version,
        position: outcome.position,
        repeated: true,
    }
}
