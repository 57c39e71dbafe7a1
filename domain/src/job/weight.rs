//! What a job takes in memory.

use super::{JobError, Lease, Order, Phase, Present, Spec};
use crate::{artifact::Sha256, weight};

impl Present {
    /// What it takes, in bytes, about.
    pub(super) fn weight(&self) -> usize {
        let text = |it: &Option<String>| it.as_ref().map_or(0, weight::text);
        let held = |it: &Lease| {
            let said = it.progress.as_ref().map_or(0, |it| text(&it.message));
            said + it.cancel.as_ref().map_or(0, |it| text(&it.reason))
        };
        let phase = if let Phase::Running(lease) = &self.phase { held(lease) } else { 0 };
        size_of::<Self>()
            + size_of::<Order>()
            + self.spec.weight()
            + phase
            + self.paused.as_ref().map_or(0, |it| text(&it.reason))
            + self.checkpoint.as_ref().map_or(0, weight::json)
            + self.last_error.as_ref().map_or(0, JobError::weight)
    }
}

impl Spec {
    fn weight(&self) -> usize {
        let beside = match self {
            Self::Task(it) => weight::json(&it.body),
            Self::Crawl(it) => {
                weight::texts(&it.seeds) + weight::texts(&it.terms) + weight::texts(&it.languages)
            }
            Self::Report(it) => it.sources.capacity() * size_of::<Sha256>(),
        };
        size_of::<Self>() + beside
    }
}

impl JobError {
    fn weight(&self) -> usize {
        let detail = self.detail.as_ref().map_or(0, weight::text);
        weight::text(&self.error_type) + weight::text(&self.message) + detail
    }
}
