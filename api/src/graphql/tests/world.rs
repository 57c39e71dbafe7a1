//! A whole system on a database of its own, and the people who use it.

use std::{sync::Arc, time::Duration};

use artifacts::Artifacts;
use async_graphql::{Executor, Request, Variables};
use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, StatusCode, header},
};
use chrono::{DateTime, SubsecRound, Utc};
use commands::{Asked, Command, Commands, Services, services::Declaration};
use domain::{
    Actor, JobId, UserId, WorkerId,
    actor::ServiceScope,
    job::{Closing, JobCommand, JobError, Progress},
};
use futures::{Stream, StreamExt};
use identity::Identity;
use journal::{Journal, postgres::PostgresJournal};
use metrics_exporter_prometheus::PrometheusBuilder;
use projections::{
    Projection, Reader,
    checkpoint::Checkpoints,
    dispatch::{WaitingWorkers, inline_folds},
    feed::Feed,
    job_content::JobContent,
    job_list::JobList,
    job_statistics::JobStatistics,
    job_timeline::JobTimeline,
    land::Lands,
    page::Pages,
    projector::Projector,
    schema::{self as tables, OtherVersion, Tables},
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use sqlx::{
    Connection, PgConnection, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tempfile::TempDir;
use tokio::task::JoinSet;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt;
use uuid::Uuid;

use crate::{
    accounts::{Endings, Keeper, Recording},
    graphql::{Schema, Sides, budget::Budgeted, executor},
    server::{Api, Settings, routes},
    viewer::{SignedIn, Viewer},
};

/// Long enough for the slowest machine, and never waited for in full.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A whole system on a database of its own.
pub(crate) struct World {
    pub(crate) sides: Sides,
    pub(crate) stop: CancellationToken,
    pub(crate) router: Router,
    executor: Budgeted<Schema>,
    /// Cancelled, the projections stand still.
    projecting: CancellationToken,
    projectors: TaskTracker,
    db: PgPool,
    tasks: JoinSet<()>,
    _files: TempDir,
    // The last to go: what is dropped before it still uses it.
    _database: postgres::testing::Database,
}

/// Somebody with an account, signed in.
#[derive(Clone)]
pub(crate) struct Person {
    pub(crate) id: UserId,
    pub(crate) email: String,
    pub(crate) token: String,
    pub(crate) signed_in: SignedIn,
}

/// What came of a request.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(Settings::default()).await
    }

    pub(crate) async fn with(settings: Settings) -> Self {
        Self::admitting(settings, identity::Admission::Invited).await
    }

    /// Where these may have an account.
    pub(crate) async fn admitting(settings: Settings, registration: identity::Admission) -> Self {
        let migrations = sqlx::migrate!("../migrations");
        let checksums = migrations.iter().flat_map(|it| it.checksum.to_vec()).collect::<Vec<_>>();
        let key = format!("api_{}", &hex::encode(Sha256::digest(checksums))[..16]);
        let database = postgres::testing::Database::create_filled(&key, async |url| {
            let mut connection = PgConnection::connect(url).await.unwrap();
            migrations.run(&mut connection).await.unwrap();
            connection.close().await.unwrap();
        })
        .await;
        let options: PgConnectOptions = database.url().parse().unwrap();
        let pool = PgPoolOptions::new().max_connections(8);
        let db = pool.connect_with(tables::options(options)).await.unwrap();
        let settings_of_journal = journal::postgres::Settings {
            search_path: Some(tables::search_path()),
            ..Default::default()
        };
        let journal = PostgresJournal::connect(database.url(), settings_of_journal, inline_folds());
        let journal: Arc<dyn Journal> = Arc::new(journal.await.unwrap());
        tables::prepare(&db, Arc::clone(&journal), OtherVersion::Replace).await.unwrap();
        let commands =
            Commands::new(Arc::clone(&journal), services(), Arc::new(now), Arc::new(new_id));
        let feed = Arc::new(Feed::new(journal));
        let identity = people(&db, (&commands, &feed), registration).await;
        let files = tempfile::tempdir().unwrap();
        let folder = files.path().to_str().unwrap().to_owned();
        let sides = Sides {
            commands,
            reader: Reader::new(db.clone()),
            checkpoints: Checkpoints::new(db.clone()),
            feed,
            identity,
            artifacts: Artifacts::connect(db.clone(), &folder, artifacts::Settings::default())
                .await
                .unwrap(),
            endings: Endings::default(),
            ids: Arc::new(new_id),
        };
        let stop = CancellationToken::new();
        let metrics = PrometheusBuilder::new().build_recorder().handle();
        let waiting = Arc::new(WaitingWorkers::default());
        let api = Api { sides: sides.clone(), waiting, metrics, settings };
        let router = routes(api, stop.clone()).unwrap().router;
        let executor = executor(sides.clone());
        let projecting = stop.child_token();
        let mut world = Self {
            sides,
            stop,
            router,
            executor,
            projecting,
            projectors: TaskTracker::new(),
            db,
            tasks: JoinSet::new(),
            _files: files,
            _database: database,
        };
        world.start();
        world
    }

    /// The way to its database.
    pub(crate) fn database(&self) -> PgConnectOptions {
        (*self.db.connect_options()).clone()
    }

    fn start(&mut self) {
        let (feed, stop) = (Arc::clone(&self.sides.feed), self.stop.clone());
        self.tasks.spawn(async move { feed.run(stop).await });
        let keeper = Keeper {
            identity: self.sides.identity.clone(),
            feed: Arc::clone(&self.sides.feed),
            endings: self.sides.endings.clone(),
            post: None,
            clock: Arc::new(now),
            round_takes_max: PATIENCE,
        };
        let stop = self.stop.clone();
        self.tasks.spawn(async move { keeper.run(stop).await });
        self.project::<JobList>();
        self.project::<JobContent>();
        self.project::<JobTimeline>();
        self.project::<Lands>();
        self.project::<Pages>();
        self.project::<JobStatistics>();
    }

    fn project<P: Projection>(&mut self) {
        let Sides { feed, checkpoints, .. } = self.sides.clone();
        let projector = Projector::<P>::new(self.db.clone(), feed, checkpoints, new_id());
        let stop = self.projecting.clone();
        let run = self.projectors.track_future(async move { projector.run(stop).await });
        self.tasks.spawn(run);
    }

    /// Gives somebody an account, and signs them in.
    pub(crate) async fn person(&self, name: &str, role: identity::Role) -> Person {
        let (email, password) = (format!("{name}@example.org"), format!("password of {name}"));
        let identity = &self.sides.identity;
        let user = identity.create_user(&email, &password, role, now()).await.unwrap();
        let tokens = identity.sign_in(&email, &password, now()).await.unwrap();
        let principal = identity.verify_access(&tokens.access, now()).await.unwrap();
        Person {
            id: UserId(user.id),
            email,
            token: tokens.access.expose().to_owned(),
            signed_in: principal.into(),
        }
    }

    /// Sends a request, as a client would.
    pub(crate) async fn send(&self, request: axum::http::Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        let text = String::from_utf8_lossy(&bytes);
        let body = serde_json::from_str(&text).unwrap_or_else(|_| Value::from(text.as_ref()));
        Answer { status, headers, body }
    }

    /// Asks in GraphQL, on behalf of somebody or nobody.
    pub(crate) async fn ask(
        &self,
        who: impl Into<Option<&Person>>,
        query: &str,
        variables: Value,
    ) -> Value {
        let mut request = axum::http::Request::post("/graphql")
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::ACCEPT, "application/graphql-response+json");
        if let Some(person) = who.into() {
            request = request.header(header::AUTHORIZATION, format!("Bearer {}", person.token));
        }
        let body = json!({ "query": query, "variables": variables }).to_string();
        self.send(request.body(Body::from(body)).unwrap()).await.body
    }

    /// Asks for what must not fail: the data.
    pub(crate) async fn data(&self, who: &Person, query: &str, variables: Value) -> Value {
        let mut answer = self.ask(who, query, variables).await;
        assert!(answer.get("errors").is_none(), "{answer:#}");
        answer["data"].take()
    }

    /// Subscribes: the answers, as they come.
    pub(crate) fn follow(
        &self,
        who: Option<&Person>,
        query: &str,
        variables: Value,
    ) -> impl Stream<Item = Value> + Unpin + use<> {
        let viewer = who.map_or(Viewer::Anonymous, |it| Viewer::User(it.signed_in.clone()));
        let request = Request::new(query).variables(Variables::from_json(variables)).data(viewer);
        let answers = self.executor.execute_stream(request, None);
        answers.map(|it| serde_json::to_value(it).unwrap()).boxed()
    }

    /// Has a task created, for the service that takes anything.
    pub(crate) async fn task(&self, owner: &Person) -> JobId {
        let create = "mutation($input: CreateTaskInput!) { createTask(input: $input) \
            { task { id } userErrors { message } } }";
        let input = json!({ "input": { "service": "anything", "body": {} } });
        let data = self.data(owner, create, input).await;
        data["createTask"]["task"]["id"].as_str().unwrap().parse().unwrap()
    }

    /// Has a worker carry out a command. Gives the version that it led to, and the position.
    pub(crate) async fn work(&self, job: JobId, command: JobCommand) -> (u64, u64) {
        let actor = Actor::Worker { id: worker(), scope: ServiceScope::All };
        let command = Command::Job(job, command);
        let accepted = self.sides.commands.execute(command, Asked::by(actor)).await.unwrap();
        (accepted.version, accepted.position)
    }

    /// Has a worker take a job: the fence.
    pub(crate) async fn lease(&self, job: JobId) -> u64 {
        self.work(job, JobCommand::GrantLease { worker: worker(), request: None }).await.0
    }

    pub(crate) async fn progress(&self, job: JobId, fence: u64, done: u64) -> u64 {
        let progress = Some(Progress { done, total: Some(100), message: None });
        self.work(job, JobCommand::ReportProgress { fence, progress, checkpoint: None }).await.1
    }

    pub(crate) async fn complete(&self, job: JobId, fence: u64, result: Value) -> u64 {
        let (artifacts, closing) = (Vec::new(), Closing::default());
        self.work(job, JobCommand::CompleteTask { fence, result, errors: 0, artifacts, closing })
            .await
            .1
    }

    /// Has a job fail for good.
    pub(crate) async fn fail(&self, job: JobId) -> u64 {
        let fence = self.lease(job).await;
        let error = JobError {
            error_type: "Broken".to_owned(),
            message: "it is broken".to_owned(),
            detail: None,
            retryable: false,
        };
        let closing = Closing::default();
        self.work(job, JobCommand::FailAttempt { fence, error, retry_at: None, closing }).await.1
    }

    /// How far the journal has come.
    pub(crate) async fn head(&self) -> u64 {
        self.sides.checkpoints.journal_head().await.unwrap()
    }

    /// Returns when this process has heard of all there is.
    pub(crate) async fn heard(&self) {
        let head = self.head().await;
        self.sides.feed.head().wait_for(|it| head <= *it).await.unwrap();
    }

    /// Returns when the list of jobs shows all there is.
    pub(crate) async fn settled(&self) {
        self.heard().await;
        self.shown(JobList::TABLES).await;
    }

    /// Returns when every projection has taken in all there is.
    pub(crate) async fn caught_up(&self) {
        self.settled().await;
        self.shown(JobContent::TABLES).await;
        self.shown(JobTimeline::TABLES).await;
        self.shown(JobStatistics::TABLES).await;
        self.shown(Lands::TABLES).await;
        self.shown(Pages::TABLES).await;
    }

    async fn shown(&self, tables: Tables) {
        let head = self.head().await;
        self.sides.checkpoints.reached(tables, head, PATIENCE).await.unwrap().unwrap();
    }

    /// Returns when nobody moves the projections any more.
    pub(crate) async fn stand_still(&self) {
        self.projecting.cancel();
        self.projectors.close();
        self.projectors.wait().await;
    }

    /// What is kept of the inputs that came with keys.
    pub(crate) async fn digests(&self) -> Vec<Vec<u8>> {
        let kept = sqlx::query_scalar("select digest from idempotency_key order by position");
        kept.fetch_all(&self.db).await.unwrap()
    }

    /// Nobody can reach the database any more.
    pub(crate) async fn break_database(&self) {
        self.db.close().await;
    }

    /// What serves this system.
    pub(crate) fn api(&self) -> Api {
        Api {
            sides: self.sides.clone(),
            waiting: Arc::new(WaitingWorkers::default()),
            metrics: PrometheusBuilder::new().build_recorder().handle(),
            settings: Settings::default(),
        }
    }
}

