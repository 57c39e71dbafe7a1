//! What is told of a job: its life in lines, what went in and what came out.

use commands::{Command, Wishes, lease::Holder};
use domain::{
    JobId, WorkerId,
    actor::Component,
    artifact::{Artifact, Sha256},
    job::{Closing, JobCommand, JobError, LogSeal, Progress},
    worker::{RefusedReport, WorkerCommand},
};
use expect_test::expect;
use serde_json::json;
use uuid::Uuid;

use super::world::{ANN, BOB, OWNER, World, system, user, worker};

const AGAIN: JobId = JobId(Uuid::from_u128(0x200));

async fn told(world: &World, job: JobId) -> String {
    let rows = world.reader.timeline(job, 0, 100).await.unwrap();
    let lines = rows.into_iter().map(|it| {
        let number = |it: Option<u64>| it.map_or("-".to_owned(), |it| it.to_string());
        let attempt = number(it.attempt.map(u64::from));
        let (version, fence) = (number(it.version), number(it.fence));
        let who = it.actor.split(':').next().unwrap_or_default().to_owned();
        let note = it.note.unwrap_or_default();
        format!("{version} {} {who} {attempt} {fence} {note}", it.event_type).trim_end().to_owned()
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn fail(fence: u64, retryable: bool) -> JobCommand {
    let (error_type, message) = ("Disk".to_owned(), "full".to_owned());
    let error = JobError { error_type, message, detail: None, retryable };
    let log = Some(LogSeal { lines: 3, bytes: 40, sha256: Sha256::new([4; 32]) });
    JobCommand::FailAttempt {
        fence,
        error,
        retry_at: None,
        closing: Closing { progress: None, log },
    }
}

/// The life of a job that was lost, failed, and done again.
async fn lived(world: &World) -> JobId {
    let services = Vec::new();
    let register = WorkerCommand::RegisterWorker { name: "w".to_owned(), services };
    world.commands.execute(Command::Worker(ANN, register), worker(ANN)).await.unwrap();
    let job = world.create("checksum", Wishes::default()).await;
    let pause = JobCommand::PauseJob { reason: Some("too early".to_owned()) };
    world.ask(job, pause, user(OWNER)).await;
    world.ask(job, JobCommand::ResumeJob, user(OWNER)).await;
    let lost = world.grant(job, ANN).await.lease;
    let expire = JobCommand::ExpireLease { fence: lost.fence, log: None };
    world.ask(job, expire, system(Component::Rescuer)).await;
    let held = world.grant(job, BOB).await.lease;
    let late = JobCommand::ReportProgress { fence: lost.fence, progress: None, checkpoint: None };
    let holder = Holder { lease: lost, worker: ANN };
    let (said, ann) = (RefusedReport::Progress, worker(ANN));
    world.commands.report(holder, said, late, &ann).await.unwrap_err();
    let far = Progress { done: 2, total: Some(5), message: Some("hashing".to_owned()) };
    let progress =
        JobCommand::ReportProgress { fence: held.fence, progress: Some(far), checkpoint: None };
    world.ask(job, progress, worker(BOB)).await;
    world.ask(job, fail(held.fence, false), worker(BOB)).await;
    let retry = Command::RetryJob { of: job, id: AGAIN };
    world.commands.execute(retry, user(OWNER)).await.unwrap();
    job
}

async fn done(world: &World, by: WorkerId) {
    let fence = world.grant(AGAIN, by).await.lease.fence;
    let artifacts =
        vec![Artifact { sha256: Sha256::new([3; 32]), name: "out.csv".to_owned(), bytes: 7 }];
    let (result, closing) = (json!({ "files": 3 }), Closing::default());
    let complete = JobCommand::CompleteTask { fence, result, errors: 2, artifacts, closing };
    world.ask(AGAIN, complete, worker(by)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_life_of_a_job_is_told_line_by_line() {
    let world = World::new().await;
    let following = world.follow();
    let job = lived(&world).await;
    done(&world, ANN).await;
    world.caught_up().await;
    following.stopped().await;
    expect![[r"
        1 TaskCreated user - -
        2 JobPaused user - - too early
        3 JobResumed user - -
        4 LeaseGranted worker 1 4
        5 LeaseExpired system - 4
        6 LeaseGranted worker 1 6 delivery 2
        - StaleReportRefused worker - 4
        7 ProgressReported worker - 6 2/5 hashing
        8 LogSealed worker - 6 3 lines, 40 bytes, 0404040404040404040404040404040404040404040404040404040404040404
        9 AttemptFailed worker 1 6 Disk: full
        10 JobFailed worker - - not retryable: full"]].assert_eq(&told(&world, job).await);
    let again = told(&world, AGAIN).await.replace(&job.to_string(), "the first");
    expect![[r"
        1 TaskCreated user - - repeats the first
        2 LeaseGranted worker 1 2
        3 TaskCompleted worker - 2 with 2 errors"]]
    .assert_eq(&again);
    let rest = world.reader.timeline(job, 2, 2).await.unwrap();
    let positions: Vec<u64> = rest.iter().map(|it| it.position).collect();
    assert_eq!(positions, [3, 4]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_went_in_and_came_out_is_kept_beside_the_list() {
    let world = World::new().await;
    let following = world.follow();
    let job = lived(&world).await;
    world.caught_up().await;
    let inputs = world.reader.inputs(&[job, AGAIN]).await.unwrap();
    let outcomes = world.reader.outcomes(&[job]).await.unwrap();
    assert_eq!((&*inputs[&job], &outcomes[&job].result), (r#"{"n":1}"#, &None));
    assert_eq!(inputs[&AGAIN], inputs[&job]);
    done(&world, ANN).await;
    world.caught_up().await;
    following.stopped().await;
    let ids = [AGAIN, JobId(Uuid::nil())];
    let outcomes = world.reader.outcomes(&ids).await.unwrap();
    assert_eq!((outcomes.len(), world.reader.inputs(&ids).await.unwrap().len()), (1, 1));
    let outcome = &outcomes[&AGAIN];
    assert_eq!(outcome.result.as_deref(), Some(r#"{"files":3}"#));
    let artifacts = outcome.artifacts().unwrap();
    assert_eq!(artifacts[0].name, "out.csv");
    let bytes = world.reader.content_bytes(&ids).await.unwrap();
    let expected = outcome.result.as_ref().unwrap().len() + json!(artifacts).to_string().len();
    assert_eq!(bytes.len(), 1);
    assert_eq!((bytes[&AGAIN].input, bytes[&AGAIN].outcome), (7, expected as u64));
}
