//! Jobs are kept in memory so that a command reads nothing; what is kept is
//! never more than the journal holds.

use std::sync::atomic::Ordering;

use domain::testing::replay;
use domain::{
    decode::Event,
    job::{AttemptFailed, JobError, JobEvent, JobState, Next},
};

use super::world::*;
use crate::*;

#[tokio::test]
async fn a_command_to_a_job_at_hand_reads_nothing() {
    let journal = Arc::new(Troubled::default());
    let world = World::over(journal.clone()).created().await;
    let before = journal.reads.load(Ordering::Relaxed);
    let fence = world.granted().await.lease.fence;
    world.job(progress(fence, 1), worker(ANN)).await.unwrap();
    world.job(complete(fence), worker(ANN)).await.unwrap();
    assert_eq!(journal.reads.load(Ordering::Relaxed), before);
}

#[tokio::test]
async fn a_command_to_a_long_stream_works() {
    let world = World::new().created().await;
    world.granted().await;
    let steps: Vec<_> = (1..=4_998).map(|done| progressed(2, done)).collect();
    for steps in steps.chunks(500) {
        rival_writes(&*world.journal, &of(JOB), steps).await;
    }
    let elsewhere = World::over(Arc::clone(&world.journal));
    let accepted = elsewhere.job(complete(2), worker(ANN)).await.unwrap();
    assert_eq!((accepted.version, accepted.position), (5_001, 5_001));
    let job = world.commands.job_state(JOB).await.unwrap();
    assert_eq!(job.present().unwrap().state(), JobState::Succeeded);
}

/// The events of a job may be larger than what is read at a time.
#[tokio::test]
async fn a_command_to_a_stream_of_large_events_sees_all_of_them() {
    let world = World::new().created().await;
    world.granted().await;
    let failed = |attempt: u32| {
        let detail = Some("x".repeat(400_000));
        let error = JobError { detail, ..broken() };
        let (fence, next) = (2, Next::Queue);
        JobEvent::from(AttemptFailed { fence, attempt, error, next })
    };
    for _ in 0..8 {
        let some: Vec<_> = (0..15).map(failed).collect();
        rival_writes(&*world.journal, &of(JOB), &some).await;
    }
    let elsewhere = World::over(Arc::clone(&world.journal));
    let job = elsewhere.commands.job_state(JOB).await.unwrap();
    assert_eq!(job.present().unwrap().failures, 120);
    let accepted = elsewhere.job(cancel(), user(OWNER)).await.unwrap();
    assert_eq!(accepted.version, 123);
}

fn broken() -> JobError {
    let (error_type, message) = ("Broken".to_owned(), "it is broken".to_owned());
    JobError { error_type, message, detail: None, retryable: true }
}

/// Two processes take turns, with every kind of trouble; after each command,
/// each of them sees what the journal adds up to.
#[tokio::test]
async fn what_is_kept_is_what_the_journal_adds_up_to() {
    let journal = Arc::new(Troubled::default());
    let processes = [World::over(journal.clone()), World::over(journal.clone())];
    processes[0].clone().created().await;
    let troubles = [
        None,
        Some(Trouble::AnswerLost),
        Some(Trouble::RequestLost),
        Some(Trouble::Rival(vec![progressed(2, 7)])),
    ];
    processes[0].granted().await;
    for turn in 0..64_usize {
        let process = &processes[turn % 2];
        if let Some(trouble) = &troubles[turn / 2 % 4] {
            journal.brew(1, trouble.clone());
        }
        // Whether it went well is not the question here.
        drop(process.job(progress(2, turn as u64), worker(ANN)).await);
        let events = process.events(&of(JOB)).await;
        let events = events.into_iter().filter_map(|it| match it {
            Event::Job(event) => Some(event),
            Event::Worker(_) | Event::Account(_) | Event::Client(_) | Event::Land(_) => None,
        });
        let expected: Job = replay(&events.collect::<Vec<_>>());
        for process in &processes {
            assert_eq!(process.commands.job_state(JOB).await.unwrap(), expected, "turn {turn}");
        }
    }
}
