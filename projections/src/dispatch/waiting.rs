//! Workers that wait for work, and who of this process is about to take what.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use domain::{
    JobId,
    job::{CrawlEvent, JobEvent, JobState, Next, ReportEvent},
};
use tokio::{sync::oneshot, time::Instant};
use tokio_util::sync::CancellationToken;

use crate::feed::{Change, Feed};

/// How many events are looked at together.
const BATCH: usize = 1_000;

/// How long a job that cannot be read is left alone: as long as it may take to be seen again once
/// an operator has mended it.
const ASIDE_FOR: Duration = Duration::from_mins(1);

/// How many are left alone at most. They are looked for with all others, and passed over.
const ASIDE_MAX: usize = 1_000;

/// Workers of this process that wait for work. A job that is queued wakes the
/// one that has waited longest for its service, and no other.
#[derive(Debug, Default)]
pub struct WaitingWorkers {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    waiting: VecDeque<Waiter>,
    claimed: HashSet<JobId>,
    /// Those that nobody of this process takes, and until when.
    aside: HashMap<JobId, Instant>,
}

#[derive(Debug)]
struct Waiter {
    services: Arc<[String]>,
    wake: oneshot::Sender<String>,
}

/// One worker that waits. A wake that it was given and did not answer goes to
/// the next: jobs and wakes are as many.
#[derive(Debug)]
pub struct Waiting {
    among: Arc<WaitingWorkers>,
    wake: oneshot::Receiver<String>,
    woken: Option<String>,
}

/// A job that one request of this process is about to take; the others of this
/// process leave it alone until this is dropped.
#[derive(Debug)]
pub struct Claim {
    waiting: Arc<WaitingWorkers>,
    job: JobId,
}

impl WaitingWorkers {
    /// Waits for a job of one of `services` to be queued. To be asked for
    /// *before* looking for candidates, so that no job comes in between.
    pub fn wait(self: &Arc<Self>, services: Arc<[String]>) -> Waiting {
        let (wake, woken) = oneshot::channel();
        let mut inner = self.lock();
        inner.waiting.retain(|it| !it.wake.is_closed());
        inner.waiting.push_back(Waiter { services, wake });
        Waiting { among: Arc::clone(self), wake: woken, woken: None }
    }

    /// Claims `job`, if nobody else of this process has, and it is not set aside.
    pub fn claim(self: &Arc<Self>, job: JobId) -> Option<Claim> {
        let mut inner = self.lock();
        inner.take_back(Instant::now());
        let claimed = !inner.aside.contains_key(&job) && inner.claimed.insert(job);
        claimed.then(|| Claim { waiting: Arc::clone(self), job })
    }

    /// How many jobs are claimed or set aside at this moment: how many more
    /// candidates one should look at.
    pub fn claimed(&self) -> usize {
        let mut inner = self.lock();
        inner.take_back(Instant::now());
        inner.claimed.len() + inner.aside.len()
    }

    /// Wakes workers as jobs are queued, until `stop`.
    pub async fn run(&self, feed: &Feed, stop: CancellationToken) {
        let mut head = feed.head();
        let mut after = *head.borrow();
        loop {
            match feed.changes(after, BATCH).await {
                Ok((changes, last)) => {
                    changes.iter().filter(|it| queues(it)).for_each(|it| {
                        self.wake(it.after.service.as_str());
                    });
                    if last != after {
                        after = last;
                        continue;
                    }
                }
                // The feed logs what is wrong with the journal; workers look
                // for work by themselves from time to time.
                Err(error) => tracing::debug!(%error, "waiting workers are not woken"),
            }
            tokio::select! {
                () = stop.cancelled() => return,
                changed = head.changed() => if changed.is_err() { return },
            }
        }
    }

    fn wake(&self, service: &str) {
        let mut inner = self.lock();
        while let Some(index) =
            inner.waiting.iter().position(|it| it.services.iter().any(|it| it == service))
        {
            let Some(waiter) = inner.waiting.remove(index) else { return };
            if waiter.wake.send(service.to_owned()).is_ok() {
                return;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Nothing here is left half-done by a panic.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    /// Returns when a job was queued. Whoever then has looked for it says so
    /// with [`answered`](Self::answered).
    pub async fn woken(&mut self) {
        if self.woken.is_none() {
            // The sender is kept until it has sent.
            self.woken = (&mut self.wake).await.ok();
        }
    }

    /// The job that it was woken for was looked for: nobody else needs to.
    pub fn answered(mut self) {
        self.woken = None;
        self.wake.close();
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.wake.close();
        if let Some(service) = self.woken.take().or_else(|| self.wake.try_recv().ok()) {
            self.among.wake(&service);
        }
    }
}

impl Inner {
    /// Those whose time is over are jobs like others again.
    fn take_back(&mut self, now: Instant) {
        self.aside.retain(|_, until| now < *until);
    }
}

impl Claim {
    /// The job that is claimed.
    pub fn job(&self) -> JobId {
        self.job
    }

    /// Has everybody of this process leave the job alone for a while, since it
    /// cannot be read. The claim again, if too many are set aside already.
    pub fn set_aside(self) -> Result<(), Self> {
        let now = Instant::now();
        let mut inner = self.waiting.lock();
        inner.take_back(now);
        if ASIDE_MAX <= inner.aside.len() {
            drop(inner);
            return Err(self);
        }
        inner.aside.insert(self.job, now + ASIDE_FOR);
        Ok(())
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.waiting.lock().claimed.remove(&self.job);
    }
}

/// Whether a worker may take the job now, and could not before.
fn queues(change: &Change) -> bool {
    let Some((_, event)) = change.fact.of_job() else { return false };
    if change.after.paused_at.is_some() {
        return false;
    }
    match event {
        JobEvent::TaskCreated(_)
        | JobEvent::Crawl(CrawlEvent::CrawlRequested(_))
        | JobEvent::Report(ReportEvent::ReportRequested(_)) => change.after.ready_at.is_none(),
        JobEvent::JobQueued(_) => true,
        JobEvent::JobResumed(_) => change.after.state == JobState::Queued,
        JobEvent::LeaseReleased(it) => it.next == Next::Queue,
        JobEvent::LeaseExpired(it) => it.next == Next::Queue,
        JobEvent::AttemptFailed(it) => it.next == Next::Queue,
        JobEvent::LeaseGranted(_)
        | JobEvent::ProgressReported(_)
        | JobEvent::CancelRequested(_)
        | JobEvent::JobPaused(_)
        | JobEvent::LogSealed(_)
        | JobEvent::TaskCompleted(_)
        | JobEvent::JobFailed(_)
        | JobEvent::JobCancelled(_)
        | JobEvent::JobExpired(_)
        | JobEvent::JobTransferred(_)
        | JobEvent::Crawl(CrawlEvent::PagesVisited(_) | CrawlEvent::CrawlCompleted(_))
        | JobEvent::Report(ReportEvent::ReportCompleted(_)) => false,
    }
}
