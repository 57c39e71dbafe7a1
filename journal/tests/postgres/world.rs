//! A database with the journal's schema, and journals in it.

use std::{sync::Arc, time::Duration};

use journal::postgres::{PostgresJournal, Settings, fold::InlineFold};
use sqlx::{AssertSqlSafe, Connection, PgConnection};

const SCHEMA: &str = include_str!("../../../migrations/0001_journal.sql");

pub(crate) struct World {
    database: postgres::testing::Database,
}

impl World {
    pub(crate) async fn new() -> Self {
        let key = format!("journal_{:016x}", fingerprint(SCHEMA));
        let database = postgres::testing::Database::create_filled(&key, async |url| {
            let mut connection = PgConnection::connect(url).await.expect("the database answers");
            sqlx::raw_sql(SCHEMA).execute(&mut connection).await.expect("the statement runs");
            connection.close().await.expect("the connection can be closed");
        })
        .await;
        Self { database }
    }

    pub(crate) fn url(&self) -> &str {
        self.database.url()
    }

    pub(crate) async fn open(&self) -> PostgresJournal {
        self.open_with(Settings::default(), vec![]).await
    }

    /// As another process would.
    pub(crate) async fn open_with(
        &self,
        settings: Settings,
        folds: Vec<Arc<dyn InlineFold>>,
    ) -> PostgresJournal {
        PostgresJournal::connect(self.url(), settings, folds).await.expect("the journal opens")
    }

    pub(crate) async fn connect(&self) -> PgConnection {
        PgConnection::connect(self.url()).await.expect("the database answers")
    }

    pub(crate) async fn execute(&self, sql: &str) {
        let mut connection = self.connect().await;
        sqlx::raw_sql(AssertSqlSafe(sql))
            .execute(&mut connection)
            .await
            .expect("the statement runs");
        connection.close().await.expect("the connection can be closed");
    }

    /// How many sessions of this database wait for a lock.
    pub(crate) async fn waiting_for_locks(&self) -> i64 {
        self.count(
            "select count(*) from pg_stat_activity
             where datname = current_database() and wait_event_type = 'Lock'",
        )
        .await
    }

    pub(crate) async fn count(&self, sql: &str) -> i64 {
        let mut connection = self.connect().await;
        let count = sqlx::query_scalar(AssertSqlSafe(sql))
            .fetch_one(&mut connection)
            .await
            .expect("the question can be answered");
        connection.close().await.expect("the connection can be closed");
        count
    }
}

/// Comes back when the condition holds. Fails when that takes too long.
pub(crate) async fn eventually(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let mut ticks = tokio::time::interval(Duration::from_millis(5));
    let holds = async {
        while !condition().await {
            ticks.tick().await;
        }
    };
    tokio::time::timeout(PATIENCE, holds).await.unwrap_or_else(|_| panic!("never: {what}"));
}

/// Long enough for the slowest machine, and never waited for in full.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// FNV-1a: so that another schema gets another template.
fn fingerprint(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
