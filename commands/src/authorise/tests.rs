//! Every command, and who may give it.

use domain::{
    ClientId, JobId, LandId, LeaseId, UserId, WorkerId,
    account::{AccountCommand, PasswordChange, Registration, SessionEnd, TokenScope},
    actor::ServiceScope,
    artifact::{Artifact, Sha256},
    client::{ClientCommand, ClientKind, Quotas},
    job::{Closing, CrawlSpec, Follow, JobCommand, JobError, Order, Policy, ReportSpec, TaskSpec},
    land::{LandChange, LandCommand, Sketch},
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
            JobCommand::PauseJob { .. } => 20,
            JobCommand::ResumeJob => 21,
            JobCommand::TransferJob { .. } => 22,
        },
        Command::Worker(_, command) => match command {
            WorkerCommand::RegisterWorker { .. } => 23,
            WorkerCommand::RefuseReport { .. } => 24,
            WorkerCommand::LeaveWorker => 25,
        },
        Command::Account(_, command) => match command {
            AccountCommand::InviteUser { .. } => 26,
            AccountCommand::RegisterUser { .. } => 27,
            AccountCommand::ChangeRole { .. } => 28,
            AccountCommand::DisableUser => 29,
            AccountCommand::EnableUser => 30,
            AccountCommand::ChangePassword { .. } => 31,
            AccountCommand::RequestPasswordReset { .. } => 32,
            AccountCommand::StartSession { .. } => 33,
            AccountCommand::EndSession { .. } => 34,
            AccountCommand::EndSessions { .. } => 35,
            AccountCommand::GrantToken { .. } => 36,
            AccountCommand::RevokeToken { .. } => 37,
            AccountCommand::TransferOwnership { .. } => 38,
        },
        Command::Client(_, command) => match command {
            ClientCommand::RegisterClient { .. } => 39,
            ClientCommand::ChangeClient { .. } => 40,
            ClientCommand::ChangeClientQuotas { .. } => 41,
            ClientCommand::RotateSecret { .. } => 42,
            ClientCommand::DisableClient => 43,
        },
        Command::Land(_, command) => match command {
            LandCommand::CreateLand { .. } => 44,
            LandCommand::ChangeLand(_) => 45,
            LandCommand::DeleteLand => 46,
            LandCommand::TransferLand { .. } => 47,
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

fn of_a_job() -> [JobCommand; 19] {
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
        JobCommand::CompleteReport { fence, document, errors, written: None, closing: closing() },
        JobCommand::FailAttempt { fence, error, retry_at: None, closing: closing() },
        JobCommand::ReleaseLease { fence, reason, until, checkpoint, closing: closing() },
        JobCommand::ConfirmCancel { fence, closing: closing() },
        JobCommand::ExpireLease { fence, log },
        JobCommand::CancelJob { reason: None },
        JobCommand::ExpireJob,
        JobCommand::PauseJob { reason: None },
        JobCommand::ResumeJob,
        JobCommand::TransferJob { from: None, to: UserId(ID) },
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

fn of_an_account() -> [AccountCommand; 13] {
    let (role, why) = (Role::Member, SessionEnd::Revoked);
    [
        AccountCommand::InviteUser { invitation: ID, role },
        AccountCommand::RegisterUser { role, by: Registration::Open },
        AccountCommand::ChangeRole { role },
        AccountCommand::DisableUser,
        AccountCommand::EnableUser,
        AccountCommand::ChangePassword { password: ID, by: PasswordChange::Owner, kept: None },
        AccountCommand::RequestPasswordReset { reset: ID },
        AccountCommand::StartSession { session: ID, seen: 1 },
        AccountCommand::EndSession { session: ID, why },
        AccountCommand::EndSessions { why },
        AccountCommand::GrantToken { token: ID, scope: TokenScope::Read, expires_at: None },
        AccountCommand::RevokeToken { token: ID },
        AccountCommand::TransferOwnership { to: UserId(ID) },
    ]
}

fn of_a_client() -> [ClientCommand; 5] {
    let (kind, quotas) = (ClientKind::Application, Quotas::default());
    [
        ClientCommand::RegisterClient { kind, services: None, quotas },
        ClientCommand::ChangeClient { services: [].into() },
        ClientCommand::ChangeClientQuotas { quotas },
        ClientCommand::RotateSecret { secret: ID },
        ClientCommand::DisableClient,
    ]
}

fn of_a_land() -> [LandCommand; 4] {
    [
        LandCommand::CreateLand { owner: UserId(ID), sketch: Sketch::default() },
        LandCommand::ChangeLand(LandChange::default()),
        LandCommand::DeleteLand,
        LandCommand::TransferLand { from: None, to: UserId(ID) },
    ]
}

fn every() -> Vec<Command> {
    let of_a_job = of_a_job().map(|it| Command::Job(JobId(ID), it));
    let of_a_worker = of_a_worker().map(|it| Command::Worker(WorkerId(ID), it));
    let of_an_account = of_an_account().map(|it| Command::Account(UserId(ID), it));
    let of_a_client = of_a_client().map(|it| Command::Client(ClientId(ID), it));
    let of_a_land = of_a_land().map(|it| Command::Land(LandId(ID), it));
    let asked_for = asked_for().into_iter().chain(of_a_job).chain(of_a_worker);
    asked_for.chain(of_an_account).chain(of_a_client).chain(of_a_land).collect()
}

fn actors() -> [(&'static str, Actor); 10] {
    let user = |role| Actor::User { id: UserId(ID), role };
    [
        ("admin", user(Role::Admin)),
        ("operator", user(Role::Operator)),
        ("member", user(Role::Member)),
        ("viewer", user(Role::Viewer)),
        ("worker", Actor::Worker { id: WorkerId(ID), scope: ServiceScope::All }),
        ("rescuer", Actor::System(Component::Rescuer)),
        ("scheduler", Actor::System(Component::Scheduler)),
        ("client", Actor::Client { id: UserId(ID), scope: ServiceScope::All }),
        ("registrar", Actor::System(Component::Registrar)),
        ("console", Actor::System(Component::Console)),
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
        table.push(format!("{name:<20} {}", whose.join(" ")));
    }
    expect![[r"
        CreateTask           admin operator member client
        StartCrawl           admin operator member
        RequestReport        admin operator member
        RetryJob             admin operator member client
        CreateTask           admin operator member client
        StartCrawl           admin operator member
        RequestReport        admin operator member
        QueueJob             scheduler
        GrantLease           worker
        ReportProgress       worker
        RecordPages          worker
        CompleteTask         worker
        CompleteCrawl        worker
        CompleteReport       worker
        FailAttempt          worker rescuer
        ReleaseLease         worker
        ConfirmCancel        worker
        ExpireLease          rescuer
        CancelJob            admin operator member client
        ExpireJob            rescuer
        PauseJob             admin operator member client
        ResumeJob            admin operator member client
        TransferJob          admin operator member registrar console
        RegisterWorker       worker
        RefuseReport         worker
        LeaveWorker          worker
        InviteUser           admin console
        RegisterUser         admin operator member viewer registrar console
        ChangeRole           admin console
        DisableUser          admin registrar console
        EnableUser           admin console
        ChangePassword       admin operator member viewer console
        RequestPasswordReset registrar
        StartSession         admin operator member viewer
        EndSession           admin operator member viewer console
        EndSessions          admin operator member viewer console
        GrantToken           admin operator member viewer console
        RevokeToken          admin operator member viewer console
        TransferOwnership    admin console
        RegisterClient       admin registrar console
        ChangeClient         admin console
        ChangeClientQuotas   admin console
        RotateSecret         admin console
        DisableClient        admin registrar console
        CreateLand           admin operator member
        ChangeLand           admin operator member
        DeleteLand           admin operator member
        TransferLand         admin operator member registrar console"]]
    .assert_eq(&table.join("\n"));
}

#[test]
fn an_account_is_touched_by_its_owner_and_by_admins() {
    let owner = UserId(Uuid::from_u128(1));
    let by = |id, role| Actor::User { id, role };
    let other = UserId(Uuid::from_u128(2));
    assert_eq!(own_or_any("EndSession", owner, &by(owner, Role::Viewer)), Ok(()));
    assert_eq!(own_or_any("EndSession", owner, &by(other, Role::Admin)), Ok(()));
    let unknown = Err(Refusal::NotFound { what: "user" });
    assert_eq!(own_or_any("EndSession", owner, &by(other, Role::Operator)), unknown);
    assert_eq!(own_or_any("StartSession", owner, &by(other, Role::Admin)), unknown);
    assert_eq!(own_or_any("GrantToken", owner, &by(other, Role::Admin)), unknown);
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
    ReportSpec::of(Sha256::new([0; 32]), vec![])
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
