//! How much is read for those who follow from far behind.

use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use chrono::DateTime;
use domain::{
    EventType, UserId,
    job::{JobEvent, Order, Policy, Progress, ProgressReported, TaskCreated, TaskSpec},
};
use futures::stream::BoxStream;
use journal::{
    Append, AppendError, Appended, Journal, JournalError, Memory, NewEvent, Outcome, Recorded,
};
use serde_json::json;
use tokio::sync::watch;
use uuid::Uuid;

use super::*;

const JOB: JobId = JobId(Uuid::from_u128(1));

/// A journal that counts the events that are read of streams.
#[derive(Default)]
struct Counting {
    inner: Memory,
    read: AtomicUsize,
}

#[async_trait]
impl Journal for Counting {
    async fn append(&self, append: Append) -> Result<Appended, AppendError> {
        self.inner.append(append).await
    }

    async fn outcome(&self, scope: &str, key: &str) -> Result<Option<Outcome>, JournalError> {
        self.inner.outcome(scope, key).await
    }

    async fn read_stream(
        &self,
        stream: &StreamId,
        after_version: u64,
        limit: usize,
    ) -> Result<Vec<Recorded>, JournalError> {
        let read = self.inner.read_stream(stream, after_version, limit).await?;
        self.read.fetch_add(read.len(), Ordering::Relaxed);
        Ok(read)
    }

    async fn read(&self, after: u64, limit: usize) -> Result<Vec<Arc<Recorded>>, JournalError> {
        self.inner.read(after, limit).await
    }

    fn replay(&self, after: u64) -> BoxStream<'static, Result<Recorded, JournalError>> {
        self.inner.replay(after)
    }

    fn head(&self) -> watch::Receiver<u64> {
        self.inner.head()
    }
}

async fn happens(journal: &Counting, event: JobEvent, expected_version: u64) {
    let event = NewEvent {
        event_id: Uuid::from_u128(expected_version.into()),
        event_type: event.name(),
        schema_version: event.schema_version(),
        payload: event.encode().unwrap(),
        metadata: json!({ "actor": "system:rescuer" }).to_string(),
    };
    let stream = StreamId::new("job", JOB);
    let append = Append { stream, expected_version, events: vec![event], idempotency: None };
    journal.append(append).await.unwrap();
}

/// A job of very many events is not read again from the first for every part.
#[tokio::test]
async fn who_reads_on_far_behind_does_not_begin_again() {
    const EVENTS: u64 = 1_000;
    let journal = Arc::new(Counting::default());
    let order = Order {
        owner: UserId(Uuid::from_u128(2)),
        priority: 0,
        not_before: None,
        expires_at: DateTime::from_timestamp(9_000, 0).unwrap(),
        policy: Policy::default(),
        retry_of: None,
    };
    let task = TaskSpec { service: "checksum".parse().unwrap(), body: json!({}) };
    happens(&journal, TaskCreated { order, task }.into(), 0).await;
    for done in 1..EVENTS {
        let progress = Some(Progress { done, total: None, message: None });
        let reported = ProgressReported { fence: 2, progress, checkpoint: None };
        happens(&journal, reported.into(), done).await;
    }
    // It starts at the end: all of this is behind what it holds.
    let feed = Feed::new(Arc::clone(&journal) as _);
    let mut told = Vec::new();
    let mut after = 0;
    while after < EVENTS {
        let (changes, last) = feed.changes(after, 10).await.unwrap();
        told.extend(changes.iter().map(|it| it.after.version));
        after = last;
    }
    assert!(told.into_iter().eq(1..=EVENTS));
    let read = journal.read.load(Ordering::Relaxed);
    assert!(read <= 2 * 1_000, "{read} events read for {EVENTS}");
    // Nor does who comes in the middle, but once.
    feed.changes(500, 10).await.unwrap();
    feed.changes(510, 10).await.unwrap();
    assert!(journal.read.load(Ordering::Relaxed) - read <= 500);
}
