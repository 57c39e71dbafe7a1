//! Reports from leases that are over change nothing, and are remembered in the
//! stream of the worker, once.

use domain::{
    decode::Event,
    worker::{RefusedReport, StaleReportRefused, WorkerEvent},
};

use super::world::*;
use crate::lease::Holder;

fn of_worker(id: WorkerId) -> StreamId {
    StreamId::new("worker", id)
}

/// What is remembered of a worker's late reports.
async fn remembered(world: &World, id: WorkerId) -> Vec<StaleReportRefused> {
    let events = world.events(&of_worker(id)).await;
    let stale = events.into_iter().filter_map(|it| match it {
        Event::Worker(WorkerEvent::StaleReportRefused(it)) => Some(it),
        Event::Worker(WorkerEvent::WorkerRegistered(_) | WorkerEvent::WorkerLeft(_))
        | Event::Job(_)
        | Event::Account(_)
        | Event::Client(_)
        | Event::Land(_) => None,
    });
    stale.collect()
}

/// Ann held the job under fence 2 and was given up on; Bob holds it now.
async fn taken_over() -> World {
    let world = World::new().created().await;
    world.registered(ANN).await;
    world.registered(BOB).await;
    world.granted().await;
    world.job(lose(2), rescuer()).await.unwrap();
    world.commands.grant(JOB, BOB, None, &worker(BOB)).await.unwrap().unwrap();
    world
}

#[tokio::test]
async fn a_late_report_is_refused_and_remembered_once_a_lease() {
    let world = taken_over().await;
    let before = world.stream(&of(JOB)).await;
    let holder = Holder { lease: lease(2), worker: ANN };
    let reports = [
        (RefusedReport::Progress, progress(2, 5)),
        (RefusedReport::Succeeded, complete(2)),
        (RefusedReport::Succeeded, complete(2)),
    ];
    for (said, report) in reports {
        let answer = world.commands.report(holder, said, report, &worker(ANN)).await;
        let refusal = refused(answer);
        assert_eq!(refusal.code(), "STALE_FENCE");
    }
    assert_eq!(world.stream(&of(JOB)).await, before);
    let first = StaleReportRefused {
        job: JOB,
        fence: 2,
        report: RefusedReport::Progress,
        current: Some(4),
    };
    assert_eq!(remembered(&world, ANN).await, [first]);
    assert!(remembered(&world, BOB).await.is_empty());
}

#[tokio::test]
async fn another_lease_is_remembered_apart() {
    let world = taken_over().await;
    world.job(lose(4), rescuer()).await.unwrap();
    for fence in [2, 4] {
        let holder = Holder { lease: lease(fence), worker: ANN };
        let report = progress(fence, 1);
        refused(world.commands.report(holder, RefusedReport::Progress, report, &worker(ANN)).await);
    }
    let fences = remembered(&world, ANN).await.into_iter().map(|it| (it.fence, it.current));
    assert_eq!(fences.collect::<Vec<_>>(), [(2, None), (4, None)]);
}

#[tokio::test]
async fn a_second_outcome_of_a_lease_is_remembered_as_late() {
    let world = World::new().created().await;
    world.registered(ANN).await;
    let fence = world.granted().await.lease.fence;
    world.job(complete(fence), worker(ANN)).await.unwrap();
    let before = world.stream(&of(JOB)).await;
    let holder = Holder { lease: lease(fence), worker: ANN };
    let release = JobCommand::ReleaseLease {
        fence,
        reason: None,
        until: None,
        checkpoint: None,
        closing: domain::job::Closing::default(),
    };
    let said = RefusedReport::Released;
    let refusal = refused(world.commands.report(holder, said, release, &worker(ANN)).await);
    assert_eq!(refusal.code(), "ALREADY_SETTLED");
    assert_eq!(world.stream(&of(JOB)).await, before);
    assert_eq!(remembered(&world, ANN).await.len(), 1);
}

#[tokio::test]
async fn a_report_in_time_is_nothing_to_remember() {
    let world = World::new().created().await;
    world.registered(ANN).await;
    let fence = world.granted().await.lease.fence;
    let holder = Holder { lease: lease(fence), worker: ANN };
    let said = RefusedReport::Progress;
    let report = progress(fence, 1);
    let executed = world.commands.report(holder, said, report, &worker(ANN)).await.unwrap();
    assert_eq!(executed.accepted.version, 3);
    assert!(remembered(&world, ANN).await.is_empty());
}

/// The answer to the report is what matters to it.
#[tokio::test]
async fn a_stranger_who_never_registered_is_refused_all_the_same() {
    let world = World::new().created().await;
    world.granted().await;
    world.job(lose(2), rescuer()).await.unwrap();
    let holder = Holder { lease: lease(2), worker: ANN };
    let said = RefusedReport::Log;
    let refusal = refused(world.commands.report(holder, said, progress(2, 1), &worker(ANN)).await);
    assert_eq!(refusal.code(), "STALE_FENCE");
    assert!(world.stream(&of_worker(ANN)).await.is_empty());
}

#[tokio::test]
async fn a_lease_tells_its_holder_what_is_to_be_done() {
    let world = World::new().created().await;
    let granted = world.granted().await;
    assert_eq!((granted.attempt, granted.attempts_max, granted.delivery), (1, 3, 1));
    assert_eq!(granted.position, 2);
    let again = world.commands.granted(granted.lease).await.unwrap().unwrap();
    assert_eq!((again.lease, &again.spec), (granted.lease, &granted.spec));
    world.job(lose(2), rescuer()).await.unwrap();
    assert!(world.commands.granted(granted.lease).await.unwrap().is_none());
}
