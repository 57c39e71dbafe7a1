//! A database, a file store, what follows the journal, and executors that do
//! the jobs of a service.

use std::{sync::Arc, time::Duration};

use artifacts::{Artifacts, Settings};
use bytes::Bytes;
use chrono::SubsecRound;
use commands::{Asked, Command, CommandError, Commands, Ids, Services};
use domain::{
    Actor, JobId, Refusal, UserId,
    actor::{Component, Role},
    artifact::Sha256,
    job::{JobCommand, JobEvent, Phase, Present},
};
use journal::{Append, Journal, NewEvent, StreamId, postgres::PostgresJournal};
use projections::{
    Reader,
    checkpoint::Checkpoints,
    dispatch::{self, WaitingWorkers},
    feed::Feed,
    schema::{self, OtherVersion},
};
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool, postgres::PgPoolOptions};
use tempfile::TempDir;
use tokio::{task::JoinSet, time::timeout};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use workers::{Execute, Executor, Keeper, Scheduler};

pub(crate) const OWNER: UserId = UserId(Uuid::from_u128(1));

/// Long enough for the slowest machine, and never waited for in full.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

pub(crate) struct World {
    pub(crate) files: Artifacts,
    pub(crate) reader: Reader,
    pub(crate) feed: Arc<Feed>,
    pub(crate) journal: Arc<dyn Journal>,
    checkpoints: Checkpoints,
    commands: Commands,
    waiting: Arc<WaitingWorkers>,
    ids: Ids,
    executor: JoinSet<()>,
    stop_executor: CancellationToken,
    following: JoinSet<()>,
    stop: CancellationToken,
    /// Where the files are.
    pub(crate) folder: TempDir,
    /// Goes last.
    database: postgres::testing::Database,
}

