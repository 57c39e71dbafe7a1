use domain::job::{CancelRequested, JobExpired, JobPaused, LeaseExpired, Next};
use uuid::Uuid;

use super::*;

const LENGTH: Duration = Duration::from_secs(9);

fn lease(fence: u64) -> LeaseId {
    LeaseId { job: JobId(Uuid::from_u128(7)), fence }
}

fn beat(lease: LeaseId, cancel_requested: bool) -> Beat {
    let (lease_ms, overdue, cancel_reason) = (9_000, false, None);
    let (paused, pause_reason) = (false, None);
    Beat { lease, lease_ms, overdue, cancel_requested, cancel_reason, paused, pause_reason }
}

#[test]
fn all_leases_are_beaten_for_when_a_third_of_one_is_over() {
    let (holding, now) = (Holding::default(), Instant::now());
    holding.add(lease(2), LENGTH, now);
    holding.add(lease(5), LENGTH, now + Duration::from_secs(3));
    assert_eq!(holding.due(now + Duration::from_secs(2)), []);
    let mut due = holding.due(now + Duration::from_secs(4));
    due.sort_unstable();
    assert_eq!(due, [lease(2), lease(5)]);
    holding.extended(&due, &[beat(lease(2), false), beat(lease(5), false)], now + LENGTH);
    assert_eq!(holding.due(now + LENGTH), []);
}

#[test]
fn a_lease_that_no_beat_extends_is_lost_and_one_that_is_cancelled_is_stopped() {
    let (holding, now) = (Holding::default(), Instant::now());
    let [lost, cancelled, well] = [2, 5, 8].map(|it| holding.add(lease(it), LENGTH, now));
    let asked = [2, 5, 8].map(lease);
    holding.extended(&asked, &[beat(lease(5), true), beat(lease(8), false)], now);
    assert_eq!(lost.why(), Some(Stop::Lost));
    assert_eq!(cancelled.why(), Some(Stop::Cancel));
    assert_eq!((well.why(), well.token().is_cancelled()), (None, false));
}

#[test]
fn who_cannot_beat_for_a_whole_lease_stops_by_itself() {
    let (holding, now) = (Holding::default(), Instant::now());
    let stopping = holding.add(lease(2), LENGTH, now);
    holding.doubt(now + LENGTH);
    assert_eq!(stopping.why(), None);
    holding.doubt(now + LENGTH + Duration::from_millis(1));
    assert_eq!(stopping.why(), Some(Stop::Doubted));
    holding.extended(&[lease(2)], &[], now + LENGTH);
    assert_eq!(stopping.why(), Some(Stop::Lost), "told, and not only by its own clock");
}

#[test]
fn what_is_heard_stops_whom_it_concerns() {
    let (holding, now) = (Holding::default(), Instant::now());
    let [old, new] = [2, 5].map(|it| holding.add(lease(it), LENGTH, now));
    let job = lease(2).job;
    holding.heard(job, &LeaseExpired { fence: 2, next: Next::Queue }.into());
    assert_eq!((old.why(), new.why()), (Some(Stop::Lost), None));
    holding.heard(JobId(Uuid::nil()), &CancelRequested { reason: None }.into());
    assert_eq!(new.why(), None);
    holding.heard(job, &CancelRequested { reason: None }.into());
    assert_eq!((old.why(), new.why()), (Some(Stop::Lost), Some(Stop::Cancel)));
    holding.heard(job, &JobExpired {}.into());
    assert_eq!(new.why(), Some(Stop::Lost));
}

#[test]
fn who_is_paused_is_told_by_event_or_by_beat_and_a_cancellation_goes_first() {
    let (holding, now) = (Holding::default(), Instant::now());
    let [heard, beaten, both] = [2, 5, 8].map(|it| {
        let lease = LeaseId { job: JobId(Uuid::from_u128(it)), fence: 2 };
        (lease, holding.add(lease, LENGTH, now))
    });
    holding.heard(heard.0.job, &JobPaused { reason: None }.into());
    let paused = |lease, cancelled| Beat { paused: true, ..beat(lease, cancelled) };
    let beats = [beat(heard.0, false), paused(beaten.0, false), paused(both.0, true)];
    holding.extended(&[heard.0, beaten.0, both.0], &beats, now);
    assert_eq!(heard.1.why(), Some(Stop::Pause));
    assert_eq!(beaten.1.why(), Some(Stop::Pause));
    assert_eq!(both.1.why(), Some(Stop::Cancel));
}
