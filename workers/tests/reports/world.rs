//! A database, a file store, and an executor that writes reports.

use std::{sync::Arc, time::Duration};

use artifacts::{Artifacts, Reference, Settings, Subject};
use bytes::Bytes;
use chrono::SubsecRound;
use commands::{Asked, Command, Commands, Ids, Services, Wishes};
use domain::{
    Actor, JobId, UserId,
    actor::{Component, Role},
    artifact::Sha256,
    job::{JobCommand, JobEvent, Phase, Present, ReportSpec},
    report::{Provenance, ReportInput},
};
use journal::{Journal, postgres::PostgresJournal};
use projections::{
    Reader,
    dispatch::{self, WaitingWorkers},
    feed::Feed,
    schema,
};
use sqlx::{PgPool, postgres::PgPoolOptions};
use tempfile::TempDir;
use tokio::{task::JoinSet, time::timeout};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use workers::{Executor, Ollama, Reports};

pub(super) const OWNER: UserId = UserId(Uuid::from_u128(1));

/// Long enough for the slowest machine, and never waited for in full.
const PATIENCE: Duration = Duration::from_mins(1);

pub(super) struct World {
    pub(super) files: Artifacts,
    pub(super) reader: Reader,
    feed: Arc<Feed>,
    commands: Commands,
    waiting: Arc<WaitingWorkers>,
    ids: Ids,
    executor: JoinSet<()>,
    stop: CancellationToken,
    following: JoinSet<()>,
    _folder: TempDir,
    /// Goes last.
    _database: postgres::testing::Database,
}

impl World {
    pub(super) async fn new() -> Self {
        let database = postgres::testing::Database::create_filled("reports_1", async |url| {
            let db = PgPool::connect(url).await.unwrap();
            sqlx::migrate!("../migrations").run(&db).await.unwrap();
            db.close().await;
        })
        .await;
        let options = schema::options(database.url().parse().unwrap());
        let db = PgPoolOptions::new().connect_with(options.clone()).await.unwrap();
        let settings = journal::postgres::Settings::default();
        let folds = dispatch::inline_folds();
        let journal = PostgresJournal::connect_with(options, settings, folds).await.unwrap();
        let journal: Arc<dyn Journal> = Arc::new(journal);
        schema::prepare(&db, Arc::clone(&journal)).await.unwrap();
        let folder = TempDir::new().unwrap();
        let place = folder.path().to_str().unwrap();
        let files = Artifacts::connect(db.clone(), place, Settings::default()).await.unwrap();
        let ids: Ids = Arc::new(Uuid::new_v4);
        let (services, clock) = (Services::default(), Arc::new(now));
        let commands = Commands::new(Arc::clone(&journal), services, clock, Arc::clone(&ids));
        let (feed, waiting) = (Arc::new(Feed::new(journal)), Arc::new(WaitingWorkers::default()));
        let stop = CancellationToken::new();
        let mut following = JoinSet::new();
        let (it, until) = (Arc::clone(&feed), stop.clone());
        following.spawn(async move { it.run(until).await });
        let (it, of, until) = (Arc::clone(&waiting), Arc::clone(&feed), stop.clone());
        following.spawn(async move { it.run(&of, until).await });
        Self {
            files,
            reader: Reader::new(db),
            feed,
            commands,
            waiting,
            ids,
            executor: JoinSet::new(),
            stop,
            following,
            _folder: folder,
            _database: database,
        }
    }

    /// Starts an executor, as a process does. It leaves every field behind as
    /// soon as it is written.
    pub(super) fn start(&mut self, ollama: Option<Ollama>) {
        self.start_leaving(ollama, Duration::ZERO);
    }

    /// The same, leaving what it has written that often.
    pub(super) fn start_leaving(&mut self, ollama: Option<Ollama>, checkpoint_every: Duration) {
        let reports = Reports { files: self.files.clone(), ollama, checkpoint_every };
        let executor = Executor {
            commands: self.commands.clone(),
            reader: self.reader.clone(),
            feed: Arc::clone(&self.feed),
            waiting: Arc::clone(&self.waiting),
            ids: Arc::clone(&self.ids),
            execute: Arc::new(reports),
            slots: 1,
        };
        self.executor.spawn(executor.run(self.stop.clone()));
    }

