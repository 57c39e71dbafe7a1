//! A process that does the jobs of one built-in service: the journal, the write
//! side, the read models, the files, and an executor. All that Greffe consists
//! of but those who answer.

use std::sync::Arc;

use anyhow::Context;
use app::system::{id, now};
use artifacts::{Artifacts, Reference, Subject};
use commands::{Asked, Command, Commands};
use domain::{Actor, JobId, UserId, actor::Role, artifact::Sha256};
use journal::{Journal, postgres::PostgresJournal};
use projections::{
    Projection, Reader,
    checkpoint::Checkpoints,
    dispatch::{self, WaitingWorkers},
    feed::{Change, Feed},
    job_content::JobContent,
    job_list::JobList,
    job_statistics::JobStatistics,
    job_timeline::JobTimeline,
    land::Lands,
    page::Pages,
    projector::Projector,
    schema::{self, OtherVersion},
};
use sqlx::{PgPool, postgres::PgConnectOptions};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use workers::{Execute, Executor};

use crate::life;

/// Changes that are looked at together.
const BATCH: usize = 256;

pub(crate) struct Works {
    journal: Arc<PostgresJournal>,
    db: PgPool,
    commands: Commands,
    artifacts: Artifacts,
    feed: Arc<Feed>,
    /// Whose jobs and files all are.
    owner: UserId,
    parts: JoinSet<()>,
    stop: CancellationToken,
}

impl Works {
    /// On an empty database and an empty folder.
    pub(crate) async fn start(url: &str, folder: &str) -> anyhow::Result<Self> {
        let options: PgConnectOptions = url.parse()?;
        let db = PgPool::connect_with(schema::options(options.clone())).await?;
        sqlx::migrate!("../migrations").run(&db).await?;
        let settings = journal::postgres::Settings {
            search_path: Some(schema::search_path()),
            ..Default::default()
        };
        let folds = dispatch::inline_folds();
        let journal = Arc::new(PostgresJournal::connect_with(options, settings, folds).await?);
        let writes: Arc<dyn Journal> = Arc::clone(&journal) as _;
        schema::prepare(&db, Arc::clone(&writes), OtherVersion::Replace).await?;
        let commands =
            Commands::new(Arc::clone(&writes), life::services()?, Arc::new(now), Arc::new(id));
        Ok(Self {
            journal,
            commands,
            artifacts: Artifacts::connect(db.clone(), folder, artifacts::Settings::default())
                .await?,
            feed: Arc::new(Feed::new(writes)),
            db,
            owner: UserId(id()),
            parts: JoinSet::new(),
            stop: CancellationToken::new(),
        })
    }

    pub(crate) fn artifacts(&self) -> Artifacts {
        self.artifacts.clone()
    }

    pub(crate) fn feed(&self) -> Arc<Feed> {
        Arc::clone(&self.feed)
    }

    /// Lets it do its jobs, and keeps the read models in step meanwhile.
    pub(crate) fn work(&mut self, execute: impl Execute) {
        let waiting = Arc::new(WaitingWorkers::default());
        let executor = Executor {
            commands: self.commands.clone(),
            reader: Reader::new(self.db.clone()),
            feed: self.feed(),
            waiting: Arc::clone(&waiting),
            ids: Arc::new(id),
            execute: Arc::new(execute),
            slots: 1,
        };
        let (feed, stop) = (self.feed(), self.stop.clone());
        self.parts.spawn(async move { feed.run(stop).await });
        let (feed, stop) = (self.feed(), self.stop.clone());
        self.parts.spawn(async move { waiting.run(&feed, stop).await });
        self.parts.spawn(executor.run(self.stop.clone()));
        self.project::<JobList>();
        self.project::<JobContent>();
        self.project::<JobTimeline>();
        self.project::<Lands>();
        self.project::<Pages>();
        self.project::<JobStatistics>();
    }

    fn project<P: Projection>(&mut self) {
        let checkpoints = Checkpoints::new(self.db.clone());
        let projector = Projector::<P>::new(self.db.clone(), self.feed(), checkpoints, id());
        let stop = self.stop.clone();
        self.parts.spawn(async move { projector.run(stop).await });
    }

    /// Stores a file.
    pub(crate) async fn store(&self, name: &str, bytes: Vec<u8>) -> anyhow::Result<Sha256> {
        let stored = self.artifacts.put_bytes(bytes.into(), now()).await?;
        let reference = Reference {
            owner: self.owner.0,
            subject: Subject::Upload(id()),
            name: name.to_owned(),
            media_type: "application/octet-stream".to_owned(),
        };
        self.artifacts.refer(&stored.sha256, reference, now()).await?;
        Ok(Sha256::new(stored.sha256))
    }

    /// Has a job created, waits until it has ended, and gives its last change.
    pub(crate) async fn done(&self, job: JobId, create: Command) -> anyhow::Result<Change> {
        let owner = Actor::User { id: self.owner, role: Role::Member };
        let mut cursor = self.commands.execute(create, Asked::by(owner)).await?.position;
        let mut head = self.feed.head();
        loop {
            head.wait_for(|it| cursor < *it).await.context("the feed ended")?;
            let (changes, last) = self.feed.changes(cursor, BATCH).await?;
            cursor = last;
            let ended = |it: &Change| it.after.id == job && it.after.state.is_final();
            if let Some(change) = changes.into_iter().find(ended) {
                return Ok(change);
            }
        }
    }

    pub(crate) async fn stop(mut self) {
        self.stop.cancel();
        while self.parts.join_next().await.is_some() {}
        self.journal.close().await;
        self.db.close().await;
    }
}
