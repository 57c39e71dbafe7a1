//! Follows the journal for one subscription.
//!
//! It pulls: the head of the feed only wakes it up. A wake-up can come late or twice, and several
//! can come as one; the journal itself has no holes, so that neither have the frames.

use std::{
    collections::{HashSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use domain::JobId;
use projections::{
    Subject, Viewer,
    feed::{Change, Feed, Membership},
    job_list::{JobFilter, JobRow},
};
use tokio::{
    sync::watch,
    time::{Instant, sleep_until, timeout_at},
};

use super::{
    change::{JobChange, JobFrame},
    fault::Result,
    job::Job,
    scalar::Position,
};

/// How many events are looked at for one frame. Fewer are told at a time while that would be more
/// than an answer may cost.
const BATCH: usize = 256;

/// How long after a frame that tells something the next may come, so that a busy moment makes few
/// large frames instead of many small ones. The first after a quiet moment does not wait.
const PAUSE: Duration = Duration::from_millis(20);

/// How long after a look in vain the next may come: others are busy, and many may look at them.
const PAUSE_IN_VAIN: Duration = Duration::from_millis(2);

/// How long nothing is said at most: the cursor moves on also where there is nothing to see, so
/// that who comes back does not start far behind.
const SILENCE_MAX: Duration = Duration::from_secs(5);

/// What one subscription looks at.
pub(super) struct Sight {
    /// Through whose eyes.
    pub(super) eyes: Viewer,
    /// Which jobs.
    pub(super) filter: JobFilter,
    /// One job alone.
    pub(super) only: Option<JobId>,
}

/// Follows the journal for one subscription.
pub(super) struct Follower {
    feed: Arc<Feed>,
    head: watch::Receiver<u64>,
    sight: Sight,
    cursor: u64,
    /// The one job as of the cursor, if it is one job that is followed.
    job: Option<Arc<JobRow>>,
    /// What has been looked at and not been told yet.
    waiting: VecDeque<Seen>,
    /// Up to where.
    looked_at: u64,
    /// How many events a frame may tell.
    most: usize,
    /// The last frame, in case that it was too large.
    last: Option<Told>,
    /// Whether nothing was left when the journal was last looked at.
    idle: bool,
    /// Not before then is it looked at again, while nothing is left.
    again_at: Instant,
    /// Whether the last frame said that nothing was left.
    told_caught_up: bool,
    silent_since: Instant,
    ended: bool,
}

/// A change, and what it is to whoever looks.
type Seen = (Change, Membership);

/// What a frame told, and how it was before.
struct Told {
    events: Vec<Seen>,
    cursor: u64,
    job: Option<Arc<JobRow>>,
    caught_up: bool,
}

impl Follower {
    /// Starts after `cursor`, where `job` is as given.
    pub(super) fn new(
        feed: Arc<Feed>,
        sight: Sight,
        cursor: u64,
        job: Option<Arc<JobRow>>,
    ) -> Self {
        let head = feed.head();
        Self {
            feed,
            head,
            sight,
            cursor,
            job,
            waiting: VecDeque::new(),
            looked_at: cursor,
            most: BATCH,
            last: None,
            idle: false,
            again_at: Instant::now(),
            told_caught_up: false,
            silent_since: Instant::now(),
            ended: false,
        }
    }

    /// The next frame; `None` when there will never be another.
    pub(super) async fn next(&mut self) -> Option<Result<JobFrame>> {
        if self.ended {
            return None;
        }
        let frame = self.frame().await;
        // Nothing but its owner changes of a job that has ended. And after a failure, whoever
        // subscribes again loses nothing.
        let over = self.job.as_ref().is_some_and(|it| it.state.is_final());
        self.ended |= over || frame.is_err();
        Some(frame)
    }

    /// The last frame was too large for its reader: what it told is told again, in smaller ones.
    pub(super) fn divide(&mut self) {
        let Some(Told { events, cursor, job, caught_up }) = self.last.take() else { return };
        self.most = (events.len() / 2).max(1);
        for seen in events.into_iter().rev() {
            self.waiting.push_front(seen);
        }
        (self.cursor, self.job, self.told_caught_up) = (cursor, job, caught_up);
        (self.idle, self.ended) = (false, false);
    }

    async fn frame(&mut self) -> Result<JobFrame> {
        let due = self.silent_since + SILENCE_MAX;
        self.last = None;
        loop {
            if self.waiting.is_empty() {
                self.wait(due).await;
                let (changes, last) = self.feed.changes(self.cursor, BATCH).await?;
                self.looked_at = last;
                self.waiting.extend(changes.into_iter().filter_map(|it| self.sight.seen(it)));
            }
            let before = self.cursor;
            let told: Vec<Seen> = self.waiting.drain(..self.most.min(self.waiting.len())).collect();
            self.last = Some(Told {
                events: told.clone(),
                cursor: before,
                job: self.job.clone(),
                caught_up: self.told_caught_up,
            });
            let last = match told.last() {
                Some((change, _)) if !self.waiting.is_empty() => change.position(),
                _ => self.looked_at,
            };
            self.cursor = last;
            // Smaller frames are told for as long as they must be, and not much longer.
            self.most = (self.most + 1).min(BATCH);
            let head = (*self.head.borrow()).max(self.looked_at);
            let caught_up = head == last;
            self.idle = caught_up;
            let events = self.told(told, before).await?;
            let pause = if events.is_empty() { PAUSE_IN_VAIN } else { PAUSE };
            self.again_at = Instant::now() + pause;
            let news = caught_up && !self.told_caught_up;
            if !events.is_empty() || news || self.ended || due <= Instant::now() {
                self.told_caught_up = caught_up;
                self.silent_since = Instant::now();
                let (cursor, head) = (Position(last), Position(head));
                let job = self.job.clone().map(Job::from);
                return Ok(JobFrame { cursor, head, caught_up, events, job });
            }
        }
    }

    /// Returns when there is something to look at, or at `due`. What happens in a busy moment is
    /// let come together; who is behind does not wait.
    async fn wait(&mut self, due: Instant) {
        if !self.idle {
            return;
        }
        let cursor = self.cursor;
        // Whether there is something new or the time has come, one looks.
        drop(timeout_at(due, self.head.wait_for(|head| cursor < *head)).await);
        sleep_until(self.again_at).await;
    }

    /// These changes, all after `before`, as whoever looks is told of them.
    async fn told(&mut self, seen: Vec<Seen>, before: u64) -> Result<Vec<JobChange>> {
        let only = self.sight.only;
        let strangers = self.given_away(&seen, before).await?;
        let mut events = Vec::new();
        for (change, membership) in seen {
            let left = membership == Membership::Left;
            let strange = strangers.contains(&change.after.id);
            if left || !strange {
                events.push(JobChange::new(&change, membership));
            }
            if only.is_some() && (left || strange) {
                // It is another's now, and so is what happens to it.
                (self.job, self.ended) = (None, true);
                break;
            }
            if only.is_some() {
                self.job = Some(change.after);
            }
        }
        Ok(events)
    }

    /// Of these, the jobs that have been given to somebody else since: of what was theirs then,
    /// whoever looks is told only that it is so no more. A transfer that is among them counts: what
    /// comes before it was read as if there were none.
    async fn given_away(&self, seen: &[Seen], before: u64) -> Result<HashSet<JobId>> {
        let Sight { eyes, .. } = self.sight;
        let mut strangers = HashSet::new();
        if eyes == Viewer::All || !self.feed.may_have_transferred_since(before) {
            return Ok(strangers);
        }
        let jobs: HashSet<JobId> = seen.iter().map(|(it, _)| it.after.id).collect();
        for job in jobs {
            let owned = self.feed.owned(Subject::Job(job)).await?;
            if !owned.is_some_and(|it| eyes.sees(it.owner)) {
                strangers.insert(job);
            }
        }
        Ok(strangers)
    }
}

impl Sight {
    fn seen(&self, change: Change) -> Option<Seen> {
        if self.only.is_some_and(|only| only != change.after.id) {
            return None;
        }
        change.seen(&self.filter, self.eyes).map(|membership| (change, membership))
    }
}

#[cfg(test)]
mod tests;
