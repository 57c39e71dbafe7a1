//! A database with the journal's schema, and journals in it.

use std::sync::Arc;

use journal::postgres::{PostgresJournal, Settings, fold::InlineFold};
use sqlx::{AssertSqlSafe, Connection, PgConnection};

const SCHEMA: &str = include_str!("../../../migrations/0001_journal.sql");

pub struct World {
    database: postgres::testing::Database,
}

impl World {
    pub async fn new() -> Self {
        let key = format!("journal_{:016x}", fingerprint(SCHEMA));
        let database = postgres::testing::Database::create_filled(&key, async |url| {
            let mut connection = PgConnection::connect(url).await.unwrap();
            sqlx::raw_sql(SCHEMA).execute(&mut connection).await.unwrap();
            connection.close().await.unwrap();
        })
        .await;
        Self { database }
    }

    pub fn url(&self) -> &str {
        self.database.url()
    }

    pub async fn open(&self) -> PostgresJournal {
        self.open_with(Settings::default(), vec![]).await
    }

    /// As another process would.
    pub async fn open_with(
        &self,
        settings: Settings,
        folds: Vec<Arc<dyn InlineFold>>,
    ) -> PostgresJournal {
        PostgresJournal::connect(self.url(), settings, folds).await.unwrap()
    }

    pub async fn connect(&self) -> PgConnection {
        PgConnection::connect(self.url()).await.unwrap()
    }

    pub async fn execute(&self, sql: &str) {
        let mut connection = self.connect().await;
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    }

    pub async fn count(&self, sql: &str) -> i64 {
        let mut connection = self.connect().await;
        let count =
            sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        count
    }
}

/// FNV-1a: so that another schema gets another template.
fn fingerprint(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
