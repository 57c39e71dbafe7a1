//! What an administrator gives away for somebody goes as a whole, and goes
//! once, whenever the process dies.

use std::{sync::Arc, time::Duration};

use artifacts::{Artifacts, Reference, Settings, Subject as Keeps};
use bytes::Bytes;
use chrono::SubsecRound;
use commands::{Asked, Command, Commands, Services, Wishes};
use domain::{
    Actor, JobId, LandId, UserId,
    account::{AccountCommand, Registration},
    actor::{Component, Role},
    job::{CrawlSpec, Follow, JobCommand, JobEvent},
    land::{LandCommand, Sketch},
};
use journal::{Journal, postgres::PostgresJournal};
use projections::{
    Reader, Viewer,
    checkpoint::Checkpoints,
    dispatch,
    feed::Feed,
    job_list::{JobFilter, JobList, JobOrder, Paging},
    land::{LandFilter, LandOrder, LandPaging, Lands},
    projector::Projector,
    schema::{self, OtherVersion},
};
use sqlx::{PgPool, postgres::PgPoolOptions};
use tempfile::TempDir;
use tokio::{task::JoinSet, time::timeout};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use workers::Registrar;

const ANN: UserId = UserId(Uuid::from_u128(1));
const BOB: UserId = UserId(Uuid::from_u128(2));
const CARL: UserId = UserId(Uuid::from_u128(3));
const DORA: UserId = UserId(Uuid::from_u128(4));

/// More than are looked at between two signs of life.
const JOBS: u64 = 130;

/// Long enough for the slowest machine, and never waited for in full.
const PATIENCE: Duration = Duration::from_mins(2);

struct World {
    commands: Commands,
    files: Artifacts,
    registrar: Registrar,
    reader: Reader,
    feed: Arc<Feed>,
    stop: CancellationToken,
    following: JoinSet<()>,
    _folder: TempDir,
    /// Goes last.
    _database: postgres::testing::Database,
}

impl World {
    async fn new() -> Self {
        let database = postgres::testing::Database::create_filled("workers_1", async |url| {
            let db = PgPool::connect(url).await.unwrap();
            sqlx::migrate!("../migrations").run(&db).await.unwrap();
            db.close().await;
        })
        .await;
        let options = schema::options(database.url().parse().unwrap());
        let db = PgPoolOptions::new().connect_with(options.clone()).await.unwrap();
        let settings = journal::postgres::Settings::default();
        let journal = PostgresJournal::connect_with(options, settings, dispatch::inline_folds());
        let journal: Arc<dyn Journal> = Arc::new(journal.await.unwrap());
        schema::prepare(&db, Arc::clone(&journal), OtherVersion::Replace).await.unwrap();
        let (clock, ids) = (Arc::new(now), Arc::new(Uuid::new_v4));
        let commands = Commands::new(Arc::clone(&journal), Services::default(), clock, ids);
        let (feed, stop) = (Arc::new(Feed::new(journal)), CancellationToken::new());
        let checkpoints = Checkpoints::new(db.clone());
        let mut following = JoinSet::new();
        let (it, until) = (Arc::clone(&feed), stop.clone());
        following.spawn(async move { it.run(until).await });
        let (pool, owner) = (db.clone(), Uuid::new_v4());
        let jobs =
            Projector::<JobList>::new(pool.clone(), Arc::clone(&feed), checkpoints.clone(), owner);
        let lands = Projector::<Lands>::new(pool, Arc::clone(&feed), checkpoints.clone(), owner);
        let until = stop.clone();
        following.spawn(async move { jobs.run(until).await });
        let until = stop.clone();
        following.spawn(async move { lands.run(until).await });
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().to_str().unwrap();
        let files = Artifacts::connect(db.clone(), place, Settings::default()).await.unwrap();
        let reader = Reader::new(db);
        let registrar = Registrar {
            artifacts: files.clone(),
            commands: commands.clone(),
            feed: Arc::clone(&feed),
            reader: reader.clone(),
            checkpoints,
            owner: Uuid::new_v4(),
        };
        Self {
            commands,
            files,
            registrar,
            reader,
            feed,
            stop,
            following,
            _folder: folder,
            _database: database,
        }
    }

    async fn ask(&self, command: Command, by: Actor) {
        self.commands.execute(command, Asked::by(by)).await.unwrap();
    }

    async fn crawl(&self, owner: UserId) -> JobId {
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
        self.ask(Command::StartCrawl { id, crawl, wishes: Wishes::default() }, member(owner)).await;
        id
    }

    async fn land(&self, owner: UserId) -> LandId {
        let id = LandId(Uuid::new_v4());
        let sketch = Sketch { name: "Rivers".into(), ..Sketch::default() };
        self.ask(Command::Land(id, LandCommand::CreateLand { owner, sketch }), member(owner)).await;
        id
    }

    async fn upload(&self, owner: UserId, text: &'static str) -> [u8; 32] {
        let stored = self.files.put_bytes(Bytes::from_static(text.as_bytes()), now()).await;
        let sha256 = stored.unwrap().sha256;
        let reference = Reference {
            owner: owner.0,
            subject: Keeps::Upload(Uuid::new_v4()),
            name: "notes.txt".into(),
            media_type: "text/plain".into(),
        };
        self.files.refer(&sha256, reference, now()).await.unwrap();
        sha256
    }

