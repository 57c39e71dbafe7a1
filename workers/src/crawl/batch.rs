//! What is recorded together: pages found and visited since the last time, and
//! the texts of those that are kept. No batch is larger than an event may be,
//! and none waits for long.

use std::{collections::VecDeque, time::Duration};

use domain::job::{FoundPage, PAGES_BYTES_MAX, PageOutcome, Progress, TextSlice, VisitedPage};
use serde::Serialize;
use tokio::time::Instant;

use super::{page::Media, relevance::TermCount};

/// When a batch is full. What one page adds at most still fits into an event.
const EVENT_BYTES_MAX: usize = PAGES_BYTES_MAX / 4 * 3;

/// Several batches are in memory at a time, and everybody who follows holds
/// one: larger ones take more memory and no less time.
const TEXTS_BYTES_MAX: usize = 512 * 1024;
const PAGES_MAX: usize = 500;

/// How old a batch may grow.
const AGE_MAX: Duration = Duration::from_millis(500);

/// What is recorded together.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) found: Vec<FoundPage>,
    pub(super) visited: Vec<VisitedPage>,
    /// JSON Lines, a [`PageText`] a line.
    pub(super) texts: Vec<u8>,
    pub(super) progress: Option<Progress>,
}

/// The text of a page, as it is kept.
#[derive(Debug, Serialize)]
pub(super) struct PageText<'a> {
    pub(super) number: u32,
    pub(super) url: &'a str,
    pub(super) title: Option<&'a str>,
    /// Markdown.
    pub(super) text: &'a str,
    pub(super) media: &'a [Media],
    pub(super) terms: &'a [TermCount],
}

/// Batches as they fill up.
#[derive(Debug, Default)]
pub(super) struct Batches {
    open: Batch,
    /// What the open one takes as an event.
    bytes: usize,
    since: Option<Instant>,
    full: VecDeque<Batch>,
}

impl Batches {
    /// Adds a page that was found. A page is added before whatever names it.
    pub(super) fn found(&mut self, page: FoundPage, now: Instant) {
        self.make_room(json_bytes(&page), now);
        self.open.found.push(page);
    }

    /// Adds a page that was visited, and its text if it is kept.
    pub(super) fn visited(
        &mut self,
        mut page: VisitedPage,
        text: Option<&PageText<'_>>,
        now: Instant,
    ) {
        self.make_room(json_bytes(&page), now);
        if let (PageOutcome::Kept(kept), Some(text)) = (&mut page.outcome, text) {
            let offset = self.open.texts.len();
            serde_json::to_writer(&mut self.open.texts, text).expect("a page's text is JSON");
            kept.text =
                TextSlice { offset: offset as u64, bytes: (self.open.texts.len() - offset) as u64 };
            self.open.texts.push(b'\n');
        }
        self.open.visited.push(page);
    }

    /// When the open batch is to be recorded, full or not.
    pub(super) fn due(&self) -> Option<Instant> {
        self.since.map(|it| it + AGE_MAX)
    }

    /// The next batch that is to be recorded now; with `all`, also one that
    /// could wait.
    pub(super) fn take(&mut self, now: Instant, all: bool) -> Option<Batch> {
        if self.full.is_empty() && (all || self.due().is_some_and(|it| it <= now)) {
            self.seal();
        }
        self.full.pop_front()
    }

    fn make_room(&mut self, bytes: usize, now: Instant) {
        let pages = self.open.found.len() + self.open.visited.len();
        if EVENT_BYTES_MAX < self.bytes + bytes
            || TEXTS_BYTES_MAX < self.open.texts.len()
            || PAGES_MAX * 4 < pages
            || PAGES_MAX < self.open.visited.len()
        {
            self.seal();
        }
        self.since = self.since.or(Some(now));
        self.bytes += bytes;
    }

    fn seal(&mut self) {
        if self.since.take().is_some() {
            self.full.push_back(std::mem::take(&mut self.open));
            self.bytes = 0;
        }
    }
}

/// What it takes within an event, comma and all.
fn json_bytes<T: Serialize>(value: &T) -> usize {
    serde_json::to_vec(value).map_or(0, |it| it.len() + 1)
}

#[cfg(test)]
mod tests {
    use domain::{
        artifact::Sha256,
        job::{Exclusion, KeptPage, PagesVisited},
    };

    use super::*;

    fn found(number: u32) -> FoundPage {
        FoundPage { number, url: "x".repeat(2_048), depth: 0, from: None }
    }

    fn excluded(number: u32) -> VisitedPage {
        let outcome = PageOutcome::Excluded { reason: Exclusion::Robots };
        VisitedPage { number, outcome, links: (0..2_000).collect() }
    }

    fn kept(number: u32) -> VisitedPage {
        let page = KeptPage {
            url: "http://a.example/".to_owned(),
            status: 200,
            media_type: "text/html".to_owned(),
            bytes: 0,
            title: None,
            description: None,
            language: None,
            canonical: None,
            published_at: None,
            words: 1,
            relevance: 1,
            content: Sha256::new([0; 32]),
            text: TextSlice { offset: 0, bytes: 0 },
            media: 0,
        };
        VisitedPage { number, outcome: PageOutcome::Kept(Box::new(page)), links: Vec::new() }
    }

    #[test]
    fn no_batch_is_larger_than_an_event_and_none_is_lost() {
        let (mut batches, now) = (Batches::default(), Instant::now());
        for number in 0..400 {
            batches.found(found(number), now);
            batches.visited(excluded(number), None, now);
        }
        let (mut pages, mut count) = (0, 0);
        while let Some(batch) = batches.take(now, true) {
            let Batch { found, visited, .. } = batch;
            pages += visited.len();
            count += 1;
            let event = PagesVisited { fence: u64::MAX, found, visited, texts: None };
            assert!(json_bytes(&event) <= PAGES_BYTES_MAX);
        }
        assert_eq!(pages, 400);
        assert!(20 < count && count < 60, "{count} batches");
    }

    #[test]
    fn no_batch_holds_many_long_texts() {
        let (mut batches, now) = (Batches::default(), Instant::now());
        let long = "x".repeat(TEXTS_BYTES_MAX / 8);
        for number in 0..40 {
            let text = PageText {
                number,
                url: "http://a.example/",
                title: None,
                text: &long,
                media: &[],
                terms: &[],
            };
            batches.visited(kept(number), Some(&text), now);
        }
        let mut pages = 0;
        while let Some(batch) = batches.take(now, true) {
            pages += batch.visited.len();
            assert!(batch.texts.len() < TEXTS_BYTES_MAX + 2 * long.len(), "{}", batch.texts.len());
        }
        assert_eq!(pages, 40);
    }

    #[test]
    fn a_batch_waits_for_half_a_second_at_most() {
        let (mut batches, now) = (Batches::default(), Instant::now());
        assert!(batches.take(now, true).is_none());
        batches.found(found(0), now);
        assert!(batches.take(now, false).is_none());
        assert!(batches.take(now + AGE_MAX, false).is_some());
        assert!(batches.take(now + AGE_MAX, true).is_none());
        assert_eq!(batches.due(), None);
    }
}
