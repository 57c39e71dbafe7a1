//! A whole system in one process: started, watched, stopped in order.

mod prepared;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::Context;
use api::{
    Api,
    accounts::{Endings, Keeper, Post},
    graphql::Sides,
};
use artifacts::Artifacts;
use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use commands::{Commands, Ids, Services};
use identity::Identity;
use journal::postgres::PostgresJournal;
use projections::{
    Reader,
    checkpoint::Checkpoints,
    dispatch::{self, WaitingWorkers},
    feed::Feed,
    job_content::JobContent,
    job_list::JobList,
    job_statistics::JobStatistics,
    job_timeline::JobTimeline,
    land::Lands,
    page::Pages,
    projector::Projector,
    schema,
};
use rand::{Rng, distr::Alphanumeric};
use tokio::{net::TcpListener, task::JoinSet, time::timeout};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use workers::{Executor, Rescuer, Scheduler};

use crate::{
    built_in::Executors,
    config::{Part, Serve},
    database::Database,
    forgetting::{Forgetting, LOOK_EVERY},
    telemetry,
};
use prepared::Prepared;

/// How long the parts are given to finish what they are at.
const PATIENCE: Duration = Duration::from_secs(20);

/// How often the rescuer looks.
const RESCUE_EVERY: Duration = Duration::from_millis(500);

/// How often the scheduler looks.
const SCHEDULE_EVERY: Duration = Duration::from_millis(250);

/// How long a look at accounts may take. Sockets of sessions that have ended are
/// open as long.
const ACCOUNTS_TAKE_MAX: Duration = Duration::from_secs(30);

/// How often files that nothing refers to are removed.
const SWEEP_EVERY: Duration = Duration::from_hours(1);

