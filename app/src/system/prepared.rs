//! What the parts of a system are made of. Whatever can go wrong goes wrong here,
//! before anything is served.

use std::{net::SocketAddr, sync::Arc};

use anyhow::Context;
use api::accounts::{Post, Recording};
use artifacts::Artifacts;
use commands::{Commands, Services};
use identity::Identity;
use journal::{Journal, postgres::PostgresJournal};
use projections::{
    feed::Feed,
    schema::{self, OtherVersion},
};

use super::{id, now, open_journal};
use crate::{
    built_in::{self, Executors},
    config::{self, Part, Serve},
    database::Database,
    people,
};

/// What the parts are made of.
pub(super) struct Prepared {
    pub(super) post: Post,
    pub(super) artifacts: Artifacts,
    pub(super) journal: Arc<PostgresJournal>,
    pub(super) feed: Arc<Feed>,
    pub(super) commands: Commands,
    pub(super) identity: Identity,
    pub(super) executors: Executors,
}

impl Prepared {
    pub(super) async fn on(
        database: &Database,
        config: &Serve,
        services: Services,
        address: SocketAddr,
    ) -> anyhow::Result<Self> {
        let post = people::post(config, address)?;
        let artifacts = open_artifacts(config, database).await?;
        let journal = Arc::new(open_journal(database).await?);
        schema::prepare(&database.pool, Arc::clone(&journal) as _, OtherVersion::ReplaceOlder)
            .await
            .context("cannot make the read models")?;
        let writes: Arc<dyn Journal> = Arc::clone(&journal) as _;
        let feed = Arc::new(Feed::new(Arc::clone(&writes)));
        let commands = Commands::new(writes, services, Arc::new(now), Arc::new(id))
            .with_crawl_pages_max(config.built_in.crawl_pages_max);
        let recording = Recording { commands: commands.clone(), feed: Arc::clone(&feed) };
        let registration = config.people.registration.into();
        let settings = identity::Settings { registration, ..Default::default() };
        let identity = people::open(&database.pool, recording, settings).await?;
        people::ensure_first_admin(config, &identity).await?;
        let executors = if config.roles.contains(&Part::Worker) {
            built_in::executors(&config.built_in, &artifacts, &feed)?
        } else {
            Vec::new()
        };
        Ok(Self { post, artifacts, journal, feed, commands, identity, executors })
    }
}

/// The files, in a place that can be written to.
async fn open_artifacts(config: &Serve, database: &Database) -> anyhow::Result<Artifacts> {
    let settings = artifacts::Settings { options: config::bucket_options(), ..Default::default() };
    Artifacts::connect(database.pool.clone(), &config.artifacts(), settings)
        .await
        .context("cannot keep files")
}
