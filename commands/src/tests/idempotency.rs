//! A repetition is answered with what the first led to, and changes nothing.

use futures::future::join_all;
use serde_json::json;

use super::world::*;
use crate::*;

fn once(asked: Asked, key: &str) -> Asked {
    asked.once(key, [1; 32])
}

fn fresh_job() -> JobId {
    JobId(Uuid::new_v4())
}

#[tokio::test]
async fn the_same_key_has_the_same_outcome() {
    let world = World::new();
    let first = world.commands.execute(create(JOB), once(user(OWNER), "k")).await.unwrap();
    assert!(!first.repeated);
    for _ in 0..3 {
        let command = create(fresh_job());
        let again = world.commands.execute(command, once(user(OWNER), "k")).await.unwrap();
        assert_eq!(again, Accepted { repeated: true, ..first.clone() });
        assert_eq!(again.job(), Some(JOB));
    }
    assert_eq!(*world.journal.head().borrow(), 1);
}

#[tokio::test]
async fn of_many_with_one_key_at_once_one_is_carried_out() {
    let here = World::new();
    let there = World::over(Arc::clone(&here.journal));
    let asked = (0..32).map(|it| {
        let process = if it % 2 == 0 { here.clone() } else { there.clone() };
        async move {
            let command = create(fresh_job());
            process.commands.execute(command, once(user(OWNER), "k")).await.unwrap()
        }
    });
    let answers = join_all(asked).await;
    assert_eq!(answers.iter().filter(|it| !it.repeated).count(), 1);
    assert!(answers.iter().all(|it| (&it.stream, it.position) == (&answers[0].stream, 1)));
    assert_eq!(*here.journal.head().borrow(), 1);
}

/// The key was free when it was looked up, and taken when it was written.
#[tokio::test]
async fn what_another_process_did_under_the_key_is_not_believed_of_this_job() {
    let journal = Arc::new(Troubled::default());
    let world = World::over(journal.clone());
    let twin = fresh_job();
    journal.brew(1, Trouble::Twin(twin));
    let accepted = world.commands.execute(create(JOB), once(user(OWNER), "k")).await.unwrap();
    assert_eq!((accepted.job(), accepted.repeated), (Some(twin), true));
    assert_eq!(world.commands.job_state(JOB).await.unwrap(), Job::Absent);
    refused(world.job(cancel(), user(OWNER)).await);
}

#[tokio::test]
async fn a_key_answers_though_the_job_has_moved_on() {
    let world = World::new().created().await;
    let fence = world.granted().await.lease.fence;
    let asked = once(worker(ANN), "settle");
    let done = world.job(complete(fence), asked.clone()).await.unwrap();
    let again = world.job(complete(fence), asked).await.unwrap();
    assert_eq!(again, Accepted { repeated: true, ..done });
    // Without the key, it is another report from a lease that is over.
    let refusal = refused(world.job(complete(fence), worker(ANN)).await);
    assert_eq!(refusal.code(), "ALREADY_SETTLED");
}

#[tokio::test]
async fn a_key_answers_though_the_command_would_be_refused_today() {
    let world = World::new();
    let asked = once(user(OWNER), "k");
    let first = world.commands.execute(create(JOB), asked.clone()).await.unwrap();
    let later = World::with_services(Arc::clone(&world.journal), []);
    let again = later.commands.execute(create(fresh_job()), asked).await.unwrap();
    assert_eq!(again, Accepted { repeated: true, ..first });
    let refusal = refused(later.commands.execute(create(JOB), user(OWNER)).await);
    assert_eq!(refusal.code(), "UNKNOWN_SERVICE");
}

#[tokio::test]
async fn a_repeated_retry_makes_no_second_job() {
    let world = World::new().created().await;
    world.job(cancel(), user(OWNER)).await.unwrap();
    let (asked, id) = (once(user(OWNER), "again"), fresh_job());
    let retry = |id| Command::RetryJob { of: JOB, id };
    let first = world.commands.execute(retry(id), asked.clone()).await.unwrap();
    let again = world.commands.execute(retry(fresh_job()), asked).await.unwrap();
    assert_eq!(again, Accepted { repeated: true, ..first });
    assert_eq!(again.job(), Some(id));
}

