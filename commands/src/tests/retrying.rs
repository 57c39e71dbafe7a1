//! A job that has ended is done again as a new one.

use domain::{
    decode::Event,
    job::{JobEvent, JobState, TaskCreated},
};

use super::world::*;
use crate::*;

const AGAIN: JobId = JobId(Uuid::from_u128(0x200));

fn retry() -> Command {
    Command::RetryJob { of: JOB, id: AGAIN }
}

fn creation(events: &[Event]) -> &TaskCreated {
    match events {
        [Event::Job(JobEvent::TaskCreated(it)), ..] => it,
        other => panic!("no task was created: {other:?}"),
    }
}

#[tokio::test]
async fn a_retry_is_a_new_job_and_leaves_the_old_one_as_it_was() {
    let world = World::new().created().await;
    world.job(cancel(), user(OWNER)).await.unwrap();
    let before = world.stream(&of(JOB)).await;
    world.at(5_000);
    let accepted = world.commands.execute(retry(), user(OWNER)).await.unwrap();
    assert_eq!((accepted.job(), accepted.version), (Some(AGAIN), 1));
    assert_eq!(world.stream(&of(JOB)).await, before);
    let (old, new) = (world.events(&of(JOB)).await, world.events(&of(AGAIN)).await);
    let (old, new) = (creation(&old), creation(&new));
    assert_eq!(new.task, old.task);
    assert_eq!((new.order.retry_of, new.order.owner), (Some(JOB), OWNER));
    assert_eq!(new.order.expires_at, t(5_000) + chrono::Duration::days(7));
}

#[tokio::test]
async fn a_job_that_has_not_ended_is_not_retried() {
    let world = World::new().created().await;
    let refusal = refused(world.commands.execute(retry(), user(OWNER)).await);
    assert_eq!(refusal, Refusal::NotEnded { state: JobState::Queued });
    assert!(world.stream(&of(AGAIN)).await.is_empty());
}

#[tokio::test]
async fn whose_job_it_is_not_cannot_tell_it_from_none() {
    let world = World::new();
    let none = refused(world.commands.execute(retry(), user(STRANGER)).await);
    let world = world.created().await;
    world.job(cancel(), user(OWNER)).await.unwrap();
    let not_theirs = refused(world.commands.execute(retry(), user(STRANGER)).await);
    assert_eq!((none.code(), &none), ("NOT_FOUND", &not_theirs));
    assert_eq!(refused(world.job(cancel(), user(STRANGER)).await), none);
}
