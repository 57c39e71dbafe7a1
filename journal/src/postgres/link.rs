//! The connection that appends go through.

use std::time::{Duration, Instant};

use sqlx::{ConnectOptions, Connection, PgConnection, postgres::PgConnectOptions};
use tokio::time;

use crate::postgres::Settings;

const BACK_OFF_MIN: Duration = Duration::from_millis(20);
const BACK_OFF_MAX: Duration = Duration::from_secs(2);

/// A connection that is made when it is needed, and again when it is lost.
pub(super) struct Link {
    options: PgConnectOptions,
    timeout: Duration,
    connection: Option<PgConnection>,
    /// Since when the database has been out of reach.
    down: Option<Instant>,
    back_off: Duration,
}

impl Link {
    pub(super) fn new(options: PgConnectOptions, timeout: Duration) -> Self {
        Self { options, timeout, connection: None, down: None, back_off: BACK_OFF_MIN }
    }

    /// Whether the last attempt to reach the database failed.
    pub(super) fn is_down(&self) -> bool {
        self.down.is_some()
    }

    /// The connection, made if need be: one attempt, after a pause if the last
    /// one failed.
    pub(super) async fn get(&mut self) -> Result<&mut PgConnection, sqlx::Error> {
        if self.connection.is_none() {
            if self.is_down() {
                time::sleep(self.back_off).await;
                self.back_off = (self.back_off * 2).min(BACK_OFF_MAX);
            }
            match self.connect().await {
                Ok(connection) => self.up(connection),
                Err(error) => {
                    if self.down.is_none() {
                        tracing::warn!(%error, "the database is out of reach");
                        self.down = Some(Instant::now());
                    }
                    return Err(error);
                }
            }
        }
        self.connection.as_mut().ok_or(sqlx::Error::PoolClosed)
    }

    /// Forgets the connection, which is of no use any more.
    pub(super) fn lose(&mut self) {
        self.connection = None;
    }

    /// Says good-bye.
    pub(super) async fn close(self) {
        if let Some(connection) = self.connection
            && let Err(error) = connection.close().await
        {
            tracing::debug!(%error, "the connection broke while it was closed");
        }
    }

    fn up(&mut self, connection: PgConnection) {
        if let Some(since) = self.down.take() {
            let down_s = since.elapsed().as_secs_f64();
            tracing::info!(down_s, "the database is back");
        }
        self.back_off = BACK_OFF_MIN;
        self.connection = Some(connection);
    }

    async fn connect(&self) -> Result<PgConnection, sqlx::Error> {
        time::timeout(self.timeout, PgConnection::connect_with(&self.options))
            .await
            .unwrap_or_else(|late| Err(sqlx::Error::Io(late.into())))
    }
}

/// How the appender's connection differs from others.
pub(super) fn for_appends(options: &PgConnectOptions, settings: &Settings) -> PgConnectOptions {
    let milliseconds = |it: Duration| it.as_millis().to_string();
    options
        .clone()
        .application_name("greffe journal appender")
        .options([
            // Durable before it is acknowledged, whatever the database's default.
            ("synchronous_commit", "on".to_owned()),
            ("default_transaction_isolation", "read committed".to_owned()),
            // Compiling a statement of milliseconds takes many milliseconds;
            // planning it anew each time, half a lone append.
            ("jit", "off".to_owned()),
            ("plan_cache_mode", "force_generic_plan".to_owned()),
            ("lock_timeout", milliseconds(settings.lock_timeout)),
            (
                "idle_in_transaction_session_timeout",
                milliseconds(settings.idle_in_transaction_timeout),
            ),
        ])
        .disable_statement_logging()
}

/// Where all connections of the journal look for tables.
pub(super) fn with_search_path(options: PgConnectOptions, settings: &Settings) -> PgConnectOptions {
    match &settings.search_path {
        Some(path) => options.options([("search_path", path)]),
        None => options,
    }
}