    async fn give_all(&self, from: UserId, to: UserId) {
        let command = AccountCommand::TransferOwnership { to };
        self.ask(Command::Account(from, command), Actor::System(Component::Console)).await;
    }

    async fn count(&self, owner: UserId) -> u64 {
        let filter = JobFilter { owner: Some(owner), ..JobFilter::default() };
        self.reader.count_jobs(&filter, Viewer::All).await.unwrap()
    }

    async fn jobs_of(&self, owner: UserId) -> Vec<JobId> {
        let paging = Paging { limit: 1_000, after: None, before: None, from_end: false };
        let (all, viewer) = (JobFilter::default(), Viewer::Owner(owner));
        let page = self.reader.jobs(&all, JobOrder::Oldest, paging, viewer).await.unwrap();
        page.rows.iter().map(|it| it.id).collect()
    }

    async fn lands_of(&self, owner: UserId) -> Vec<LandId> {
        let (all, paging) = (LandFilter::default(), LandPaging { limit: 100, after: None });
        let viewer = Viewer::Owner(owner);
        let list = self.reader.lands(&all, LandOrder::Oldest, paging, viewer).await.unwrap();
        list.rows.iter().map(|it| it.id).collect()
    }

    /// Whom a job went to, one after the other.
    async fn went_to(&self, job: JobId) -> Vec<UserId> {
        let facts = self.feed.job_events(job, 0, 1_000).await.unwrap();
        let given = facts.iter().filter_map(|it| {
            let JobEvent::JobTransferred(it) = it.of_job().unwrap().1 else { return None };
            Some(it.to)
        });
        given.collect()
    }

    async fn stopped(mut self) {
        self.stop.cancel();
        while let Some(ended) = self.following.join_next().await {
            ended.unwrap();
        }
    }
}

fn member(id: UserId) -> Actor {
    Actor::User { id, role: Role::Member }
}

#[expect(clippy::disallowed_methods, reason = "the tests live in the present")]
fn now() -> domain::Timestamp {
    chrono::Utc::now().trunc_subsecs(6)
}

async fn eventually(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let mut ticks = tokio::time::interval(Duration::from_millis(5));
    let holds = async {
        while !condition().await {
            ticks.tick().await;
        }
    };
    timeout(PATIENCE, holds).await.unwrap_or_else(|_| panic!("never: {what}"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_again_and_again_it_gives_everything_once_and_nothing_that_came_later() {
    let world = World::new().await;
    for user in [ANN, BOB] {
        let command = AccountCommand::RegisterUser { role: Role::Member, by: Registration::Admin };
        world.ask(Command::Account(user, command), Actor::System(Component::Console)).await;
    }
    let mut jobs = Vec::new();
    for _ in 0..JOBS {
        jobs.push(world.crawl(ANN).await);
    }
    let ended = Command::Job(jobs[0], JobCommand::CancelJob { reason: None });
    world.ask(ended, member(ANN)).await;
    let lands = [world.land(ANN).await, world.land(ANN).await];
    let early = world.upload(ANN, "early").await;

    world.give_all(ANN, BOB).await;
    world.give_all(BOB, CARL).await;
    let later = (world.crawl(ANN).await, world.land(ANN).await, world.upload(ANN, "late").await);
    let elsewhere = jobs.pop().unwrap();
    let to_dora = JobCommand::TransferJob { from: None, to: DORA };
    world.ask(Command::Job(elsewhere, to_dora), member(ANN)).await;

    for at_least in [20, 110] {
        let mut process = JoinSet::new();
        process.spawn(world.registrar.clone().run(CancellationToken::new()));
        eventually("some are given", async || at_least <= world.count(BOB).await).await;
        process.shutdown().await;
        assert!(world.count(CARL).await < JOBS - 1, "it was killed too late to prove anything");
    }
    let mut process = JoinSet::new();
    process.spawn(world.registrar.clone().run(world.stop.clone()));
    let all = async || world.count(CARL).await == JOBS - 1 && world.lands_of(CARL).await == lands;
    eventually("all is given", all).await;
    let readable =
        async |file, who: UserId| world.files.readable(file, Some(who.0)).await.unwrap().is_some();
    eventually("the file is given", async || readable(&early, CARL).await).await;

    assert_eq!(world.jobs_of(CARL).await, jobs);
    for job in &jobs {
        assert_eq!(world.went_to(*job).await, [BOB, CARL], "each goes once to each");
    }
    assert_eq!(world.went_to(elsewhere).await, [DORA], "what was given away is let be");
    assert_eq!(world.jobs_of(ANN).await, [later.0]);
    assert_eq!(world.lands_of(ANN).await, [later.1]);
    assert_eq!(world.count(BOB).await, 0);
    assert!(readable(&later.2, ANN).await && !readable(&later.2, CARL).await);
    assert!(!readable(&early, ANN).await && !readable(&early, BOB).await);
    world.stopped().await;
    process.join_next().await.unwrap().unwrap();
}
