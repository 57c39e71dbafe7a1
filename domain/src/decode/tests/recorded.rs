//! The bytes of every event, as released. If one of these tests fails, the
//! change breaks every job ever recorded.
//!
//! `events.txt` holds a line an event: type, schema version, payload. Each type
//! stands there with every optional field, and with none.

use std::collections::BTreeSet;

use chrono::DateTime;
use expect_test::expect_file;
use serde_json::json;
use uuid::Uuid;

use super::{Event, decode, lands::lands, names, people::people, written};
use crate::{
    JobId, LandId, Timestamp, UserId, WorkerId,
    artifact::{Artifact, Sha256},
    job::{
        AttemptFailed, CancelRequested, CrawlCompleted, CrawlRequested, CrawlSpec, DuplicateBy,
        Exclusion, FailureCause, Follow, FoundPage, JobCancelled, JobError, JobEvent, JobExpired,
        JobFailed, JobPaused, JobQueued, JobResumed, JobTransferred, KeptPage, LeaseExpired,
        LeaseGranted, LeaseReleased, LogSeal, LogSealed, Next, Order, PageOutcome, PagesVisited,
        Policy, Progress, ProgressReported, ReportCompleted, ReportRequested, ReportSpec,
        TaskCompleted, TaskCreated, TaskSpec, TextSlice, VisitedPage, Writer, WriterChoice,
        Written,
    },
    worker::{RefusedReport, StaleReportRefused, WorkerEvent, WorkerLeft, WorkerRegistered},
};

#[test]
fn events_are_written_like_this() {
    let mut lines = String::new();
    for event in every_event() {
        let (name, schema_version, payload) = written(&event);
        lines.extend([name, " ", &schema_version.to_string(), " ", &payload, "\n"]);
    }
    expect_file!["events.txt"].assert_eq(&lines);
}

#[test]
fn what_was_written_like_that_is_understood() {
    let events = include_str!("events.txt").lines().map(|line| {
        let [name, schema_version, payload] =
            line.splitn(3, ' ').collect::<Vec<_>>().try_into().unwrap();
        decode(name, schema_version.parse().unwrap(), payload).unwrap()
    });
    assert_eq!(events.collect::<Vec<_>>(), every_event());
}

#[test]
fn every_type_of_event_is_among_them_under_a_name_of_its_own() {
    let recorded: BTreeSet<_> = every_event().iter().map(|it| written(it).0).collect();
    assert_eq!(recorded, names().into_iter().collect());
    assert_eq!(recorded.len(), names().len());
}

#[test]
fn a_field_that_this_program_does_not_know_is_no_obstacle() {
    for event in every_event() {
        let (name, schema_version, payload) = written(&event);
        let separator = if payload == "{}" { "" } else { "," };
        let longer = payload.replacen('{', &format!("{{\"mood\":\"good\"{separator}"), 1);
        assert_eq!(decode(name, schema_version, &longer).unwrap(), event, "{longer}");
    }
}

fn t(seconds: i64) -> Timestamp {
    DateTime::from_timestamp(seconds, 123_456_000).unwrap()
}

fn full_order() -> Order {
    Order {
        owner: UserId(Uuid::from_u128(1)),
        priority: -5,
        not_before: Some(t(60)),
        expires_at: t(604_800),
        policy: Policy { run_timeout_ms: Some(3_600_000), ..Policy::default() },
        retry_of: Some(JobId(Uuid::from_u128(2))),
    }
}

fn plain_order() -> Order {
    let (not_before, retry_of) = (None, None);
    Order { not_before, retry_of, policy: Policy::default(), ..full_order() }
}

fn artifact() -> Artifact {
    Artifact { sha256: Sha256::new([0xAB; 32]), name: "out.csv".into(), bytes: 7 }
}

fn error(detail: Option<&str>) -> JobError {
    JobError {
        error_type: "Disk".into(),
        message: "disk \"full\"".into(),
        detail: detail.map(Into::into),
        retryable: detail.is_some(),
    }
}

fn every_event() -> Vec<Event> {
    let jobs = [creations(), leases(), pages(), ends()].concat().into_iter().map(Event::Job);
    jobs.chain(workers().into_iter().map(Event::Worker))
        .chain(people(t(90)))
        .chain(lands())
        .collect()
}

