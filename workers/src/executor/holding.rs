//! What one worker holds, and who of it is to stop.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use domain::{JobId, LeaseId, job::JobEvent};
use projections::kept::beats::Beat;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Why an attempt is to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Somebody wants the job stopped.
    Cancel,
    /// Somebody wants the job left alone for a while: another attempt goes on.
    Pause,
    /// The lease may be over: no beat was answered for its length. What is given
    /// back counts if nobody has recorded the loss.
    Doubted,
    /// The lease is over: whatever is reported comes too late.
    Lost,
    /// The process ends: another one goes on.
    Shutdown,
}

/// Tells an attempt to stop.
#[derive(Debug, Default)]
pub(super) struct Stopping {
    token: CancellationToken,
    why: Mutex<Option<Stop>>,
}

impl Stopping {
    pub(super) fn token(&self) -> CancellationToken {
        self.token.clone()
    }

    pub(super) fn why(&self) -> Option<Stop> {
        *lock(&self.why)
    }

    /// The first reason is the one that counts, but a lease that is lost is
    /// lost.
    pub(super) fn stop(&self, why: Stop) {
        let mut reason = lock(&self.why);
        if reason.is_none() || why == Stop::Lost {
            *reason = Some(why);
        }
        drop(reason);
        self.token.cancel();
    }
}

/// What one worker holds.
#[derive(Default)]
pub(super) struct Holding(Mutex<HashMap<LeaseId, Lease>>);

struct Lease {
    stopping: Arc<Stopping>,
    length: Duration,
    /// Until when it surely holds, as far as this process knows.
    good_until: Instant,
}

impl Holding {
    /// From now on it is held, for `length` without a beat.
    pub(super) fn add(&self, lease: LeaseId, length: Duration, since: Instant) -> Arc<Stopping> {
        let stopping = Arc::<Stopping>::default();
        let held = Lease { stopping: Arc::clone(&stopping), length, good_until: since + length };
        self.lock().insert(lease, held);
        stopping
    }

    pub(super) fn remove(&self, lease: LeaseId) {
        self.lock().remove(&lease);
    }

    /// All of them, if one was not beaten for in a third of its length.
    pub(super) fn due(&self, now: Instant) -> Vec<LeaseId> {
        let held = self.lock();
        if held.values().any(|it| it.good_until < now + it.length * 2 / 3) {
            return held.keys().copied().collect();
        }
        Vec::new()
    }

    pub(super) fn stop_all(&self, why: Stop) {
        self.lock().values().for_each(|it| it.stopping.stop(why));
    }

    /// Those of `asked` that are not in the answer are lost.
    pub(super) fn extended(&self, asked: &[LeaseId], beats: &[Beat], at: Instant) {
        let mut held = self.lock();
        for lease in asked {
            let Some(it) = held.get_mut(lease) else { continue };
            match beats.iter().find(|beat| beat.lease == *lease) {
                Some(beat) => {
                    it.good_until = at + it.length;
                    if beat.cancel_requested {
                        it.stopping.stop(Stop::Cancel);
                    } else if beat.paused {
                        it.stopping.stop(Stop::Pause);
                    }
                }
                None => it.stopping.stop(Stop::Lost),
            }
        }
    }

    /// Whoever has not been able to beat for a whole lease is not believed any
    /// more, and does not believe itself either.
    pub(super) fn doubt(&self, now: Instant) {
        let held = self.lock();
        let doubted = held.values().filter(|it| it.good_until < now);
        doubted.for_each(|it| it.stopping.stop(Stop::Doubted));
    }

    /// Takes in what happened to a job.
    pub(super) fn heard(&self, job: JobId, event: &JobEvent) {
        match event {
            JobEvent::CancelRequested(_) => self.stop_job(job, Stop::Cancel),
            JobEvent::JobPaused(_) => self.stop_job(job, Stop::Pause),
            JobEvent::LeaseReleased(it) => self.stop_lease(job, it.fence),
            JobEvent::LeaseExpired(it) => self.stop_lease(job, it.fence),
            JobEvent::AttemptFailed(it) => self.stop_lease(job, it.fence),
            JobEvent::JobFailed(_) | JobEvent::JobCancelled(_) | JobEvent::JobExpired(_) => {
                self.stop_job(job, Stop::Lost);
            }
            JobEvent::TaskCreated(_)
            | JobEvent::JobQueued(_)
            | JobEvent::LeaseGranted(_)
            | JobEvent::ProgressReported(_)
            | JobEvent::JobResumed(_)
            | JobEvent::LogSealed(_)
            | JobEvent::TaskCompleted(_)
            | JobEvent::JobTransferred(_)
            | JobEvent::Crawl(_)
            | JobEvent::Report(_) => {}
        }
    }

    fn stop_job(&self, job: JobId, why: Stop) {
        let held = self.lock();
        let of_job = held.iter().filter(|(lease, _)| lease.job == job);
        of_job.for_each(|(_, it)| it.stopping.stop(why));
    }

    fn stop_lease(&self, job: JobId, fence: u64) {
        if let Some(it) = self.lock().get(&LeaseId { job, fence }) {
            it.stopping.stop(Stop::Lost);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<LeaseId, Lease>> {
        lock(&self.0)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing here is left half-done by a panic.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
