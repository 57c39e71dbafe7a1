//! What may be leased, what is due, what has taken too long: at the moment the
//! append is acknowledged.

use commands::Wishes;
use domain::{
    JobId,
    actor::Component,
    job::{Closing, JobCommand, JobError},
};
use projections::dispatch::ServiceLoad;
use uuid::Uuid;

use super::world::{ANN, BOB, OWNER, World, seconds, system, user, worker};

fn urgent(priority: i16) -> Wishes {
    Wishes { priority, ..Wishes::default() }
}

async fn candidates(world: &World, services: &[&str], limit: u32) -> Vec<JobId> {
    let services: Vec<String> = services.iter().map(|it| (*it).to_owned()).collect();
    world.reader.candidates(&services, limit).await.unwrap()
}

#[tokio::test]
async fn the_urgent_go_first_and_then_the_older() {
    let world = World::new().await;
    let mut jobs = Vec::new();
    for (service, priority) in
        [("checksum", 0), ("resize", 5), ("checksum", 5), ("checksum", 0), ("resize", -3)]
    {
        jobs.push(world.create(service, urgent(priority)).await);
    }
    let found = async |services: &[&str], limit| {
        let found = candidates(&world, services, limit).await;
        found.iter().map(|it| jobs.iter().position(|job| job == it).unwrap()).collect::<Vec<_>>()
    };
    let both = ["checksum", "resize"];
    assert_eq!(found(&both, 10).await, [1, 2, 0, 3, 4]);
    assert_eq!(found(&both, 3).await, [1, 2, 0]);
    assert_eq!(found(&["checksum"], 10).await, [2, 0, 3]);
    assert_eq!(found(&["resize", "resize"], 10).await, [1, 4]);
    assert!(candidates(&world, &["unheard"], 10).await.is_empty());
    assert!(candidates(&world, &[], 10).await.is_empty());
}

#[tokio::test]
async fn what_is_held_waits_or_has_ended_is_not_offered() {
    let world = World::new().await;
    let [held, failed, ended, given_back] = [
        world.create("checksum", Wishes::default()).await,
        world.create("checksum", Wishes::default()).await,
        world.create("checksum", Wishes::default()).await,
        world.create("checksum", Wishes::default()).await,
    ];
    let not_before = Some(world.commands.now() + seconds(600));
    let waits = world.create("checksum", Wishes { not_before, ..Wishes::default() }).await;
    world.grant(held, ANN).await;
    let fence = world.grant(failed, ANN).await.lease.fence;
    let fail = JobCommand::FailAttempt {
        fence,
        error: JobError {
            error_type: "Disk".to_owned(),
            message: String::new(),
            detail: None,
            retryable: true,
        },
        retry_at: not_before,
        closing: Closing::default(),
    };
    world.ask(failed, fail, worker(ANN)).await;
    world.ask(ended, JobCommand::CancelJob { reason: None }, user(OWNER)).await;
    assert_eq!(candidates(&world, &["checksum"], 10).await, [given_back]);
    let fence = world.grant(given_back, BOB).await.lease.fence;
    assert!(candidates(&world, &["checksum"], 10).await.is_empty());
    let release = JobCommand::ReleaseLease {
        fence,
        reason: None,
        until: None,
        checkpoint: None,
        closing: Closing::default(),
    };
    world.ask(given_back, release, worker(BOB)).await;
    assert_eq!(candidates(&world, &["checksum"], 10).await, [given_back]);
    world.later(600);
    world.ask(waits, JobCommand::QueueJob, system(Component::Scheduler)).await;
    assert_eq!(candidates(&world, &["checksum"], 10).await, [given_back, waits]);
    let service = "checksum".to_owned();
    let load = ServiceLoad { service, queued: 2, waiting: 1, running: 1, paused: 0 };
    assert_eq!(world.reader.load_by_service().await.unwrap(), [load]);
}

