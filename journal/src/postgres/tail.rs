//! The end of the journal as this process knows it: the recent events, kept
//! in memory and shared by all who follow, and how far the journal is known
//! to go.

use std::{
    collections::VecDeque,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard},
};

use tokio::sync::watch;

use crate::{Recorded, postgres::Settings};

pub(super) struct Tail {
    recent: RwLock<Recent>,
    /// The last position in `recent`.
    head: watch::Sender<u64>,
    /// The last position heard of, which the tailer has yet to reach.
    heard: watch::Sender<u64>,
    /// The last position that this process wrote.
    written: watch::Sender<u64>,
}

/// Events without a gap, the last of them at `head`.
struct Recent {
    head: u64,
    events: VecDeque<Arc<Recorded>>,
    events_max: usize,
    bytes: usize,
    bytes_max: usize,
}

impl Tail {
    pub(super) fn new(head: u64, settings: &Settings) -> Self {
        Self {
            recent: RwLock::new(Recent {
                head,
                events: VecDeque::new(),
                events_max: settings.recent_events_max,
                bytes: 0,
                bytes_max: settings.recent_bytes_max,
            }),
            head: watch::Sender::new(head),
            heard: watch::Sender::new(head),
            written: watch::Sender::new(head),
        }
    }

    /// The last position that can be read here.
    pub(super) fn head(&self) -> watch::Receiver<u64> {
        self.head.subscribe()
    }

    /// The last position that is known to exist.
    pub(super) fn heard(&self) -> watch::Receiver<u64> {
        self.heard.subscribe()
    }

    /// The last position that this process wrote.
    pub(super) fn written(&self) -> watch::Receiver<u64> {
        self.written.subscribe()
    }

    /// This process has written a batch. If others wrote before it what has
    /// not been read yet, the tailer reads both.
    pub(super) fn wrote(&self, base: u64, events: Vec<Arc<Recorded>>) {
        let last = base + events.len() as u64;
        // Before the events, so that `read` never takes an old head for the end.
        raise(&self.heard, last);
        self.extend(base, events);
        raise(&self.written, last);
    }

    /// Events that follow position `after` have been read. Those that are
    /// known are skipped; a gap is not let in.
    pub(super) fn extend(&self, after: u64, events: Vec<Arc<Recorded>>) {
        let mut recent = self.recent.write().unwrap_or_else(PoisonError::into_inner);
        if after <= recent.head {
            let known = usize::try_from(recent.head - after).unwrap_or(usize::MAX);
            events.into_iter().skip(known).for_each(|it| recent.push(it));
        }
        let head = recent.head;
        drop(recent);
        raise(&self.head, head);
    }

    /// Somebody says that the journal goes as far as this.
    pub(super) fn hear(&self, head: u64) {
        raise(&self.heard, head);
    }

    /// How many positions are known to exist, but have not been read.
    pub(super) fn lag(&self) -> u64 {
        self.heard.borrow().saturating_sub(*self.head.borrow())
    }

    /// Events after a position, if they are here: all up to the limit or to
    /// the last position heard of.
    pub(super) fn read(&self, after: u64, limit: usize) -> Option<Vec<Arc<Recorded>>> {
        let heard = *self.heard.borrow();
        if heard <= after {
            return Some(Vec::new());
        }
        let recent = self.recent();
        let first = recent.head + 1 - recent.events.len() as u64;
        let skipped = usize::try_from((after + 1).checked_sub(first)?).ok()?;
        let is_enough =
            heard <= recent.head || skipped.saturating_add(limit) <= recent.events.len();
        is_enough.then(|| recent.events.iter().skip(skipped).take(limit).cloned().collect())
    }

    fn recent(&self) -> RwLockReadGuard<'_, Recent> {
        self.recent.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Recent {
    fn push(&mut self, event: Arc<Recorded>) {
        self.head = event.position;
        self.bytes += size(&event);
        self.events.push_back(event);
        while self.events_max < self.events.len() || self.bytes_max < self.bytes {
            let Some(oldest) = self.events.pop_front() else { break };
            self.bytes -= size(&oldest);
        }
    }
}

fn size(event: &Recorded) -> usize {
    size_of::<Recorded>()
        + event.stream.as_str().len()
        + event.event_type.len()
        + event.payload.len()
        + event.metadata.len()
}

fn raise(mark: &watch::Sender<u64>, to: u64) {
    mark.send_if_modified(|it| {
        let raises = *it < to;
        *it = to.max(*it);
        raises
    });
}
