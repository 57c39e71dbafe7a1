//! The Postgres that both sides run on, in turn, with the same settings.

use std::{
    env,
    path::{Path, PathBuf},
};

use anyhow::Context;
use postgres::{Server, Settings};
use sqlx::{AssertSqlSafe, Connection, PgConnection};

/// More than the callers of any figure.
const CONNECTIONS: i32 = 300;

pub(crate) struct Bench {
    server: Server,
}

impl Bench {
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let settings = Settings::new(target().join("bench-postgres"));
        let bench = Self { server: Server::start(&settings).await? };
        if CONNECTIONS <= bench.connections().await? {
            return Ok(bench);
        }
        bench.run("postgres", &format!("alter system set max_connections = {CONNECTIONS}")).await?;
        bench.stop().await?;
        Ok(Self { server: Server::start(&settings).await? })
    }

    pub(crate) fn folder(&self) -> &Path {
        self.server.folder()
    }

    /// A new database with nothing in it, and nothing left to do for the
    /// server.
    pub(crate) async fn database(&self, name: &str) -> anyhow::Result<String> {
        self.drop(name).await?;
        self.server.create_database_if_missing(name).await?;
        Ok(self.server.url(name))
    }

    pub(crate) async fn drop(&self, name: &str) -> anyhow::Result<()> {
        self.run("postgres", &format!("drop database if exists {name} with (force)")).await
    }

    /// Before each measurement, so that none pays for the one before.
    pub(crate) async fn settle(&self) -> anyhow::Result<()> {
        self.run("postgres", "checkpoint").await
    }

    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        self.server.stop().await.context("stop the Postgres of the benchmarks")
    }

    async fn connections(&self) -> anyhow::Result<i32> {
        let mut connection = PgConnection::connect(&self.server.url("postgres")).await?;
        let setting = "select current_setting('max_connections')::int";
        Ok(sqlx::query_scalar(setting).fetch_one(&mut connection).await?)
    }

    async fn run(&self, database: &str, statement: &str) -> anyhow::Result<()> {
        let mut connection = PgConnection::connect(&self.server.url(database)).await?;
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await?;
        Ok(connection.close().await?)
    }
}

/// Where everything that can be made again is kept.
pub(crate) fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../target")),
        PathBuf::from,
    )
}
