//! A job that is queued wakes the worker that has waited longest for it, and
//! no other.

use std::sync::Arc;

use commands::Wishes;
use domain::{JobId, actor::Component, job::JobCommand};
use futures::FutureExt;
use projections::dispatch::{Waiting, WaitingWorkers};
use uuid::Uuid;

use super::world::{ANN, Following, OWNER, PATIENCE, World, seconds, system, user};

fn services(names: &[&str]) -> Arc<[String]> {
    names.iter().map(|it| (*it).to_owned()).collect()
}

/// A process in which workers wait.
async fn waiting(world: &World) -> (Arc<WaitingWorkers>, Following) {
    let waiting = Arc::new(WaitingWorkers::default());
    let mut following = Following::start(world.journal.clone());
    let (it, feed) = (Arc::clone(&waiting), Arc::clone(&following.feed));
    let stop = following.stop.clone();
    following.tasks.spawn(async move { it.run(&feed, stop).await });
    tokio::task::yield_now().await;
    (waiting, following)
}

async fn woken(waiting: &mut Waiting) {
    tokio::time::timeout(PATIENCE, waiting.woken()).await.expect("somebody wakes it");
}

#[tokio::test]
async fn a_job_wakes_who_has_waited_longest_for_its_service() {
    let world = World::new().await;
    let (workers, following) = waiting(&world).await;
    let mut other = workers.wait(services(&["resize"]));
    let mut first = workers.wait(services(&["resize", "checksum"]));
    let mut second = workers.wait(services(&["checksum"]));
    world.create("checksum", Wishes::default()).await;
    woken(&mut first).await;
    assert!(second.woken().now_or_never().is_none());
    assert!(other.woken().now_or_never().is_none());
    world.create("checksum", Wishes::default()).await;
    woken(&mut second).await;
    assert!(other.woken().now_or_never().is_none());
    world.create("resize", Wishes::default()).await;
    woken(&mut other).await;
    following.stopped().await;
}

#[tokio::test]
async fn a_wake_that_nobody_answers_goes_to_the_next() {
    let world = World::new().await;
    let (workers, following) = waiting(&world).await;
    let mut first = workers.wait(services(&["checksum"]));
    let mut second = workers.wait(services(&["checksum"]));
    let mut third = workers.wait(services(&["checksum"]));
    world.create("checksum", Wishes::default()).await;
    woken(&mut first).await;
    drop(first);
    woken(&mut second).await;
    second.answered();
    assert!(third.woken().now_or_never().is_none());
    following.stopped().await;
}

#[tokio::test]
async fn who_has_gone_is_not_woken_in_the_place_of_another() {
    let world = World::new().await;
    let (workers, following) = waiting(&world).await;
    drop(workers.wait(services(&["checksum"])));
    let mut here = workers.wait(services(&["checksum"]));
    world.create("checksum", Wishes::default()).await;
    woken(&mut here).await;
    following.stopped().await;
}

/// Not when it is created for later, nor when it is taken, but when its time
/// comes and when it comes back.
#[tokio::test]
async fn a_job_wakes_somebody_whenever_it_can_be_taken() {
    let world = World::new().await;
    let (workers, following) = waiting(&world).await;
    let mut waiting = workers.wait(services(&["checksum"]));
    let not_before = Some(world.commands.now() + seconds(60));
    let job = world.create("checksum", Wishes { not_before, ..Wishes::default() }).await;
    let cancelled = world.create("resize", Wishes::default()).await;
    let cancel = JobCommand::CancelJob { reason: None };
    let position = world.ask(cancelled, cancel, user(OWNER)).await;
    following.feed.head().wait_for(|it| position <= *it).await.unwrap();
    assert!(waiting.woken().now_or_never().is_none());
    world.later(60);
    world.ask(job, JobCommand::QueueJob, system(Component::Scheduler)).await;
    woken(&mut waiting).await;
    let fence = world.grant(job, ANN).await.lease.fence;
    waiting.answered();
    let mut waiting = workers.wait(services(&["checksum"]));
    world.ask(job, JobCommand::ExpireLease { fence, log: None }, system(Component::Rescuer)).await;
    woken(&mut waiting).await;
    following.stopped().await;
}

#[tokio::test]
async fn a_paused_job_wakes_nobody_until_it_is_resumed() {
    let world = World::new().await;
    let (workers, following) = waiting(&world).await;
    let not_before = Some(world.commands.now() + seconds(60));
    let job = world.create("checksum", Wishes { not_before, ..Wishes::default() }).await;
    let mut waiting = workers.wait(services(&["checksum"]));
    let toggle = async |command| world.ask(job, command, user(OWNER)).await;
    toggle(JobCommand::PauseJob { reason: None }).await;
    // It waits for its time still.
    toggle(JobCommand::ResumeJob).await;
    toggle(JobCommand::PauseJob { reason: None }).await;
    world.later(60);
    let queued = world.ask(job, JobCommand::QueueJob, system(Component::Scheduler)).await;
    following.feed.head().wait_for(|it| queued <= *it).await.unwrap();
    tokio::task::yield_now().await;
    assert!(waiting.woken().now_or_never().is_none());
    toggle(JobCommand::ResumeJob).await;
    woken(&mut waiting).await;
    following.stopped().await;
}

#[tokio::test(start_paused = true)]
async fn what_is_set_aside_is_left_alone_for_a_while_and_not_for_ever() {
    let workers = Arc::new(WaitingWorkers::default());
    let job = |it| JobId(Uuid::from_u128(it));
    workers.claim(job(1)).unwrap().set_aside().unwrap();
    assert!(workers.claim(job(1)).is_none());
    // Whoever looks for one more looks at it, too.
    assert_eq!(workers.claimed(), 1);
    tokio::time::advance(seconds(59).to_std().unwrap()).await;
    assert!(workers.claim(job(1)).is_none());
    tokio::time::advance(seconds(1).to_std().unwrap()).await;
    assert_eq!(workers.claimed(), 0);
    assert!(workers.claim(job(1)).is_some());

    for it in 0..1_000 {
        workers.claim(job(it)).unwrap().set_aside().unwrap();
    }
    let one_too_many = workers.claim(job(1_000)).unwrap().set_aside();
    assert!(one_too_many.is_err_and(|it| it.job() == job(1_000)));
    assert_eq!(workers.claimed(), 1_000);
}

#[test]
fn a_job_is_claimed_by_one_at_a_time() {
    let workers = Arc::new(WaitingWorkers::default());
    let job = JobId(Uuid::from_u128(1));
    let claim = workers.claim(job).unwrap();
    assert_eq!((claim.job(), workers.claimed()), (job, 1));
    assert!(workers.claim(job).is_none());
    assert!(workers.claim(JobId(Uuid::from_u128(2))).is_some());
    drop(claim);
    assert_eq!(workers.claimed(), 0);
    assert!(workers.claim(job).is_some());
}
