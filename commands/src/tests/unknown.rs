//! Answers that are lost: nothing is believed that the journal does not hold.

use std::sync::atomic::Ordering;

use journal::{Append, NewEvent};

use super::world::*;
use crate::*;

async fn world() -> (Arc<Troubled>, World) {
    let journal = Arc::new(Troubled::default());
    let world = World::over(journal.clone()).created().await;
    (journal, world)
}

#[track_caller]
fn broken(answer: Answer) -> journal::BoxError {
    match answer {
        Err(CommandError::Broken(cause)) => cause,
        other => panic!("not broken: {other:?}"),
    }
}

#[tokio::test]
async fn what_was_written_though_the_answer_was_lost_is_known_to_the_next() {
    let (journal, world) = world().await;
    journal.brew(1, Trouble::AnswerLost);
    let cause = broken(world.job(cancel(), user(OWNER)).await);
    assert_eq!(cause.to_string(), "the outcome of the append is unknown");
    assert_eq!(cause.source().unwrap().to_string(), "the line went dead");
    let appends = journal.appends.load(Ordering::Relaxed);
    let again = world.job(cancel(), user(OWNER)).await.unwrap();
    assert_eq!((again.version, again.position, again.repeated), (2, 2, true));
    // It was looked up, not found out by trying.
    assert_eq!(journal.appends.load(Ordering::Relaxed), appends);
    assert_eq!(world.story(JOB).await, ["TaskCreated", "JobCancelled"]);
}

#[tokio::test]
async fn what_was_not_written_is_not_believed() {
    let (journal, world) = world().await;
    for trouble in [Trouble::RequestLost, Trouble::Unavailable] {
        journal.brew(1, trouble);
        broken(world.job(cancel(), user(OWNER)).await);
        let job = world.commands.job_state(JOB).await.unwrap();
        assert!(!job.present().unwrap().state().is_final());
    }
    let accepted = world.job(cancel(), user(OWNER)).await.unwrap();
    assert_eq!((accepted.version, accepted.repeated), (2, false));
}

/// An inline table was replaced by another version, say: it is not the job that is at fault.
#[tokio::test]
async fn an_append_that_is_not_taken_is_no_damage_to_what_was_read() {
    let (journal, world) = world().await;
    journal.brew(1, Trouble::NotTaken);
    let answer = world.job(cancel(), user(OWNER)).await;
    assert!(answer.as_ref().is_err_and(|it| !it.is_damage() && !it.passes()), "{answer:?}");
    world.job(cancel(), user(OWNER)).await.unwrap();
}

#[tokio::test]
async fn a_stream_that_cannot_be_read_is_damage() {
    let (journal, _) = world().await;
    let unheard_of = NewEvent {
        event_id: Uuid::new_v4(),
        event_type: "JobDreamt",
        schema_version: 1,
        payload: "{}".to_owned(),
        metadata: r#"{"actor":"system:rescuer"}"#.to_owned(),
    };
    let (stream, events) = (of(JOB), vec![unheard_of]);
    let append = Append { stream, expected_version: 1, events, idempotency: None };
    journal.append(append).await.unwrap();
    let other = World::over(journal);
    let answer = other.job(cancel(), user(OWNER)).await;
    assert!(answer.as_ref().is_err_and(CommandError::is_damage), "{answer:?}");
}

#[tokio::test]
async fn the_same_key_finds_out_what_became_of_it() {
    for (trouble, written) in [(Trouble::AnswerLost, true), (Trouble::RequestLost, false)] {
        let (journal, world) = world().await;
        let asked = user(OWNER).once("k", [0; 32]);
        journal.brew(1, trouble);
        broken(world.job(cancel(), asked.clone()).await);
        let again = world.job(cancel(), asked).await.unwrap();
        assert_eq!((again.version, again.repeated), (2, written));
        assert_eq!(world.story(JOB).await, ["TaskCreated", "JobCancelled"]);
    }
}
