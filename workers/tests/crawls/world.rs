//! A database, a file store, and an executor that crawls.

use std::{sync::Arc, time::Duration};

use artifacts::Artifacts;
use bytes::Bytes;
use chrono::SubsecRound;
use commands::{Asked, Command, CommandError, Commands, Ids, Services, Wishes};
use domain::{
    Actor, JobId, Refusal, UserId,
    actor::{Component, Role},
    artifact::Sha256,
    job::{CrawlSpec, JobCommand, JobEvent, Phase, Present},
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
use workers::{
    Crawler, Executor,
    crawl::{Allowed, Settings},
};

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
        let database = postgres::testing::Database::create_filled("crawls_1", async |url| {
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
        let files =
            Artifacts::connect(db.clone(), place, artifacts::Settings::default()).await.unwrap();
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

    /// Starts an executor, as a process does.
    pub(super) fn start(&mut self) {
        let settings = Settings {
            allowed: Arc::new(Allowed::new(["127.0.0.1"])),
            delay: Duration::ZERO,
            ..Settings::default()
        };
        let crawler = Crawler::new(self.files.clone(), Arc::clone(&self.feed), settings).unwrap();
        let executor = Executor {
            commands: self.commands.clone(),
            reader: self.reader.clone(),
            feed: Arc::clone(&self.feed),
            waiting: Arc::clone(&self.waiting),
            ids: Arc::clone(&self.ids),
            execute: Arc::new(crawler),
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

    /// Asks for a crawl.
    pub(super) async fn request(&self, crawl: CrawlSpec) -> JobId {
        let id = JobId(Uuid::new_v4());
        let command = Command::StartCrawl { id, crawl, wishes: Wishes::default() };
        self.commands.execute(command, owner()).await.unwrap();
        id
    }

    /// Has it stopped, by whoever asked for it.
    pub(super) async fn cancel(&self, job: JobId) {
        let command = JobCommand::CancelJob { reason: None };
        self.commands.execute(Command::Job(job, command), owner()).await.unwrap();
    }

    /// Has it left alone, and comes back when nobody holds it any more. Whether
    /// it has not ended before.
    pub(super) async fn pause(&self, job: JobId) -> bool {
        self.toggle(job, JobCommand::PauseJob { reason: None }).await;
        let let_go = async || !matches!(self.job(job).await.phase, Phase::Running(_));
        eventually("it is given back, or done", let_go).await;
        self.job(job).await.phase == Phase::Queued
    }

    /// Has it go on, unless it has ended.
    pub(super) async fn resume(&self, job: JobId) {
        self.toggle(job, JobCommand::ResumeJob).await;
    }

    async fn toggle(&self, job: JobId, command: JobCommand) {
        match self.commands.execute(Command::Job(job, command), owner()).await {
            Ok(_) | Err(CommandError::Refused(Refusal::Ended { .. })) => {}
            Err(error) => panic!("{error:?}"),
        }
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

    pub(super) async fn read(&self, sha256: Sha256) -> Bytes {
        self.files.read(&sha256.bytes(), u64::MAX).await.unwrap()
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
