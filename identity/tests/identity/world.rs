//! A database with the identity tables, and an `Identity` on it.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use identity::{Admission, Identity, IdentityError, Refusal, Role, Settings, Tokens, User};
use postgres::testing::Database;
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;

use crate::memory::Memory;

pub(crate) const PASSWORD: &str = "correct horse battery";

/// How many connections to this database wait for another's lock.
pub(crate) const WAITING_FOR_A_LOCK: &str = "
    select count(*) from pg_stat_activity
    where datname = current_database() and wait_event_type = 'Lock'";

pub(crate) struct World {
    pub(crate) db: PgPool,
    pub(crate) identity: Identity,
    pub(crate) ledger: Arc<Memory>,
    /// Dropped last: it takes the database with it.
    _database: Database,
}

impl World {
    pub(crate) async fn open() -> Self {
        let (database, db) = empty().await;
        Self::with(database, db, Settings::default()).await
    }

    /// Where anybody may have an account.
    pub(crate) async fn open_to_all() -> Self {
        let (database, db) = empty().await;
        let settings = Settings { registration: Admission::Open, ..Settings::default() };
        Self::with(database, db, settings).await
    }

    async fn with(database: Database, db: PgPool, settings: Settings) -> Self {
        let ledger = Arc::new(Memory::default());
        let identity = connect(&db, settings, &ledger).await;
        Self { db, identity, ledger, _database: database }
    }

    /// As another process sees it: the same tables, another memory.
    pub(crate) async fn another_process(&self) -> Identity {
        connect(&self.db, Settings::default(), &self.ledger).await
    }

    pub(crate) async fn user(&self, email: &str, role: Role) -> User {
        self.identity.create_user(email, PASSWORD, role, t(0)).await.unwrap()
    }

    /// A member who has just signed in.
    pub(crate) async fn ada(&self) -> Tokens {
        self.user("ada@example.org", Role::Member).await;
        self.identity.sign_in("ada@example.org", PASSWORD, t(0)).await.unwrap()
    }

    pub(crate) async fn count(&self, query: &'static str) -> i64 {
        sqlx::query_scalar(query).fetch_one(&self.db).await.unwrap()
    }

    /// Waits until a query counts so many.
    pub(crate) async fn eventually(&self, query: &'static str, expected: i64) {
        let counted = async {
            while self.count(query).await != expected {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let seen = tokio::time::timeout(Duration::from_secs(20), counted).await;
        assert!(seen.is_ok(), "never came to {expected}: {query}");
    }
}

pub(crate) async fn connect(db: &PgPool, settings: Settings, ledger: &Arc<Memory>) -> Identity {
    Identity::connect(db.clone(), settings, Arc::clone(ledger) as _, t(0)).await.unwrap()
}

/// A database with the tables and nothing in them.
pub(crate) async fn empty() -> (Database, PgPool) {
    let database = Database::create().await;
    let db = PgPoolOptions::new().max_connections(5).connect(database.url()).await.unwrap();
    for sql in [
        include_str!("../../../migrations/0002_identity.sql"),
        include_str!("../../../migrations/0005_identity.sql"),
    ] {
        sqlx::raw_sql(sql).execute(&db).await.unwrap();
    }
    (database, db)
}

/// An instant, that many seconds into the story.
pub(crate) fn t(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap() + TimeDelta::seconds(seconds)
}

pub(crate) const MINUTE: i64 = 60;
pub(crate) const DAY: i64 = 24 * 60 * MINUTE;

/// The refusal that a call ended in; anything else fails the test.
#[track_caller]
pub(crate) fn refusal<T: std::fmt::Debug>(result: Result<T, IdentityError>) -> Refusal {
    match result {
        Err(IdentityError::Refused(refusal)) => refusal,
        other => panic!("not refused: {other:?}"),
    }
}
