//! Tasks, crawls and reports: the same life, each its own beginning and end.

use super::fixture::{
    ANN, FENCE, artifact, complete, complete_crawl, complete_report, crawl, crawl_requested,
    created, done, far, grant, granted, order, report, report_requested, rescuer, seal, worker,
    worker_for,
};
use crate::{
    Refusal,
    job::{
        Closing, CrawlCompleted, CrawlEvent, Job, JobCommand, JobEvent, JobState, LogSealed,
        ProgressReported, ReportCompleted, ReportEvent, TaskCompleted,
    },
    testing::{given, replay},
};

fn crawled() -> JobEvent {
    let artifacts = vec![artifact()];
    let it = CrawlCompleted { fence: FENCE, pages: 9, errors: 1, artifacts };
    JobEvent::Crawl(CrawlEvent::from(it))
}

fn written() -> JobEvent {
    let it = ReportCompleted { fence: FENCE, document: artifact(), errors: 0, written: None };
    JobEvent::Report(ReportEvent::from(it))
}

#[test]
fn crawls_and_reports_are_asked_for_as_tasks_are() {
    given::<Job>([])
        .when(JobCommand::StartCrawl { order: order(), crawl: crawl() }, &rescuer(1))
        .then([crawl_requested()]);
    given::<Job>([])
        .when(JobCommand::RequestReport { order: order(), report: report() }, &rescuer(1))
        .then([report_requested()]);
}

#[test]
fn each_kind_ends_in_its_own_way_and_in_no_other() {
    let kinds = [
        ("task", created(), complete(FENCE), done(FENCE)),
        ("crawl", crawl_requested(), complete_crawl(FENCE), crawled()),
        ("report", report_requested(), complete_report(FENCE), written()),
    ];
    for (kind, creation, _, end) in &kinds {
        let history = [creation.clone(), granted(1, 1)];
        for (expected, _, command, _) in &kinds {
            let answer = given::<Job>(history.clone()).when(command.clone(), &worker(ANN, 5));
            if kind == expected {
                answer.then([end.clone()]);
            } else {
                answer.refused(&Refusal::WrongKind { expected });
            }
        }
        let job = replay::<Job>(history.iter().chain([end]));
        assert_eq!(job.present().unwrap().state(), JobState::Succeeded);
    }
}

#[test]
fn crawls_and_reports_are_leased_under_services_of_their_own() {
    for (creation, service) in [(crawl_requested(), "crawl"), (report_requested(), "report")] {
        let ask = |service| given::<Job>([creation.clone()]).when(grant(), &worker_for(service, 1));
        ask(service).then([granted(1, 1)]);
        ask("checksum")
            .refused(&Refusal::Forbidden { rule: "the token must be for the job's service" });
    }
}

#[test]
fn a_batch_of_which_some_items_failed_succeeds_with_errors() {
    let (fence, result) = (FENCE, serde_json::json!(null));
    let closing = Closing { progress: Some(far(10)), log: Some(seal()) };
    let artifacts = vec![artifact()];
    let command = JobCommand::CompleteTask {
        fence,
        result: result.clone(),
        errors: 2,
        artifacts: artifacts.clone(),
        closing,
    };
    given::<Job>([created(), granted(1, 1)]).when(command, &worker(ANN, 5)).then([
        ProgressReported { fence, progress: Some(far(10)), checkpoint: None }.into(),
        LogSealed { fence, log: seal() }.into(),
        TaskCompleted { fence, result, errors: 2, artifacts }.into(),
    ]);
}
