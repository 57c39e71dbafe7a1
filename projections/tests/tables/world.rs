//! A database with every table, a journal that moves what moves inline, and a
//! write side whose clock is told what time it is.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use chrono::{DateTime, TimeDelta};
use commands::{Asked, Command, Commands, Services, lease::Granted, services::Declaration};
use domain::{
    Actor, JobId, Timestamp, UserId, WorkerId,
    actor::{Component, Role, ServiceScope},
    job::JobCommand,
};
use journal::{Journal, postgres::PostgresJournal};
use projections::{
    Projection, Reader,
    checkpoint::Checkpoints,
    dispatch,
    feed::Feed,
    job_content::JobContent,
    job_list::JobList,
    job_statistics::JobStatistics,
    job_timeline::JobTimeline,
    land::Lands,
    page::Pages,
    projector::Projector,
    schema::{self, OtherVersion, SchemaError},
};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, PgPool, postgres::PgPoolOptions};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub(super) const OWNER: UserId = UserId(Uuid::from_u128(1));
pub(super) const ANN: WorkerId = WorkerId(Uuid::from_u128(0xA));
pub(super) const BOB: WorkerId = WorkerId(Uuid::from_u128(0xB));

pub(super) fn user(id: UserId) -> Asked {
    Asked::by(Actor::User { id, role: Role::Admin })
}

pub(super) fn worker(id: WorkerId) -> Asked {
    Asked::by(Actor::Worker { id, scope: ServiceScope::All })
}

pub(super) fn system(component: Component) -> Asked {
    Asked::by(Actor::System(component))
}

/// Everything between the commands and the tables, in one process.
pub(super) struct World {
    pub(super) db: PgPool,
    pub(super) journal: Arc<PostgresJournal>,
    pub(super) commands: Commands,
    pub(super) reader: Reader,
    pub(super) checkpoints: Checkpoints,
    seconds: Arc<AtomicI64>,
    /// Goes last.
    database: postgres::testing::Database,
}

/// What follows the journal, as one process does; ends when it is dropped.
pub(super) struct Following {
    pub(super) feed: Arc<Feed>,
    pub(super) stop: CancellationToken,
    pub(super) tasks: JoinSet<()>,
}

