//! Until when leases hold, by the database's clock.

use std::collections::BTreeSet;

use commands::Wishes;
use domain::{LeaseId, actor::Component, job::JobCommand};

use super::world::{ANN, BOB, OWNER, World, system, user};

async fn leased(world: &World) -> LeaseId {
    let job = world.create("checksum", Wishes::default()).await;
    world.grant(job, ANN).await.lease
}

async fn beat(world: &World, leases: &[LeaseId]) -> Vec<LeaseId> {
    world.reader.beat(ANN, leases).await.unwrap().into_iter().map(|it| it.lease).collect()
}

async fn lost(world: &World) -> Vec<LeaseId> {
    lost_at_most(world, 100).await
}

async fn lost_at_most(world: &World, limit: u32) -> Vec<LeaseId> {
    let at = world.reader.lease_time().await.unwrap();
    world.reader.mark_lost(at, limit).await.unwrap()
}

/// As if nobody had been heard of for an hour.
async fn an_hour_passes(world: &World) {
    world.execute("update lease_beat set expires_at = expires_at - interval '1 hour'").await;
    world.execute("update job_lease set granted_at = granted_at - interval '1 hour'").await;
}

#[tokio::test]
async fn a_beat_extends_a_lease_by_its_full_length() {
    let world = World::new().await;
    let lease = leased(&world).await;
    let beats = world.reader.beat(ANN, &[lease]).await.unwrap();
    assert_eq!((beats[0].lease, beats[0].lease_ms), (lease, 60_000));
    let left = "select extract(epoch from expires_at - now())::bigint from lease_beat";
    assert!((55..=60).contains(&world.count(left).await));
    an_hour_passes(&world).await;
    assert_eq!(beat(&world, &[lease]).await, [lease]);
    assert!((55..=60).contains(&world.count(left).await));
    assert!(lost(&world).await.is_empty());
}

#[tokio::test]
async fn a_lease_holds_for_its_first_period_without_a_beat() {
    let world = World::new().await;
    let lease = leased(&world).await;
    assert!(lost(&world).await.is_empty());
    an_hour_passes(&world).await;
    assert_eq!(lost(&world).await, [lease]);
}

#[tokio::test]
async fn a_lease_that_nobody_counts_for_is_found_and_holds_for_its_first_period() {
    let world = World::new().await;
    let (lease, other) = (leased(&world).await, leased(&world).await);
    assert_eq!(beat(&world, &[other]).await, [other]);
    let delete = format!("delete from lease_beat where job = '{}'", lease.job);
    world.execute(&delete).await;
    assert_eq!(world.reader.begin_missing_beats().await.unwrap(), 1);
    assert_eq!(world.reader.begin_missing_beats().await.unwrap(), 0);
    assert!(lost(&world).await.is_empty());

    world.execute(&delete).await;
    world.execute("update job_lease set granted_at = granted_at - interval '1 hour'").await;
    world.reader.begin_missing_beats().await.unwrap();
    assert_eq!(lost(&world).await, [lease]);
}

#[tokio::test]
async fn what_has_run_out_and_is_over_is_neither_lost_nor_in_the_way() {
    let world = World::new().await;
    let (over, held) = (leased(&world).await, leased(&world).await);
    let expire = JobCommand::ExpireLease { fence: over.fence, log: None };
    world.ask(over.job, expire, system(Component::Rescuer)).await;
    an_hour_passes(&world).await;
    assert_eq!(world.count("select count(*) from lease_beat").await, 2);
    assert_eq!(world.reader.forget_beats(1).await.unwrap(), 1);
    assert_eq!(world.reader.forget_beats(1).await.unwrap(), 0);
    assert_eq!(lost_at_most(&world, 1).await, [held]);
}

/// Must never: a database that goes away in the middle of a look ends, when it
/// is back, what has run out meanwhile.
#[tokio::test]
async fn what_has_run_out_since_one_looked_holds() {
    let world = World::new().await;
    let lease = leased(&world).await;
    let at = world.reader.lease_time().await.unwrap();
    let meanwhile = "update lease_beat set expires_at = clock_timestamp() - interval '1 us'";
    world.execute(meanwhile).await;
    assert!(world.reader.mark_lost(at, 100).await.unwrap().is_empty());
    assert_eq!(beat(&world, &[lease]).await, [lease]);
    world.execute(meanwhile).await;
    assert_eq!(lost(&world).await, [lease]);
}

#[tokio::test]
async fn what_is_lost_stays_lost() {
    let world = World::new().await;
    let (lease, other) = (leased(&world).await, leased(&world).await);
    assert_eq!(beat(&world, &[lease, other]).await.len(), 2);
    an_hour_passes(&world).await;
    assert_eq!(beat(&world, &[other]).await, [other]);
    assert_eq!(lost(&world).await, [lease]);
    assert!(beat(&world, &[lease]).await.is_empty());
    assert_eq!(beat(&world, &[lease, other]).await, [other]);
    // Until somebody ends it, it is told of again.
    assert_eq!(lost(&world).await, [lease]);
    let expire = JobCommand::ExpireLease { fence: lease.fence, log: None };
    world.ask(lease.job, expire, system(Component::Rescuer)).await;
    assert!(lost(&world).await.is_empty());
    assert!(beat(&world, &[lease]).await.is_empty());
}

