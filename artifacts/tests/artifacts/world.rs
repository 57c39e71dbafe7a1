//! A database with the index, a folder for the files, and `Artifacts` on both.

use std::{fs, io, path::PathBuf, time::Duration};

use artifacts::{ArtifactError, Artifacts, Reference, Settings, Stored, Subject};
use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use futures::{Stream, StreamExt, TryStreamExt, stream};
use postgres::testing::Database;
use sqlx::{PgPool, postgres::PgPoolOptions};
use tempfile::TempDir;
use uuid::Uuid;

/// Whoever nobody else is.
pub(crate) const ANN: Uuid = Uuid::from_u128(1);
pub(crate) const BOB: Uuid = Uuid::from_u128(2);

pub(crate) const HOUR: i64 = 3_600;

pub(crate) struct World {
    pub(crate) artifacts: Artifacts,
    pub(crate) db: PgPool,
    pub(crate) folder: TempDir,
    /// Dropped last: it takes the database with it.
    _database: Database,
}

impl World {
    pub(crate) async fn open() -> Self {
        let database = Database::create().await;
        let db = PgPoolOptions::new().max_connections(8).connect(database.url()).await.unwrap();
        let tables = include_str!("../../../migrations/0004_artifacts.sql");
        sqlx::raw_sql(tables).execute(&db).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().to_str().unwrap();
        let artifacts = Artifacts::connect(db.clone(), place, Settings::default()).await.unwrap();
        Self { artifacts, db, folder, _database: database }
    }

    pub(crate) async fn put(&self, content: &[u8], now: DateTime<Utc>) -> Stored {
        self.artifacts.put_bytes(Bytes::copy_from_slice(content), now).await.unwrap()
    }

    /// Kept for a job of Ann's.
    pub(crate) async fn refer(&self, stored: Stored) -> Subject {
        let subject = Subject::Job(Uuid::from_u128(77));
        self.artifacts.refer(&stored.sha256, reference(ANN, subject, "a.txt"), t(0)).await.unwrap();
        subject
    }

    /// All of the file, as a stream brings it.
    pub(crate) async fn content(&self, stored: Stored) -> Result<Vec<u8>, ArtifactError> {
        let opened = self.artifacts.open(&stored.sha256, None).await?;
        opened.content.map_ok(|it| it.to_vec()).try_concat().await
    }

    /// Every file that lies in the folder.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let mut files = Vec::new();
        let mut folders = vec![self.folder.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() { folders.push(path) } else { files.push(path) }
            }
        }
        files.sort();
        files
    }

    /// Where the file with this hash lies.
    pub(crate) fn path(&self, stored: Stored) -> PathBuf {
        let hex = hex::encode(stored.sha256);
        self.folder.path().join(&hex[..2]).join(&hex[2..4]).join(hex)
    }

    pub(crate) async fn count(&self, query: &'static str) -> i64 {
        sqlx::query_scalar(query).fetch_one(&self.db).await.unwrap()
    }

    /// Waits until so many connections wait for another's lock.
    pub(crate) async fn eventually_waiting(&self, expected: i64) {
        let counted = async {
            while self.count(WAITING_FOR_A_LOCK).await != expected {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let seen = tokio::time::timeout(Duration::from_secs(20), counted).await;
        assert!(seen.is_ok(), "never came to {expected} waiting");
    }
}

const WAITING_FOR_A_LOCK: &str = "
    select count(*) from pg_stat_activity
    where datname = current_database() and wait_event_type = 'Lock'";

pub(crate) fn reference(owner: Uuid, subject: Subject, name: &str) -> Reference {
    Reference { owner, subject, name: name.to_owned(), media_type: "text/plain".to_owned() }
}

/// The content in these chunks.
pub(crate) fn chunked(
    chunks: Vec<Vec<u8>>,
) -> impl Stream<Item = Result<Bytes, io::Error>> + Send + Unpin {
    stream::iter(chunks.into_iter().map(|it| Ok(Bytes::from(it)))).boxed()
}

/// An instant, that many seconds into the story. It is long ago, so that what the file system dates
/// by its own clock is young.
pub(crate) fn t(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000, 0).unwrap() + TimeDelta::seconds(seconds)
}
