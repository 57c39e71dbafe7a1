//! The database: the operator's, or the one that Greffe brings along.

use anyhow::{Context, bail};
use sqlx::{
    PgPool,
    migrate::MigrateError,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use crate::config;

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
    server: Option<postgres::Server>,
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
        let options: PgConnectOptions = url.parse().context("cannot read --database-url")?;
        let pool = PgPoolOptions::new()
            .max_connections(CONNECTIONS_MAX)
            .connect_with(projections::schema::options(options.clone()))
            .await
            .context("cannot connect to the database")?;
        migrate(&pool).await?;
        Ok(Self { options, pool, server })
    }

    /// Lets go of it. Greffe's own server stops, unless another process uses
    /// it.
    pub async fn close(self) -> anyhow::Result<()> {
        self.pool.close().await;
        match self.server {
            Some(server) => server.stop().await.context("cannot stop the database"),
            None => Ok(()),
        }
    }
}

/// Greffe's own server, with its database.
async fn start(config: &config::Database) -> anyhow::Result<postgres::Server> {
    let settings = postgres::Settings::new(&config.data_dir);
    let server = postgres::Server::start(&settings).await.context("cannot start the database")?;
    server.create_database_if_missing(NAME).await.context("cannot make the database")?;
    Ok(server)
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