    /// As a process goes that is killed: nothing is given back.
    pub(super) async fn kill_executor(&mut self) {
        self.executor.shutdown().await;
    }

    pub(super) async fn stopped(self) {
        self.stop.cancel();
        for mut tasks in [self.executor, self.following] {
            while let Some(ended) = timeout(PATIENCE, tasks.join_next()).await.unwrap() {
                ended.unwrap();
            }
        }
    }

    /// A file that somebody has uploaded.
    pub(super) async fn upload(&self, bytes: &[u8]) -> Sha256 {
        let stored = self.files.put_bytes(Bytes::copy_from_slice(bytes), now()).await.unwrap();
        let subject = Subject::Upload(Uuid::new_v4());
        let (name, media_type) = ("a file".to_owned(), "application/octet-stream".to_owned());
        let reference = Reference { owner: OWNER.0, subject, name, media_type };
        self.files.refer(&stored.sha256, reference, now()).await.unwrap();
        Sha256::new(stored.sha256)
    }

    /// Asks for a report.
    pub(super) async fn request(&self, report: ReportSpec, input: &ReportInput) -> JobId {
        let input = Some(self.upload(&serde_json::to_vec(input).unwrap()).await);
        let (id, report) = (JobId(Uuid::new_v4()), ReportSpec { input, ..report });
        let command = Command::RequestReport { id, report, wishes: Wishes::default() };
        self.commands.execute(command, owner()).await.unwrap();
        id
    }

    /// Has it stopped, by whoever asked for it.
    pub(super) async fn cancel(&self, job: JobId) {
        let command = JobCommand::CancelJob { reason: None };
        self.commands.execute(Command::Job(job, command), owner()).await.unwrap();
    }

    /// Has it left alone, or go on.
    pub(super) async fn toggle(&self, job: JobId, command: JobCommand) {
        self.commands.execute(Command::Job(job, command), owner()).await.unwrap();
    }

    /// Takes it out of the hands of a process that is no more.
    pub(super) async fn rescue(&self, job: JobId) {
        let Phase::Running(lease) = self.job(job).await.phase else { panic!("it runs") };
        let command = JobCommand::ExpireLease { fence: lease.fence, log: None };
        let asked = Asked::by(Actor::System(Component::Rescuer));
        self.commands.execute(Command::Job(job, command), asked).await.unwrap();
    }

    pub(super) async fn job(&self, id: JobId) -> Present {
        self.commands.job_state(id).await.unwrap().present().unwrap().clone()
    }

    /// The job, once it has ended, and its last event.
    pub(super) async fn ended(&self, id: JobId) -> (Present, JobEvent) {
        eventually("the job ends", async || self.job(id).await.state().is_final()).await;
        (self.job(id).await, self.events(id).await.pop().unwrap())
    }

    pub(super) async fn events(&self, id: JobId) -> Vec<JobEvent> {
        let facts = self.feed.job_events(id, 0, 1_000).await.unwrap();
        facts.iter().map(|it| it.of_job().unwrap().1.clone()).collect()
    }

    /// Everything that is logged of a job.
    pub(super) async fn log(&self, id: JobId) -> String {
        let lines = self.reader.log(id, None, 1_000).await.unwrap();
        lines.into_iter().map(|it| it.entry + "\n").collect()
    }

    pub(super) async fn read(&self, sha256: Sha256) -> Bytes {
        self.files.read(&sha256.bytes(), u64::MAX).await.unwrap()
    }

    pub(super) async fn provenance(&self, sha256: Sha256) -> Provenance {
        serde_json::from_slice(&self.read(sha256).await).unwrap()
    }
}

#[expect(clippy::disallowed_methods, reason = "the tests live in the present")]
fn now() -> domain::Timestamp {
    chrono::Utc::now().trunc_subsecs(6)
}

fn owner() -> Asked {
    Asked::by(Actor::User { id: OWNER, role: Role::Member })
}

/// Comes back when the condition holds. Fails when that takes too long.
pub(super) async fn eventually(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let mut ticks = tokio::time::interval(Duration::from_millis(5));
    let holds = async {
        while !condition().await {
            ticks.tick().await;
        }
    };
    timeout(PATIENCE, holds).await.unwrap_or_else(|_| panic!("never: {what}"));
}