/// Wherever it stands when it is paused, and whatever happens to it meanwhile;
/// then it has its place again.
#[tokio::test]
async fn what_is_paused_is_not_offered_until_it_is_resumed() {
    let world = World::new().await;
    let queued = world.create("checksum", urgent(5)).await;
    let held = world.create("checksum", urgent(3)).await;
    let not_before = Some(world.commands.now() + seconds(60));
    let waits = world.create("checksum", Wishes { not_before, ..urgent(9) }).await;
    let other = world.create("checksum", Wishes::default()).await;
    let fence = world.grant(held, ANN).await.lease.fence;
    for job in [queued, held, waits] {
        world.ask(job, JobCommand::PauseJob { reason: None }, user(OWNER)).await;
    }
    let (closing, until) = (Closing::default(), None);
    let release =
        JobCommand::ReleaseLease { fence, reason: None, until, checkpoint: None, closing };
    world.ask(held, release, worker(ANN)).await;
    world.later(60);
    world.ask(waits, JobCommand::QueueJob, system(Component::Scheduler)).await;
    let offered = async || candidates(&world, &["checksum"], 10).await;
    assert_eq!(offered().await, [other]);
    let load = world.reader.load_by_service().await.unwrap().remove(0);
    assert_eq!((load.queued, load.paused, load.waiting, load.running), (1, 3, 0, 0));
    let mut free = vec![other];
    for (job, place) in [(queued, 0), (waits, 0), (held, 2)] {
        world.ask(job, JobCommand::ResumeJob, user(OWNER)).await;
        free.insert(place, job);
        assert_eq!(offered().await, free);
    }
}

/// The commands' clock is behind: what it takes for the future has come by
/// the database's.
#[tokio::test]
async fn what_is_due_expired_or_overdue_is_found_in_order() {
    let world = World::new().await;
    world.later(-1_000);
    let at = |it: i64| Some(world.commands.now() + seconds(it));
    let lasting = world.create("checksum", Wishes::default()).await;
    let [late, early, far] = [300, 200, 5_000].map(|expires| Wishes {
        expires_at: at(expires),
        not_before: at(expires - 100),
        ..Wishes::default()
    });
    let late = world.create("checksum", late).await;
    let early = world.create("checksum", early).await;
    world.create("checksum", far).await;
    assert_eq!(world.reader.due(10).await.unwrap(), [early, late]);
    assert_eq!(world.reader.due(1).await.unwrap(), [early]);
    assert_eq!(world.reader.expired(10).await.unwrap(), [early, late]);
    world.later(150);
    world.ask(early, JobCommand::QueueJob, system(Component::Scheduler)).await;
    assert_eq!(world.reader.due(10).await.unwrap(), [late]);
    // Queued, and nobody is to take it any more.
    assert_eq!(candidates(&world, &["checksum"], 10).await, [lasting]);

    let slow = world.create("resize", Wishes::default()).await;
    let granted = world.grant(slow, ANN).await;
    world.grant(lasting, ANN).await;
    let [overdue] = world.reader.overdue(10).await.unwrap()[..] else { panic!("not one") };
    assert_eq!((overdue.lease, overdue.worker), (granted.lease, ANN));
    assert_eq!(overdue.run_deadline, granted.run_deadline);
}

#[tokio::test]
async fn a_lease_is_known_by_its_holder_and_its_request() {
    let world = World::new().await;
    let request = Uuid::from_u128(7);
    let [one, other] = [
        world.create("checksum", Wishes::default()).await,
        world.create("checksum", Wishes::default()).await,
    ];
    let asked = world.commands.grant(one, ANN, Some(request), &worker(ANN)).await;
    let asked = asked.unwrap().unwrap().lease;
    let unasked = world.grant(other, ANN).await.lease;
    let leases = async |worker, request| {
        let held = world.reader.leases(worker, request).await.unwrap();
        held.into_iter().map(|it| it.lease).collect::<Vec<_>>()
    };
    assert_eq!(leases(ANN, Some(request)).await, [asked]);
    assert_eq!(leases(ANN, None).await.len(), 2);
    assert!(leases(BOB, None).await.is_empty());
    assert!(leases(ANN, Some(Uuid::nil())).await.is_empty());
    assert!(world.reader.holds(ANN, unasked).await.unwrap());
    assert!(!world.reader.holds(BOB, unasked).await.unwrap());
    world
        .ask(
            one,
            JobCommand::ExpireLease { fence: asked.fence, log: None },
            system(Component::Rescuer),
        )
        .await;
    assert_eq!(leases(ANN, None).await, [unasked]);
    assert!(!world.reader.holds(ANN, asked).await.unwrap());
}
