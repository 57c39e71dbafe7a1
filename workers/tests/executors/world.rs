//! A database, what follows its journal, and an executor whose work is done as
//! the test says.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use chrono::SubsecRound;
use commands::{Asked, Command, Commands, Ids, Services, Wishes};
use domain::{
    Actor, JobId, UserId,
    actor::{Component, Role},
    job::{CrawlSpec, Follow, JobCommand, JobEvent, Present},
    service::ServiceName,
};
use journal::{Journal, postgres::PostgresJournal};
use projections::{
    Reader,
    dispatch::{self, WaitingWorkers},
    feed::Feed,
    schema,
};
use sqlx::{PgPool, postgres::PgPoolOptions};
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinSet,
    time::timeout,
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use workers::{Attempt, Execute, Executor, Outcome};

const OWNER: UserId = UserId(Uuid::from_u128(1));

/// Long enough for the slowest machine, and never waited for in full.
const PATIENCE: Duration = Duration::from_mins(1);

pub(super) fn owner() -> Asked {
    Asked::by(Actor::User { id: OWNER, role: Role::Member })
}

pub(super) fn system(component: Component) -> Asked {
    Asked::by(Actor::System(component))
}

/// How an attempt is to end.
pub(super) enum Script {
    End(Outcome),
    Panic,
}

/// An attempt that has begun, and waits to be told how to end.
pub(super) struct Begun {
    pub(super) attempt: Attempt,
    tell: oneshot::Sender<Script>,
}

impl Begun {
    pub(super) fn end(self, script: Script) {
        assert!(self.tell.send(script).is_ok(), "the attempt is not there any more");
    }
}

/// Does what the test says.
struct Scripted {
    begun: mpsc::UnboundedSender<Begun>,
}

#[async_trait]
impl Execute for Scripted {
    fn service(&self) -> ServiceName {
        ServiceName::crawl()
    }

    async fn run(&self, attempt: Attempt) -> Outcome {
        let (tell, told) = oneshot::channel();
        assert!(self.begun.send(Begun { attempt, tell }).is_ok(), "the test is over");
        match told.await {
            Ok(Script::End(outcome)) => outcome,
            Ok(Script::Panic) => panic!("as the test says"),
            Err(_) => std::future::pending().await,
        }
    }
}

pub(super) struct World {
    pub(super) reader: Reader,
    pub(super) feed: Arc<Feed>,
    commands: Commands,
    waiting: Arc<WaitingWorkers>,
    ids: Ids,
    scripted: Arc<Scripted>,
    begun: mpsc::UnboundedReceiver<Begun>,
    stop_executor: CancellationToken,
    executor: JoinSet<()>,
    stop: CancellationToken,
    following: JoinSet<()>,
    /// Goes last.
    _database: postgres::testing::Database,
}

impl World {
    pub(super) async fn new() -> Self {
        let database = postgres::testing::Database::create_filled("workers_1", async |url| {
            let db = PgPool::connect(url).await.unwrap();
            sqlx::migrate!("../migrations").run(&db).await.unwrap();
            db.close().await;
        })
        .await;
        let options = schema::options(database.url().parse().unwrap());
        let db = PgPoolOptions::new().connect_with(options.clone()).await.unwrap();
        let journal = PostgresJournal::connect_with(
            options,
            journal::postgres::Settings::default(),
            dispatch::inline_folds(),
        );
        let journal: Arc<dyn Journal> = Arc::new(journal.await.unwrap());
        schema::prepare(&db, Arc::clone(&journal)).await.unwrap();
        let ids: Ids = Arc::new(Uuid::new_v4);
        let services = Services::default();
        let clock = Arc::new(now);
        let commands = Commands::new(Arc::clone(&journal), services, clock, Arc::clone(&ids));
        let (feed, waiting) = (Arc::new(Feed::new(journal)), Arc::new(WaitingWorkers::default()));
        let stop = CancellationToken::new();
        let mut following = JoinSet::new();
        let (it, until) = (Arc::clone(&feed), stop.clone());
        following.spawn(async move { it.run(until).await });
        let (it, of, until) = (Arc::clone(&waiting), Arc::clone(&feed), stop.clone());
        following.spawn(async move { it.run(&of, until).await });
        let (sender, begun) = mpsc::unbounded_channel();
        Self {
            reader: Reader::new(db),
            feed,
            commands,
            waiting,
            ids,
            scripted: Arc::new(Scripted { begun: sender }),
            begun,
            stop_executor: CancellationToken::new(),
            executor: JoinSet::new(),
            stop,
            following,
            _database: database,
        }
    }

    /// Starts an executor, as a process does.
    pub(super) fn start(&mut self, slots: u16) {
        let executor = Executor {
            commands: self.commands.clone(),
            reader: self.reader.clone(),
            feed: Arc::clone(&self.feed),
            waiting: Arc::clone(&self.waiting),
            ids: Arc::clone(&self.ids),
            execute: Arc::clone(&self.scripted) as _,
            slots,
        };
        self.stop_executor = CancellationToken::new();
        self.executor.spawn(executor.run(self.stop_executor.clone()));
    }

    pub(super) fn stop_executor(&self) {
        self.stop_executor.cancel();
    }

    pub(super) async fn executor_stopped(&mut self) {
        while let Some(ended) = timeout(PATIENCE, self.executor.join_next()).await.unwrap() {
            ended.unwrap();
        }
    }

    /// As a process goes that is killed: nothing is given back.
    pub(super) async fn kill_executor(&mut self) {
        self.executor.shutdown().await;
    }

    pub(super) async fn stopped(&mut self) {
        self.stop_executor();
        self.executor_stopped().await;
        self.stop.cancel();
        while let Some(ended) = self.following.join_next().await {
            ended.unwrap();
        }
    }

    /// Asks for a crawl.
    pub(super) async fn crawl(&self) -> JobId {
        let id = JobId(Uuid::new_v4());
        let crawl = CrawlSpec {
            land: None,
            seeds: vec!["https://rivers.example/".into()],
            terms: vec!["crue".into()],
            depth: 1,
            pages_max: 10,
            languages: vec![],
            follow: Follow::default(),
        };
        let command = Command::StartCrawl { id, crawl, wishes: Wishes::default() };
        self.commands.execute(command, owner()).await.unwrap();
        id
    }

    pub(super) async fn ask(&self, job: JobId, command: JobCommand, asked: Asked) {
        self.commands.execute(Command::Job(job, command), asked).await.unwrap();
    }

    /// The next attempt that begins.
    pub(super) async fn begun(&mut self) -> Begun {
        timeout(PATIENCE, self.begun.recv()).await.expect("an attempt begins").unwrap()
    }

    pub(super) async fn job(&self, id: JobId) -> Present {
        self.commands.job_state(id).await.unwrap().present().unwrap().clone()
    }

    /// The job, once it has ended.
    pub(super) async fn ended(&self, id: JobId) -> Present {
        eventually("the job ends", async || self.job(id).await.state().is_final()).await;
        self.job(id).await
    }

    pub(super) async fn events(&self, id: JobId) -> Vec<JobEvent> {
        let facts = self.feed.job_events(id, 0, 1_000).await.unwrap();
        facts.iter().map(|it| it.of_job().unwrap().1.clone()).collect()
    }
}

#[expect(clippy::disallowed_methods, reason = "the tests live in the present")]
fn now() -> domain::Timestamp {
    chrono::Utc::now().trunc_subsecs(6)
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
