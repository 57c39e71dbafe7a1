//! What events make of jobs: the row before and the row after.

use std::{collections::HashMap, sync::Arc};

use domain::JobId;
use journal::StreamId;

use super::{Feed, FeedError};
use crate::{
    Viewer,
    fact::Fact,
    job_list::{JobFilter, JobList, JobRow},
    projection::Projection,
};

/// How many events of a stream are read at a time; fewer come where they are
/// large.
const PAGE: usize = 1_000;

/// What an event made of its job.
#[derive(Clone, Debug)]
pub struct Change {
    /// The event.
    pub fact: Arc<Fact>,
    /// The job before it; none if it was created by it.
    pub before: Option<Arc<JobRow>>,
    /// The job after it.
    pub after: Arc<JobRow>,
}

/// What a change is to those who look through a filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Membership {
    /// The job was not among those looked at, and now is.
    Entered,
    /// It was, and is.
    Stayed,
    /// It was, and now is not.
    Left,
}

impl Change {
    /// Where it stands in the journal.
    pub fn position(&self) -> u64 {
        self.fact.position()
    }

    /// What it is to `viewer`, who looks through `filter`; `None` if nothing.
    pub fn seen(&self, filter: &JobFilter, viewer: Viewer) -> Option<Membership> {
        let was = self.before.as_ref().is_some_and(|it| filter.matches(it, viewer));
        match (was, filter.matches(&self.after, viewer)) {
            (false, false) => None,
            (false, true) => Some(Membership::Entered),
            (true, true) => Some(Membership::Stayed),
            (true, false) => Some(Membership::Left),
        }
    }
}

impl Feed {
    /// What happened to jobs after a position, oldest first, among the next
    /// `limit` events, and the position that has been looked at with it.
    pub async fn changes(&self, after: u64, limit: usize) -> Result<(Vec<Change>, u64), FeedError> {
        if let Some(items) = self.ring.after(after, limit)
            && !(items.is_empty() && self.is_stuck())
        {
            let last = items.last().map_or(after, |it| it.fact.position());
            return Ok((items.into_iter().filter_map(|it| it.change).collect(), last));
        }
        let facts = self.read(after, limit).await?;
        let last = facts.last().map_or(after, |it| it.position());
        let mut changes: Vec<Change> = Vec::new();
        let mut known: HashMap<JobId, Arc<JobRow>> = HashMap::new();
        for fact in facts {
            let Some((id, _)) = fact.of_job() else { continue };
            let before = match known.remove(&id) {
                Some(row) => Some(row),
                None => self.row_passed(id, fact.recorded.version - 1).await?,
            };
            let Some(change) = folded(before, fact) else { continue };
            known.insert(id, Arc::clone(&change.after));
            changes.push(change);
        }
        for (id, row) in known {
            self.passed.insert((id, row.version), row);
        }
        Ok((changes, last))
    }

    /// What a fact that has just come in makes of its job.
    pub(super) async fn change(&self, fact: &Arc<Fact>) -> Result<Option<Change>, FeedError> {
        let Some((id, _)) = fact.of_job() else { return Ok(None) };
        let version = fact.recorded.version;
        let kept = self.rows.get(&id).filter(|it| it.version + 1 == version);
        let before = match kept {
            Some(row) => Some(row),
            None => self.row_at(id, version - 1).await?,
        };
        let change = folded(before, Arc::clone(fact));
        if let Some(change) = &change {
            if change.after.state.is_final() {
                self.rows.invalidate(&id);
            } else {
                self.rows.insert(id, Arc::clone(&change.after));
            }
        }
        Ok(change)
    }

    /// The same as [`Feed::row_at`], at once if somebody has come to that
    /// version a moment ago: who reads on does not begin again at the first.
    async fn row_passed(&self, id: JobId, version: u64) -> Result<Option<Arc<JobRow>>, FeedError> {
        match self.passed.get(&(id, version)) {
            Some(row) => Ok(Some(row)),
            None => self.row_at(id, version).await,
        }
    }

    /// A job as of the last of its events that this process has heard of, or
    /// later, if that is at hand. Whoever asks looks whether the viewer sees
    /// its owner.
    pub fn row_at_hand(&self, id: JobId) -> Option<Arc<JobRow>> {
        self.rows.get(&id)
    }

    /// A job as it was at a version.
    pub async fn row_at(&self, id: JobId, version: u64) -> Result<Option<Arc<JobRow>>, FeedError> {
        let stream = StreamId::new("job", id);
        let mut row: Option<JobRow> = None;
        let mut at = 0;
        while at < version {
            let limit = usize::try_from(version - at).unwrap_or(PAGE).min(PAGE);
            let page = self.journal.0.read_stream(&stream, at, limit).await?;
            let Some(last) = page.last() else { break };
            at = last.version;
            for recorded in page {
                row = JobList::fold(id, row, &Fact::read(&Arc::new(recorded))?);
            }
        }
        Ok(row.map(Arc::new))
    }

    /// A job as it was when the journal was at `position`; none if nobody had
    /// asked for it yet. Whoever asks looks whether the viewer sees its owner.
    pub async fn row_as_of(
        &self,
        id: JobId,
        position: u64,
    ) -> Result<Option<Arc<JobRow>>, FeedError> {
        let stream = StreamId::new("job", id);
        let mut row: Option<JobRow> = None;
        let mut version = 0;
        loop {
            let page = self.journal.0.read_stream(&stream, version, PAGE).await?;
            let Some(last) = page.last() else { break };
            version = last.version;
            for recorded in page {
                if position < recorded.position {
                    return Ok(row.map(Arc::new));
                }
                row = JobList::fold(id, row, &Fact::read(&Arc::new(recorded))?);
            }
        }
        Ok(row.map(Arc::new))
    }
}

fn folded(before: Option<Arc<JobRow>>, fact: Arc<Fact>) -> Option<Change> {
    let (id, _) = fact.of_job()?;
    let after = JobList::fold(id, before.as_deref().cloned(), &fact)?;
    Some(Change { fact, before, after: Arc::new(after) })
}

#[cfg(test)]
mod tests;
