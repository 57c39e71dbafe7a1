//! What nothing refers to any more is removed, and what was never finished.
//!
//! A file goes in two steps. First its row goes from the index, unless
//! something refers to it or it came lately. Then the file goes, unless a row
//! came back: that is looked up under the lock under which a file is also put
//! in place and indexed, so that a put of the same content either finds its
//! file gone and puts it there, or keeps it. A crash between the two steps
//! leaves a file without a row, which the next sweep finds in the store.

use std::{fs, io, path::Path as FilePath};

use chrono::{DateTime, Utc};
use futures::StreamExt;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt, path::Path};
use sqlx::{PgConnection, Postgres, Transaction};

use crate::{ArtifactError, Artifacts, INCOMING, hash_at, location};

/// How many rows are locked at a time.
const BATCH: i64 = 100;

/// What a sweep removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Files that nothing referred to.
    pub files: u64,
    /// What was left of files that were never finished.
    pub unfinished: u64,
}

impl Artifacts {
    /// Removes what nothing has referred to for as long as the settings say. Any number of
    /// processes may do so at once.
    pub async fn sweep(&self, now: DateTime<Utc>) -> Result<Swept, ArtifactError> {
        let cutoff = now - self.grace;
        let mut swept = Swept::default();
        loop {
            let forgotten = self.forget(cutoff).await?;
            for sha256 in &forgotten {
                swept.files += u64::from(self.remove_unindexed(sha256).await?);
            }
            if forgotten.is_empty() {
                break;
            }
        }
        let mut listed = self.store.list(None);
        while let Some(object) = listed.next().await {
            // What goes while one looks at it is gone.
            let object = match object {
                Err(object_store::Error::NotFound { .. }) => continue,
                object => object?,
            };
            self.sweep_object(&object, cutoff, &mut swept).await?;
        }
        swept.unfinished += self.sweep_staged(cutoff).await?;
        metrics::counter!("greffe_artifacts_swept_total").increment(swept.files);
        Ok(swept)
    }

    /// Takes a batch of files out of the index. A reference that is about to be written holds its
    /// row, which is then passed over; one that comes later finds no row.
    async fn forget(&self, cutoff: DateTime<Utc>) -> Result<Vec<[u8; 32]>, ArtifactError> {
        let mut tx = postgres::begin(&self.db).await?;
        let candidates = sqlx::query_scalar!(
            "select sha256 from artifact a
             where stored_at < $1
                 and not exists (select from artifact_reference r where r.sha256 = a.sha256)
             order by stored_at limit $2 for update skip locked",
            cutoff,
            BATCH,
        )
        .fetch_all(&mut *tx)
        .await?;
        // Another statement, and so another look at the references.
        let gone = sqlx::query_scalar!(
            "delete from artifact a
             where sha256 = any($1)
                 and not exists (select from artifact_reference r where r.sha256 = a.sha256)
             returning sha256",
            &candidates,
        )
        .fetch_all(&mut *tx)
        .await?;
        tx.commit().await?;
        let hash = |it: Vec<u8>| {
            <[u8; 32]>::try_from(it).map_err(|_| ArtifactError::damaged("a hash has 32 bytes"))
        };
        gone.into_iter().map(hash).collect()
    }

    /// Removes the file, unless the index has it. Whether it was there.
    async fn remove_unindexed(&self, sha256: &[u8; 32]) -> Result<bool, ArtifactError> {
        let mut tx = postgres::begin(&self.db).await?;
        self.lock(&mut tx, sha256).await?;
        let is_indexed = sqlx::query_scalar!(
            r#"select exists (select from artifact where sha256 = $1) as "found!""#,
            sha256,
        )
        .fetch_one(&mut *tx)
        .await?;
        let removed = !is_indexed && self.remove(&location(sha256)).await?;
        tx.commit().await?;
        Ok(removed)
    }

    async fn sweep_object(
        &self,
        object: &ObjectMeta,
        cutoff: DateTime<Utc>,
        swept: &mut Swept,
    ) -> Result<(), ArtifactError> {
        if cutoff <= object.last_modified {
            return Ok(());
        }
        if object.location.prefix_matches(&Path::from(INCOMING)) {
            swept.unfinished += u64::from(self.remove(&object.location).await?);
        } else if let Some(sha256) = hash_at(&object.location)
            && self.length(&sha256).await?.is_none()
        {
            swept.files += u64::from(self.remove_unindexed(&sha256).await?);
        }
        Ok(())
    }

    /// A folder's files are written beside their name, where no listing shows them: what a killed
    /// process leaves there.
    async fn sweep_staged(&self, cutoff: DateTime<Utc>) -> Result<u64, ArtifactError> {
        let Some(folder) = self.folder.clone() else { return Ok(0) };
        let unavailable = |it: io::Error| ArtifactError::Unavailable(it.into());
        let swept = tokio::task::spawn_blocking(move || staged(&folder.join(INCOMING), cutoff));
        swept.await.map_err(ArtifactError::damaged)?.map_err(unavailable)
    }

    /// Whether there was anything to remove.
    async fn remove(&self, path: &Path) -> Result<bool, ArtifactError> {
        match self.store.delete(path).await {
            Ok(()) => Ok(true),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Held to the end of the transaction. Whoever puts the file in place or removes it has it.
    pub(crate) async fn lock(
        &self,
        tx: &mut Transaction<'_, Postgres>,
        sha256: &[u8; 32],
    ) -> Result<(), ArtifactError> {
        let connection: &mut PgConnection = tx;
        let (first, _) = sha256.split_first_chunk().expect("a hash has more than eight bytes");
        sqlx::query!("select pg_advisory_xact_lock($1)", i64::from_be_bytes(*first))
            .execute(connection)
            .await?;
        Ok(())
    }
}

/// Removes the files of a folder that were last written to before.
fn staged(folder: &FilePath, cutoff: DateTime<Utc>) -> io::Result<u64> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        entries => entries?,
    };
    let mut removed = 0;
    for entry in entries {
        match removed_if_old(&entry?, cutoff) {
            Ok(was_old) => removed += u64::from(was_old),
            // Finished meanwhile, or swept by somebody else.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(removed)
}

fn removed_if_old(entry: &fs::DirEntry, cutoff: DateTime<Utc>) -> io::Result<bool> {
    let metadata = entry.metadata()?;
    let is_old = metadata.is_file() && DateTime::<Utc>::from(metadata.modified()?) < cutoff;
    if is_old {
        fs::remove_file(entry.path())?;
    }
    Ok(is_old)
}
