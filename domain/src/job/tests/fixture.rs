//! The cast, the facts and the requests that the stories are told with.

use std::sync::Arc;

use chrono::DateTime;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    Actor, Context, Timestamp, UserId, WorkerId,
    actor::{Component, Role, ServiceScope},
    artifact::{Artifact, Sha256},
    job::{
        AttemptFailed, CancelRequested, Closing, CrawlEvent, CrawlRequested, CrawlSpec, Exclusion,
        FailureCause, Follow, FoundPage, JobCancelled, JobCommand, JobError, JobEvent, JobFailed,
        JobPaused, LeaseExpired, LeaseGranted, LogSeal, Next, Order, PageOutcome, Policy, Progress,
        ReportEvent, ReportRequested, ReportSpec, TaskCompleted, TaskCreated, TaskSpec,
        VisitedPage,
    },
};

pub(super) const ANN: WorkerId = WorkerId(Uuid::from_u128(0xA));
pub(super) const BOB: WorkerId = WorkerId(Uuid::from_u128(0xB));
pub(super) const OWNER: UserId = UserId(Uuid::from_u128(1));
pub(super) const STRANGER: UserId = UserId(Uuid::from_u128(2));

/// Two attempts, three deliveries.
pub(super) const POLICY: Policy = Policy {
    attempts_max: 2,
    deliveries_max: 3,
    backoff_first_ms: 10_000,
    backoff_max_ms: 60_000,
    lease_ms: 60_000,
    run_timeout_ms: None,
};

/// The fence of the first lease in a story that starts with creation and
/// grant.
pub(super) const FENCE: u64 = 2;

pub(super) fn t(seconds: i64) -> Timestamp {
    DateTime::from_timestamp(seconds, 0).unwrap()
}

pub(super) fn rescuer(seconds: i64) -> Context {
    Context { actor: Actor::System(Component::Rescuer), now: t(seconds) }
}

pub(super) fn worker(id: WorkerId, seconds: i64) -> Context {
    Context { actor: Actor::Worker { id, scope: ServiceScope::All }, now: t(seconds) }
}

pub(super) fn worker_for(service: &str, seconds: i64) -> Context {
    let scope = ServiceScope::Named(Arc::new([service.parse().unwrap()].into()));
    Context { actor: Actor::Worker { id: ANN, scope }, now: t(seconds) }
}

pub(super) fn user(id: UserId, role: Role, seconds: i64) -> Context {
    Context { actor: Actor::User { id, role }, now: t(seconds) }
}

pub(super) fn order() -> Order {
    Order {
        owner: OWNER,
        priority: 0,
        not_before: None,
        expires_at: t(1_000),
        policy: POLICY,
        retry_of: None,
    }
}

pub(super) fn task() -> TaskSpec {
    TaskSpec { service: "checksum".parse().unwrap(), body: json!({"path": "in"}) }
}

pub(super) fn crawl() -> CrawlSpec {
    CrawlSpec {
        land: None,
        seeds: vec!["https://example.org/".into()],
        terms: vec!["registry".into()],
        depth: 2,
        pages_max: 100,
        languages: vec![],
        follow: Follow::default(),
    }
}

pub(super) fn report() -> ReportSpec {
    ReportSpec::of(Sha256::new([1; 32]), vec![Sha256::new([2; 32])])
}

pub(super) fn artifact() -> Artifact {
    Artifact { sha256: Sha256::new([3; 32]), name: "out.csv".into(), bytes: 7 }
}

pub(super) fn seal() -> LogSeal {
    LogSeal { lines: 3, bytes: 40, sha256: Sha256::new([4; 32]) }
}

pub(super) fn disk_full() -> JobError {
    let (error_type, message) = ("Disk".to_owned(), "disk full".to_owned());
    JobError { error_type, message, detail: None, retryable: true }
}

pub(super) fn hopeless() -> JobError {
    JobError { retryable: false, ..disk_full() }
}

pub(super) fn far(done: u64) -> Progress {
    Progress { done, total: Some(10), message: None }
}

// What has happened.

pub(super) fn created() -> JobEvent {
    created_with(order())
}

pub(super) fn created_with(order: Order) -> JobEvent {
    TaskCreated { order, task: task() }.into()
}

pub(super) fn crawl_requested() -> JobEvent {
    JobEvent::Crawl(CrawlEvent::from(CrawlRequested { order: order(), crawl: crawl() }))
}

pub(super) fn report_requested() -> JobEvent {
    JobEvent::Report(ReportEvent::from(ReportRequested { order: order(), report: report() }))
}

