//! What a crawl has kept, as far as it matters to what it finds next: no page
//! is kept twice. Rebuilt from what is recorded; pure.

use std::collections::HashMap;

use domain::{
    artifact::Sha256,
    job::{DuplicateBy, KeptPage, PageOutcome, VisitedPage},
};
use url::Url;

use super::link;

/// Faults that another try may find mended.
const PASSING: [&str; 6] =
    ["timeout", "connect", "interrupted", "http_429", "robots_unavailable", "host_given_up"];

/// Faults with which a page was not visited: its host gave none of its pages, or
/// not now. Another may be visited instead.
const UNVISITED: [&str; 6] =
    ["http_429", "robots_unavailable", "host_given_up", "dns", "connect", "bad_url"];

/// What has become of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Kept { relevance: u32 },
    Duplicate { of: u32 },
    Excluded,
    Failed { passing: bool, visited: bool },
}

/// What a crawl has kept.
#[derive(Debug, Default)]
pub(super) struct Corpus {
    fates: HashMap<u32, Fate>,
    /// The kept pages, by the address that each calls its own.
    addresses: HashMap<Box<str>, u32>,
    /// The kept pages, by what they say.
    contents: HashMap<Sha256, u32>,
    /// How many pages are kept.
    pub(super) kept: u64,
    /// How many could not be had.
    pub(super) failed: u64,
}

impl Corpus {
    /// How many pages the crawl is done with.
    pub(super) fn done(&self) -> u32 {
        u32::try_from(self.fates.len()).unwrap_or(u32::MAX)
    }

    /// How many of them were visited, and count for the limit.
    pub(super) fn visited(&self) -> u32 {
        let unvisited = |it: &&Fate| matches!(it, Fate::Failed { visited: false, .. });
        let unvisited = self.fates.values().filter(unvisited).count();
        u32::try_from(self.fates.len() - unvisited).unwrap_or(u32::MAX)
    }

    pub(super) fn fate(&self, number: u32) -> Option<Fate> {
        self.fates.get(&number).copied()
    }

    pub(super) fn is_kept(&self, number: u32) -> bool {
        matches!(self.fate(number), Some(Fate::Kept { .. }))
    }

    /// The kept page that this one is the same as. A page may say that it is
    /// really another one, which counts once that one is kept.
    pub(super) fn twin(&self, page: &KeptPage) -> Option<(u32, DuplicateBy)> {
        let canonical = page.canonical.as_deref().unwrap_or(&page.url);
        if let Some(of) = [canonical, &page.url].iter().find_map(|it| self.addresses.get(*it)) {
            return Some((*of, DuplicateBy::Canonical));
        }
        // Pages without a word are not the same page.
        let of = self.contents.get(&page.content).filter(|_| 0 < page.words)?;
        Some((*of, DuplicateBy::Content))
    }

    /// Where the page at `number` leads in the end, through pages that turned
    /// out to be others.
    pub(super) fn stands_for(&self, number: u32) -> u32 {
        let mut at = number;
        // Each step leads to another page: a circle would be longer than this.
        for _ in 0..self.fates.len() {
            match self.fate(at) {
                Some(Fate::Duplicate { of }) => at = of,
                _ => return at,
            }
        }
        at
    }

    /// Takes in what has become of a page.
    pub(super) fn take_in(&mut self, page: &VisitedPage) {
        let number = page.number;
        let fate = match &page.outcome {
            PageOutcome::Kept(kept) => {
                self.kept += 1;
                self.keep(number, kept);
                Fate::Kept { relevance: kept.relevance }
            }
            PageOutcome::Duplicate { of, .. } => Fate::Duplicate { of: *of },
            PageOutcome::Excluded { .. } => Fate::Excluded,
            PageOutcome::Failed { status, error, .. } => {
                self.failed += 1;
                Fate::Failed { passing: is_passing(*status, error), visited: is_visited(error) }
            }
        };
        let before = self.fates.insert(number, fate);
        self.uncount(before);
    }

    /// What a page has become instead counts.
    fn uncount(&mut self, before: Option<Fate>) {
        match before {
            Some(Fate::Kept { .. }) => self.kept = self.kept.saturating_sub(1),
            Some(Fate::Failed { .. }) => self.failed = self.failed.saturating_sub(1),
            Some(Fate::Duplicate { .. } | Fate::Excluded) | None => {}
        }
    }

    /// A page that could not be had, and is to be tried once more.
    pub(super) fn forget_failure(&mut self, number: u32) {
        let before = self.fates.remove(&number);
        self.uncount(before);
    }

    /// Nobody speaks for another's site: an address elsewhere is not claimed.
    fn keep(&mut self, number: u32, page: &KeptPage) {
        self.contents.entry(page.content).or_insert(number);
        self.addresses.entry(page.url.as_str().into()).or_insert(number);
        let canonical = page.canonical.as_deref().and_then(|it| Url::parse(it).ok());
        if let (Some(canonical), Ok(url)) = (canonical, Url::parse(&page.url))
            && link::site(&canonical) == link::site(&url)
        {
            self.addresses.entry(canonical.as_str().into()).or_insert(number);
        }
    }
}

/// Whether another try may find it mended.
pub(super) fn is_passing(status: Option<u16>, error: &str) -> bool {
    PASSING.contains(&error) || status.is_some_and(|it| 500 <= it)
}

/// Whether a page was visited that ended with this fault.
pub(super) fn is_visited(error: &str) -> bool {
    !UNVISITED.contains(&error)
}