impl World {
    pub(super) async fn new() -> Self {
        let migrator = sqlx::migrate!("../migrations");
        let key = migrator
            .iter()
            .flat_map(|it| it.checksum.iter())
            .fold(0_u64, |sum, byte| (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
        let key = format!("read_side_{key:016x}");
        let database = postgres::testing::Database::create_filled(&key, async |url| {
            let db = PgPool::connect(url).await.unwrap();
            migrator.run(&db).await.unwrap();
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
        let journal = Arc::new(journal.await.unwrap());
        schema::prepare(&db, journal.clone(), OtherVersion::Replace).await.unwrap();
        let seconds = Arc::new(AtomicI64::new(now(&db).await.timestamp()));
        Self {
            commands: commands(journal.clone(), Arc::clone(&seconds)),
            reader: Reader::new(db.clone()),
            checkpoints: Checkpoints::new(db.clone()),
            db,
            journal,
            seconds,
            database,
        }
    }

    /// The write side, as another process has it.
    pub(super) async fn another_process(&self) -> Commands {
        let options = schema::options(self.url().parse().unwrap());
        let settings = journal::postgres::Settings::default();
        let folds = dispatch::inline_folds();
        let journal = PostgresJournal::connect_with(options, settings, folds).await.unwrap();
        commands(Arc::new(journal), Arc::clone(&self.seconds))
    }

    pub(super) fn url(&self) -> &str {
        self.database.url()
    }

    /// Lets the clock of the commands go on.
    pub(super) fn later(&self, seconds: i64) {
        self.seconds.fetch_add(seconds, Ordering::Relaxed);
    }

    pub(super) fn follow(&self) -> Following {
        let following = Following::start(self.journal.clone());
        self.project(following)
    }

    /// With all projections.
    pub(super) fn project(&self, mut following: Following) -> Following {
        let owner = Uuid::new_v4();
        following.run::<JobList>(self, owner);
        following.run::<JobContent>(self, owner);
        following.run::<JobTimeline>(self, owner);
        following.run::<Lands>(self, owner);
        following.run::<Pages>(self, owner);
        following.run::<JobStatistics>(self, owner);
        following
    }

    /// Comes back when all projections have taken in what the journal holds.
    pub(super) async fn caught_up(&self) {
        let head = self.head().await;
        for tables in schema::ALL.into_iter().filter(|it| !schema::is_inline(it)) {
            self.checkpoints.reached(tables, head, PATIENCE).await.unwrap().unwrap();
        }
    }

    pub(super) async fn head(&self) -> u64 {
        self.checkpoints.journal_head().await.unwrap()
    }

    /// The rows of each table, and what they hash to.
    pub(super) async fn rows(&self) -> Vec<(String, i64, String)> {
        let mut all = Vec::new();
        for schema in schema::ALL.map(|it| it.schema()) {
            for table in self.tables(&schema).await {
                let sql = format!(
                    "select count(*), md5(coalesce(string_agg(t::text, E'\\n' order by t::text), ''))
                     from {schema}.{table} t"
                );
                let (count, hash): (i64, String) =
                    sqlx::query_as(AssertSqlSafe(sql)).fetch_one(&self.db).await.unwrap();
                all.push((table, count, hash));
            }
        }
        all
    }

    async fn tables(&self, schema: &str) -> Vec<String> {
        sqlx::query_scalar("select tablename::text from pg_tables where schemaname = $1 order by 1")
            .bind(schema)
            .fetch_all(&self.db)
            .await
            .unwrap()
    }

    /// Throws all tables away and makes them anew, as a first start would.
    pub(super) async fn rebuilt(&self) {
        for tables in schema::ALL {
            self.execute(&format!("drop schema {} cascade", tables.schema())).await;
        }
        schema::prepare(&self.db, self.journal.clone(), OtherVersion::Replace).await.unwrap();
        let following = self.follow();
        // What this process remembers is of the tables that are gone.
        let checkpoints = Checkpoints::new(self.db.clone());
        for tables in schema::ALL.into_iter().filter(|it| !schema::is_inline(it)) {
            let head = self.head().await;
            checkpoints.reached(tables, head, PATIENCE).await.unwrap().unwrap();
        }
        following.stopped().await;
    }

    /// Makes tables as a start does.
    pub(super) async fn prepare(&self, other: OtherVersion) -> Result<(), SchemaError> {
        schema::prepare(&self.db, self.journal.clone(), other).await
    }

    pub(super) async fn execute(&self, sql: &str) {
        sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&self.db).await.unwrap();
    }

    pub(super) async fn count(&self, sql: &str) -> i64 {
        sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_one(&self.db).await.unwrap()
    }

    /// A task of the owner's, and its id.
    pub(super) async fn create(&self, service: &str, wishes: commands::Wishes) -> JobId {
        let id = JobId(Uuid::new_v4());
        let (service, body) = (service.to_owned(), json!({ "n": 1 }));
        let command = Command::CreateTask { id, service, body, wishes };
        self.commands.execute(command, user(OWNER)).await.unwrap();
        id
    }

    pub(super) async fn grant(&self, job: JobId, to: WorkerId) -> Granted {
        self.commands.grant(job, to, None, &worker(to)).await.unwrap().unwrap()
    }

    pub(super) async fn ask(&self, job: JobId, command: JobCommand, asked: Asked) -> u64 {
        self.commands.execute(Command::Job(job, command), asked).await.unwrap().position
    }
}

impl Following {
    pub(super) fn start(journal: Arc<PostgresJournal>) -> Self {
        let (feed, stop) = (Arc::new(Feed::new(journal)), CancellationToken::new());
        let mut tasks = JoinSet::new();
        let (it, until) = (Arc::clone(&feed), stop.clone());
        tasks.spawn(async move { it.run(until).await });
        Self { feed, stop, tasks }
    }

    pub(super) fn run<P: Projection>(&mut self, world: &World, owner: Uuid) {
        let (db, feed) = (world.db.clone(), Arc::clone(&self.feed));
        let projector: Projector<P> = Projector::new(db, feed, world.checkpoints.clone(), owner);
        let stop = self.stop.clone();
        self.tasks.spawn(async move { projector.run(stop).await });
    }

    /// Stops, as a process does that is asked to.
    pub(super) async fn stopped(mut self) {
        self.stop.cancel();
        while let Some(ended) = self.tasks.join_next().await {
            ended.unwrap();
        }
    }
}

fn commands(journal: Arc<dyn Journal>, seconds: Arc<AtomicI64>) -> Commands {
    let made = AtomicU64::new(1);
    let process = u64::from(std::process::id()) << 32;
    let ids = move || Uuid::from_u64_pair(process, made.fetch_add(1, Ordering::Relaxed));
    let clock = move || DateTime::from_timestamp(seconds.load(Ordering::Relaxed), 0).unwrap();
    let declared = [
        json!({ "name": "checksum", "attempts_max": 2, "deliveries_max": 3 }),
        json!({ "name": "resize", "run_timeout_s": 60 }),
    ];
    let declared = declared.map(|it: Value| serde_json::from_value::<Declaration>(it).unwrap());
    let services = Services::try_new(declared).unwrap();
    Commands::new(journal, services, Arc::new(clock), Arc::new(ids))
}

/// The time, by the clock that leases are measured with.
async fn now(db: &PgPool) -> Timestamp {
    sqlx::query_scalar("select now()").fetch_one(db).await.unwrap()
}

pub(super) fn seconds(count: i64) -> TimeDelta {
    TimeDelta::seconds(count)
}

/// Long enough for the slowest machine, and never waited for in full.
pub(super) const PATIENCE: Duration = Duration::from_mins(1);

/// Comes back when the condition holds. Fails when that takes too long.
pub(super) async fn eventually(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let mut ticks = tokio::time::interval(Duration::from_millis(5));
    let holds = async {
        while !condition().await {
            ticks.tick().await;
        }
    };
    tokio::time::timeout(PATIENCE, holds).await.unwrap_or_else(|_| panic!("never: {what}"));
}
