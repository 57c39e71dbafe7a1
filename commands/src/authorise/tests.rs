//! Every command, and who may give it.

use domain::{
    JobId, LeaseId, UserId, WorkerId,
    actor::ServiceScope,
    artifact::{Artifact, Sha256},
    job::{Closing, CrawlSpec, Follow, JobCommand, JobError, Order, Policy, ReportSpec, TaskSpec},
    worker::{RefusedReport, WorkerCommand},
};
use expect_test::expect;
use serde_json::Value;
use uuid::Uuid;

use super::*;
use crate::{Command, Wishes};

const ID: Uuid = Uuid::nil();

/// A command that was added and is not in [`every`] does not compile here.
fn place(command: &Command) -> usize {
    match command {
        Command::CreateTask { .. } => 0,
        Command::StartCrawl { .. } => 1,
        Command::RequestReport { .. } => 2,
        Command::RetryJob { .. } => 3,
        Command::Job(_, command) => match command {
            JobCommand::CreateTask { .. } => 4,
            JobCommand::StartCrawl { .. } => 5,
            JobCommand::RequestReport { .. } => 6,
            JobCommand::QueueJob => 7,
            JobCommand::GrantLease { .. } => 8,
            JobCommand::ReportProgress { .. } => 9,
            JobCommand::RecordPages { .. } => 10,
            JobCommand::CompleteTask { .. } => 11,
            JobCommand::CompleteCrawl { .. } => 12,
            JobCommand::CompleteReport { .. } => 13,
            JobCommand::FailAttempt { .. } => 14,
            JobCommand::ReleaseLease { .. } => 15,
            JobCommand::ConfirmCancel { .. } => 16,
            JobCommand::ExpireLease { .. } => 17,
            JobCommand::CancelJob { .. } => 18,
            JobCommand::ExpireJob => 19,
        },
        Command::Worker(_, command) => match command {
            WorkerCommand::RegisterWorker { .. } => 20,
            WorkerCommand::RefuseReport { .. } => 21,
            WorkerCommand::LeaveWorker => 22,
        },
    }
}

fn asked_for() -> [Command; 4] {
    let (id, wishes) = (JobId(ID), Wishes::default());
    [
        Command::CreateTask { id, service: "a".into(), body: Value::Null, wishes },
        Command::StartCrawl { id, crawl: crawl(), wishes },
        Command::RequestReport { id, report: report(), wishes },
        Command::RetryJob { of: id, id },
    ]
}

fn of_a_job() -> [JobCommand; 16] {
    let (fence, errors, closing) = (1, 0, Closing::default());
    let (reason, checkpoint, until, log) = (None, None, None, None);
    let error = JobError {
        error_type: String::new(),
        message: String::new(),
        detail: None,
        retryable: true,
    };
    let document = Artifact { sha256: Sha256::new([0; 32]), name: "a".into(), bytes: 0 };
    let task = TaskSpec { service: "a".parse().unwrap(), body: Value::Null };
    let closing = || closing.clone();
    [
        JobCommand::CreateTask { order: order(), task },
        JobCommand::StartCrawl { order: order(), crawl: crawl() },
        JobCommand::RequestReport { order: order(), report: report() },
        JobCommand::QueueJob,
        JobCommand::GrantLease { worker: WorkerId(ID), request: None },
        JobCommand::ReportProgress { fence, progress: None, checkpoint: None },
        JobCommand::RecordPages {
            fence,
            found: vec![],
            visited: vec![],
            texts: None,
            progress: None,
        },
        JobCommand::CompleteTask {
            fence,
            result: Value::Null,
            errors,
            artifacts: vec![],
            closing: closing(),
        },
        JobCommand::CompleteCrawl {
            fence,
            pages: 0,
            errors,
            artifacts: vec![],
            closing: closing(),
        },
        JobCommand::CompleteReport { fence, document, errors, closing: closing() },
        JobCommand::FailAttempt { fence, error, retry_at: None, closing: closing() },
        JobCommand::ReleaseLease { fence, reason, until, checkpoint, closing: closing() },
        JobCommand::ConfirmCancel { fence, closing: closing() },
        JobCommand::ExpireLease { fence, log },
        JobCommand::CancelJob { reason: None },
        JobCommand::ExpireJob,
    ]
}

