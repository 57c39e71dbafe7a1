//! The database: the operator's, or the one that Greffe brings along.

use std::time::Duration;

use anyhow::{Context, bail};
use sqlx::{
    PgPool,
    migrate::MigrateError,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio::{task::JoinSet, time::timeout};
use tokio_util::sync::CancellationToken;

use crate::config;

/// How long it may take to let go of the connections.
const PATIENCE: Duration = Duration::from_secs(10);

/// The database of Greffe's own server.
const NAME: &str = "greffe";

/// How many connections the read side keeps at most.
const CONNECTIONS_MAX: u32 = 20;

/// A database that is there, durable, and of this version.
#[derive(Debug)]
pub struct Database {
    /// How to connect to it. Holds a password: not for logs.
    pub options: PgConnectOptions,
    /// Connections that see the tables of this version's projections.
    pub pool: PgPool,
    own: Option<Own>,
}

/// Greffe's own server, which somebody looks after.
#[derive(Debug)]
struct Own {
    guard: JoinSet<anyhow::Result<()>>,
    stop: CancellationToken,
}

impl Database {
    /// Connects, and brings the schema up to this version.
    pub async fn open(config: &config::Database) -> anyhow::Result<Self> {
        let (url, server) = if let Some(url) = &config.database_url {
            postgres::check_durability(url).await.context("cannot use --database-url")?;
            (url.clone(), None)
        } else {
            let server = start(config).await?;
            (server.url(NAME), Some(server))
        };
        let connected = async {
            let options: PgConnectOptions = url.parse().context("cannot read --database-url")?;
            let pool = PgPoolOptions::new()
                .max_connections(CONNECTIONS_MAX)
                .connect_with(projections::schema::options(options.clone()))
                .await
                .context("cannot connect to the database")?;
            match migrate(&pool).await {
                Ok(()) => Ok((options, pool)),
                Err(error) => {
                    pool.close().await;
                    Err(error)
                }
            }
        };
        match (connected.await, server) {
            (Ok((options, pool)), server) => Ok(Self { options, pool, own: server.map(Own::new) }),
            (Err(error), Some(server)) => Err(stop_after(error, server).await),
            (Err(error), None) => Err(error),
        }
    }

    /// Returns when Greffe's own server has ended for good. Whether somebody
    /// else's answers is theirs to see to: it is asked again and again.
    pub async fn failed(&mut self) -> anyhow::Error {
        match &mut self.own {
            Some(own) => match own.guard.join_next().await {
                Some(Ok(Err(error))) => error,
                Some(Err(panic)) => anyhow::Error::new(panic).context("nobody guards the database"),
                Some(Ok(Ok(()))) | None => anyhow::anyhow!("the database was stopped"),
            },
            None => std::future::pending().await,
        }
    }

    /// Lets go of it. Greffe's own server stops, unless another process uses
    /// it.
    pub async fn close(self) -> anyhow::Result<()> {
        // What is given back is asked first whether it still answers.
        if timeout(PATIENCE, self.pool.close()).await.is_err() {
            tracing::warn!("the database does not answer: its connections are left");
        }
        match self.own {
            Some(own) => own.stop().await,
            None => Ok(()),
        }
    }

    /// Lets go of it when the start went wrong, which is what is told.
    pub(crate) async fn close_after(self, error: anyhow::Error) -> anyhow::Error {
        if let Err(also) = self.close().await {
            tracing::warn!(error = %format_args!("{also:#}"), "the database is left as it is");
        }
        error
    }
}

impl Own {
    fn new(server: postgres::Server) -> Self {
        let (mut guard, stop) = (JoinSet::new(), CancellationToken::new());
        guard.spawn(keep(server, stop.clone()));
        Self { guard, stop }
    }

    async fn stop(mut self) -> anyhow::Result<()> {
        self.stop.cancel();
        match self.guard.join_next().await {
            Some(ended) => ended.context("nobody guards the database")?,
            // It has failed before, and was told of then.
            None => Ok(()),
        }
    }
}

/// Starts the server again whenever it ends by itself, until `stop`; stops it
/// then. All that was acknowledged is there again, and everybody finds it where
/// it was.
async fn keep(mut server: postgres::Server, stop: CancellationToken) -> anyhow::Result<()> {
    loop {
        tokio::select! {
            () = stop.cancelled() => {
                return server.stop().await.context("cannot stop the database");
            }
            () = server.ended() => {}
        }
        tracing::error!("the database server has ended by itself, and is started again");
        metrics::counter!("greffe_database_restarts_total").increment(1);
        server.revive().await.context("the database server has ended, and does not start again")?;
    }
}

/// Greffe's own server, with its database.
async fn start(config: &config::Database) -> anyhow::Result<postgres::Server> {
    let settings = postgres::Settings::new(&config.data_dir);
    let server = postgres::Server::start(&settings).await.context("cannot start the database")?;
    match server.create_database_if_missing(NAME).await.context("cannot make the database") {
        Ok(()) => Ok(server),
        Err(error) => Err(stop_after(error, server).await),
    }
}

/// Stops the server that nobody will use: the start went wrong, which is what
/// is told.
async fn stop_after(error: anyhow::Error, server: postgres::Server) -> anyhow::Error {
    if let Err(also) = server.stop().await {
        tracing::warn!(error = %also, "the database server goes on");
    }
    error
}

async fn migrate(pool: &PgPool) -> anyhow::Result<()> {
    match sqlx::migrate!("../migrations").run(pool).await {
        Ok(()) => Ok(()),
        Err(MigrateError::VersionMissing(version)) => {
            bail!(
                "the database is of a newer greffe: it has migration {version}, which this one lacks"
            )
        }
        Err(error) => Err(error).context("cannot migrate the database"),
    }
}
