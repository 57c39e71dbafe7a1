//! What is written down about crawls alone.

use serde::{Deserialize, Serialize};

use super::{CrawlSpec, FoundPage, Order, VisitedPage, limit};
use crate::{Refusal, artifact::Artifact, event_type::event_types};

/// What one batch of pages may take, in bytes of JSON.
pub const PAGES_BYTES_MAX: usize = 200 * 1024;

event_types! {
    /// Something that happens to crawls only.
    CrawlEvent {
        CrawlRequested,
        PagesVisited,
        CrawlCompleted,
    }
}

/// Somebody asked for a crawl.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CrawlRequested {
    /// What every job is created with.
    pub order: Order,
    /// What is to be fetched.
    pub crawl: CrawlSpec,
}

/// Some pages were found, and some visited.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PagesVisited {
    /// Under which lease.
    pub fence: u64,
    /// The pages that were heard of for the first time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub found: Vec<FoundPage>,
    /// The pages that the crawl is done with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub visited: Vec<VisitedPage>,
    /// The file with the texts of those that are kept: JSON Lines, a page a
    /// line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub texts: Option<Artifact>,
}

impl PagesVisited {
    /// Refuses what could not be recorded, of a crawl that has found `known`
    /// pages so far. Pages are numbered without gaps, so that a batch that is
    /// sent twice is recorded once.
    pub(super) fn check(&self, known: u32) -> Result<(), Refusal> {
        let mut next = known;
        for page in &self.found {
            page.check()?;
            if page.number != next {
                return Err(Refusal::invalid("found", format!("numbered on from {known}")));
            }
            next = next.checked_add(1).ok_or_else(|| Refusal::invalid("found", "below 2^32"))?;
        }
        for page in &self.visited {
            page.check(next)?;
        }
        limit::size("pages", self, PAGES_BYTES_MAX)
    }
}

/// The crawl is done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CrawlCompleted {
    /// Under which lease.
    pub fence: u64,
    /// How many pages are in the corpus.
    pub pages: u64,
    /// How many pages could not be fetched.
    pub errors: u64,
    /// The files that it made.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub artifacts: Vec<Artifact>,
}