fn of_a_worker() -> [WorkerCommand; 3] {
    let lease = LeaseId { job: JobId(ID), fence: 1 };
    [
        WorkerCommand::RegisterWorker { name: "a".into(), services: vec![] },
        WorkerCommand::RefuseReport { lease, report: RefusedReport::Log, current: None },
        WorkerCommand::LeaveWorker,
    ]
}

fn every() -> Vec<Command> {
    let of_a_job = of_a_job().map(|it| Command::Job(JobId(ID), it));
    let of_a_worker = of_a_worker().map(|it| Command::Worker(WorkerId(ID), it));
    asked_for().into_iter().chain(of_a_job).chain(of_a_worker).collect()
}

fn actors() -> [(&'static str, Actor); 7] {
    let user = |role| Actor::User { id: UserId(ID), role };
    [
        ("admin", user(Role::Admin)),
        ("operator", user(Role::Operator)),
        ("member", user(Role::Member)),
        ("viewer", user(Role::Viewer)),
        ("worker", Actor::Worker { id: WorkerId(ID), scope: ServiceScope::All }),
        ("rescuer", Actor::System(Component::Rescuer)),
        ("scheduler", Actor::System(Component::Scheduler)),
    ]
}

#[test]
fn no_command_is_forgotten() {
    let places: Vec<usize> = every().iter().map(place).collect();
    assert_eq!(places, (0..places.len()).collect::<Vec<_>>());
}

/// A command that is added is nobody's, and fails this, until somebody decides
/// whose it is.
#[test]
fn each_command_is_for_those_whom_it_concerns() {
    let mut table = Vec::new();
    for command in every() {
        let name = command.name();
        let whose = actors().into_iter().filter(|(_, actor)| check(name, actor).is_ok());
        let whose: Vec<&str> = whose.map(|(who, _)| who).collect();
        assert!(!whose.is_empty(), "nobody may give {name}");
        table.push(format!("{name:<15} {}", whose.join(" ")));
    }
    expect![[r"
        CreateTask      admin operator member
        StartCrawl      admin operator member
        RequestReport   admin operator member
        RetryJob        admin operator member
        CreateTask      admin operator member
        StartCrawl      admin operator member
        RequestReport   admin operator member
        QueueJob        scheduler
        GrantLease      worker
        ReportProgress  worker
        RecordPages     worker
        CompleteTask    worker
        CompleteCrawl   worker
        CompleteReport  worker
        FailAttempt     worker rescuer
        ReleaseLease    worker
        ConfirmCancel   worker
        ExpireLease     rescuer
        CancelJob       admin operator member
        ExpireJob       rescuer
        RegisterWorker  worker
        RefuseReport    worker
        LeaveWorker     worker"]]
    .assert_eq(&table.join("\n"));
}

#[test]
fn a_refusal_says_what_the_actor_is_not_for() {
    let rule = |who: usize, command| {
        let refusal = check(command, &actors()[who].1).unwrap_err();
        assert_eq!(refusal.code(), "FORBIDDEN");
        refusal.to_string()
    };
    assert_eq!(rule(0, "GrantLease"), "not allowed: this is for workers");
    assert_eq!(rule(3, "CreateTask"), "not allowed: viewers only look");
    assert_eq!(rule(4, "CreateTask"), "not allowed: this is not for workers");
}

fn crawl() -> CrawlSpec {
    CrawlSpec {
        land: None,
        seeds: vec![],
        terms: vec![],
        depth: 0,
        pages_max: 1,
        languages: vec![],
        follow: Follow::default(),
    }
}

fn report() -> ReportSpec {
    ReportSpec { template: Sha256::new([0; 32]), sources: vec![] }
}

fn order() -> Order {
    Order {
        owner: UserId(ID),
        priority: 0,
        not_before: None,
        expires_at: chrono::DateTime::UNIX_EPOCH,
        policy: Policy::default(),
        retry_of: None,
    }
}