fn creations() -> Vec<JobEvent> {
    let task = TaskSpec {
        service: "checksum".parse().unwrap(),
        // Sorted, since whether an object keeps its order depends on how the program is built.
        body: json!({"count": 18_446_744_073_709_551_615_u64, "path": "été", "ratio": 0.1}),
    };
    let (seeds, terms) = (vec!["https://example.org/".into()], vec!["registry".into()]);
    let (depth, pages_max) = (2, 100);
    let land = Some(LandId(Uuid::from_u128(3)));
    let (languages, follow) = (vec!["fr".into()], Follow::SeedHosts);
    let landed = CrawlSpec { land, seeds, terms, depth, pages_max, languages, follow };
    let (languages, follow) = (vec![], Follow::Relevant);
    let homeless = CrawlSpec { land: None, languages, follow, ..landed.clone() };
    let sources = vec![Sha256::new([2; 32])];
    let bare = ReportSpec::of(Sha256::new([1; 32]), sources);
    let chosen = ReportSpec {
        input: Some(Sha256::new([3; 32])),
        writer: WriterChoice::Extractive,
        passages_max: Some(5),
        ..bare.clone()
    };
    let crawl = |order, crawl| JobEvent::Crawl(CrawlRequested { order, crawl }.into());
    let report = |order, report| JobEvent::Report(ReportRequested { order, report }.into());
    vec![
        TaskCreated { order: full_order(), task: task.clone() }.into(),
        TaskCreated { order: plain_order(), task }.into(),
        crawl(full_order(), landed),
        crawl(plain_order(), homeless),
        report(full_order(), bare.clone()),
        report(plain_order(), bare),
        report(plain_order(), chosen),
        JobQueued {}.into(),
    ]
}

fn leases() -> Vec<JobEvent> {
    let granted = LeaseGranted {
        worker: WorkerId(Uuid::from_u128(0xA)),
        attempt: 1,
        delivery: 2,
        lease_ms: 60_000,
        run_deadline: Some(t(90)),
        request: Some(Uuid::from_u128(9)),
    };
    let message = Some("page 3".to_owned());
    let progress = Progress { done: 3, total: Some(10), message };
    let bare = Progress { done: 3, total: None, message: None };
    let checkpoint = Some(json!({"page": 3}));
    let (fence, wait) = (2, Next::Wait { until: t(60) });
    let reported = |progress, checkpoint| ProgressReported { fence, progress, checkpoint }.into();
    let released =
        |reason, checkpoint, next| LeaseReleased { fence, reason, checkpoint, next }.into();
    let failed = |error, next| AttemptFailed { fence, attempt: 1, error, next }.into();
    vec![
        granted.clone().into(),
        LeaseGranted { run_deadline: None, request: None, ..granted }.into(),
        reported(Some(progress), checkpoint.clone()),
        reported(Some(bare), None),
        reported(None, checkpoint.clone()),
        CancelRequested { reason: Some("wrong folder".into()) }.into(),
        CancelRequested { reason: None }.into(),
        JobPaused { reason: Some("the site is slow".into()) }.into(),
        JobPaused { reason: None }.into(),
        JobResumed {}.into(),
        released(Some("draining".into()), checkpoint, wait),
        released(None, None, Next::Queue),
        LeaseExpired { fence, next: Next::Queue }.into(),
        LeaseExpired { fence, next: wait }.into(),
        LeaseExpired { fence, next: Next::End }.into(),
        failed(error(Some("errno 28")), wait),
        failed(error(None), Next::End),
        LogSealed { fence, log: LogSeal { lines: 3, bytes: 40, sha256: Sha256::new([4; 32]) } }
            .into(),
    ]
}