impl World {
    pub(crate) async fn new() -> Self {
        let database = postgres::testing::Database::create_filled("workers_1", async |url| {
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
        schema::prepare(&db, Arc::clone(&journal), OtherVersion::Replace).await.unwrap();
        let folder = TempDir::new().unwrap();
        let place = folder.path().to_str().unwrap();
        let files = Artifacts::connect(db.clone(), place, Settings::default()).await.unwrap();
        let ids: Ids = Arc::new(Uuid::new_v4);
        let commands = write_side(&journal, &ids);
        let feed = Arc::new(Feed::new(Arc::clone(&journal)));
        let waiting = Arc::new(WaitingWorkers::default());
        let stop = CancellationToken::new();
        let mut following = JoinSet::new();
        let (it, until) = (Arc::clone(&feed), stop.clone());
        following.spawn(async move { it.run(until).await });
        let (it, of, until) = (Arc::clone(&waiting), Arc::clone(&feed), stop.clone());
        following.spawn(async move { it.run(&of, until).await });
        Self {
            files,
            checkpoints: Checkpoints::new(db.clone()),
            reader: Reader::new(db),
            feed,
            journal,
            commands,
            waiting,
            ids,
            executor: JoinSet::new(),
            stop_executor: CancellationToken::new(),
            following,
            stop,
            folder,
            database,
        }
    }

    /// The write side, as another process has it: it has seen nothing yet.
    pub(crate) fn another_process(&self) -> Commands {
        write_side(&self.journal, &self.ids)
    }

    /// Starts an executor, as a process does.
    pub(crate) fn start(&mut self, execute: Arc<dyn Execute>, slots: u16) {
        let executor = Executor {
            commands: self.commands.clone(),
            reader: self.reader.clone(),
            feed: Arc::clone(&self.feed),
            waiting: Arc::clone(&self.waiting),
            ids: Arc::clone(&self.ids),
            execute,
            slots,
        };
        self.stop_executor = CancellationToken::new();
        self.executor.spawn(executor.run(self.stop_executor.clone()));
    }

    /// The tables that holders of leases need cannot be reached, and all else can.
    pub(crate) async fn take_away_leases_and_logs(&self) {
        self.run("alter table lease_beat rename to lease_beat_away").await;
        self.run("alter table job_log_head rename to job_log_head_away").await;
    }

    pub(crate) async fn bring_back_leases_and_logs(&self) {
        self.run("alter table job_log_head_away rename to job_log_head").await;
        self.run("alter table lease_beat_away rename to lease_beat").await;
    }

    /// Adds an event as a newer version may have written it.
    pub(crate) async fn make_unreadable(&self, job: JobId) {
        let unheard_of = NewEvent {
            event_id: Uuid::new_v4(),
            event_type: "JobDreamt",
            schema_version: 1,
            payload: "{}".to_owned(),
            metadata: r#"{"actor":"system:rescuer"}"#.to_owned(),
        };
        let append = Append {
            stream: StreamId::new("job", job),
            expected_version: self.events(job).await.len() as u64,
            events: vec![unheard_of],
            idempotency: None,
        };
        self.journal.append(append).await.unwrap();
    }

    /// Whoever waits to be taken is a job that nobody knows any more.
    pub(crate) async fn lose_the_history_of_who_waits(&self) {
        self.run("update job_ready set job = gen_random_uuid()").await;
    }

    /// Nobody reads this table or writes to it until what is given is closed.
    pub(crate) async fn lock(&self, table: &str) -> PgConnection {
        let mut connection = self.connection().await;
        let lock = AssertSqlSafe(format!("begin; lock table {table}"));
        sqlx::raw_sql(lock).execute(&mut connection).await.unwrap();
        connection
    }

    /// The database breaks off whatever it does, and answers nobody until it is
    /// back: as when its server is started again.
    pub(crate) async fn database_away(&self) -> Away {
        let name: String = sqlx::query_scalar("select current_database()::text")
            .fetch_one(&mut self.connection().await)
            .await
            .unwrap();
        let elsewhere = postgres::testing::Database::create().await;
        let away = Away { name, elsewhere };
        away.admit(false).await;
        away
    }

    /// A beat of a lease that is long over. The rescuer removes it.
    pub(crate) async fn leave_a_beat_of_nobodys(&self) {
        self.run("insert into lease_beat values (gen_random_uuid(), 0, now() - interval '1 hour')")
            .await;
    }

    pub(crate) async fn beats_of_nobodys(&self) -> i64 {
        let counted = sqlx::query_scalar("select count(*) from lease_beat where fence = 0");
        counted.fetch_one(&mut self.connection().await).await.unwrap()
    }

    pub(crate) async fn run(&self, statement: &'static str) {
        sqlx::raw_sql(statement).execute(&mut self.connection().await).await.unwrap();
    }

    /// One that nothing else uses.
    async fn connection(&self) -> PgConnection {
        let options = schema::options(self.database.url().parse().unwrap());
        PgConnection::connect_with(&options).await.unwrap()
    }

    /// Has files kept that events name, and others let go of.
    pub(crate) fn start_keeper(&mut self) {
        let keeper = Keeper {
            artifacts: self.files.clone(),
            commands: self.commands.clone(),
            feed: Arc::clone(&self.feed),
            checkpoints: self.checkpoints.clone(),
            owner: Uuid::new_v4(),
            sweep_every: Duration::from_hours(1),
        };
        let until = self.stop.clone();
        self.following.spawn(async move { keeper.run(until).await });
    }

    /// Has jobs whose time has come queued again.
    pub(crate) fn start_scheduler(&mut self) {
        let (commands, reader) = (self.commands.clone(), self.reader.clone());
        let scheduler = Scheduler { commands, reader, every: Duration::from_millis(50) };
        let until = self.stop.clone();
        self.following.spawn(async move { scheduler.run(until).await });
    }

    /// As a process goes that is told to.
    pub(crate) fn stop_executor(&self) {
        self.stop_executor.cancel();
    }

    pub(crate) async fn executor_stopped(&mut self) {
        while let Some(ended) = timeout(PATIENCE, self.executor.join_next()).await.unwrap() {
            ended.unwrap();
        }
    }

    /// As a process goes that is killed: nothing is given back.
    pub(crate) async fn kill_executor(&mut self) {
        self.executor.shutdown().await;
    }

    pub(crate) async fn stopped(&mut self) {
        self.stop_executor();
        self.executor_stopped().await;
        self.stop.cancel();
        while let Some(ended) = timeout(PATIENCE, self.following.join_next()).await.unwrap() {
            ended.unwrap();
        }
    }

    /// Asks for a job.
    pub(crate) async fn request(&self, command: impl FnOnce(JobId) -> Command) -> JobId {
        let id = JobId(Uuid::new_v4());
        self.commands.execute(command(id), owner()).await.unwrap();
        id
    }

    /// Has it left alone, and comes back when nobody holds it any more. Whether
    /// it has not ended before.
    pub(crate) async fn pause(&self, job: JobId) -> bool {
        self.toggle(job, JobCommand::PauseJob { reason: None }).await;
        let let_go = async || !matches!(self.job(job).await.phase, Phase::Running(_));
        eventually("it is given back, or done", let_go).await;
        self.job(job).await.phase == Phase::Queued
    }

    /// Has it go on, unless it has ended.
    pub(crate) async fn resume(&self, job: JobId) {
        self.toggle(job, JobCommand::ResumeJob).await;
    }

    /// Has it left alone or go on, unless it has ended.
    pub(crate) async fn toggle(&self, job: JobId, command: JobCommand) {
        match self.commands.execute(Command::Job(job, command), owner()).await {
            Ok(_) | Err(CommandError::Refused(Refusal::Ended { .. })) => {}
            Err(error) => panic!("{error:?}"),
        }
    }

    pub(crate) async fn ask(&self, job: JobId, command: JobCommand, asked: Asked) {
        self.commands.execute(Command::Job(job, command), asked).await.unwrap();
    }

    /// Has it stopped, by whoever asked for it.
    pub(crate) async fn cancel(&self, job: JobId) {
        self.ask(job, JobCommand::CancelJob { reason: None }, owner()).await;
    }

    /// Takes it out of the hands of a process that is no more.
    pub(crate) async fn rescue(&self, job: JobId) {
        let Phase::Running(lease) = self.job(job).await.phase else { panic!("it runs") };
        let command = JobCommand::ExpireLease { fence: lease.fence, log: None };
        self.ask(job, command, Asked::by(Actor::System(Component::Rescuer))).await;
    }

    pub(crate) async fn job(&self, id: JobId) -> Present {
        self.commands.job_state(id).await.unwrap().present().unwrap().clone()
    }

    /// The job, once it has ended, and its last event.
    pub(crate) async fn ended(&self, id: JobId) -> (Present, JobEvent) {
        eventually("the job ends", async || self.job(id).await.state().is_final()).await;
        (self.job(id).await, self.events(id).await.pop().unwrap())
    }

    pub(crate) async fn events(&self, id: JobId) -> Vec<JobEvent> {
        let facts = self.feed.job_events(id, 0, 1_000).await.unwrap();
        facts.iter().map(|it| it.of_job().unwrap().1.clone()).collect()
    }

    pub(crate) async fn read(&self, sha256: Sha256) -> Bytes {
        self.files.read(&sha256.bytes(), u64::MAX).await.unwrap()
    }
}

/// A database that is away.
pub(crate) struct Away {
    name: String,
    /// A database from which it can be told to come back.
    elsewhere: postgres::testing::Database,
}

impl Away {
    pub(crate) async fn back(self) {
        self.admit(true).await;
    }

    async fn admit(&self, anybody: bool) {
        let Self { name, elsewhere } = self;
        let mut connection = PgConnection::connect(elsewhere.url()).await.unwrap();
        let statements = AssertSqlSafe(format!(
            "alter database {name} allow_connections {anybody};
             select pg_terminate_backend(pid) from pg_stat_activity where datname = '{name}'"
        ));
        sqlx::raw_sql(statements).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    }
}

fn write_side(journal: &Arc<dyn Journal>, ids: &Ids) -> Commands {
    Commands::new(Arc::clone(journal), Services::default(), Arc::new(now), Arc::clone(ids))
}

#[expect(clippy::disallowed_methods, reason = "the tests live in the present")]
pub(crate) fn now() -> domain::Timestamp {
    chrono::Utc::now().trunc_subsecs(6)
}

pub(crate) fn owner() -> Asked {
    Asked::by(Actor::User { id: OWNER, role: Role::Member })
}

/// Comes back when the condition holds. Fails when that takes too long.
pub(crate) async fn eventually(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let mut ticks = tokio::time::interval(Duration::from_millis(5));
    let holds = async {
        while !condition().await {
            ticks.tick().await;
        }
    };
    timeout(PATIENCE, holds).await.unwrap_or_else(|_| panic!("never: {what}"));
}