#[tokio::test]
async fn a_repetition_is_told_where_the_job_stands_now() {
    let here = World::new().created().await;
    let there = World::over(Arc::clone(&here.journal));
    let fence = here.granted().await.lease.fence;
    let asked = once(worker(ANN), "first");
    here.job(progress(fence, 1), asked.clone()).await.unwrap();
    there.job(progress(fence, 9), worker(ANN)).await.unwrap();
    let holder = lease::Holder { lease: lease(fence), worker: ANN };
    let said = domain::worker::RefusedReport::Progress;
    let report = here.commands.report(holder, said, progress(fence, 1), &asked).await.unwrap();
    assert!(report.accepted.repeated);
    let domain::job::Phase::Running(lease) = &report.state.present().unwrap().phase else {
        panic!("{:?}", report.state)
    };
    assert_eq!(lease.progress.as_ref().unwrap().done, 9);
}

/// Fences are alike, and so are the words: nearly all leases are the first of their job.
#[tokio::test]
async fn the_same_key_is_no_report_on_another_lease() {
    let world = World::new().created().await;
    let other = fresh_job();
    world.commands.execute(create(other), user(OWNER)).await.unwrap();
    let asked = once(worker(ANN), "settle");
    let report = async |job| {
        let fence = 2;
        let holder = lease::Holder { lease: domain::LeaseId { job, fence }, worker: ANN };
        let said = domain::worker::RefusedReport::Succeeded;
        world.commands.report(holder, said, complete(fence), &asked).await
    };
    for job in [JOB, other] {
        let granted = world.commands.grant(job, ANN, None, &worker(ANN)).await.unwrap().unwrap();
        assert_eq!(granted.lease.fence, 2);
    }
    let first = report(JOB).await.unwrap();
    assert_eq!(refused(report(other).await), Refusal::KeyReused);
    assert_eq!(world.story(other).await, ["TaskCreated", "LeaseGranted"]);
    assert_eq!(report(JOB).await.unwrap().accepted.position, first.accepted.position);
}

#[tokio::test]
async fn the_same_key_with_another_input_is_refused() {
    let world = World::new();
    world.commands.execute(create(JOB), user(OWNER).once("k", [1; 32])).await.unwrap();
    let other = user(OWNER).once("k", [2; 32]);
    let refusal = refused(world.commands.execute(create(fresh_job()), other).await);
    assert_eq!(refusal, Refusal::KeyReused);
    assert_eq!(refusal.field(), Some("idempotencyKey"));
    assert_eq!(*world.journal.head().borrow(), 1);
}

#[tokio::test]
async fn keys_are_the_actors_own_for_one_kind_of_command() {
    let world = World::new();
    let jobs = [(fresh_job(), OWNER), (fresh_job(), STRANGER)];
    for (id, who) in jobs {
        let accepted = world.commands.execute(create(id), once(user(who), "k")).await.unwrap();
        assert_eq!((accepted.job(), accepted.repeated), (Some(id), false));
    }
    let cancel = Command::Job(jobs[0].0, cancel());
    let accepted = world.commands.execute(cancel, once(user(OWNER), "k")).await.unwrap();
    assert_eq!((accepted.version, accepted.repeated), (2, false));
}

#[tokio::test]
async fn a_key_that_cannot_be_kept_is_refused_by_its_rule() {
    let world = World::new().created().await;
    for key in ["", "a\0b", &"k".repeat(256)] {
        for command in [create(fresh_job()), Command::Job(JOB, cancel())] {
            let refusal = refused(world.commands.execute(command, once(user(OWNER), key)).await);
            assert_eq!(refusal.field(), Some("idempotencyKey"));
        }
    }
    let longest = "k".repeat(255);
    world.job(cancel(), once(user(OWNER), &longest)).await.unwrap();
}

#[tokio::test]
async fn a_refusal_is_not_kept_under_its_key() {
    let world = World::new();
    let asked = once(user(OWNER), "k");
    refused(world.job(cancel(), asked.clone()).await);
    let world = world.created().await;
    let accepted = world.job(cancel(), asked).await.unwrap();
    assert!(!accepted.repeated);
    let body = serde_json::from_str::<Value>(&world.stream(&of(JOB)).await[1].metadata).unwrap();
    assert_eq!(body["idempotency_key"], json!("k"));
}