fn pages() -> Vec<JobEvent> {
    let seed = FoundPage { number: 0, url: "https://example.org/".into(), depth: 0, from: None };
    let second = FoundPage { number: 1, depth: 1, from: Some(0), ..seed.clone() };
    let full = KeptPage {
        url: "https://www.example.org/".into(),
        status: 200,
        media_type: "text/html".into(),
        bytes: 9_000,
        title: Some("The registry".into()),
        description: Some("where it is written".into()),
        language: Some("fr".into()),
        canonical: Some("https://example.org/".into()),
        published_at: Some(t(60)),
        words: 300,
        relevance: 12,
        content: Sha256::new([5; 32]),
        text: TextSlice { offset: 7, bytes: 2_000 },
        media: 2,
    };
    let bare = KeptPage {
        title: None,
        description: None,
        language: None,
        canonical: None,
        published_at: None,
        ..full.clone()
    };
    let failed = |status, error: &str| PageOutcome::Failed {
        status,
        error: error.into(),
        message: "not there".into(),
    };
    let excluded = |reason| PageOutcome::Excluded { reason };
    let duplicate = |by| PageOutcome::Duplicate { of: 0, by };
    let outcomes = [
        PageOutcome::Kept(Box::new(full)),
        PageOutcome::Kept(Box::new(bare)),
        duplicate(DuplicateBy::Canonical),
        duplicate(DuplicateBy::Content),
        duplicate(DuplicateBy::Redirect),
        excluded(Exclusion::Robots),
        excluded(Exclusion::NoIndex),
        excluded(Exclusion::PrivateAddress),
        excluded(Exclusion::MediaType),
        excluded(Exclusion::TooLarge),
        failed(Some(404), "http_404"),
        failed(None, "timeout"),
        excluded(Exclusion::OtherSite),
    ];
    let visited = outcomes.into_iter().zip(0..).map(|(outcome, number)| {
        let links = if number == 0 { vec![1, 2] } else { vec![] };
        VisitedPage { number, outcome, links }
    });
    let (fence, texts) = (2, Some(artifact()));
    let batch =
        PagesVisited { fence, found: vec![seed, second], visited: visited.collect(), texts };
    let nothing = PagesVisited { fence, found: vec![], visited: vec![], texts: None };
    [batch, nothing].map(|it| JobEvent::Crawl(it.into())).into()
}

fn ends() -> Vec<JobEvent> {
    let fence = 2;
    let result = json!({"files": 3});
    let completed = TaskCompleted { fence, result, errors: 1, artifacts: vec![artifact()] };
    let crawled = CrawlCompleted { fence, pages: 9, errors: 1, artifacts: vec![artifact()] };
    let (filled, empty) = (11, 1);
    let writers = vec![Writer::Ollama, Writer::Extractive];
    let told = Written { provenance: artifact(), filled, empty, writers };
    let mute = Written { writers: vec![], ..told.clone() };
    let report = |written| {
        let it = ReportCompleted { fence, document: artifact(), errors: 0, written };
        JobEvent::Report(it.into())
    };
    let failed = |cause, error| JobFailed { cause, error }.into();
    vec![
        completed.clone().into(),
        TaskCompleted { result: json!(null), artifacts: vec![], ..completed }.into(),
        JobEvent::Crawl(crawled.clone().into()),
        JobEvent::Crawl(CrawlCompleted { artifacts: vec![], ..crawled }.into()),
        report(None),
        report(Some(told)),
        report(Some(mute)),
        failed(FailureCause::AttemptsExhausted, error(Some("errno 28"))),
        failed(FailureCause::NotRetryable, error(None)),
        failed(FailureCause::DeliveriesExhausted, error(None)),
        JobCancelled { fence: Some(fence), reason: Some("wrong folder".into()) }.into(),
        JobCancelled { fence: None, reason: None }.into(),
        JobExpired {}.into(),
        JobTransferred { to: UserId(Uuid::from_u128(1)) }.into(),
    ]
}

fn workers() -> Vec<WorkerEvent> {
    let stale = |report, current| {
        StaleReportRefused { job: JobId(Uuid::from_u128(2)), fence: 2, report, current }.into()
    };
    vec![
        WorkerRegistered { name: "ann".into(), services: vec!["checksum".parse().unwrap()] }.into(),
        stale(RefusedReport::Progress, Some(4)),
        stale(RefusedReport::Log, None),
        stale(RefusedReport::Succeeded, None),
        stale(RefusedReport::Failed, None),
        stale(RefusedReport::Cancelled, None),
        stale(RefusedReport::Released, None),
        stale(RefusedReport::Artifact, None),
        WorkerLeft {}.into(),
    ]
}
