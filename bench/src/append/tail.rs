//! A reader who follows the journal while it grows, and must find every
//! position once and in order.

use std::sync::Arc;

use ::journal::{Journal, postgres::PostgresJournal};
use anyhow::Context;
use tokio::{sync::watch, task::JoinSet};

/// More than any batch.
const PAGE: usize = 1000;

/// A reader under way.
pub(super) struct Following {
    journal: Arc<PostgresJournal>,
    reader: JoinSet<anyhow::Result<u64>>,
    /// Where it is to stop.
    end: watch::Sender<Option<u64>>,
}

pub(super) fn follow(journal: Arc<PostgresJournal>) -> Following {
    let end = watch::Sender::new(None);
    let mut reader = JoinSet::new();
    reader.spawn(read(Arc::clone(&journal), end.subscribe()));
    Following { journal, reader, end }
}

impl Following {
    /// Once nobody appends any more: waits until the reader has found
    /// everything, and fails if it found anything else.
    pub(super) async fn found_all(mut self) -> anyhow::Result<u64> {
        let last = self.journal.append(super::workload::last()).await?;
        self.end.send_replace(Some(last.position));
        self.reader.join_next().await.context("a reader")?.context("the reader panicked")?
    }
}

async fn read(
    journal: Arc<PostgresJournal>,
    mut end: watch::Receiver<Option<u64>>,
) -> anyhow::Result<u64> {
    let mut head = journal.head();
    let mut found = 0;
    while end.borrow_and_update().is_none_or(|end| found < end) {
        let events = journal.read(found, PAGE).await?;
        for event in &events {
            let due = found + 1;
            anyhow::ensure!(event.position == due, "{} where {due} was due", event.position);
            found = due;
        }
        if events.is_empty() {
            tokio::select! {
                changed = head.wait_for(|it| found < *it) => { changed?; }
                changed = end.changed() => changed?,
            }
        }
    }
    Ok(found)
}
