//! One job, from creation to end, one command at a time.

use anyhow::Context;
use app::system::id;
use commands::{Asked, Command, Commands, Services, Wishes, lease::Holder, services::Declaration};
use domain::{
    Actor, JobId, LeaseId, UserId, WorkerId,
    actor::{Role, ServiceScope},
    job::{Closing, JobCommand, Progress},
    worker::{RefusedReport, WorkerCommand},
};
use serde_json::json;

/// The service that the jobs ask for.
pub(crate) fn services() -> anyhow::Result<Services> {
    let checksum = json!({ "name": "checksum", "lease_s": 3_600 });
    Ok(Services::try_new([serde_json::from_value::<Declaration>(checksum)?])?)
}

/// Whoever creates jobs, and whoever does them.
pub(crate) struct Life {
    commands: Commands,
    user: Asked,
    worker: WorkerId,
    worker_asks: Asked,
    lease: LeaseId,
}

impl Life {
    pub(crate) async fn new(commands: Commands, user: UserId) -> anyhow::Result<Self> {
        let user = Actor::User { id: user, role: Role::Member };
        let worker = WorkerId(id());
        let works = Actor::Worker { id: worker, scope: ServiceScope::All };
        let (user, worker_asks) = (Asked::by(user), Asked::by(works));
        let register = WorkerCommand::RegisterWorker { name: "bench".to_owned(), services: vec![] };
        commands.execute(Command::Worker(worker, register), worker_asks.clone()).await?;
        let lease = LeaseId { job: JobId(id()), fence: 0 };
        Ok(Self { commands, user, worker, worker_asks, lease })
    }

    /// The job of this moment.
    pub(crate) fn job(&self) -> JobId {
        self.lease.job
    }

    pub(crate) async fn create(&mut self) -> anyhow::Result<()> {
        self.lease.job = JobId(id());
        let command = Command::CreateTask {
            id: self.lease.job,
            service: "checksum".to_owned(),
            body: json!({ "path": "a.txt" }),
            wishes: Wishes::default(),
        };
        self.commands.execute(command, self.user.clone()).await?;
        Ok(())
    }

    pub(crate) async fn take(&mut self) -> anyhow::Result<()> {
        let (job, asked) = (self.lease.job, &self.worker_asks);
        let granted = self.commands.grant(job, self.worker, None, asked).await?;
        self.lease = granted.context("nobody else wants this job")?.lease;
        Ok(())
    }

    pub(crate) async fn progress(&self, done: u64, total: u64) -> anyhow::Result<()> {
        let progress = Progress { done, total: Some(total), message: Some("x".repeat(180)) };
        let command = JobCommand::ReportProgress {
            fence: self.lease.fence,
            progress: Some(progress),
            checkpoint: None,
        };
        self.report(RefusedReport::Progress, command).await
    }

    pub(crate) async fn complete(&self) -> anyhow::Result<()> {
        let command = JobCommand::CompleteTask {
            fence: self.lease.fence,
            result: json!({ "sha256": "0".repeat(64) }),
            errors: 0,
            artifacts: vec![],
            closing: Closing::default(),
        };
        self.report(RefusedReport::Succeeded, command).await
    }

    async fn report(&self, said: RefusedReport, command: JobCommand) -> anyhow::Result<()> {
        let holder = Holder { lease: self.lease, worker: self.worker };
        self.commands.report(holder, said, command, &self.worker_asks).await?;
        Ok(())
    }
}
