//! How built-in executors hold their leases, whatever those who do the work do.

mod stage;

use commands::CommandError;
use domain::{
    artifact::{Artifact, Sha256},
    decode::Event,
    job::{CrawlEvent, FailureCause, JobCommand, JobError, JobEvent, Phase, Progress},
    worker::{RefusedReport, WorkerEvent},
};
use serde_json::json;
use workers::{Finish, Level, Outcome, Stop};

use crate::world::{eventually, owner};
use stage::{Begun, Script, Stage};

fn done() -> Script {
    Script::End(Outcome::Completed(Finish::Crawl { pages: 3, errors: 0, artifacts: vec![] }))
}

fn progress(done: u64) -> Progress {
    Progress { done, total: Some(100), message: None }
}

#[tokio::test]
async fn a_crawl_that_is_asked_for_is_taken_done_and_settled() {
    let mut world = Stage::new().await;
    world.start(1);
    let job = world.crawl().await;
    let begun = world.begun().await;
    assert_eq!((begun.attempt.job, begun.attempt.attempt), (job, 1));
    for count in 0..50 {
        begun.attempt.handle.progress(progress(count));
    }
    begun.attempt.handle.log(Level::Info, "three pages\0");
    begun.end(done());
    let (state, _) = world.ended(job).await;
    assert_eq!(state.phase, Phase::Succeeded);
    let events = world.events(job).await;
    let reported = events.iter().filter_map(|it| {
        let JobEvent::ProgressReported(it) = it else { return None };
        Some(it.progress.clone().unwrap().done)
    });
    let reported: Vec<u64> = reported.collect();
    assert_eq!(reported.last(), Some(&49), "the last progress is never lost");
    assert!(reported.len() < 5, "progress is coalesced: {reported:?}");
    let sealed = events.iter().any(|it| matches!(it, JobEvent::LogSealed(it) if it.log.lines == 1));
    assert!(sealed, "{events:?}");
    let lines = world.reader.log(job, None, 10).await.unwrap();
    assert!(lines[0].entry.contains("three pages\u{FFFD}"), "{}", lines[0].entry);
    world.stopped().await;
}

#[tokio::test]
async fn an_executor_is_a_worker_like_others_until_it_leaves() {
    let mut world = Stage::new().await;
    world.start(3);
    eventually("it registers", async || !world.reader.workers(10).await.unwrap().is_empty()).await;
    let worker = world.reader.workers(10).await.unwrap().remove(0);
    assert_eq!((worker.name.as_str(), worker.slots), ("greffe crawl", 3));
    assert_eq!((worker.services.as_slice(), worker.left_at), (&["crawl".to_owned()][..], None));
    world.stopped().await;
    assert!(world.reader.workers(10).await.unwrap()[0].left_at.is_some());
}

#[tokio::test]
async fn who_has_no_hand_free_lets_the_others_wait() {
    let mut world = Stage::new().await;
    world.start(1);
    let (first, second) = (world.crawl().await, world.crawl().await);
    let begun = world.begun().await;
    assert_eq!(begun.attempt.job, first);
    begun.end(done());
    let begun = world.begun().await;
    assert_eq!(begun.attempt.job, second);
    let ended = world.job(first).await;
    assert!(ended.state().is_final(), "the first was settled before the second was taken");
    begun.end(done());
    world.ended(second).await;
    world.stopped().await;
}

#[tokio::test]
async fn what_is_cancelled_stops_within_a_second_and_ends() {
    let mut world = Stage::new().await;
    world.start(1);
    let job = world.crawl().await;
    let begun = world.begun().await;
    let asked = std::time::Instant::now();
    world.cancel(job).await;
    begun.attempt.handle.stopping().cancelled().await;
    // Beats would tell a little later: the lease is of fifteen seconds.
    assert!(asked.elapsed().as_secs() < 4, "{:?}", asked.elapsed());
    assert_eq!(begun.attempt.handle.why(), Some(Stop::Cancel));
    begun.end(Script::End(Outcome::Cancelled));
    assert_eq!(world.ended(job).await.0.phase, Phase::Cancelled);
    world.stopped().await;
}

#[tokio::test]
async fn what_is_paused_is_given_back_at_no_cost_and_taken_up_again_when_it_is_resumed() {
    let mut world = Stage::new().await;
    world.start(1);
    let job = world.crawl().await;
    let begun = world.begun().await;
    let handle = begun.attempt.handle.clone();
    handle.checkpoint(json!({ "page": 3 }));
    world.ask(job, JobCommand::PauseJob { reason: None }, owner()).await;
    handle.stopping().cancelled().await;
    assert_eq!(handle.why(), Some(Stop::Pause));
    begun.end(Script::End(Outcome::Released));
    // Younger, and still the one that is taken.
    let next = world.crawl().await;
    let other = world.begun().await;
    assert_eq!(other.attempt.job, next);
    let state = world.job(job).await;
    assert_eq!((&state.phase, state.failures, state.losses), (&Phase::Queued, 0, 0));
    world.ask(job, JobCommand::ResumeJob, owner()).await;
    other.end(done());
    let again = world.begun().await;
    assert_eq!((again.attempt.job, again.attempt.attempt), (job, 1));
    assert_eq!(again.attempt.checkpoint, Some(json!({ "page": 3 })));
    again.end(done());
    world.ended(job).await;
    world.stopped().await;
}

