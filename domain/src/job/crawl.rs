//! What is written down about crawls alone.

use serde::{Deserialize, Serialize};

use super::{CrawlSpec, Order};
use crate::{artifact::Artifact, event_type::event_types};

event_types! {
    /// Something that happens to crawls only.
    CrawlEvent {
        CrawlRequested,
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
