//! Times and what is kept, without a clock.

use domain::{Actor, JobId, LeaseId, WorkerId, actor::ServiceScope, job::Progress};
use proptest::prelude::*;
use serde_json::json;
use tokio::time::Instant;
use uuid::Uuid;

use super::*;
use crate::Asked;

fn lease() -> LeaseId {
    LeaseId { job: JobId(Uuid::from_u128(1)), fence: 2 }
}

fn asked() -> Asked {
    Asked::by(Actor::Worker { id: WorkerId(Uuid::from_u128(3)), scope: ServiceScope::All })
}

fn done(done: u64) -> Report {
    let progress = Progress { done, total: None, message: None };
    Report { progress: Some(progress), checkpoint: None }
}

fn offer(lanes: &mut Lanes, seq: Option<u64>, report: Report, now: Instant) {
    lanes.offer(lease(), &asked(), (seq, report), now);
}

/// What is recorded at `now`, if anything is.
fn record(lanes: &mut Lanes, now: Instant) -> Option<Report> {
    let (due, _) = lanes.due(now, 10);
    assert!(due.len() < 2);
    let report = lanes.take(due.first()?.lease)?.1;
    lanes.written(lease(), now);
    Some(report)
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

#[test]
fn the_first_is_recorded_at_once_and_of_those_that_follow_soon_the_newest() {
    let (mut lanes, start) = (Lanes::default(), Instant::now());
    offer(&mut lanes, None, done(1), start);
    assert_eq!(record(&mut lanes, start), Some(done(1)));
    offer(&mut lanes, None, done(2), start + ms(10));
    offer(&mut lanes, None, done(3), start + ms(20));
    assert_eq!(lanes.due(start + ms(20), 10).1, Some(start + ms(334)));
    assert_eq!(record(&mut lanes, start + ms(333)), None);
    assert_eq!(record(&mut lanes, start + ms(334)), Some(done(3)));
}

#[test]
fn a_report_that_was_overtaken_is_ignored() {
    let (mut lanes, now) = (Lanes::default(), Instant::now());
    offer(&mut lanes, Some(0), done(1), now);
    offer(&mut lanes, Some(2), done(3), now);
    offer(&mut lanes, Some(1), done(2), now);
    offer(&mut lanes, Some(2), done(9), now);
    assert_eq!(record(&mut lanes, now), Some(done(3)));
}

#[test]
fn a_checkpoint_is_not_lost_to_later_progress() {
    let (mut lanes, now) = (Lanes::default(), Instant::now());
    offer(&mut lanes, None, Report { progress: None, checkpoint: Some(json!(1)) }, now);
    offer(&mut lanes, None, done(5), now);
    let both = Report { checkpoint: Some(json!(1)), ..done(5) };
    assert_eq!(record(&mut lanes, now), Some(both));
}

/// Must never: a checkpoint that was answered with `ok` and is nowhere.
#[test]
fn a_checkpoint_counts_also_beside_progress_that_was_said_before() {
    let with = |page: u64, it: Report| Report { checkpoint: Some(json!({ "page": page })), ..it };
    let (mut lanes, now) = (Lanes::default(), Instant::now());
    offer(&mut lanes, Some(5), done(1), now);
    offer(&mut lanes, Some(5), with(1, done(1)), now);
    assert_eq!(record(&mut lanes, now), Some(with(1, done(1))));
    // The answer was lost, and it has saved since.
    offer(&mut lanes, Some(5), with(2, done(1)), now);
    let later = now + ms(400);
    assert_eq!(record(&mut lanes, later), Some(with(2, Report::default())));
    // What was under way for long takes nothing back.
    offer(&mut lanes, Some(6), with(3, done(2)), later);
    offer(&mut lanes, Some(5), with(2, done(1)), later);
    assert_eq!(record(&mut lanes, later + ms(400)), Some(with(3, done(2))));
    offer(&mut lanes, Some(7), done(3), later);
    offer(&mut lanes, None, with(4, Report::default()), later);
    offer(&mut lanes, Some(6), with(3, done(2)), later);
    assert_eq!(record(&mut lanes, later + ms(800)), Some(with(4, done(3))));
}

#[test]
fn what_is_left_is_given_to_whoever_settles_and_comes_back_if_they_do_not() {
    let (mut lanes, start) = (Lanes::default(), Instant::now());
    offer(&mut lanes, None, done(1), start);
    assert_eq!(record(&mut lanes, start), Some(done(1)));
    offer(&mut lanes, None, done(2), start);
    let left = lanes.close(lease());
    assert_eq!(left, done(2));
    offer(&mut lanes, None, done(3), start + ms(5));
    assert!(lanes.due(start + ms(60_000), 10).0.is_empty());
    lanes.reopen(lease(), left, start + ms(400));
    assert_eq!(record(&mut lanes, start + ms(400)), Some(done(3)));
    lanes.close(lease());
    lanes.remove(lease());
    assert!(lanes.lanes.is_empty() && lanes.agenda.is_empty());
}

#[test]
fn what_could_not_be_recorded_is_recorded_later_unless_something_newer_came() {
    let (mut lanes, start) = (Lanes::default(), Instant::now());
    offer(&mut lanes, None, done(1), start);
    assert_eq!(lanes.due(start, 10).0.len(), 1);
    let (_, report) = lanes.take(lease()).unwrap();
    lanes.put_back(lease(), report, start);
    assert_eq!(record(&mut lanes, start + ms(999)), None);
    assert_eq!(record(&mut lanes, start + ms(1_000)), Some(done(1)));
}

#[test]
fn a_lease_that_nothing_is_said_of_is_forgotten() {
    let (mut lanes, start) = (Lanes::default(), Instant::now());
    offer(&mut lanes, None, done(1), start);
    assert!(record(&mut lanes, start).is_some());
    assert!(lanes.due(start + ms(334) + IDLE_MAX, 10).0.is_empty());
    assert!(lanes.lanes.is_empty() && lanes.agenda.is_empty());
}

#[test]
fn long_attempts_are_recorded_ever_less_often() {
    assert_eq!(interval(199), ms(334));
    assert_eq!(interval(200), ms(668));
    assert_eq!(interval(u32::MAX), WAIT_MAX);
}

proptest! {
    #[test]
    fn however_they_come_few_are_recorded_in_order_and_the_last_one_is(
        gaps in prop::collection::vec(0..400_u64, 1..60)
    ) {
        let (mut lanes, start) = (Lanes::default(), Instant::now());
        let (mut now, mut recorded) = (start, Vec::new());
        for (index, gap) in gaps.iter().enumerate() {
            let at = now + ms(*gap);
            while let Some(next) = agenda_first(&lanes).filter(|it| *it <= at) {
                now = next;
                recorded.extend(record(&mut lanes, now));
            }
            now = at;
            offer(&mut lanes, None, done(index as u64), now);
            recorded.extend(record(&mut lanes, now));
        }
        let last = lanes.close(lease());
        let seen: Vec<u64> = recorded
            .into_iter()
            .chain([last])
            .filter_map(|it| it.progress.map(|it| it.done))
            .collect();
        prop_assert!(seen.is_sorted_by(|a, b| a < b));
        prop_assert_eq!(seen.last(), Some(&(gaps.len() as u64 - 1)));
        let lasted_ms = u64::try_from((now - start).as_millis()).unwrap();
        prop_assert!(seen.len() as u64 <= lasted_ms / 334 + 2);
    }
}

fn agenda_first(lanes: &Lanes) -> Option<Instant> {
    lanes.agenda.first().map(|(at, _)| *at)
}