/// A whole system, running.
pub struct System {
    /// Who may sign in.
    pub identity: Identity,
    /// The files.
    pub artifacts: Artifacts,
    /// The write side, for those who live in the same process.
    pub commands: Commands,
    endings: Endings,
    address: SocketAddr,
    parts: JoinSet<(&'static str, anyhow::Result<()>)>,
    stop: CancellationToken,
    journal: Arc<PostgresJournal>,
    database: Database,
}

impl System {
    /// Starts it: the database first, those who answer last.
    pub async fn start(
        config: &Serve,
        listener: TcpListener,
        services: Services,
    ) -> anyhow::Result<Self> {
        workers::tls::choose();
        // Before there is anything that counts.
        telemetry::metrics();
        let address = listener.local_addr().context("cannot listen")?;
        let database = Database::open(&config.database).await?;
        let prepared = match Prepared::on(&database, config, services, address).await {
            Ok(prepared) => prepared,
            Err(error) => return Err(database.close_after(error).await),
        };
        let Prepared { post, artifacts, journal, feed, commands, identity, executors } = prepared;
        let mut system = Self {
            identity,
            artifacts,
            commands,
            endings: Endings::default(),
            address,
            parts: JoinSet::new(),
            stop: CancellationToken::new(),
            journal,
            database,
        };
        system.keep_accounts(config, &feed, post);
        system.start_parts(config, listener, feed, executors);
        Ok(system)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stop`, or until a part ends that should not have.
    pub async fn run_until(mut self, stop: CancellationToken) -> anyhow::Result<()> {
        let ended = tokio::select! {
            () = stop.cancelled() => Ok(()),
            ended = self.failed() => Err(ended),
        };
        self.stop().await.and(ended)
    }

    /// Returns when a part has ended that should not have.
    pub async fn failed(&mut self) -> anyhow::Error {
        let ended = tokio::select! {
            ended = self.parts.join_next() => ended,
            error = self.database.failed() => return error,
        };
        match ended {
            Some(Ok((part, Ok(())))) => anyhow::anyhow!("{part} has ended by itself"),
            Some(Ok((part, Err(error)))) => error.context(format!("{part} has failed")),
            Some(Err(panic)) => anyhow::Error::new(panic).context("a part has panicked"),
            None => anyhow::anyhow!("nothing was started"),
        }
    }

    /// Stops the parts, then the journal, then the database.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        tracing::info!("stopping");
        self.stop.cancel();
        let parts = async { while self.parts.join_next().await.is_some() {} };
        if timeout(PATIENCE, parts).await.is_err() {
            tracing::warn!("some parts did not stop in time");
            self.parts.shutdown().await;
        }
        if timeout(PATIENCE, self.journal.close()).await.is_err() {
            tracing::warn!("the journal could not be closed in time");
        }
        self.database.close().await
    }

    fn start_parts(
        &mut self,
        config: &Serve,
        listener: TcpListener,
        feed: Arc<Feed>,
        executors: Executors,
    ) {
        let metrics = telemetry::metrics();
        let db = &self.database.pool;
        let ids: Ids = Arc::new(id);
        let commands = self.commands.clone();
        let checkpoints = Checkpoints::new(db.clone());
        let reader = Reader::new(db.clone());
        let waiting = Arc::new(WaitingWorkers::default());

        self.follow(&feed, &waiting);
        if config.roles.contains(&Part::Projector) {
            self.project(&feed, &checkpoints);
        }
        if config.roles.contains(&Part::Scheduler) {
            let (commands, reader) = (commands.clone(), reader.clone());
            self.act_unasked(config, commands, reader);
            self.keep_files(&feed, &checkpoints);
            self.transfer(&feed, &checkpoints);
            self.forget_keys(config, &checkpoints);
        }
        for (execute, slots) in executors {
            let (commands, reader, ids) = (commands.clone(), reader.clone(), Arc::clone(&ids));
            let (feed, waiting) = (Arc::clone(&feed), Arc::clone(&waiting));
            self.execute(Executor { commands, reader, feed, waiting, ids, execute, slots });
        }
        let (identity, artifacts) = (self.identity.clone(), self.artifacts.clone());
        let endings = self.endings.clone();
        let sides =
            Sides { commands, reader, checkpoints, feed, identity, artifacts, endings, ids };
        self.answer(listener, Api { sides, waiting, metrics, settings: settings(config) });
    }

    fn execute(&mut self, executor: Executor) {
        let stop = self.stop.clone();
        self.parts.spawn(async move {
            executor.run(stop).await;
            ("an executor", Ok(()))
        });
    }

    fn answer(&mut self, listener: TcpListener, api: Api) {
        let stop = self.stop.clone();
        self.parts.spawn(async move {
            ("the API", api::serve(listener, api, stop).await.context("cannot serve"))
        });
    }

    fn follow(&mut self, feed: &Arc<Feed>, waiting: &Arc<WaitingWorkers>) {
        let (followed, stop) = (Arc::clone(feed), self.stop.clone());
        self.parts.spawn(async move {
            followed.run(stop).await;
            ("the feed", Ok(()))
        });
        let (feed, waiting, stop) = (Arc::clone(feed), Arc::clone(waiting), self.stop.clone());
        self.parts.spawn(async move {
            waiting.run(&feed, stop).await;
            ("the dispatch", Ok(()))
        });
    }

    fn project(&mut self, feed: &Arc<Feed>, checkpoints: &Checkpoints) {
        let owner = id();
        self.run_projector::<JobList>(feed, checkpoints, owner);
        self.run_projector::<JobContent>(feed, checkpoints, owner);
        self.run_projector::<JobTimeline>(feed, checkpoints, owner);
        self.run_projector::<Lands>(feed, checkpoints, owner);
        self.run_projector::<Pages>(feed, checkpoints, owner);
        self.run_projector::<JobStatistics>(feed, checkpoints, owner);
    }

    fn run_projector<P: projections::Projection>(
        &mut self,
        feed: &Arc<Feed>,
        checkpoints: &Checkpoints,
        owner: Uuid,
    ) {
        let (db, stop) = (self.database.pool.clone(), self.stop.clone());
        let projector = Projector::<P>::new(db, Arc::clone(feed), checkpoints.clone(), owner);
        self.parts.spawn(async move {
            projector.run(stop).await;
            (P::TABLES.name, Ok(()))
        });
    }

    fn act_unasked(&mut self, config: &Serve, commands: Commands, reader: Reader) {
        let rescuer = Rescuer {
            commands: commands.clone(),
            reader: reader.clone(),
            every: RESCUE_EVERY,
            grace: config.rescue_grace,
        };
        let scheduler = Scheduler { commands, reader, every: SCHEDULE_EVERY };
        let stop = self.stop.clone();
        self.parts.spawn(async move {
            rescuer.run(stop).await;
            ("the rescuer", Ok(()))
        });
        let stop = self.stop.clone();
        self.parts.spawn(async move {
            scheduler.run(stop).await;
            ("the scheduler", Ok(()))
        });
    }

    fn keep_files(&mut self, feed: &Arc<Feed>, checkpoints: &Checkpoints) {
        let keeper = workers::Keeper {
            artifacts: self.artifacts.clone(),
            commands: self.commands.clone(),
            feed: Arc::clone(feed),
            checkpoints: checkpoints.clone(),
            owner: id(),
            sweep_every: SWEEP_EVERY,
        };
        let stop = self.stop.clone();
        self.parts.spawn(async move {
            keeper.run(stop).await;
            ("the keeper of files", Ok(()))
        });
    }

    fn transfer(&mut self, feed: &Arc<Feed>, checkpoints: &Checkpoints) {
        let registrar = workers::Registrar {
            artifacts: self.artifacts.clone(),
            commands: self.commands.clone(),
            feed: Arc::clone(feed),
            reader: Reader::new(self.database.pool.clone()),
            checkpoints: checkpoints.clone(),
            owner: id(),
        };
        let stop = self.stop.clone();
        self.parts.spawn(async move {
            registrar.run(stop).await;
            ("the registrar", Ok(()))
        });
    }

    fn forget_keys(&mut self, config: &Serve, checkpoints: &Checkpoints) {
        let retention = TimeDelta::days(config.key_retention_days.into());
        let forgetting = Forgetting {
            journal: Arc::clone(&self.journal),
            checkpoints: checkpoints.clone(),
            retention,
            every: LOOK_EVERY,
        };
        let stop = self.stop.clone();
        self.parts.spawn(async move {
            forgetting.run(stop).await;
            ("the forgetting of keys", Ok(()))
        });
    }

    /// In every process: whoever is connected here is to hear what has ended.
    fn keep_accounts(&mut self, config: &Serve, feed: &Arc<Feed>, post: Post) {
        let keeper = Keeper {
            identity: self.identity.clone(),
            feed: Arc::clone(feed),
            endings: self.endings.clone(),
            post: config.roles.contains(&Part::Scheduler).then_some(post),
            clock: Arc::new(now),
            round_takes_max: ACCOUNTS_TAKE_MAX,
        };
        let stop = self.stop.clone();
        self.parts.spawn(async move {
            keeper.run(stop).await;
            ("the keeper of accounts", Ok(()))
        });
    }
}

fn settings(config: &Serve) -> api::Settings {
    api::Settings {
        graphql: api::transport::Settings {
            development: config.development,
            origins: config.origins.iter().map(|it| it.as_str().to_owned()).collect(),
            ..Default::default()
        },
        cors_origins: config.origins.clone(),
        trusted_proxies: config.trusted_proxies.clone(),
        metrics_token: config.metrics_token.clone(),
        upload_bytes_max: u64::from(config.upload_max_mib) * 1024 * 1024,
        front: config.roles.contains(&Part::Api),
        ..Default::default()
    }
}

/// The journal, and the tables that move with it.
pub(crate) async fn open_journal(database: &Database) -> anyhow::Result<PostgresJournal> {
    let settings = journal::postgres::Settings {
        search_path: Some(schema::search_path()),
        ..Default::default()
    };
    let folds = dispatch::inline_folds();
    PostgresJournal::connect_with(database.options.clone(), settings, folds)
        .await
        .context("cannot open the journal")
}

/// The time, in the microseconds that Greffe counts in.
#[expect(clippy::disallowed_methods, reason = "here, and nowhere else, time comes in")]
pub fn now() -> DateTime<Utc> {
    Utc::now().trunc_subsecs(6)
}

/// An identity that was never used before, and grows with time.
#[expect(clippy::disallowed_methods, reason = "here, and nowhere else, identities are made")]
pub fn id() -> Uuid {
    Uuid::now_v7()
}

/// A password that nobody guesses.
pub fn secret() -> String {
    rand::rng().sample_iter(Alphanumeric).take(24).map(char::from).collect()
}
