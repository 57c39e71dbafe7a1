//! How fast commands are carried out through the whole write side of one
//! process: authorised, loaded, decided, appended with the dispatch tables.
//!
//! The peer is the bare append of the same events: what the write side adds is
//! the rest.

use std::sync::Arc;

use anyhow::Context;
use chrono::Utc;
use commands::{Asked, Command, Commands, Services, Wishes, lease::Holder, services::Declaration};
use domain::{
    Actor, JobId, LeaseId, UserId, WorkerId,
    actor::{Role, ServiceScope},
    job::{Closing, JobCommand, Progress},
    worker::{RefusedReport, WorkerCommand},
};
use journal::Journal;
use serde_json::json;
use uuid::Uuid;

use crate::{
    append::{self, Rounds, journal as appended, workload::Workload},
    figure::{Figure, Report},
    load::{self, Caller, Sample},
    server::Bench,
};

/// How many reports of progress a job lives through, as in the bare append.
const PROGRESSES: u64 = 17;

const CALLERS: usize = 64;

pub(crate) async fn measure(bench: &Bench, report: &mut Report) -> anyhow::Result<()> {
    let (mut ours, mut theirs) = (Rounds::default(), Rounds::default());
    for _ in 0..append::ROUNDS {
        append::prepare(bench, report).await?;
        theirs.add(appended::run(bench, CALLERS, Workload::Jobs).await?);
        append::prepare(bench, report).await?;
        ours.add(run(bench).await?);
    }
    let peer = ("append", theirs.rate());
    report.add(&Figure::rate("command-64", ours.rate(), peer, 0.5));
    Report::remark(&format!("command-64 ours {ours}, peer {theirs}"));
    Ok(())
}

async fn run(bench: &Bench) -> anyhow::Result<Sample> {
    let url = appended::database(bench).await?;
    let journal = Arc::new(appended::open(&url, Workload::Jobs).await?);
    let writes: Arc<dyn Journal> = Arc::clone(&journal) as _;
    let services =
        Services::try_new([serde_json::from_value::<Declaration>(json!({ "name": "checksum" }))?])?;
    let commands = Commands::new(writes, services, Arc::new(now), Arc::new(identity));
    let mut callers = Vec::new();
    for _ in 0..CALLERS {
        callers.push(Life::new(commands.clone()).await?);
    }
    let sample = load::closed_loop(callers, append::DURATION).await?;
    journal.close().await;
    bench.drop(appended::DATABASE).await?;
    Ok(sample)
}

/// One job after another, from creation to end, one command at a time.
struct Life {
    commands: Commands,
    user: Asked,
    worker: WorkerId,
    worker_asks: Asked,
    step: u64,
    lease: LeaseId,
}

impl Life {
    async fn new(commands: Commands) -> anyhow::Result<Self> {
        let user = Actor::User { id: UserId(identity()), role: Role::Member };
        let worker = WorkerId(identity());
        let works = Actor::Worker { id: worker, scope: ServiceScope::All };
        let (user, worker_asks) = (Asked::by(user), Asked::by(works));
        let register = WorkerCommand::RegisterWorker { name: "bench".to_owned(), services: vec![] };
        commands.execute(Command::Worker(worker, register), worker_asks.clone()).await?;
        let lease = LeaseId { job: JobId(identity()), fence: 0 };
        Ok(Self { commands, user, worker, worker_asks, step: 0, lease })
    }

    async fn create(&mut self) -> anyhow::Result<()> {
        self.lease.job = JobId(identity());
        let command = Command::CreateTask {
            id: self.lease.job,
            service: "checksum".to_owned(),
            body: json!({ "path": "a.txt" }),
            wishes: Wishes::default(),
        };
        self.commands.execute(command, self.user.clone()).await?;
        Ok(())
    }

    async fn take(&mut self) -> anyhow::Result<()> {
        let (job, asked) = (self.lease.job, &self.worker_asks);
        let granted = self.commands.grant(job, self.worker, None, asked).await?;
        self.lease = granted.context("nobody else wants this job")?.lease;
        Ok(())
    }

    async fn report(&self, said: RefusedReport, command: JobCommand) -> anyhow::Result<()> {
        let holder = Holder { lease: self.lease, worker: self.worker };
        self.commands.report(holder, said, command, &self.worker_asks).await?;
        Ok(())
    }

    async fn progress(&self) -> anyhow::Result<()> {
        let progress = Progress {
            done: self.step,
            total: Some(PROGRESSES + 2),
            message: Some("x".repeat(180)),
        };
        let command = JobCommand::ReportProgress {
            fence: self.lease.fence,
            progress: Some(progress),
            checkpoint: None,
        };
        self.report(RefusedReport::Progress, command).await
    }

    async fn complete(&self) -> anyhow::Result<()> {
        let command = JobCommand::CompleteTask {
            fence: self.lease.fence,
            result: json!({ "sha256": "0".repeat(64) }),
            errors: 0,
            artifacts: vec![],
            closing: Closing::default(),
        };
        self.report(RefusedReport::Succeeded, command).await
    }
}

impl Caller for Life {
    async fn call(&mut self) -> anyhow::Result<()> {
        match self.step {
            0 => self.create().await?,
            1 => self.take().await?,
            step if step < PROGRESSES + 2 => self.progress().await?,
            _ => self.complete().await?,
        }
        self.step = (self.step + 1) % (PROGRESSES + 3);
        Ok(())
    }
}

#[expect(clippy::disallowed_methods, reason = "the bench is an edge")]
fn now() -> domain::Timestamp {
    Utc::now()
}

#[expect(clippy::disallowed_methods, reason = "the bench is an edge")]
fn identity() -> Uuid {
    Uuid::now_v7()
}