/// To Ann.
pub(super) fn granted(attempt: u32, delivery: u32) -> JobEvent {
    let (run_deadline, request) = (None, None);
    LeaseGranted { worker: ANN, attempt, delivery, lease_ms: 60_000, run_deadline, request }.into()
}

pub(super) fn failed(fence: u64, attempt: u32, next: Next) -> JobEvent {
    AttemptFailed { fence, attempt, error: disk_full(), next }.into()
}

pub(super) fn gave_up(cause: FailureCause, error: JobError) -> JobEvent {
    JobFailed { cause, error }.into()
}

pub(super) fn lost(fence: u64, next: Next) -> JobEvent {
    LeaseExpired { fence, next }.into()
}

pub(super) fn done(fence: u64) -> JobEvent {
    let result = json!({"files": 3});
    TaskCompleted { fence, result, errors: 0, artifacts: Vec::new() }.into()
}

pub(super) fn asked_to_stop() -> JobEvent {
    CancelRequested { reason: Some("wrong folder".into()) }.into()
}

pub(super) fn paused() -> JobEvent {
    JobPaused { reason: Some("the site is slow".into()) }.into()
}

pub(super) fn stopped(fence: Option<u64>) -> JobEvent {
    JobCancelled { fence, reason: Some("wrong folder".into()) }.into()
}

/// Created, and in Ann's hands under [`FENCE`].
pub(super) fn running() -> Vec<JobEvent> {
    vec![created(), granted(1, 1)]
}

// What one may ask for.

pub(super) fn create(order: Order) -> JobCommand {
    JobCommand::CreateTask { order, task: task() }
}

/// To Ann.
pub(super) fn grant() -> JobCommand {
    JobCommand::GrantLease { worker: ANN, request: None }
}

pub(super) fn progress(fence: u64, progress: Progress) -> JobCommand {
    JobCommand::ReportProgress { fence, progress: Some(progress), checkpoint: None }
}

pub(super) fn remember(fence: u64, checkpoint: Value) -> JobCommand {
    JobCommand::ReportProgress { fence, progress: None, checkpoint: Some(checkpoint) }
}

pub(super) fn complete(fence: u64) -> JobCommand {
    let (result, closing) = (json!({"files": 3}), Closing::default());
    JobCommand::CompleteTask { fence, result, errors: 0, artifacts: Vec::new(), closing }
}

pub(super) fn complete_crawl(fence: u64) -> JobCommand {
    let (artifacts, closing) = (vec![artifact()], Closing::default());
    JobCommand::CompleteCrawl { fence, pages: 9, errors: 1, artifacts, closing }
}

/// A page at the root of a site, found as the first.
pub(super) fn found(number: u32) -> FoundPage {
    let from = number.checked_sub(1);
    FoundPage { number, url: "https://example.org/".into(), depth: 0, from }
}

pub(super) fn excluded(number: u32) -> VisitedPage {
    let outcome = PageOutcome::Excluded { reason: Exclusion::Robots };
    VisitedPage { number, outcome, links: vec![] }
}

/// The first page of a crawl, found and done with.
pub(super) fn record(fence: u64) -> JobCommand {
    let (found, visited) = (vec![found(0)], vec![excluded(0)]);
    JobCommand::RecordPages { fence, found, visited, texts: None, progress: None }
}

pub(super) fn complete_report(fence: u64) -> JobCommand {
    let (document, closing) = (artifact(), Closing::default());
    JobCommand::CompleteReport { fence, document, errors: 0, written: None, closing }
}

pub(super) fn fail(fence: u64) -> JobCommand {
    fail_with(fence, disk_full())
}

pub(super) fn fail_with(fence: u64, error: JobError) -> JobCommand {
    JobCommand::FailAttempt { fence, error, retry_at: None, closing: Closing::default() }
}

pub(super) fn release(fence: u64, until: Option<Timestamp>) -> JobCommand {
    let (reason, checkpoint) = (None, None);
    JobCommand::ReleaseLease { fence, reason, until, checkpoint, closing: Closing::default() }
}

pub(super) fn confirm(fence: u64) -> JobCommand {
    JobCommand::ConfirmCancel { fence, closing: Closing::default() }
}

pub(super) fn lose(fence: u64) -> JobCommand {
    JobCommand::ExpireLease { fence, log: None }
}

pub(super) fn cancel() -> JobCommand {
    JobCommand::CancelJob { reason: Some("wrong folder".into()) }
}

pub(super) fn pause() -> JobCommand {
    JobCommand::PauseJob { reason: Some("the site is slow".into()) }
}
