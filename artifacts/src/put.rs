//! How a file comes in: hashed while it is written under a name of its own,
//! then moved to where its hash says.
//!
//! It goes to the store at once and not to a file of ours first: a process in
//! front of a bucket needs no disk, and a folder's file is written once and
//! renamed. Small ones are written in one request, larger ones in parts.

use std::{io, pin::pin, sync::Arc};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::{Stream, StreamExt, stream};
use object_store::{ObjectStoreExt, PutPayload, buffered::BufWriter, path::Path};
use sha2::{Digest, Sha256};
use sqlx::PgConnection;
use tokio::io::AsyncWriteExt;

use crate::{ArtifactError, Artifacts, incoming, location};

/// How much of a file is held in memory on the way to a bucket, which takes no
/// smaller parts.
const BUFFER_BYTES: usize = 5 * 1024 * 1024;

/// And on the way to a folder.
const FOLDER_BUFFER_BYTES: usize = 512 * 1024;

/// How many parts are under way to the store at once.
const PARTS_MAX: usize = 2;

/// A file that is durable and indexed, and that nothing refers to yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stored {
    /// What is in it.
    pub sha256: [u8; 32],
    /// Its length.
    pub bytes: u64,
}

impl Artifacts {
    /// Stores what the stream brings, up to `bytes_max`. Whatever happens, nothing is left that
    /// somebody could read; and content that is here already is not stored twice.
    pub async fn put<S, E>(
        &self,
        content: S,
        bytes_max: u64,
        now: DateTime<Utc>,
    ) -> Result<Stored, ArtifactError>
    where
        S: Stream<Item = Result<Bytes, E>> + Send,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let path = incoming();
        let buffer = self.folder.as_ref().map_or(BUFFER_BYTES, |_| FOLDER_BUFFER_BYTES);
        let mut writer = BufWriter::with_capacity(Arc::clone(&self.store), path.clone(), buffer)
            .with_max_concurrency(PARTS_MAX);
        let stored = match self.written(&mut writer, content, bytes_max).await {
            Ok(stored) => stored,
            Err(error) => {
                if let Err(error) = writer.abort().await {
                    tracing::warn!(%error, %path, "a part of a file is left to the sweep");
                }
                return Err(error);
            }
        };
        // A writer that could not finish must not be aborted: it panics. Whatever it has left
        // goes with the sweep.
        writer.shutdown().await.map_err(|it| ArtifactError::Unavailable(it.into()))?;
        self.file(&path, stored, now).await?;
        metrics::counter!("greffe_artifacts_stored_total").increment(1);
        metrics::counter!("greffe_artifacts_stored_bytes_total").increment(stored.bytes);
        Ok(stored)
    }

    /// Stores bytes that are in memory already.
    pub async fn put_bytes(
        &self,
        content: Bytes,
        now: DateTime<Utc>,
    ) -> Result<Stored, ArtifactError> {
        let content = stream::iter([Ok::<_, io::Error>(content)]);
        self.put(content, u64::MAX, now).await
    }

    async fn written<S, E>(
        &self,
        writer: &mut BufWriter,
        content: S,
        bytes_max: u64,
    ) -> Result<Stored, ArtifactError>
    where
        S: Stream<Item = Result<Bytes, E>> + Send,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let mut content = pin!(content);
        let (mut hash, mut bytes) = (Sha256::new(), 0);
        while let Some(chunk) = content.next().await {
            let chunk = chunk.map_err(|it| ArtifactError::Interrupted(it.into()))?;
            bytes += chunk.len() as u64;
            if bytes_max < bytes {
                return Err(ArtifactError::TooLarge { bytes_max });
            }
            hash.update(&chunk);
            writer.put(chunk).await?;
        }
        Ok(Stored { sha256: hash.finalize().into(), bytes })
    }

    /// Moves a complete file to its place, and then writes it into the index. The lock keeps the
    /// sweep from removing the file between the two. A file that was there is replaced: should it
    /// have been damaged, it is mended.
    async fn file(
        &self,
        path: &Path,
        stored: Stored,
        now: DateTime<Utc>,
    ) -> Result<(), ArtifactError> {
        let mut tx = postgres::begin(&self.db).await?;
        self.lock(&mut tx, &stored.sha256).await?;
        self.store.rename(path, &location(&stored.sha256)).await?;
        self.index(&mut tx, stored, now).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Writes a file into the index that is in its place.
    pub(crate) async fn index(
        &self,
        tx: &mut PgConnection,
        stored: Stored,
        now: DateTime<Utc>,
    ) -> Result<(), ArtifactError> {
        let bytes = i64::try_from(stored.bytes).map_err(ArtifactError::damaged)?;
        sqlx::query!(
            "insert into artifact (sha256, bytes, stored_at) values ($1, $2, $3)
             on conflict (sha256) do update
             set stored_at = greatest(artifact.stored_at, excluded.stored_at)",
            &stored.sha256,
            bytes,
            now,
        )
        .execute(tx)
        .await?;
        Ok(())
    }

    /// Writes and removes a file, to see whether that can be done.
    pub(crate) async fn try_out(&self) -> Result<(), object_store::Error> {
        let path = incoming();
        self.store.put(&path, PutPayload::from_static(b"is this writable?")).await?;
        self.store.delete(&path).await
    }
}