#[tokio::test]
async fn who_is_done_before_hearing_of_a_pause_has_done_it() {
    let mut world = Stage::new().await;
    world.start(1);
    let job = world.crawl().await;
    let begun = world.begun().await;
    world.ask(job, JobCommand::PauseJob { reason: None }, owner()).await;
    begun.attempt.handle.stopping().cancelled().await;
    begun.end(done());
    let (state, _) = world.ended(job).await;
    assert_eq!((state.phase, state.paused), (Phase::Succeeded, None));
    world.stopped().await;
}

#[tokio::test]
async fn what_is_cancelled_after_it_was_paused_is_cancelled() {
    let mut world = Stage::new().await;
    world.start(1);
    let job = world.crawl().await;
    let begun = world.begun().await;
    world.ask(job, JobCommand::PauseJob { reason: None }, owner()).await;
    begun.attempt.handle.stopping().cancelled().await;
    world.ask(job, JobCommand::CancelJob { reason: None }, owner()).await;
    begun.end(Script::End(Outcome::Released));
    assert_eq!(world.ended(job).await.0.phase, Phase::Cancelled);
    world.stopped().await;
}

#[tokio::test]
async fn a_cancellation_that_nobody_asked_for_is_a_release() {
    let mut world = Stage::new().await;
    world.start(1);
    let job = world.crawl().await;
    world.begun().await.end(Script::End(Outcome::Cancelled));
    let again = world.begun().await;
    assert_eq!((again.attempt.job, again.attempt.attempt), (job, 1));
    again.end(done());
    world.ended(job).await;
    world.stopped().await;
}

#[tokio::test]
async fn who_lost_the_lease_is_stopped_and_not_believed() {
    let mut world = Stage::new().await;
    world.start(1);
    let job = world.crawl().await;
    let begun = world.begun().await;
    let Begun { attempt, .. } = &begun;
    world.rescue(job).await;
    attempt.handle.stopping().cancelled().await;
    assert_eq!(attempt.handle.why(), Some(Stop::Lost));
    let late = JobCommand::ReportProgress {
        fence: attempt.fence,
        progress: Some(progress(1)),
        checkpoint: None,
    };
    let refused = attempt.handle.command("late", late).await.unwrap_err();
    assert!(matches!(refused, CommandError::Refused(it) if it.code() == "STALE_FENCE"));
    let worker = world.job(job).await;
    assert!(!worker.state().is_final());
    let fence = attempt.fence;
    begun.end(done());
    // The job is handed out again, to the only one there is.
    let again = world.begun().await;
    assert_ne!(again.attempt.fence, fence);
    let refusals = world.refusals().await;
    assert_eq!(refusals, [(job, fence, RefusedReport::Progress)], "once a lease");
    again.end(done());
    world.ended(job).await;
    world.stopped().await;
}

#[tokio::test]
async fn who_could_not_beat_for_a_whole_lease_gives_the_job_back_and_no_delivery_is_lost() {
    let mut world = Stage::new().await;
    world.start(1);
    let job = world.crawl().await;
    let begun = world.begun().await;
    let handle = begun.attempt.handle.clone();
    handle.checkpoint(json!({ "page": 3 }));
    eventually("the checkpoint is recorded", async || {
        world.job(job).await.checkpoint == Some(json!({ "page": 3 }))
    })
    .await;
    world.take_away_leases_and_logs().await;
    handle.stopping().cancelled().await;
    assert_eq!(handle.why(), Some(Stop::Doubted));
    begun.end(Script::End(Outcome::Released));
    world.bring_back_leases_and_logs().await;
    let again = world.begun().await;
    assert_eq!((again.attempt.job, again.attempt.attempt), (job, 1));
    assert_eq!(again.attempt.checkpoint, Some(json!({ "page": 3 })));
    assert_eq!(world.job(job).await.losses, 0);
    again.end(done());
    world.ended(job).await;
    world.stopped().await;
}

#[tokio::test]
async fn a_job_that_cannot_be_granted_does_not_keep_the_next_one_waiting() {
    let mut world = Stage::new().await;
    world.crawl().await;
    world.lose_the_history_of_who_waits().await;
    let job = world.crawl().await;
    world.start(1);
    let begun = world.begun().await;
    assert_eq!(begun.attempt.job, job);
    begun.end(done());
    world.ended(job).await;
    world.stopped().await;
}

#[tokio::test]
async fn jobs_that_cannot_be_read_do_not_keep_the_next_one_waiting_however_many() {
    let mut world = Stage::new().await;
    for _ in 0..6 {
        let job = world.crawl().await;
        world.make_unreadable(job).await;
    }
    let job = world.crawl().await;
    world.start(1);
    let begun = world.begun().await;
    assert_eq!(begun.attempt.job, job);
    begun.end(done());
    world.ended(job).await;
    world.stopped().await;
}

