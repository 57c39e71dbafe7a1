//! Ours: every event decoded, found once and in order.

use std::{sync::Arc, time::Instant};

use ::journal::{Append, Journal, NewEvent, Recorded, StreamId, postgres::PostgresJournal};
use anyhow::Context;
use app::system::id;
use futures::{StreamExt, TryStreamExt, stream};

use super::EVENTS;

/// As much as a projection reads at once.
const PAGE: usize = 5_000;

/// Events of one stream, which are written by one append.
const STREAM: u64 = 20;

const WRITERS: usize = 64;

const PAYLOAD_BYTES: usize = 240;

/// Events a second.
pub(super) async fn replay(journal: &PostgresJournal) -> anyhow::Result<f64> {
    let begun = Instant::now();
    let mut seen = Seen::default();
    let mut events = journal.replay(0);
    while let Some(event) = events.try_next().await? {
        seen.see(&event)?;
    }
    seen.all()?;
    Ok(rate(begun))
}

/// Events a second.
pub(super) async fn pages(journal: &PostgresJournal) -> anyhow::Result<f64> {
    let begun = Instant::now();
    let mut seen = Seen::default();
    loop {
        let page: Vec<Arc<Recorded>> = journal.read(seen.position, PAGE).await?;
        if page.is_empty() {
            break;
        }
        for event in &page {
            seen.see(event)?;
        }
    }
    seen.all()?;
    Ok(rate(begun))
}

#[expect(clippy::cast_precision_loss, reason = "counts of seconds, not of ages")]
pub(super) fn rate(begun: Instant) -> f64 {
    EVENTS as f64 / begun.elapsed().as_secs_f64()
}

#[derive(Default)]
struct Seen {
    position: u64,
    bytes: usize,
}

impl Seen {
    fn see(&mut self, event: &Recorded) -> anyhow::Result<()> {
        let due = self.position + 1;
        anyhow::ensure!(event.position == due, "{} where {due} was due", event.position);
        self.position = due;
        self.bytes += event.payload.len();
        Ok(())
    }

    fn all(&self) -> anyhow::Result<()> {
        let Self { position, bytes } = *self;
        anyhow::ensure!(position == EVENTS, "{position} of {EVENTS} events");
        anyhow::ensure!(bytes as u64 == EVENTS * PAYLOAD_BYTES as u64, "{bytes} bytes of payload");
        Ok(())
    }
}

/// Writes so many events with 240 bytes of payload.
pub(super) async fn fill(journal: &PostgresJournal, events: u64) -> anyhow::Result<()> {
    let appends = (0..events / STREAM).map(|_| async {
        journal.append(one_stream()).await.context("an append")?;
        anyhow::Ok(())
    });
    stream::iter(appends).buffer_unordered(WRITERS).try_collect().await
}

fn one_stream() -> Append {
    let event = |version| {
        let bare = format!(r#"{{"pages":{version},"note":""}}"#);
        let note = "x".repeat(PAYLOAD_BYTES - bare.len());
        NewEvent {
            event_id: id(),
            event_type: "Noted",
            schema_version: 1,
            payload: format!(r#"{{"pages":{version},"note":"{note}"}}"#),
            metadata: r#"{"actor":"bench"}"#.to_owned(),
        }
    };
    Append {
        stream: StreamId::new("note", id()),
        expected_version: 0,
        events: (1..=STREAM).map(event).collect(),
        idempotency: None,
    }
}