async fn people(
    db: &PgPool,
    (commands, feed): (&Commands, &Arc<Feed>),
    registration: identity::Admission,
) -> Identity {
    let recording = Recording { commands: commands.clone(), feed: Arc::clone(feed) };
    let settings = identity::Settings { registration, ..Default::default() };
    Identity::connect(db.clone(), settings, Arc::new(recording), now()).await.unwrap()
}

/// The codes of the errors of an answer.
pub(crate) fn codes(answer: &Value) -> Vec<&str> {
    let errors = answer["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
    errors.iter().map(|it| it["extensions"]["code"].as_str().unwrap()).collect()
}

/// The next answer of a subscription, which must come.
pub(crate) async fn next(answers: &mut (impl Stream<Item = Value> + Unpin)) -> Option<Value> {
    tokio::time::timeout(PATIENCE, answers.next()).await.expect("an answer comes")
}

pub(crate) fn worker() -> WorkerId {
    WorkerId(Uuid::from_u128(0x77))
}

fn services() -> Services {
    let declarations = json!([
        { "name": "anything", "description": "Takes anything." },
        {
            "name": "scan",
            "description": "Reads pages.",
            "schema": {
                "type": "object",
                "required": ["pages"],
                "properties": { "pages": { "type": "array", "items": { "type": "integer" } } },
            },
            "expiry_s": 3600,
        },
    ]);
    let declarations: Vec<Declaration> = serde_json::from_value(declarations).unwrap();
    Services::try_new(declarations).unwrap()
}

#[expect(clippy::disallowed_methods, reason = "the tests live in the present")]
pub(crate) fn now() -> DateTime<Utc> {
    Utc::now().trunc_subsecs(6)
}

#[expect(clippy::disallowed_methods, reason = "as at the edge of the program")]
fn new_id() -> Uuid {
    Uuid::now_v7()
}