#[tokio::test]
async fn a_panic_is_a_failed_attempt_and_the_executor_goes_on() {
    let mut world = Stage::new().await;
    world.start(1);
    let job = world.crawl().await;
    let begun = world.begun().await;
    begun.attempt.handle.checkpoint(json!({ "page": 7 }));
    begun.end(Script::Panic);
    eventually("the attempt fails", async || world.job(job).await.failures == 1).await;
    let state = world.job(job).await;
    assert_eq!(state.last_error.unwrap().error_type, "Panic");
    assert_eq!(state.checkpoint, Some(json!({ "page": 7 })), "the next one goes on from there");
    let next = world.crawl().await;
    let begun = world.begun().await;
    assert_eq!(begun.attempt.job, next);
    begun.end(done());
    world.ended(next).await;
    world.stopped().await;
}

#[tokio::test]
async fn what_fails_for_good_ends_the_job_with_its_error_cut_to_size() {
    let mut world = Stage::new().await;
    world.start(1);
    let job = world.crawl().await;
    let error = JobError {
        error_type: "Network".into(),
        message: "é".repeat(10_000),
        detail: Some("a\0b".into()),
        retryable: false,
    };
    world.begun().await.end(Script::End(Outcome::Failed(error)));
    assert_eq!(world.ended(job).await.0.phase, Phase::Failed);
    let events = world.events(job).await;
    let Some(JobEvent::JobFailed(failed)) = events.last() else { panic!("{events:?}") };
    assert_eq!(failed.cause, FailureCause::NotRetryable);
    assert_eq!(failed.error.message.len(), 8 * 1024);
    assert_eq!(failed.error.detail.as_deref(), Some("a\u{FFFD}b"));
    world.stopped().await;
}

#[tokio::test]
async fn what_cannot_be_recorded_fails_and_says_why() {
    let mut world = Stage::new().await;
    world.start(1);
    let job = world.crawl().await;
    let name = "x".repeat(5_000);
    let artifacts = vec![Artifact { sha256: Sha256::new([1; 32]), name, bytes: 1 }];
    let finish = Finish::Crawl { pages: 1, errors: 0, artifacts };
    world.begun().await.end(Script::End(Outcome::Completed(finish)));
    let (state, _) = world.ended(job).await;
    assert_eq!(state.phase, Phase::Failed);
    assert_eq!(state.last_error.unwrap().error_type, "UnrecordableOutcome");
    world.stopped().await;
}

#[tokio::test]
async fn who_is_shut_down_gives_the_job_back_with_its_checkpoint_and_no_attempt_lost() {
    let mut world = Stage::new().await;
    world.start(1);
    let job = world.crawl().await;
    let begun = world.begun().await;
    let handle = begun.attempt.handle.clone();
    handle.checkpoint(json!({ "page": 3 }));
    world.stop_executor();
    handle.stopping().cancelled().await;
    assert_eq!(handle.why(), Some(Stop::Shutdown));
    begun.end(Script::End(Outcome::Released));
    world.executor_stopped().await;
    let state = world.job(job).await;
    assert_eq!((&state.phase, state.failures, state.losses), (&Phase::Queued, 0, 0));
    world.start(1);
    let begun = world.begun().await;
    assert_eq!(begun.attempt.attempt, 1);
    assert_eq!(begun.attempt.checkpoint, Some(json!({ "page": 3 })));
    begun.end(done());
    world.ended(job).await;
    world.stopped().await;
}

#[tokio::test]
async fn what_a_process_left_behind_that_died_is_taken_up_where_it_was() {
    let mut world = Stage::new().await;
    world.start(1);
    let job = world.crawl().await;
    let begun = world.begun().await;
    begun.attempt.handle.checkpoint(json!({ "page": 5 }));
    eventually("the checkpoint is recorded", async || {
        world.job(job).await.checkpoint == Some(json!({ "page": 5 }))
    })
    .await;
    world.kill_executor().await;
    world.rescue(job).await;
    world.start(1);
    let again = world.begun().await;
    assert_eq!((again.attempt.job, again.attempt.attempt), (job, 1));
    assert_eq!(again.attempt.checkpoint, Some(json!({ "page": 5 })));
    again.end(done());
    assert_eq!(world.ended(job).await.0.losses, 1);
    let events = world.events(job).await;
    assert!(matches!(events.last(), Some(JobEvent::Crawl(CrawlEvent::CrawlCompleted(_)))));
    world.stopped().await;
}

impl Stage {
    /// The late reports that are on record.
    async fn refusals(&self) -> Vec<(domain::JobId, u64, RefusedReport)> {
        let facts = self.feed.read(0, 1_000).await.unwrap();
        let refused = facts.iter().filter_map(|it| {
            let Event::Worker(WorkerEvent::StaleReportRefused(it)) = &it.event else {
                return None;
            };
            Some((it.job, it.fence, it.report))
        });
        refused.collect()
    }
}
