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
    /// The last position heard of from elsewhere: the tailer reads up to it.
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

    /// The last position heard of that did not come with its events.
    pub(super) fn heard(&self) -> watch::Receiver<u64> {
        self.heard.subscribe()
    }

    /// The last position that this process wrote.
    pub(super) fn written(&self) -> watch::Receiver<u64> {
        self.written.subscribe()
    }

    /// This process has written a batch.
    pub(super) fn wrote(&self, base: u64, events: Vec<Arc<Recorded>>) {
        let last = base + events.len() as u64;
        self.extend(base, events);
        raise(&self.written, last);
    }

    /// There are events after position `after`. Those that are known are
    /// skipped. If there is a gap before them, the tailer reads both.
    pub(super) fn extend(&self, after: u64, events: Vec<Arc<Recorded>>) {
        let mut recent = self.recent.write().unwrap_or_else(PoisonError::into_inner);
        if after <= recent.head {
            let known = usize::try_from(recent.head - after).unwrap_or(usize::MAX);
            events.into_iter().skip(known).for_each(|it| recent.push(it));
        } else {
            // Under the lock: whoever reads next looks further than `recent`.
            raise(&self.heard, after + events.len() as u64);
        }
        let head = recent.head;
        drop(recent);
        raise(&self.head, head);
    }

    /// Somebody says that the journal goes as far as this.
    pub(super) fn hear(&self, head: u64) {
        if *self.head.borrow() < head {
            raise(&self.heard, head);
        }
    }

    /// How many positions are known to exist, but have not been read.
    pub(super) fn lag(&self) -> u64 {
        self.heard.borrow().saturating_sub(*self.head.borrow())
    }

    /// Events after a position, if they are here: all up to the limit or to
    /// the last position heard of.
    pub(super) fn read(&self, after: u64, limit: usize) -> Option<Vec<Arc<Recorded>>> {
        let recent = self.recent();
        let heard = recent.head.max(*self.heard.borrow());
        if heard <= after {
            return Some(Vec::new());
        }
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
