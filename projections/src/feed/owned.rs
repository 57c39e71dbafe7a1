//! Whose something is, and since when: as the journal tells it, of jobs and
//! lands.

use std::sync::atomic::Ordering;

use domain::{
    UserId,
    decode::Event,
    job::{CrawlEvent, JobEvent, ReportEvent},
    land::LandEvent,
};

use super::{Feed, FeedError};
use crate::fact::{Fact, Subject};

/// How many events of a stream are read at a time; fewer come where they are
/// large.
const PAGE: usize = 1_000;

/// Whose something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owned {
    /// Whose.
    pub owner: UserId,
    /// Since which position. What was given away by the answer to an event is
    /// the new owner's since that event.
    pub since: u64,
}

impl Feed {
    /// Whose it is now; none of what never was, and of what nobody owns.
    pub async fn owned(&self, subject: Subject) -> Result<Option<Owned>, FeedError> {
        let (mut owned, mut version) = (None, 0);
        loop {
            let page = self.events_of(subject, version, PAGE).await?;
            let Some(last) = page.last() else { return Ok(owned) };
            version = last.recorded.version;
            owned = page.iter().rev().find_map(|it| begun(it)).or(owned);
        }
    }

    /// Whether a job may have gone to somebody else after `position`.
    pub fn may_have_transferred_since(&self, position: u64) -> bool {
        position < self.transferred_at.load(Ordering::SeqCst)
    }
}

/// Whether a job is somebody else's from here on.
pub(super) fn gives_a_job_away(fact: &Fact) -> bool {
    matches!(fact.event, Event::Job(JobEvent::JobTransferred(_)))
}

/// Who owns it from here on, if anybody else does than before.
fn begun(fact: &Fact) -> Option<Owned> {
    let at = fact.position();
    let (owner, since) = match (&fact.event, fact.cause) {
        (Event::Job(JobEvent::TaskCreated(it)), _) => (it.order.owner, at),
        (Event::Job(JobEvent::Crawl(CrawlEvent::CrawlRequested(it))), _) => (it.order.owner, at),
        (Event::Job(JobEvent::Report(ReportEvent::ReportRequested(it))), _) => (it.order.owner, at),
        (Event::Job(JobEvent::JobTransferred(it)), cause) => (it.to, cause.unwrap_or(at)),
        (Event::Land(LandEvent::LandCreated(it)), _) => (it.owner, at),
        (Event::Land(LandEvent::LandTransferred(it)), cause) => (it.to, cause.unwrap_or(at)),
        _ => return None,
    };
    Some(Owned { owner, since })
}
