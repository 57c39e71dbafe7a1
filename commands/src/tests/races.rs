//! Whoever writes first wins, and the others decide again.

use std::sync::atomic::Ordering;

use domain::job::{JobState, Phase};
use futures::future::join_all;
use journal::Memory;

use super::world::*;
use crate::*;

#[tokio::test]
async fn of_many_workers_one_gets_the_job() {
    let here = World::new().created().await;
    let there = World::over(Arc::clone(&here.journal));
    let grants = (0..64).map(|it| {
        let process = if it % 2 == 0 { here.clone() } else { there.clone() };
        async move {
            let id = WorkerId(Uuid::from_u128(it));
            process.commands.grant(JOB, id, None, &worker(id)).await.unwrap()
        }
    });
    let granted: Vec<_> = join_all(grants).await.into_iter().flatten().collect();
    let [granted] = granted.as_slice() else { panic!("{} of them got it", granted.len()) };
    assert_eq!(granted.lease, lease(2));
    assert_eq!(here.story(JOB).await, ["TaskCreated", "LeaseGranted"]);
}

#[tokio::test]
async fn of_many_reports_in_parallel_none_gets_in_the_way_of_another() {
    let journal = Arc::new(Troubled::default());
    let world = World::over(journal.clone()).created().await;
    let fence = world.granted().await.lease.fence;
    let before = journal.appends.load(Ordering::Relaxed);
    let reports = (1..=50).map(|done| world.job(progress(fence, done), worker(ANN)));
    let versions = join_all(reports).await.into_iter().map(|it| it.unwrap().version);
    let mut versions: Vec<u64> = versions.collect();
    versions.sort_unstable();
    assert_eq!(versions, (3..=52).collect::<Vec<_>>());
    assert_eq!(journal.appends.load(Ordering::Relaxed) - before, 50);
}

#[tokio::test]
async fn who_is_beaten_decides_again() {
    let journal = Arc::new(Troubled::default());
    let world = World::over(journal.clone()).created().await;
    world.granted().await;
    journal.brew(3, Trouble::Rival(vec![progressed(2, 1)]));
    let accepted = world.job(cancel(), user(OWNER)).await.unwrap();
    assert_eq!((accepted.version, accepted.position), (6, 6));
    let story = world.story(JOB).await;
    assert_eq!(
        story[2..],
        ["ProgressReported", "ProgressReported", "ProgressReported", "CancelRequested"]
    );
}

#[tokio::test]
async fn who_is_beaten_decides_by_what_the_rival_did() {
    let journal = Arc::new(Troubled::default());
    let world = World::over(journal.clone()).created().await;
    journal.brew(1, Trouble::Rival(vec![granted_to(BOB)]));
    let granted = world.commands.grant(JOB, ANN, None, &worker(ANN)).await.unwrap();
    assert!(granted.is_none());
    let job = world.commands.job_state(JOB).await.unwrap();
    let Phase::Running(lease) = &job.present().unwrap().phase else { panic!("{job:?}") };
    assert_eq!(lease.worker, BOB);
}

#[tokio::test]
async fn who_is_beaten_over_and_over_gives_up() {
    let journal = Arc::new(Troubled::default());
    let world = World::over(journal.clone()).created().await;
    world.granted().await;
    journal.brew(u32::MAX, Trouble::Rival(vec![progressed(2, 1)]));
    let before = journal.appends.load(Ordering::Relaxed);
    let answer = world.job(cancel(), user(OWNER)).await;
    assert!(matches!(answer, Err(CommandError::Contended)), "{answer:?}");
    assert_eq!(journal.appends.load(Ordering::Relaxed) - before, 8);
    assert!(!world.story(JOB).await.contains(&"CancelRequested".to_owned()));
}

/// Nothing is appended for a refusal, and so no conflict shows that what is
/// kept in memory is old.
#[tokio::test]
async fn nobody_is_refused_for_what_is_no_longer_so() {
    let here = World::new().created().await;
    let there = World::over(Arc::clone(&here.journal));
    let first = there.granted().await.lease.fence;
    here.job(lose(first), rescuer()).await.unwrap();
    let granted = here.commands.grant(JOB, BOB, None, &worker(BOB)).await.unwrap().unwrap();
    let done = there.job(complete(granted.lease.fence), worker(BOB)).await.unwrap();
    assert_eq!(done.version, granted.lease.fence + 1);
}

#[tokio::test]
async fn nothing_is_taken_for_done_that_no_longer_is() {
    let here = World::new().created().await;
    let there = World::over(Arc::clone(&here.journal));
    let fence = here.granted().await.lease.fence;
    there.job(progress(fence, 1), worker(ANN)).await.unwrap();
    here.job(progress(fence, 2), worker(ANN)).await.unwrap();
    let again = there.job(progress(fence, 1), worker(ANN)).await.unwrap();
    assert_eq!((again.version, again.repeated), (5, false));
    assert_eq!(here.story(JOB).await.len(), 5);
}

#[tokio::test]
async fn two_processes_agree_on_where_a_job_stands() {
    let here = World::new().created().await;
    let there = World::over(Arc::clone(&here.journal));
    assert_eq!(
        there.commands.job_state(JOB).await.unwrap().present().unwrap().state(),
        JobState::Queued
    );
    here.job(cancel(), user(OWNER)).await.unwrap();
    let seen = there.commands.job_state(JOB).await.unwrap();
    assert_eq!(seen.present().unwrap().state(), JobState::Cancelled);
}

#[tokio::test]
async fn a_caller_who_hangs_up_leaves_the_stream_to_the_next() {
    let world = World::over(Arc::new(Memory::default())).created().await;
    for _ in 0..3 {
        drop(Box::pin(world.job(cancel(), user(OWNER))));
    }
    world.job(cancel(), user(OWNER)).await.unwrap();
    assert_eq!(world.story(JOB).await, ["TaskCreated", "JobCancelled"]);
}
