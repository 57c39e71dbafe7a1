//! What was reported of each lease and is not recorded yet, and when it is to
//! be. Pure: time is an argument.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

use domain::LeaseId;
use tokio::{sync::Mutex, time::Instant};

use super::{PER_SECOND, Report};
use crate::Asked;

/// After how many reports an attempt is recorded half as often.
const REPORTS_PER_THINNING: u32 = 200;

/// The longest that progress waits to be recorded.
const WAIT_MAX: Duration = Duration::from_secs(30);

/// How long a lease that nothing is reported of is remembered.
const IDLE_MAX: Duration = Duration::from_mins(2);

/// How soon to try again after a failure.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// What was reported, by lease.
#[derive(Default)]
pub(super) struct Lanes {
    lanes: HashMap<LeaseId, Lane>,
    /// When to look at a lane again: to record what it holds, or to forget it.
    /// None while it is being recorded or settled.
    agenda: BTreeSet<(Instant, LeaseId)>,
}

struct Lane {
    /// Held by whoever records or settles.
    turn: Arc<Mutex<()>>,
    asked: Asked,
    pending: Report,
    /// The number of the newest progress.
    seq: Option<u64>,
    /// The number of the newest checkpoint: that of the progress that it came with, or came after.
    checkpoint_seq: Option<u64>,
    recorded: u32,
    /// Nothing is recorded before.
    not_before: Instant,
    /// Where it stands in the agenda.
    look_at: Option<Instant>,
    closed: bool,
}

/// A lease whose progress is to be recorded now.
pub(super) struct Due {
    pub(super) lease: LeaseId,
    pub(super) turn: Arc<Mutex<()>>,
}

impl Lanes {
    pub(super) fn offer(
        &mut self,
        lease: LeaseId,
        asked: &Asked,
        (seq, mut report): (Option<u64>, Report),
        now: Instant,
    ) {
        let lane = self.lanes.entry(lease).or_insert_with(|| Lane {
            turn: Arc::default(),
            asked: asked.clone(),
            pending: Report::default(),
            seq: None,
            checkpoint_seq: None,
            recorded: 0,
            not_before: now,
            // Not in the agenda, but to be put there.
            look_at: Some(now),
            closed: false,
        });
        lane.leave_out_what_is_old(seq, &mut report);
        lane.pending = report.over(std::mem::take(&mut lane.pending));
        if lane.look_at.is_some() {
            self.schedule(lease);
        }
    }

    /// At most `limit` leases whose time has come, and when to ask again.
    pub(super) fn due(&mut self, now: Instant, limit: usize) -> (Vec<Due>, Option<Instant>) {
        let mut due = Vec::new();
        while due.len() < limit {
            let Some(&(at, lease)) = self.agenda.first() else { return (due, None) };
            if now < at {
                return (due, Some(at));
            }
            self.agenda.pop_first();
            let Some(lane) = self.lanes.get_mut(&lease) else { continue };
            lane.look_at = None;
            if lane.pending.is_empty() {
                self.lanes.remove(&lease);
            } else {
                due.push(Due { lease, turn: Arc::clone(&lane.turn) });
            }
        }
        // Whoever ends makes room, and asks again.
        (due, None)
    }

    /// All that is not recorded yet.
    pub(super) fn rest(&mut self) -> Vec<Due> {
        self.agenda.clear();
        let rest = self.lanes.iter_mut().filter(|(_, it)| !it.pending.is_empty());
        rest.map(|(lease, lane)| {
            lane.look_at = None;
            Due { lease: *lease, turn: Arc::clone(&lane.turn) }
        })
        .collect()
    }

    /// What is to be recorded of `lease`, by whoever has its turn.
    pub(super) fn take(&mut self, lease: LeaseId) -> Option<(Asked, Report)> {
        let lane = self.lanes.get_mut(&lease).filter(|it| !it.closed)?;
        Some((lane.asked.clone(), std::mem::take(&mut lane.pending)))
    }

    pub(super) fn written(&mut self, lease: LeaseId, now: Instant) {
        let Some(lane) = self.lanes.get_mut(&lease) else { return };
        lane.recorded = lane.recorded.saturating_add(1);
        lane.not_before = now + interval(lane.recorded);
        self.schedule(lease);
    }

    /// It could not be recorded: what was said since goes before.
    pub(super) fn put_back(&mut self, lease: LeaseId, report: Report, now: Instant) {
        let Some(lane) = self.lanes.get_mut(&lease) else { return };
        lane.pending = std::mem::take(&mut lane.pending).over(report);
        lane.not_before = now + RETRY_AFTER;
        self.schedule(lease);
    }

    pub(super) fn turn(&self, lease: LeaseId) -> Option<Arc<Mutex<()>>> {
        Some(Arc::clone(&self.lanes.get(&lease)?.turn))
    }

    /// By whoever has its turn.
    pub(super) fn close(&mut self, lease: LeaseId) -> Report {
        let Some(lane) = self.lanes.get_mut(&lease) else { return Report::default() };
        lane.closed = true;
        if let Some(at) = lane.look_at.take() {
            self.agenda.remove(&(at, lease));
        }
        std::mem::take(&mut lane.pending)
    }

    pub(super) fn reopen(&mut self, lease: LeaseId, pending: Report, now: Instant) {
        let Some(lane) = self.lanes.get_mut(&lease) else { return };
        lane.closed = false;
        lane.pending = std::mem::take(&mut lane.pending).over(pending);
        lane.not_before = lane.not_before.max(now);
        self.schedule(lease);
    }

    pub(super) fn remove(&mut self, lease: LeaseId) {
        if let Some(at) = self.lanes.remove(&lease).and_then(|it| it.look_at) {
            self.agenda.remove(&(at, lease));
        }
    }

    fn schedule(&mut self, lease: LeaseId) {
        let Some(lane) = self.lanes.get_mut(&lease) else { return };
        let idle = if lane.pending.is_empty() { IDLE_MAX } else { Duration::ZERO };
        let at = lane.not_before + idle;
        if let Some(before) = lane.look_at.replace(at) {
            self.agenda.remove(&(before, lease));
        }
        self.agenda.insert((at, lease));
    }
}

impl Lane {
    /// Progress counts if its number is a new one. A checkpoint that comes along counts unless a
    /// newer one was there before: who says again what may not have arrived may have saved since.
    fn leave_out_what_is_old(&mut self, seq: Option<u64>, report: &mut Report) {
        if report.checkpoint.is_some() {
            if seq.is_some() && seq < self.checkpoint_seq {
                report.checkpoint = None;
            } else {
                self.checkpoint_seq = seq.or(self.seq).max(self.checkpoint_seq);
            }
        }
        if seq.is_some() && seq <= self.seq {
            report.progress = None;
        } else {
            self.seq = seq.or(self.seq);
        }
    }
}

/// How long to wait after so many reports of one attempt: long jobs are
/// recorded ever less often.
fn interval(recorded: u32) -> Duration {
    let first = Duration::from_millis(1_000 / PER_SECOND + 1);
    let doublings = (recorded / REPORTS_PER_THINNING).min(16);
    (first * (1 << doublings)).min(WAIT_MAX)
}

#[cfg(test)]
mod tests;