#[tokio::test]
async fn the_next_lease_of_a_job_is_not_lost_with_the_last() {
    let world = World::new().await;
    let first = leased(&world).await;
    an_hour_passes(&world).await;
    assert_eq!(lost(&world).await, [first]);
    let expire = JobCommand::ExpireLease { fence: first.fence, log: None };
    world.ask(first.job, expire, system(Component::Rescuer)).await;
    let second = world.grant(first.job, ANN).await.lease;
    assert_ne!(first, second);
    assert_eq!(beat(&world, &[first, second]).await, [second]);
    assert!(lost(&world).await.is_empty());
}

#[tokio::test]
async fn nobody_beats_for_another_and_a_lease_may_be_named_twice() {
    let world = World::new().await;
    let lease = leased(&world).await;
    assert!(world.reader.beat(BOB, &[lease]).await.unwrap().is_empty());
    let left = "select extract(epoch from expires_at - granted_at)::bigint
        from lease_beat join job_lease using (job, fence)";
    assert_eq!(world.count(left).await, 60, "as when it was granted");
    assert_eq!(beat(&world, &[lease, lease]).await, [lease]);
    let wrong = LeaseId { fence: lease.fence + 1, ..lease };
    assert!(beat(&world, &[wrong]).await.is_empty());
    assert!(beat(&world, &[]).await.is_empty());
}

#[tokio::test]
async fn a_beat_learns_that_the_job_is_to_stop_or_takes_too_long() {
    let world = World::new().await;
    world.later(-1_000);
    let job = world.create("resize", Wishes::default()).await;
    let lease = world.grant(job, ANN).await.lease;
    let told = async || world.reader.beat(ANN, &[lease]).await.unwrap().remove(0);
    let beat = told().await;
    assert!(beat.overdue);
    assert!(!beat.cancel_requested);
    let cancel = JobCommand::CancelJob { reason: Some("enough".to_owned()) };
    world.ask(job, cancel, user(OWNER)).await;
    let beat = told().await;
    assert_eq!((beat.cancel_requested, beat.cancel_reason.as_deref()), (true, Some("enough")));
    assert!(!beat.paused);
}

#[tokio::test]
async fn a_beat_learns_that_the_job_is_paused_and_when_it_is_not_any_more() {
    let world = World::new().await;
    let lease = leased(&world).await;
    let told = async || {
        let beat = world.reader.beat(ANN, &[lease]).await.unwrap().remove(0);
        (beat.paused, beat.pause_reason, beat.cancel_requested, beat.cancel_reason)
    };
    let some = |it: &str| Some(it.to_owned());
    assert_eq!(told().await, (false, None, false, None));
    let pause = JobCommand::PauseJob { reason: some("slow site") };
    world.ask(lease.job, pause, user(OWNER)).await;
    assert_eq!(told().await, (true, some("slow site"), false, None));
    let cancel = JobCommand::CancelJob { reason: some("enough") };
    world.ask(lease.job, cancel, user(OWNER)).await;
    assert_eq!(told().await, (true, some("slow site"), true, some("enough")));
    world.ask(lease.job, JobCommand::ResumeJob, user(OWNER)).await;
    assert_eq!(told().await, (false, None, true, some("enough")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lease_is_extended_or_lost_and_never_both() {
    let world = World::new().await;
    let mut leases = Vec::new();
    for _ in 0..20 {
        leases.push(leased(&world).await);
    }
    beat(&world, &leases[..10]).await;
    for _ in 0..10 {
        world.execute("update lease_beat set lost_at = null").await;
        an_hour_passes(&world).await;
        let (some, others, lost) =
            tokio::join!(beat(&world, &leases[..15]), beat(&world, &leases[5..]), lost(&world));
        let extended: BTreeSet<LeaseId> = some.into_iter().chain(others).collect();
        let lost: BTreeSet<LeaseId> = lost.into_iter().collect();
        assert!(extended.is_disjoint(&lost));
        assert_eq!(extended.len() + lost.len(), leases.len());
    }
}

#[tokio::test]
async fn the_beats_of_leases_that_are_over_are_forgotten() {
    let world = World::new().await;
    let (over, held) = (leased(&world).await, leased(&world).await);
    beat(&world, &[over, held]).await;
    an_hour_passes(&world).await;
    assert_eq!(world.reader.forget_beats(100).await.unwrap(), 0);
    world
        .ask(
            over.job,
            JobCommand::ExpireLease { fence: over.fence, log: None },
            system(Component::Rescuer),
        )
        .await;
    assert_eq!(world.reader.forget_beats(100).await.unwrap(), 1);
    assert_eq!(world.count("select count(*) from lease_beat").await, 1);
}
